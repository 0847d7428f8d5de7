package config

import (
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/holdfast-ha/holdfast/policy"
)

// operations reads the op blocks of a resource.
func (d *decoder) operations(b *block, owner string) policy.Operations {
	var out policy.Operations
	if o := b.one("operations"); o != nil {
		out.ID, out.IDRef = o.text("id"), o.text("id-ref")
		o.done()
	}
	type key struct {
		name     string
		interval time.Duration
	}
	seen := map[key]hcl.Range{}
	for _, o := range b.blocks("op") {
		op, interval, ok := d.operation(o, owner)
		if !ok {
			continue
		}
		k := key{op.Name, interval}
		if first, ok := seen[k]; ok {
			if o.Body.Attributes["id"] != nil { // who names it means it
				d.warnf(o.head(), "Duplicate operation", "%q with this interval is already there in line %d; one of the two is ignored", op.Name, first.Start.Line)
				out.List = append(out.List, op)
				continue
			}
			hint := "give them different intervals, for example 10s and 11s"
			if interval == 0 {
				hint = "join them into one"
			}
			d.errorf(o.head(), "Duplicate operation", "%q with this interval is already there in line %d; %s", op.Name, first.Start.Line, hint)
			continue
		}
		seen[k] = o.head()
		out.List = append(out.List, op)
	}
	return out
}

// operation reads one op block.
func (d *decoder) operation(b *block, owner string) (policy.Op, time.Duration, bool) {
	if !b.labels("NAME") {
		return policy.Op{}, 0, false
	}
	name, literal := strings.CutPrefix(b.label(0), literalPrefix)
	op := policy.Op{Name: name, Pos: posOf(b.head())}
	if !slices.Contains(opNames, op.Name) {
		d.unfit(scalar{literal: literal}, b.LabelRanges[0], "Unknown operation", "there is no operation %q.%s", op.Name, orKnown(op.Name, opNames))
	}
	id := b.text("id")
	op.IDRef = b.text("id-ref")
	every, hasInterval := b.scalarOf("interval")
	var interval time.Duration
	if hasInterval && every.text != "" {
		interval = d.checkDuration(every, "interval", true)
	}
	op.Interval = every.text
	d.checkInterval(b, op, every)
	op.ID = id
	if id == "" && op.IDRef == "" {
		op.ID = opID(owner, op)
	}
	op.Attributes = d.opAttributes(b, op)
	base := op.ID + op.IDRef
	op.Params = d.nvsets(b, "params", base+"-params", setOpParams.of(owner))
	op.Meta = d.nvsets(b, "meta", base+"-meta", setOpMeta)
	b.done()
	return op, interval, true
}

// opID names an operation by what tells it from its siblings.
func opID(owner string, op policy.Op) string {
	if op.Interval == "" {
		return owner + "-" + op.Name
	}
	return owner + "-" + op.Name + "-" + strings.ReplaceAll(op.Interval, " ", "")
}

// checkInterval sees that a monitor repeats and that nothing else does.
func (d *decoder) checkInterval(b *block, op policy.Op, every scalar) {
	interval, _ := parseDuration(op.Interval)
	switch {
	case op.Name == "monitor" && op.Interval == "" && op.IDRef == "" && b.Body.Attributes["interval"] == nil:
		d.errorf(b.head(), "Missing interval", "a monitor needs an interval, for example interval = \"10s\"")
	case op.Name != "monitor" && interval > 0:
		d.unfit(every, b.Body.Attributes["interval"].NameRange, "Wrong interval", "only a monitor repeats; a %s runs when it is due", op.Name)
	}
}

// opAttributes reads timeout, on-fail, role and so on.
func (d *decoder) opAttributes(b *block, op policy.Op) []policy.Pair {
	var out []policy.Pair
	for _, a := range b.rest() {
		kind, ok := opKinds[a.Name]
		if !ok {
			if a.Name == "OCF_CHECK_LEVEL" {
				b.attr(a.Name)
				d.errorf(a.NameRange, "Unknown argument", "OCF_CHECK_LEVEL is a parameter of the agent: write params { OCF_CHECK_LEVEL = … }")
			}
			continue // done reports it
		}
		s, ok := b.scalarOf(a.Name)
		if !ok {
			continue
		}
		d.checkKind(s, a.Name, kind)
		value := s.text
		if a.Name == "role" {
			if role, ok := roleNamed(value); ok {
				value = role
			}
		}
		if a.Name == "on-fail" {
			d.checkOnFail(s, op)
		}
		out = append(out, policy.Pair{Name: a.Name, Value: value, Pos: posOf(a.NameRange)})
	}
	for name := range opKinds {
		b.asked = append(b.asked, name) // for suggestions
	}
	// An nvpair is the form of attributes that nobody knows.
	for _, p := range b.blocks("nvpair") {
		pair := d.nvpair(p, "", setAny)
		at := p.TypeRange.Start.Byte
		i := slices.IndexFunc(out, func(o policy.Pair) bool {
			a := b.Body.Attributes[o.Name]
			return a != nil && a.SrcRange.Start.Byte > at
		})
		if i < 0 {
			i = len(out)
		}
		out = slices.Insert(out, i, policy.Pair{Name: pair.Name, Value: pair.Value, Pos: pair.Pos})
	}
	return out
}

// checkOnFail refuses answers to a failure that cannot work.
func (d *decoder) checkOnFail(s scalar, op policy.Op) {
	switch {
	case op.Name == "stop" && slices.Contains([]string{"standby", "demote", "stop", "restart"}, s.text):
		d.unfit(s, s.rng, "Wrong value", "a stop that failed leaves the resource in doubt: on-fail is fence, block or ignore, not %s", s.text)
	case s.text == "demote" && op.Name != "promote" && op.Name != "monitor":
		d.unfit(s, s.rng, "Wrong value", "on-fail = \"demote\" is for promote and for the monitor of the promoted role")
	}
}
