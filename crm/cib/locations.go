package cib

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/policy"
)

// locations reads one <rsc_location>. The old form with several rules gives one
// constraint for each rule, in their order.
func (in *importer) locations(e *element) []policy.Location {
	whole := policy.Location{
		ID:        e.attr("id"),
		Resource:  e.attr("rsc"),
		Pattern:   e.attr("rsc-pattern"),
		Sets:      in.resourceSets(e),
		Node:      e.attr("node"),
		Score:     e.attr("score"),
		Role:      e.attr("role"),
		Discovery: e.attr("resource-discovery"),
		Pos:       in.pos(e),
	}
	var lifetime []policy.Rule
	for _, c := range e.children {
		switch c.name {
		case "rule":
			whole.Rules = append(whole.Rules, in.rule(c))
		case "lifetime":
			for _, r := range c.children {
				if r.name == "rule" {
					lifetime = append(lifetime, in.rule(r))
				}
			}
		}
	}
	if len(lifetime) > 0 {
		limitToLifetime(&whole, lifetime)
	}
	return splitRules(whole)
}

// limitToLifetime makes a location hold only while one of the lifetime's rules
// does, by an "and" with what it said before.
func limitToLifetime(l *policy.Location, lifetime []policy.Rule) {
	while := lifetime[0]
	if len(lifetime) > 1 {
		while = policy.Rule{ID: l.ID + "-lifetime", BooleanOp: "or", Pos: l.Pos}
		for _, r := range lifetime {
			while.Conditions = append(while.Conditions, policy.Condition{Rule: &r})
		}
	}
	if len(l.Rules) == 0 {
		l.Rules = []policy.Rule{{
			ID: l.ID + "-rule", Score: l.Score, Pos: l.Pos,
			Conditions: []policy.Condition{{Attribute: &policy.AttributeTest{
				ID: l.ID + "-rule-node", Attribute: "#uname", Operation: "eq", Value: l.Node, HasValue: true,
			}}},
		}}
		l.Node, l.Score = "", ""
	}
	for i, r := range l.Rules {
		inner := policy.Rule{ID: r.ID + "-inner", BooleanOp: r.BooleanOp, Conditions: r.Conditions, Pos: r.Pos}
		r.BooleanOp = "and"
		r.Conditions = []policy.Condition{{Rule: &inner}, {Rule: &while}}
		l.Rules[i] = r
	}
}

func splitRules(whole policy.Location) []policy.Location {
	if len(whole.Rules) < 2 {
		return []policy.Location{whole}
	}
	out := make([]policy.Location, len(whole.Rules))
	for i, r := range whole.Rules {
		out[i] = whole
		out[i].Rules = []policy.Rule{r}
		if i > 0 {
			out[i].ID = fmt.Sprintf("%s-%d", whole.ID, i+1)
		}
	}
	return out
}
