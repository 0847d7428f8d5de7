package config

import (
	"github.com/holdfast-ha/holdfast/policy"
)

// The literal form of a rule is a tree of blocks, for the rules that "when"
// cannot say: conditions with missing or unknown parts, a reference in the
// middle, a rule without any condition.
//
//	rule {
//	  boolean-op = "or"
//	  expression {
//	    attribute = "rack"
//	    operation = "eq"
//	  }
//	  rule { id-ref = "office-hours" }
//	}
//
// Its values are kept as they stand and never judged.

var treeBlocks = []string{"expression", "date_expression", "rsc_expression", "op_expression", "unknown", "rule"}

// isTree tells the literal form from a rule that lacks its "when".
func isTree(b *block) bool {
	if b.Body.Attributes["boolean-op"] != nil {
		return true
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type != "rule" {
			return true
		}
	}
	return len(b.Body.Blocks) > 0
}

// treeRule reads the operator and the conditions of a rule.
func (d *decoder) treeRule(b *block, id string) policy.Rule {
	r := policy.Rule{ID: id, BooleanOp: b.text("boolean-op"), Pos: posOf(b.head())}
	for i, c := range b.blocks(treeBlocks...) {
		r.Conditions = append(r.Conditions, d.treeCondition(c, numbered(id+"-expr", i)))
	}
	return r
}

// treeScore reads the score and the role of a rule.
func treeScore(b *block, r *policy.Rule) {
	r.Score, r.ScoreAttribute, r.Role = b.text("score"), b.text("score-attribute"), b.text("role")
}

func (d *decoder) treeCondition(b *block, id string) policy.Condition {
	var out policy.Condition
	if b.Type != "unknown" {
		b.labels()
		id = orElse(b.text("id"), id)
	}
	switch b.Type {
	case "expression":
		value, ok := b.scalarOf("value")
		out.Attribute = &policy.AttributeTest{
			ID: id, Attribute: b.text("attribute"), Operation: b.text("operation"), Value: value.text, HasValue: ok,
			ValueSource: b.text("value-source"), Type: b.text("type"),
		}
	case "date_expression":
		out.Date = d.treeDate(b, id)
	case "rsc_expression":
		out.Resource = &policy.ResourceTest{ID: id, Class: b.optional("class"), Provider: b.optional("provider"), Type: b.optional("type")}
	case "op_expression":
		out.Op = &policy.OpTest{ID: id, Name: b.text("name"), Interval: b.text("interval")}
	case "rule":
		out.Rule = d.innerTree(b, id)
	case "unknown":
		b.labels("ELEMENT")
		out.Unknown = b.label(0)
	}
	b.done()
	return out
}

// innerTree reads a rule inside a rule.
func (d *decoder) innerTree(b *block, id string) *policy.Rule {
	if ref := b.text("id-ref"); ref != "" {
		return &policy.Rule{IDRef: ref, Pos: posOf(b.head())}
	}
	r := d.treeRule(b, id)
	treeScore(b, &r)
	return &r
}

func (d *decoder) treeDate(b *block, id string) *policy.DateTest {
	t := &policy.DateTest{ID: id, Operation: b.text("operation"), Start: b.text("start"), End: b.text("end")}
	if s := b.one("date_spec"); s != nil {
		t.HasSpec, t.SpecID, t.Spec = true, orElse(s.text("id"), id+"-spec"), d.anyPairs(s)
	}
	if s := b.one("duration"); s != nil {
		t.HasDuration, t.DurationID, t.Duration = true, orElse(s.text("id"), id+"-duration"), d.anyPairs(s)
	}
	return t
}

// anyPairs are all arguments that are left, as names and values.
func (d *decoder) anyPairs(b *block) []policy.Pair {
	var out []policy.Pair
	for _, a := range b.takeRest() {
		if s, ok := b.scalarOf(a.Name); ok {
			out = append(out, policy.Pair{Name: a.Name, Value: s.text, Pos: posOf(a.NameRange)})
		}
	}
	b.done()
	return out
}

// optional is an argument's text, or nil when it is not there.
func (b *block) optional(name string) *string {
	if s, ok := b.scalarOf(name); ok {
		return &s.text
	}
	return nil
}
