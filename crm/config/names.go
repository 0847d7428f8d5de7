package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// entry is one name of the one namespace.
type entry struct {
	name  string
	kind  string // "resource", "group", "clone", "bundle", "fence", "template", "tag", "location" …
	means string // the object that a reference to the name stands for: the clone around it, or itself
	rng   hcl.Range
}

// namespace holds all names. Nodes have a namespace of their own: they are
// machines, not objects of the configuration.
type namespace struct {
	entries map[string]entry
	order   []string
	nodes   map[string]hcl.Range
	repeats map[string][]string // NAME with for_each -> NAME-a, NAME-b
}

// reserved words begin values, so no object can have such a name.
var reserved = []string{"var", "local", "each", infinity}

// validName says whether a text can be the name of an object: letters, digits,
// "_", "-" and ".", the first one a letter or "_".
func validName(s string) bool {
	if s == "" || len(s) > maxIdentifier {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		other := c >= '0' && c <= '9' || c == '-' || c == '.'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return true
}

// validNode says whether a text can be the name of a node: as a host name.
func validNode(s string) bool { return validName("x"+s) && !strings.HasPrefix(s, "-") && s != "" }

// declare adds a name, or reports that it is taken or unfit.
func (d *decoder) declare(name, kind, means string, rng hcl.Range) bool {
	if !validName(name) || slices.Contains(reserved, name) {
		d.errorf(rng, "Wrong name", "%q cannot be a name; use letters, digits, _ - and ., and begin with a letter", name)
		return false
	}
	if old, ok := d.names.entries[name]; ok {
		d.duplicate(rng, name, old.rng)
		return false
	}
	if len(d.names.entries) >= maxObjects {
		d.errorf(rng, "Too many objects", "a configuration has at most %d names", maxObjects)
		return false
	}
	d.names.entries[name] = entry{name: name, kind: kind, means: means, rng: rng}
	d.names.order = append(d.names.order, name)
	return true
}

func (d *decoder) duplicate(rng hcl.Range, name string, first hcl.Range) {
	d.errorf(rng, "Duplicate name", "%q is already defined at %s:%d,%d-%d",
		name, first.Filename, first.Start.Line, first.Start.Column, first.End.Column)
}

// target is a reference that was looked up.
type target struct {
	entry
	role   string // pg.Promoted
	action string // pg.promote
	text   string // the name as written
	rng    hcl.Range

	literal bool // taken as it stands
}

// actions are the words that may follow the name of a resource in an order.
var actions = []string{"start", "stop", "promote", "demote"}

// what a reference may stand for.
var (
	resourceKinds = []string{"resource", "group", "clone", "bundle", "fence"}
	placeable     = append(slices.Clone(resourceKinds), "tag", "template")
	taggable      = append([]string{"location", "colocation", "order", "ticket"}, placeable...)
)

// resolve reads a reference: a bare name, or a quoted or computed one; with a
// role or an action behind a dot. It reports what cannot be found.
func (d *decoder) resolve(e hcl.Expression, ctx *hcl.EvalContext, kinds []string, what string) (target, bool) {
	ref, ok := d.reference(e, ctx)
	if !ok {
		return target{}, false
	}
	text, rng := ref.text, ref.rng
	if ref.literal {
		return d.literalTarget(ref, what), true
	}
	if found, ok := d.names.entries[text]; ok {
		return d.fitting(target{entry: found, text: text, rng: rng}, kinds, what)
	}
	if dot := strings.LastIndexByte(text, '.'); dot > 0 {
		name, word := text[:dot], text[dot+1:]
		if found, ok := d.names.entries[name]; ok {
			t := target{entry: found, text: name, rng: rng}
			switch {
			case roles[word] != "":
				t.role = roles[word]
			case slices.Contains(actions, word):
				t.action = word
			default:
				d.errorf(rng, "Unknown role or action", "%q has no %q.%s", name, word, orKnown(word, append(slices.Clone(roleWords), actions...)))
				return target{}, false
			}
			return d.fitting(t, kinds, what)
		}
		text = name
	}
	d.unknownName(rng, text, kinds, what)
	return target{}, false
}

// literalTarget is the very object of a name, inside a clone or not, or none.
func (d *decoder) literalTarget(ref scalar, what string) target {
	if _, ok := d.names.entries[ref.text]; !ok && !d.partial {
		d.warnf(ref.rng, "Unknown "+what, "there is no %s named %q; what refers to it has no effect as long as that is so", what, ref.text)
	}
	return target{entry: entry{name: ref.text, kind: "literal", means: ref.text}, text: ref.text, rng: ref.rng, literal: true}
}

// fitting checks that what was found may stand here.
func (d *decoder) fitting(t target, kinds []string, what string) (target, bool) {
	if !slices.Contains(kinds, t.kind) {
		d.errorf(t.rng, "Wrong reference", "%q is %s; a %s is needed here", t.text, article(t.kind), what)
		return target{}, false
	}
	return t, true
}

// unknownName reports a name that nothing has, with the nearest that fits.
func (d *decoder) unknownName(rng hcl.Range, name string, kinds []string, what string) {
	if many := d.names.repeats[name]; len(many) > 0 {
		d.errorf(rng, "Several objects", "%q has for_each and makes %s; name the one that is meant", name, listed(many))
		return
	}
	if d.partial {
		return // it may stand in the document that could not be read
	}
	var known []string
	for _, n := range d.names.order {
		if slices.Contains(kinds, d.names.entries[n].kind) {
			known = append(known, n)
		}
	}
	d.errorf(rng, "Unknown "+what, "there is no %s named %q.%s", what, name, didYouMean(name, known))
}

// reference is the text of a reference expression.
func (d *decoder) reference(e hcl.Expression, ctx *hcl.EvalContext) (scalar, bool) {
	rng := e.Range()
	if !computed(e, ctx) {
		t, _ := hcl.AbsTraversalForExpr(e)
		return scalar{text: traversalText(t), rng: rng}, true
	}
	if bin, ok := e.(*hclsyntax.BinaryOpExpr); ok {
		d.errorf(bin.Range(), "Wrong name", "a name that is no plain word stands in quotes")
		return scalar{}, false
	}
	s, ok := d.scalar(e, ctx)
	if ok && (s.null || s.text == "" || s.masked) {
		d.errorf(rng, "Missing name", "a name is needed here")
		ok = false
	}
	return s, ok
}

// plain resolves a reference that takes neither role nor action and gives the
// object that it means.
func (d *decoder) plain(e hcl.Expression, ctx *hcl.EvalContext, kinds []string, what string) (string, bool) {
	t, ok := d.resolve(e, ctx, kinds, what)
	if ok && (t.role != "" || t.action != "") {
		d.errorf(t.rng, "Wrong reference", "only a name is needed here: %s", t.text)
		return "", false
	}
	return t.means, ok
}

// node resolves the name of a node. Without any known node it takes any name.
func (d *decoder) node(e hcl.Expression, ctx *hcl.EvalContext) (string, bool) {
	ref, ok := d.reference(e, ctx)
	if !ok {
		return "", false
	}
	return ref.text, d.checkNode(ref)
}

func (d *decoder) checkNode(ref scalar) bool {
	name, rng := ref.text, ref.rng
	if _, ok := d.names.nodes[name]; ok || len(d.names.nodes) == 0 || d.partial {
		return true
	}
	if ref.literal {
		d.warnf(rng, "Unknown node", "there is no node named %q; what refers to it has no effect as long as that is so", name)
		return true
	}
	var known []string
	for n := range d.names.nodes {
		known = append(known, n)
	}
	d.errorf(rng, "Unknown node", "there is no node named %q.%s", name, orKnown(name, known))
	return false
}

// nodes reads a list of nodes.
func (b *block) nodes(name string) []string {
	a := b.attr(name)
	if a == nil {
		return nil
	}
	var out []string
	for _, e := range b.d.elements(a.Expr, b.ctx) {
		if n, ok := b.d.node(e, b.ctx); ok {
			if slices.Contains(out, n) {
				b.d.errorf(e.Range(), "Duplicate node", "%q is listed twice", n)
				continue
			}
			out = append(out, n)
		}
	}
	return out
}

// members reads a list of references.
func (b *block) members(name string, kinds []string, what string) []string {
	a := b.attr(name)
	if a == nil {
		b.d.errorf(b.head(), "Missing argument", "%s needs %s = [name, …]", article(b.Type), name)
		return nil
	}
	var out []string
	for _, e := range b.d.elements(a.Expr, b.ctx) {
		if id, ok := b.d.plain(e, b.ctx, kinds, what); ok {
			out = append(out, id)
		}
	}
	return out
}

func newNamespace(known []string) namespace {
	n := namespace{entries: map[string]entry{}, nodes: map[string]hcl.Range{}, repeats: map[string][]string{}}
	for _, name := range known {
		n.nodes[name] = hcl.Range{}
	}
	return n
}
