package cib

import "github.com/holdfast-ha/holdfast/policy"

func (in *importer) constraints(parent *element) []policy.Constraint {
	var out []policy.Constraint
	for _, e := range parent.children {
		switch e.name {
		case "rsc_location":
			for _, l := range in.locations(e) {
				out = append(out, policy.Constraint{Location: &l})
			}
		case "rsc_colocation":
			out = append(out, policy.Constraint{Colocation: in.colocation(e)})
		case "rsc_order":
			out = append(out, policy.Constraint{Order: in.order(e)})
		case "rsc_ticket":
			out = append(out, policy.Constraint{Ticket: in.ticket(e)})
		default:
			in.unknown(e, parent)
		}
	}
	return out
}

func (in *importer) colocation(e *element) *policy.Colocation {
	in.dropLifetime(e)
	return &policy.Colocation{
		ID:               e.attr("id"),
		Resource:         e.attr("rsc"),
		With:             e.attr("with-rsc"),
		ResourceRole:     e.attr("rsc-role"),
		WithRole:         e.attr("with-rsc-role"),
		Score:            e.attr("score"),
		NodeAttribute:    e.attr("node-attribute"),
		Influence:        e.attr("influence"),
		Sets:             in.resourceSets(e),
		Pos:              in.pos(e),
		ResourceInstance: e.attr("rsc-instance"),
		WithInstance:     e.attr("with-rsc-instance"),
	}
}

func (in *importer) order(e *element) *policy.Order {
	in.dropLifetime(e)
	return &policy.Order{
		ID:            e.attr("id"),
		First:         e.attr("first"),
		Then:          e.attr("then"),
		FirstAction:   e.attr("first-action"),
		ThenAction:    e.attr("then-action"),
		Kind:          e.attr("kind"),
		Score:         e.attr("score"),
		Symmetrical:   e.attr("symmetrical"),
		RequireAll:    e.attr("require-all"),
		Sets:          in.resourceSets(e),
		Pos:           in.pos(e),
		FirstInstance: e.attr("first-instance"),
		ThenInstance:  e.attr("then-instance"),
	}
}

func (in *importer) ticket(e *element) *policy.Ticket {
	return &policy.Ticket{
		ID:           e.attr("id"),
		Ticket:       e.attr("ticket"),
		Resource:     e.attr("rsc"),
		ResourceRole: e.attr("rsc-role"),
		LossPolicy:   e.attr("loss-policy"),
		Sets:         in.resourceSets(e),
		Pos:          in.pos(e),
	}
}

func (in *importer) resourceSets(parent *element) []policy.ResourceSet {
	var out []policy.ResourceSet
	for _, e := range parent.children {
		if e.name != "resource_set" {
			if e.name != "lifetime" && e.name != "rule" {
				in.unknown(e, parent)
			}
			continue
		}
		s := policy.ResourceSet{
			ID:         e.attr("id"),
			IDRef:      e.attr("id-ref"),
			Sequential: e.attr("sequential"),
			RequireAll: e.attr("require-all"),
			Ordering:   e.attr("ordering"),
			Action:     e.attr("action"),
			Role:       e.attr("role"),
			Score:      e.attr("score"),
			Kind:       e.attr("kind"),
			Pos:        in.pos(e),
		}
		for _, c := range e.children {
			if c.name == "resource_ref" {
				s.Resources = append(s.Resources, c.attr("id"))
			} else {
				in.unknown(c, e)
			}
		}
		out = append(out, s)
	}
	return out
}

// dropLifetime reports a lifetime where it never had a meaning.
func (in *importer) dropLifetime(e *element) {
	if l := e.child("lifetime"); l != nil {
		in.fail(l, e.attr("id"), "<lifetime> counts in location constraints only: it is left out, and the constraint holds always")
	}
}
