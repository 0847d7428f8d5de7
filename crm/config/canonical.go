package config

import (
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// Canonical is a configuration without what has no meaning: positions, the ids
// that nothing refers to, and the different ways to write a default. Two
// configurations with the same canonical form lead to the same decisions. The
// one that is given stays as it is; what changes is copied.
func Canonical(cfg *policy.Config) *policy.Config {
	return canon{keep: references(cfg)}.config(cfg)
}

// innerIDs are the ids of all that needs none: sets, pairs, operations, rules.
func innerIDs(cfg *policy.Config) map[string]bool {
	c := canon{seen: map[string]bool{}}
	c.config(cfg)
	return c.seen
}

func (c canon) config(cfg *policy.Config) *policy.Config {
	out := &policy.Config{
		Options:          c.sets(cfg.Options),
		ResourceDefaults: c.sets(cfg.ResourceDefaults),
		OpDefaults:       c.sets(cfg.OpDefaults),
		Resources:        c.resources(cfg.Resources),
		Templates:        c.resources(cfg.Templates),
	}
	for _, n := range cfg.Nodes {
		n.Pos = policy.Pos{}
		n.Attributes, n.Utilization = c.sets(n.Attributes), c.sets(n.Utilization)
		out.Nodes = append(out.Nodes, n)
	}
	for _, v := range cfg.Constraints {
		out.Constraints = append(out.Constraints, c.constraint(v))
	}
	for _, t := range cfg.Tags {
		t.Pos = policy.Pos{}
		out.Tags = append(out.Tags, t)
	}
	for _, l := range cfg.FencingLevels {
		l.ID, l.Pos = c.id(l.ID), policy.Pos{}
		out.FencingLevels = append(out.FencingLevels, l)
	}
	return out
}

// canon copies, and keeps the ids that something refers to.
type canon struct {
	keep map[string]bool
	seen map[string]bool // all ids, for who wants to know them
}

func (c canon) id(id string) string {
	if c.seen != nil && id != "" {
		c.seen[id] = true
	}
	if c.keep[id] {
		return id
	}
	return ""
}

func (c canon) sets(sets []policy.NVSet) []policy.NVSet {
	var out []policy.NVSet
	for _, s := range sets {
		s.ID, s.Pos = c.id(s.ID), policy.Pos{}
		s.Rules, s.Pairs = c.rules(s.Rules), c.pairs(s.Pairs)
		out = append(out, s)
	}
	return out
}

func (c canon) pairs(pairs []policy.Pair) []policy.Pair {
	var out []policy.Pair
	for _, p := range pairs {
		p.ID, p.Pos = c.id(p.ID), policy.Pos{}
		out = append(out, p)
	}
	return out
}

func (c canon) rules(rules []policy.Rule) []policy.Rule {
	var out []policy.Rule
	for _, r := range rules {
		out = append(out, c.rule(r))
	}
	return out
}

// rule gives "and" to a rule that does not say how its conditions are joined,
// and to one with a single condition, where it does not matter.
func (c canon) rule(r policy.Rule) policy.Rule {
	r.ID, r.Pos, r.Role = c.id(r.ID), policy.Pos{}, canonicalRole(r.Role)
	r.BooleanOp = strings.ToLower(r.BooleanOp)
	if r.IDRef == "" && (r.BooleanOp == "" || len(r.Conditions) < 2 && r.BooleanOp == "or") {
		r.BooleanOp = "and"
	}
	var conditions []policy.Condition
	for _, v := range r.Conditions {
		conditions = append(conditions, c.condition(v))
	}
	r.Conditions = conditions
	return r
}

func (c canon) condition(v policy.Condition) policy.Condition {
	switch {
	case v.Rule != nil:
		r := c.rule(*v.Rule)
		v.Rule = &r
	case v.Attribute != nil:
		a := *v.Attribute
		a.ID = c.id(a.ID)
		v.Attribute = &a
	case v.Date != nil:
		d := *v.Date
		d.ID, d.SpecID, d.DurationID = c.id(d.ID), c.id(d.SpecID), c.id(d.DurationID)
		d.Spec, d.Duration = c.pairs(d.Spec), c.pairs(d.Duration)
		v.Date = &d
	case v.Resource != nil:
		r := *v.Resource
		r.ID = c.id(r.ID)
		v.Resource = &r
	case v.Op != nil:
		o := *v.Op
		o.ID = c.id(o.ID)
		v.Op = &o
	}
	return v
}

func (c canon) resources(list []policy.Resource) []policy.Resource {
	var out []policy.Resource
	for _, r := range list {
		r.Pos = policy.Pos{}
		r.Params, r.Meta, r.Utilization = c.sets(r.Params), c.sets(r.Meta), c.sets(r.Utilization)
		r.Operations = policy.Operations{ID: c.id(r.Operations.ID), IDRef: r.Operations.IDRef, List: c.ops(r.Operations.List)}
		r.Children = c.resources(r.Children)
		if r.Bundle != nil {
			b := *r.Bundle
			b.Container, b.Network = c.pairs(b.Container), c.pairs(b.Network)
			r.Bundle = &b
		}
		out = append(out, r)
	}
	return out
}

func (c canon) ops(list []policy.Op) []policy.Op {
	var out []policy.Op
	for _, o := range list {
		o.ID, o.Pos = c.id(o.ID), policy.Pos{}
		if o.Interval == "" && o.IDRef == "" {
			o.Interval = "0"
		}
		o.Attributes, o.Params, o.Meta = c.pairs(o.Attributes), c.sets(o.Params), c.sets(o.Meta)
		for i, a := range o.Attributes {
			if a.Name == "role" {
				o.Attributes[i].Value = canonicalRole(a.Value)
			}
		}
		out = append(out, o)
	}
	return out
}

func (c canon) resourceSets(sets []policy.ResourceSet) []policy.ResourceSet {
	var out []policy.ResourceSet
	for _, s := range sets {
		s.ID, s.Pos, s.Role = c.id(s.ID), policy.Pos{}, canonicalRole(s.Role)
		out = append(out, s)
	}
	return out
}

func (c canon) constraint(v policy.Constraint) policy.Constraint {
	switch {
	case v.Location != nil:
		l := *v.Location
		l.Pos, l.Role = policy.Pos{}, canonicalRole(l.Role)
		l.Sets, l.Rules = c.resourceSets(l.Sets), c.rules(l.Rules)
		v.Location = &l
	case v.Colocation != nil:
		o := *v.Colocation
		o.Pos, o.ResourceRole, o.WithRole = policy.Pos{}, canonicalRole(o.ResourceRole), canonicalRole(o.WithRole)
		o.Sets = c.resourceSets(o.Sets)
		v.Colocation = &o
	case v.Order != nil:
		o := *v.Order
		o.Pos, o.Sets = policy.Pos{}, c.resourceSets(o.Sets)
		v.Order = &o
	case v.Ticket != nil:
		t := *v.Ticket
		t.Pos, t.ResourceRole, t.Sets = policy.Pos{}, canonicalRole(t.ResourceRole), c.resourceSets(t.Sets)
		v.Ticket = &t
	}
	return v
}

// canonicalRole is the present name of a role, or a text that names none.
func canonicalRole(text string) string {
	if role, ok := roleNamed(text); ok {
		return role
	}
	return text
}
