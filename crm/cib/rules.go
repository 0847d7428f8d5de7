package cib

import "github.com/holdfast-ha/holdfast/policy"

func (in *importer) rule(e *element) policy.Rule {
	r := policy.Rule{
		ID:             e.attr("id"),
		IDRef:          e.attr("id-ref"),
		BooleanOp:      e.attr("boolean-op"),
		Score:          e.attr("score"),
		ScoreAttribute: e.attr("score-attribute"),
		Role:           e.attr("role"),
		Pos:            in.pos(e),
	}
	for _, c := range e.children {
		r.Conditions = append(r.Conditions, in.condition(c))
	}
	return r
}

func (in *importer) condition(e *element) policy.Condition {
	switch e.name {
	case "rule":
		r := in.rule(e)
		return policy.Condition{Rule: &r}
	case "expression":
		return policy.Condition{Attribute: attributeTest(e)}
	case "date_expression":
		return policy.Condition{Date: in.dateTest(e)}
	case "rsc_expression":
		return policy.Condition{Resource: &policy.ResourceTest{
			ID: e.attr("id"), Class: e.optional("class"), Provider: e.optional("provider"), Type: e.optional("type"),
		}}
	case "op_expression":
		return policy.Condition{Op: &policy.OpTest{
			ID: e.attr("id"), Name: e.attr("name"), Interval: e.attr("interval"),
		}}
	}
	in.fail(e, e.attr("id"), "a rule knows no <%s>: this condition never holds", e.name)
	return policy.Condition{Unknown: e.name}
}

func attributeTest(e *element) *policy.AttributeTest {
	value, ok := e.lookup("value")
	return &policy.AttributeTest{
		ID:          e.attr("id"),
		Attribute:   e.attr("attribute"),
		Operation:   e.attr("operation"),
		Value:       value,
		HasValue:    ok,
		ValueSource: e.attr("value-source"),
		Type:        e.attr("type"),
	}
}

func (in *importer) dateTest(e *element) *policy.DateTest {
	t := &policy.DateTest{
		ID: e.attr("id"), Operation: e.attr("operation"), Start: e.attr("start"), End: e.attr("end"),
	}
	for _, c := range e.children {
		switch {
		case c.name == "date_spec" && !t.HasSpec:
			t.HasSpec, t.SpecID, t.Spec = true, c.attr("id"), c.pairs("id", "moon")
			if _, ok := c.lookup("moon"); ok {
				in.warn(c, c.attr("id"), "phases of the moon are not supported and left out")
			}
		case c.name == "duration" && !t.HasDuration:
			t.HasDuration, t.DurationID, t.Duration = true, c.attr("id"), c.pairs("id")
		default:
			in.unknown(c, e)
		}
	}
	return t
}
