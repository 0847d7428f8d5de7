package policy

import "strings"

// ticket is a geo-cluster ticket.
type ticket struct {
	id      string
	granted bool
	standby bool
}

// ticketUse ties a resource to a ticket.
type ticketUse struct {
	ticket *ticket
	role   role
	policy string
}

func (m *model) readTicket(s *TicketState) {
	if s.ID == "" {
		return
	}
	t := m.ticket(s.ID)
	t.granted, t.standby = s.Granted, s.Standby
}

// ticket finds a ticket; one that nobody knows yet is not granted.
func (m *model) ticket(id string) *ticket {
	if m.tickets[id] == nil {
		m.tickets[id] = &ticket{id: id}
	}
	return m.tickets[id]
}

// readTicketConstraint reads a ticket constraint.
func (m *model) readTicketConstraint(c *Ticket) {
	t := m.ticket(c.Ticket)
	if len(c.Sets) > 0 {
		for _, s := range m.expandSets(c.Sets, c.ID, c.Pos) {
			list, complete := m.members(&s, c.ID, c.Pos)
			for _, r := range list {
				m.useTicket(c, t, r, s.Role)
			}
			if !complete {
				return
			}
		}
		return
	}
	if r := m.lookup(c.Resource); r != nil {
		m.useTicket(c, t, r, c.ResourceRole)
		return
	}
	ids, ok := m.referrers(c.Resource)
	if !ok {
		m.missing(c.Resource, c.ID, c.Pos)
	}
	for _, id := range ids {
		if r := m.lookup(id); r != nil {
			m.useTicket(c, t, r, c.ResourceRole)
		} else {
			m.missing(id, c.ID, c.Pos)
		}
	}
}

func (m *model) useTicket(c *Ticket, t *ticket, r *resource, roleText string) {
	u := &ticketUse{ticket: t, role: parseRole(roleText)}
	if u.role == started {
		u.role = unknown
	}
	switch p := strings.ToLower(c.LossPolicy); p {
	case "stop", "demote", "freeze":
		u.policy = p
	case "fence":
		u.policy = p
		if !m.opt.fencing {
			m.problem(true, c.ID, c.Pos, "loss-policy fence of %q needs fencing enabled; stop is used", c.ID)
			u.policy = "stop"
		}
	default:
		u.policy = "stop"
		if u.role == promoted {
			u.policy = "demote"
		}
	}
	r.tickets = append(r.tickets, u)
	if t.granted && !t.standby {
		return
	}
	r.primitives(func(p *resource) { m.withoutTicket(p, u) })
}

// withoutTicket applies the loss of a ticket to a primitive.
func (m *model) withoutTicket(r *resource, u *ticketUse) {
	ban := func() {
		m.applyAll(r, -infinity)
		r.placedBy = append(r.placedBy, Reason{Rule: "ticket", Object: u.ticket.id, Text: "ticket " + u.ticket.id + " is not available"})
	}
	if u.ticket.granted || len(r.active) == 0 {
		if u.role != promoted || u.policy == "stop" {
			ban()
		}
		return
	}
	matches := u.role == unknown || u.role == r.role
	switch u.policy {
	case "stop":
		ban()
	case "demote":
		if u.role != promoted {
			ban()
		}
	case "fence":
		if matches {
			ban()
			for _, n := range r.active {
				m.fenceNode(n, "deadman ticket was lost", false)
			}
		}
	case "freeze":
		if matches {
			r.managed, r.blocked = false, true
		}
	}
}

// ticketForbidsPromotion tells whether a lost ticket keeps a clone from having
// promoted instances.
func (r *resource) ticketForbidsPromotion() bool {
	for _, u := range r.tickets {
		if u.role == promoted && (!u.ticket.granted || u.ticket.standby) {
			return true
		}
	}
	return false
}
