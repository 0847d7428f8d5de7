package policy

import "slices"

// lookup finds the resource that a constraint names. The name of what is
// cloned, known from the history only, stands for the clone.
func (m *model) lookup(id string) *resource {
	if r := m.byID[id]; r != nil {
		return r
	}
	if list := m.byHistory[id]; len(list) > 0 {
		return list[0].top
	}
	return nil
}

// referrers resolves a template or tag to its resources.
func (m *model) referrers(id string) ([]string, bool) {
	if list := m.byTemplate[id]; len(list) > 0 {
		return list, true
	}
	if t := m.tags[id]; t != nil && len(t.Members) > 0 {
		var list []string
		for _, x := range t.Members {
			if !slices.Contains(list, x) {
				list = append(list, x)
			}
		}
		return list, true
	}
	return nil, false
}

// isCollection tells whether an id names a template or tag and no resource.
func (m *model) isCollection(id string) bool {
	if m.lookup(id) != nil {
		return false
	}
	_, ok := m.referrers(id)
	return ok
}

// asSet makes a set of one side of a simple constraint.
func (m *model) asSet(id, role, action string) ResourceSet {
	s := ResourceSet{ID: id, Role: role, Action: action, Resources: []string{id}}
	if m.isCollection(id) {
		s.Resources, _ = m.referrers(id)
		s.Sequential = "false"
	}
	return s
}

// expandSets follows id-refs of sets and replaces templates and tags in them.
// ok is false if a member does not exist at all.
func (m *model) expandSets(sets []ResourceSet, object string, pos Pos) []ResourceSet {
	out := make([]ResourceSet, 0, len(sets))
	for _, s := range sets {
		if s.IDRef != "" {
			target := m.refs().rscSets[s.IDRef]
			if target == nil {
				m.problem(true, object, pos, "id-ref %q of constraint %q names no set", s.IDRef, object)
				continue
			}
			s = *target
		}
		var members []string
		for _, id := range s.Resources {
			if list, ok := m.referrers(id); ok && m.lookup(id) == nil {
				members = append(members, list...)
			} else {
				members = append(members, id)
			}
		}
		s.Resources = members
		out = append(out, s)
	}
	return out
}

// members finds the resources of a set, as far as they exist.
func (m *model) members(s *ResourceSet, object string, pos Pos) (list []*resource, complete bool) {
	for _, id := range s.Resources {
		r := m.lookup(id)
		if r == nil {
			m.missing(id, object, pos)
			return list, false
		}
		list = append(list, r)
	}
	return list, true
}

func (m *model) missing(id, object string, pos Pos) {
	m.problem(true, object, pos, "constraint %q names resource %q, which does not exist", object, id)
}

// readConstraints reads the constraints in document order, which decides ties.
func (m *model) readConstraints() {
	for i := range m.cfg.Constraints {
		c := &m.cfg.Constraints[i]
		switch {
		case c.Location != nil:
			m.readLocation(c.Location)
		case c.Colocation != nil:
			m.readColocation(c.Colocation)
		case c.Order != nil:
			m.readOrder(c.Order)
		case c.Ticket != nil:
			m.readTicketConstraint(c.Ticket)
			m.noted(cause{rule: "ticket", object: c.Ticket.Ticket, pos: c.Ticket.Pos})
		}
	}
}
