package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// constraint lists one constraint.
func (l *listing) constraint(c policy.Constraint) {
	switch {
	case c.Location != nil:
		v := c.Location
		o := l.add("location", v.ID, v.Pos)
		o.arg("resource", v.Resource)
		o.arg("rsc-pattern", v.Pattern)
		o.sets(v.Sets)
		o.arg("node", v.Node)
		o.arg("score", v.Score)
		o.arg("role", v.Role)
		for _, r := range v.Rules {
			o.arg("rule", ruleText(r))
		}
		o.arg("resource-discovery", v.Discovery)
	case c.Colocation != nil:
		v := c.Colocation
		o := l.add("colocation", v.ID, v.Pos)
		o.arg("resource", dotted(v.Resource, v.ResourceRole))
		o.arg("with", dotted(v.With, v.WithRole))
		o.sets(v.Sets)
		o.arg("score", v.Score)
		o.arg("node-attribute", v.NodeAttribute)
		o.arg("influence", v.Influence)
	case c.Order != nil:
		v := c.Order
		o := l.add("order", v.ID, v.Pos)
		o.arg("first", dotted(v.First, v.FirstAction))
		o.arg("then", dotted(v.Then, v.ThenAction))
		o.sets(v.Sets)
		o.arg("kind", v.Kind)
		o.arg("score", v.Score)
		o.arg("symmetrical", v.Symmetrical)
		o.arg("require-all", v.RequireAll)
	case c.Ticket != nil:
		v := c.Ticket
		o := l.add("ticket", v.ID, v.Pos)
		o.arg("ticket", v.Ticket)
		o.arg("resource", dotted(v.Resource, v.ResourceRole))
		o.sets(v.Sets)
		o.arg("loss-policy", v.LossPolicy)
	}
}

func dotted(name, word string) string {
	if word == "" {
		return name
	}
	return name + "." + word
}

// sets lists the resource sets of a constraint, one argument each.
func (o *object) sets(sets []policy.ResourceSet) {
	for i, s := range sets {
		text := "[" + strings.Join(s.Resources, ", ") + "]" + s.IDRef
		for _, p := range [][2]string{
			{"sequential", s.Sequential},
			{"require-all", s.RequireAll},
			{"ordering", s.Ordering},
			{"action", s.Action},
			{"role", s.Role},
			{"score", s.Score},
			{"kind", s.Kind},
		} {
			if p[1] != "" {
				text += " " + p[0] + "=" + p[1]
			}
		}
		o.arg("set."+strconv.Itoa(i+1), text)
	}
}

// ruleText writes a rule as its "when", with role and score behind.
func ruleText(r policy.Rule) string {
	if r.IDRef != "" {
		return "id-ref " + r.IDRef
	}
	text := whenText(r, false)
	if r.Role != "" {
		text += " role=" + r.Role
	}
	if r.ScoreAttribute != "" {
		text += " score=node.attr." + r.ScoreAttribute
	}
	if r.Score != "" {
		text += " score=" + r.Score
	}
	return text
}

// whenText writes the conditions of a rule in the language of "when".
func whenText(r policy.Rule, inner bool) string {
	if r.IDRef != "" {
		return "rule(" + quoted(r.IDRef) + ")"
	}
	op := " && "
	if strings.EqualFold(r.BooleanOp, "or") {
		op = " || "
	}
	var parts []string
	for _, c := range r.Conditions {
		parts = append(parts, conditionText(c))
	}
	text := strings.Join(parts, op)
	if inner {
		return "(" + text + ")"
	}
	return text
}

var signs = map[string]string{"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

func conditionText(c policy.Condition) string {
	switch {
	case c.Rule != nil:
		return whenText(*c.Rule, true)
	case c.Attribute != nil:
		return attributeText(*c.Attribute)
	case c.Date != nil:
		return dateText(*c.Date)
	case c.Resource != nil:
		return call("rsc", fieldText("class", c.Resource.Class), fieldText("provider", c.Resource.Provider), fieldText("type", c.Resource.Type))
	case c.Op != nil:
		interval := &c.Op.Interval
		if *interval == "" {
			interval = nil
		}
		return call("op", fieldText("name", &c.Op.Name), fieldText("interval", interval))
	}
	return "unknown(" + strconv.Quote(c.Unknown) + ")"
}

func call(name string, fields ...string) string {
	fields = slices.DeleteFunc(fields, func(s string) bool { return s == "" })
	return name + "({ " + strings.Join(fields, ", ") + " })"
}

func fieldText(name string, value *string) string {
	if value == nil {
		return ""
	}
	return name + " = " + quoted(*value)
}

func attributeText(t policy.AttributeTest) string {
	left := "node.attr." + t.Attribute
	if !validName(t.Attribute) || strings.Contains(t.Attribute, ".") {
		left = "node.attr[" + quoted(t.Attribute) + "]"
	}
	for name, attr := range subjects {
		if attr == t.Attribute {
			left = name
		}
	}
	switch t.Operation {
	case "defined":
		return "defined(" + left + ")"
	case "not_defined":
		return "!defined(" + left + ")"
	}
	right := quoted(t.Value)
	switch {
	case t.ValueSource == "param" || t.ValueSource == "meta":
		right = t.ValueSource + "." + t.Value
		if t.Type != "" {
			right = t.Type + "(" + right + ")"
		}
	case t.Type == "number" && plainNumber(t.Value):
		right = t.Value
	case t.Type != "":
		right = t.Type + "(" + right + ")"
	}
	return left + " " + signs[t.Operation] + " " + right
}

func dateText(t policy.DateTest) string {
	switch t.Operation {
	case "gt":
		return "date_after(" + quoted(t.Start) + ")"
	case "lt":
		return "date_before(" + quoted(t.End) + ")"
	case "date_spec":
		return call("date_spec", pairTexts(t.Spec)...)
	}
	if t.HasDuration {
		return "date_for(" + quoted(t.Start) + ", { " + strings.Join(pairTexts(t.Duration), ", ") + " })"
	}
	return "date_between(" + quoted(t.Start) + ", " + quoted(t.End) + ")"
}

func pairTexts(pairs []policy.Pair) []string {
	var out []string
	for _, p := range pairs {
		out = append(out, p.Name+" = "+quoted(p.Value))
	}
	return out
}
