package config

import (
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/policy"
)

// setKind says how the names and values of a set are checked.
type setKind struct {
	what    string // what one name is called: "meta-attribute"
	known   map[string]valueKind
	integer bool      // values are whole numbers
	secrets bool      // values may be secret
	owner   string    // the object whose argument is masked
	scope   ruleScope // what its rules may ask about
}

var (
	setAny     = setKind{what: "attribute", scope: inNodeSet}
	setInteger = setKind{what: "capacity", integer: true, scope: inNodeSet}
	setMeta    = setKind{what: "meta-attribute", known: metaKinds, scope: inResourceSet}
	setParams  = setKind{what: "parameter", secrets: true, scope: inResourceSet}

	setOptions          = setKind{what: "cluster option", known: optionKinds, scope: inOptions}
	setResourceDefaults = setKind{what: "meta-attribute", known: metaKinds, scope: inResourceDefaults}
	setOpDefaults       = setKind{what: "attribute of operations", known: opKinds, scope: inOpDefaults}
	setOpParams         = setKind{what: "parameter", secrets: true, scope: inOpSet}
	setOpMeta           = setKind{what: "attribute of operations", known: opKinds, scope: inOpSet}
)

// of is the kind for the sets of one object, whose secrets it masks.
func (k setKind) of(owner string) setKind {
	k.owner = owner
	return k
}

// nvsets reads all sub-blocks of one type, each a set of names and values.
func (d *decoder) nvsets(b *block, typ, base string, kind setKind) []policy.NVSet {
	var sets []policy.NVSet
	for i, s := range b.blocks(typ) {
		s.labels()
		sets = append(sets, d.nvset(s, numbered(base, i), kind))
	}
	return sets
}

// numbered makes the ids of several sets differ: base, base-2, base-3.
func numbered(base string, i int) string {
	if i == 0 {
		return base
	}
	return base + "-" + strconv.Itoa(i+1)
}

// nvset reads one set: id, id-ref, score, rule and nvpair are its own, and
// every other argument is a name with its value.
func (d *decoder) nvset(b *block, id string, kind setKind) policy.NVSet {
	set := policy.NVSet{ID: id, Pos: posOf(b.head())}
	if s := b.text("id"); s != "" {
		set.ID = s
	}
	set.IDRef = b.text("id-ref")
	set.Score = b.score("score")
	set.Rules = d.rules(b, set.ID, kind.scope)
	set.Pairs = d.mixedPairs(b, set.ID, kind)
	b.done()
	if set.IDRef != "" {
		set.ID = ""
	}
	return set
}

// mixedPairs reads arguments and nvpair blocks as names and values, in the order
// written.
func (d *decoder) mixedPairs(b *block, setID string, kind setKind) []policy.Pair {
	long := b.blocks("nvpair")
	attrs := b.takeRest()
	var out []policy.Pair
	for _, p := range long {
		at := p.TypeRange.Start.Byte
		i := slices.IndexFunc(attrs, func(a *hclsyntax.Attribute) bool { return a.SrcRange.Start.Byte > at })
		if i < 0 {
			i = len(attrs)
		}
		out = append(out, d.pairs(b, attrs[:i], setID, kind)...)
		out = append(out, d.nvpair(p, setID, kind))
		attrs = attrs[i:]
	}
	return append(out, d.pairs(b, attrs, setID, kind)...)
}

// pairs reads arguments as names and values.
func (d *decoder) pairs(b *block, attrs []*hclsyntax.Attribute, setID string, kind setKind) []policy.Pair {
	var out []policy.Pair
	for _, a := range attrs {
		if p, ok := d.pair(b, a, setID, kind); ok {
			out = append(out, p)
		}
	}
	return out
}

func (d *decoder) pair(b *block, a *hclsyntax.Attribute, setID string, kind setKind) (policy.Pair, bool) {
	p := policy.Pair{ID: setID + "-" + a.Name, Name: a.Name, Pos: posOf(a.NameRange)}
	s, ok := d.scalar(a.Expr, b.ctx)
	if !ok || s.null {
		return p, false
	}
	p.Value = s.text
	d.checkPair(s, a.Name, kind)
	return p, true
}

// nvpair reads the long form: a reference to a pair, a pair without a value, a
// name that is no word of the language, or a name twice.
func (d *decoder) nvpair(b *block, setID string, kind setKind) policy.Pair {
	b.labels()
	p := policy.Pair{ID: b.text("id"), IDRef: b.text("id-ref"), Name: b.text("name"), Pos: posOf(b.head())}
	if p.ID == "" && p.IDRef == "" {
		p.ID = setID + "-" + p.Name
	}
	a := b.attr("value")
	p.NoValue = a == nil
	if a != nil {
		if s, ok := d.scalar(a.Expr, b.ctx); ok {
			p.Value = s.text
			d.checkPair(s, p.Name, kind)
		}
	}
	if p.Name == "" && p.IDRef == "" {
		d.errorf(b.head(), "Missing argument", "an nvpair needs name or id-ref")
	}
	b.done()
	return p
}

// checkPair checks a value by its name and remembers whether to mask it.
func (d *decoder) checkPair(s scalar, name string, kind setKind) {
	switch {
	case s.masked && !kind.secrets:
		d.errorf(s.rng, "Secret in the open", "only parameters may be secret; a %s is shown in plans and in the history", kind.what)
		return
	case s.masked:
		d.masked[maskKey(kind.owner, "params."+name)] = true
		return
	case kind.integer:
		d.checkKind(s, name, isInteger)
	case kind.known != nil:
		d.checkKnown(s, name, kind.what, kind.known)
	}
}

// options reads cluster options.
func (d *decoder) options(b instance) {
	id := numbered("options", len(d.out.Policy.Options))
	d.out.Policy.Options = append(d.out.Policy.Options,
		d.nvset(b.block, id, setOptions))
}

// defaults reads the defaults of resources or of operations.
func (d *decoder) defaults(b instance) {
	p := d.out.Policy
	switch b.label(0) {
	case "resource":
		p.ResourceDefaults = append(p.ResourceDefaults, d.nvset(b.block, numbered("defaults-resource", len(p.ResourceDefaults)), setResourceDefaults))
	case "op":
		p.OpDefaults = append(p.OpDefaults, d.nvset(b.block, numbered("defaults-op", len(p.OpDefaults)), setOpDefaults))
	default:
		d.errorf(b.LabelRanges[0], "Wrong label", "there are defaults for \"resource\" and for \"op\", not for %q", b.label(0))
	}
}
