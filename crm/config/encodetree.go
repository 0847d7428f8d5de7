package config

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/holdfast-ha/holdfast/policy"
)

// rules writes rules: with "when" if that reads back as the same rule, else as
// a tree of blocks.
func (w *writer) rules(rules []policy.Rule, scope ruleScope) {
	for _, r := range rules {
		w.open("rule")
		switch {
		case r.IDRef != "":
			w.raw("id-ref", quoted(r.IDRef))
		case w.sayable(r, scope):
			w.id(r.ID)
			w.ruleScore(r, scope)
			w.raw("when", whenText(r, false))
		default:
			w.tree(r)
		}
		w.close()
	}
}

// ruleScore writes what a rule gives. In a set it means nothing; older schemas
// demand it all the same.
func (w *writer) ruleScore(r policy.Rule, scope ruleScope) {
	switch {
	case !scope.location && r.Score != "":
		w.raw("score", literalText(r.Score))
	case !scope.location:
	case r.ScoreAttribute != "":
		w.optional("role", canonicalRole(r.Role), roleCheck)
		w.raw("score", attributeRef(r.ScoreAttribute))
	default:
		w.optional("role", canonicalRole(r.Role), roleCheck)
		w.judged("score", r.Score, scoreCheck("score"))
	}
}

// sayable says whether the reader makes the same rule of its "when".
func (w *writer) sayable(r policy.Rule, scope ruleScope) bool {
	if !scope.location && (r.Role != "" || r.ScoreAttribute != "") || r.Score != "" && r.ScoreAttribute != "" {
		return false
	}
	text := []byte(whenText(r, false))
	if _, why := checkLimits(text, ""); why != "" {
		return false
	}
	e, diags := hclsyntax.ParseExpression(text, "", hcl.InitialPos)
	if diags.HasErrors() {
		return false
	}
	d := &decoder{report: report{files: map[string]*file{"": {text: text}}}}
	b := d.block(&hclsyntax.Block{Body: &hclsyntax.Body{}}, &hcl.EvalContext{
		Functions: functions(), Variables: map[string]cty.Value{infinity: cty.StringVal(infinity)},
	})
	reader := &whenReader{d: d, b: b, scope: scope}
	got, ok := reader.top(e)
	if !ok || d.found.HasErrors() {
		return false
	}
	got.Score, got.ScoreAttribute, got.Role = r.Score, r.ScoreAttribute, r.Role
	c := canon{keep: w.referenced}
	return reflect.DeepEqual(anonymous(c.rule(got)), anonymous(c.rule(r)))
}

// anonymous is a canonical rule without its own id, which is written beside it.
func anonymous(r policy.Rule) policy.Rule {
	r.ID = ""
	return r
}

// tree writes the literal form of a rule.
func (w *writer) tree(r policy.Rule) {
	w.id(r.ID)
	switch {
	case r.BooleanOp != "":
		w.raw("boolean-op", quoted(r.BooleanOp))
	case len(r.Conditions) == 0: // or it would look like a rule without its "when"
		w.raw("boolean-op", `"and"`)
	}
	w.fields("score", r.Score, "score-attribute", r.ScoreAttribute, "role", canonicalRole(r.Role))
	for _, c := range r.Conditions {
		w.treeCondition(c)
	}
}

func (w *writer) treeCondition(c policy.Condition) {
	switch {
	case c.Rule != nil:
		w.open("rule")
		if c.Rule.IDRef != "" {
			w.raw("id-ref", quoted(c.Rule.IDRef))
		} else {
			w.tree(*c.Rule)
		}
	case c.Attribute != nil:
		t := c.Attribute
		w.open("expression")
		w.id(t.ID)
		w.fields("attribute", t.Attribute, "operation", t.Operation)
		if t.HasValue {
			w.raw("value", quoted(t.Value))
		}
		w.fields("value-source", t.ValueSource, "type", t.Type)
	case c.Date != nil:
		w.treeDate(*c.Date)
	case c.Resource != nil:
		w.open("rsc_expression")
		w.id(c.Resource.ID)
		for _, f := range []struct {
			name  string
			value *string
		}{{"class", c.Resource.Class}, {"provider", c.Resource.Provider}, {"type", c.Resource.Type}} {
			if f.value != nil {
				w.raw(f.name, quoted(*f.value))
			}
		}
	case c.Op != nil:
		w.open("op_expression")
		w.id(c.Op.ID)
		w.fields("name", c.Op.Name, "interval", c.Op.Interval)
	default:
		w.open("unknown", c.Unknown)
	}
	w.close()
}

func (w *writer) treeDate(t policy.DateTest) {
	w.open("date_expression")
	w.id(t.ID)
	w.fields("operation", t.Operation, "start", t.Start, "end", t.End)
	if t.HasSpec {
		w.open("date_spec")
		w.id(t.SpecID)
		w.plainPairs(t.Spec)
		w.close()
	}
	if t.HasDuration {
		w.open("duration")
		w.id(t.DurationID)
		w.plainPairs(t.Duration)
		w.close()
	}
}

func (w *writer) plainPairs(pairs []policy.Pair) {
	for _, p := range pairs {
		w.raw(p.Name, quoted(p.Value))
	}
}
