package policy

// groupActions creates the actions of the members and the events of the group.
func (m *model) groupActions(r *resource) {
	for _, c := range r.children {
		m.actionsOf(c)
	}
	tasks := []string{TaskStart, "running", TaskStop, "stopped"}
	if r.promotable {
		tasks = append(tasks, TaskDemote, "demoted", TaskPromote, "promoted")
	}
	for _, t := range tasks {
		m.pseudo(r, t, true, true)
	}
}

// cloneActions creates the actions of the instances and the events of the
// clone.
func (m *model) cloneActions(r *resource) {
	for _, c := range r.children {
		m.actionsOf(c)
	}
	m.instanceEvents(r, r.children, r.notify)
	if !r.promotable {
		return
	}
	promoting, demoting := false, false
	for _, c := range r.children {
		m.actionsOf(c)
	}
	r.primitives(func(p *resource) {
		for _, a := range p.byKey[opKey{TaskPromote, 0}] {
			promoting = promoting || a.required()
		}
		for _, a := range p.byKey[opKey{TaskDemote, 0}] {
			demoting = demoting || a.required()
		}
	})
	m.promotionEvents(r, promoting, demoting, r.notify)
	for _, c := range r.children {
		c.priority = r.priority
	}
}

// promotionEvents creates the events of a promotable clone or bundle.
func (m *model) promotionEvents(r *resource, promoting, demoting, notify bool) {
	begin := m.pseudo(r, TaskPromote, !promoting, true)
	end := m.pseudo(r, "promoted", !promoting, true)
	var n *notification
	if notify {
		n = m.notifyEvents(r, begin, end)
		m.noteNotification(r, TaskPromote, n)
	}
	begin = m.pseudo(r, TaskDemote, !demoting, true)
	end = m.pseudo(r, "demoted", !demoting, true)
	if notify {
		m.noteNotification(r, TaskDemote, m.notifyEvents(r, begin, end))
	}
}

// instanceEvents creates the start and stop events over instances.
func (m *model) instanceEvents(r *resource, instances []*resource, notify bool) {
	var active, starting, stopping, restarting bool
	for _, inst := range instances {
		inst.primitives(func(p *resource) {
			var up, down bool
			active = active || len(p.active) > 0
			for _, a := range p.byKey[opKey{TaskStart, 0}] {
				up = up || a.required() && a.runnable()
			}
			for _, a := range p.byKey[opKey{TaskStop, 0}] {
				down = down || a.required() && (a.is(actPseudo) || a.runnable())
			}
			starting = starting || up
			stopping = stopping || down
			restarting = restarting || up && down
		})
	}
	begin := m.pseudo(r, TaskStart, !starting, true)
	end := m.pseudo(r, "running", !starting, active || starting)
	if notify {
		m.noteNotification(r, TaskStart, m.notifyEvents(r, begin, end))
	}
	begin = m.pseudo(r, TaskStop, !stopping, true)
	if !restarting {
		begin.flags |= actMigratable
	}
	end = m.pseudo(r, "stopped", !stopping, true)
	if !restarting {
		end.flags |= actMigratable
	}
	if notify {
		m.noteNotification(r, TaskStop, m.notifyEvents(r, begin, end))
	}
}
