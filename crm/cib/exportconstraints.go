package cib

import "github.com/holdfast-ha/holdfast/policy"

func (x *exporter) constraints(list []policy.Constraint) []*element {
	var out []*element
	for _, c := range list {
		e := x.constraint(c)
		if e == nil {
			continue
		}
		for _, s := range c.Sets() {
			e.add(x.resourceSet(s, c.ID()))
		}
		if c.Location != nil {
			e.add(x.rules(c.Location.Rules, c.Location.ID)...)
		}
		out = append(out, e)
	}
	return out
}

func (x *exporter) constraint(c policy.Constraint) *element {
	switch {
	case c.Location != nil:
		l := c.Location
		e := newElement("rsc_location", "id", l.ID, "rsc", l.Resource, "rsc-pattern", l.Pattern, "role", l.Role, "node", l.Node,
			"score", l.Score, "resource-discovery", l.Discovery)
		return e
	case c.Colocation != nil:
		v := c.Colocation
		return newElement("rsc_colocation", "id", v.ID, "rsc", v.Resource, "rsc-role", v.ResourceRole, "rsc-instance", v.ResourceInstance,
			"with-rsc", v.With, "with-rsc-role", v.WithRole, "with-rsc-instance", v.WithInstance, "score", v.Score,
			"node-attribute", v.NodeAttribute, "influence", v.Influence)
	case c.Order != nil:
		o := c.Order
		return newElement("rsc_order", "id", o.ID, "first", o.First, "first-action", o.FirstAction, "first-instance", o.FirstInstance,
			"then", o.Then, "then-action", o.ThenAction, "then-instance", o.ThenInstance, "kind", o.Kind, "score", o.Score,
			"symmetrical", o.Symmetrical, "require-all", o.RequireAll)
	case c.Ticket != nil:
		t := c.Ticket
		return newElement("rsc_ticket", "id", t.ID, "ticket", t.Ticket, "rsc", t.Resource, "rsc-role", t.ResourceRole, "loss-policy", t.LossPolicy)
	}
	return nil
}

func (x *exporter) resourceSet(s policy.ResourceSet, owner string) *element {
	if s.IDRef != "" {
		return newElement("resource_set", "id-ref", s.IDRef)
	}
	e := newElement("resource_set", "id", x.ids.of(s.ID, owner+"-set"), "sequential", s.Sequential, "require-all", s.RequireAll,
		"ordering", s.Ordering, "action", s.Action, "role", s.Role, "score", s.Score, "kind", s.Kind)
	for _, r := range s.Resources {
		e.add(newElement("resource_ref", "id", r))
	}
	return e
}

func (x *exporter) rules(rules []policy.Rule, owner string) []*element {
	var out []*element
	for _, r := range rules {
		out = append(out, x.rule(r, owner))
	}
	return out
}

func (x *exporter) rule(r policy.Rule, owner string) *element {
	if r.IDRef != "" {
		return newElement("rule", "id-ref", r.IDRef)
	}
	id := x.ids.of(r.ID, owner+"-rule")
	e := newElement("rule", "id", id, "boolean-op", r.BooleanOp, "score", r.Score, "score-attribute", r.ScoreAttribute, "role", r.Role)
	for _, c := range r.Conditions {
		e.add(x.condition(c, id))
	}
	return e
}

func (x *exporter) condition(c policy.Condition, rule string) *element {
	id := func(own string) string { return x.ids.of(own, rule+"-expr") }
	switch {
	case c.Rule != nil:
		return x.rule(*c.Rule, rule)
	case c.Attribute != nil:
		t := c.Attribute
		e := newElement("expression", "id", id(t.ID), "attribute", t.Attribute, "operation", t.Operation)
		if t.HasValue {
			e.set("value", t.Value)
		}
		if t.ValueSource != "" {
			e.set("value-source", t.ValueSource)
		}
		if t.Type != "" {
			e.set("type", t.Type)
		}
		return e
	case c.Date != nil:
		return x.date(c.Date, id(c.Date.ID))
	case c.Resource != nil:
		e := newElement("rsc_expression", "id", id(c.Resource.ID))
		for _, f := range []struct {
			name  string
			value *string
		}{{"class", c.Resource.Class}, {"provider", c.Resource.Provider}, {"type", c.Resource.Type}} {
			if f.value != nil {
				e.set(f.name, *f.value)
			}
		}
		return e
	case c.Op != nil:
		return newElement("op_expression", "id", id(c.Op.ID), "name", c.Op.Name, "interval", c.Op.Interval)
	}
	return newElement(c.Unknown, "id", id(""))
}

func (x *exporter) date(t *policy.DateTest, id string) *element {
	e := newElement("date_expression", "id", id, "operation", t.Operation, "start", t.Start, "end", t.End)
	if t.HasSpec {
		e.add(withPairs(newElement("date_spec", "id", x.ids.of(t.SpecID, id+"-spec")), t.Spec))
	}
	if t.HasDuration {
		e.add(withPairs(newElement("duration", "id", x.ids.of(t.DurationID, id+"-duration")), t.Duration))
	}
	return e
}
