package policy

// recurringActions starts, keeps and cancels the recurring operations of a
// primitive.
func (m *model) recurringActions(r *resource) {
	if r.blocked || r.maintenance {
		return
	}
	n := r.assigned
	var start *action
	if n != nil && !n.maintenance && (r.next != stopped || !r.managed) {
		start = m.create(r, TaskStart, 0, n, true)
	}
	for _, op := range m.recurringOps(r) {
		if parseRole(attr(op.Attributes, "role")) == stopped {
			m.monitorStopped(r, op)
		} else if start != nil {
			m.recurWhileActive(r, op, start)
		}
	}
}

// recurringOps are the configured operations that recur.
func (m *model) recurringOps(r *resource) []*Op {
	ops := m.operations(r)
	seen := map[opKey]int{}
	for i := range ops {
		seen[opKey{ops[i].Name, ops[i].intervalMS()}]++
	}
	var list []*Op
	for i := range ops {
		op := &ops[i]
		ms := op.intervalMS()
		if ms <= 0 || op.disabled() {
			continue
		}
		switch op.Name {
		case TaskStart, TaskStop, TaskPromote, TaskDemote, "reload-agent", TaskMigrateTo, TaskMigrateFrom:
			m.problem(true, r.name, op.Pos, "operation %s of %q cannot recur; the interval is ignored", op.Name, r.name)
			continue
		}
		if seen[opKey{op.Name, ms}] > 1 {
			m.problem(true, r.name, op.Pos, "%q has several operations %s with the same interval; none of them recurs", r.name, op.Name)
			continue
		}
		if v, given := attrGiven(op.Attributes, "role"); given && parseRole(v) == unknown {
			m.problem(true, r.name, op.Pos, "role %q of operation %s of %q is unknown; it does not recur", v, op.Name, r.name)
			continue
		}
		list = append(list, op)
	}
	return list
}

// recurWhileActive handles an operation that runs where the resource is.
func (m *model) recurWhileActive(r *resource, op *Op, start *action) {
	n := r.assigned
	key := opKey{op.Name, op.intervalMS()}
	optional := false
	if !start.required() {
		for _, a := range r.byKey[key] {
			if a.node == n || a.node == nil {
				optional = !a.is(actReschedule)
				break
			}
		}
	}
	opRole := unknown
	if v := attr(op.Attributes, "role"); v != "" {
		opRole = parseRole(v)
	}
	match := opRole == r.next
	if opRole == unknown {
		match = r.next != promoted
	}
	if !match {
		if optional {
			m.cancelBefore(r, key, n)
		}
		return
	}
	a := m.create(r, key.task, key.interval, n, optional)
	if !start.runnable() || !n.online || n.unclean {
		a.flags &^= actRunnable
	}
	if r.next == promoted {
		a.targetRC = rcPromoted
	}
	if !r.managed {
		return
	}
	m.orderAfterKey(r, TaskStart, a, firstImpliesThen|unrunnableFirstBlocks)
	m.orderAfterKey(r, "reload-agent", a, firstImpliesThen|unrunnableFirstBlocks)
	switch {
	case r.next == promoted:
		m.orderAfterKey(r, TaskPromote, a, ordered|unrunnableFirstBlocks)
	case r.role == promoted:
		m.orderAfterKey(r, TaskDemote, a, ordered|unrunnableFirstBlocks)
	}
}

func (m *model) orderAfterKey(r *resource, task string, a *action, flags relFlags) {
	m.orderBeforeAction(r, opKey{task, 0}, a, flags)
}

// cancelBefore ends a recurring operation before the role changes.
func (m *model) cancelBefore(r *resource, key opKey, n *node) {
	a := m.cancel(r, key, n)
	switch {
	case r.role == started || r.role == unpromoted:
		if r.next == promoted {
			m.orderAfterAction(a, r, opKey{TaskPromote, 0}, unrunnableFirstBlocks)
		} else if r.next == stopped {
			m.orderAfterAction(a, r, opKey{TaskStop, 0}, unrunnableFirstBlocks)
		}
	case r.role == promoted:
		m.orderAfterAction(a, r, opKey{TaskDemote, 0}, unrunnableFirstBlocks)
	}
}

// cancel turns the recurring action into its end.
func (m *model) cancel(r *resource, key opKey, n *node) *action {
	a := m.createKey(r, key, key.task, n, false)
	if a.task != TaskCancel {
		a.cancels = a.task
		a.task = TaskCancel
	}
	return a
}

// monitorStopped handles a monitor that watches where the resource must not be.
func (m *model) monitorStopped(r *resource, op *Op) {
	if !r.unique {
		return
	}
	key := opKey{op.Name, op.intervalMS()}
	for _, n := range m.nodes {
		running := false
		for _, a := range r.byKey[key] {
			running = running || a.node == n
		}
		if n == r.assigned {
			if running {
				a := m.cancel(r, key, n)
				if r.next == started || r.next == unpromoted {
					m.orderAfterAction(a, r, opKey{TaskStart, 0}, unrunnableFirstBlocks)
				}
			}
			continue
		}
		m.monitorStoppedOn(r, key, n, running)
	}
}

func (m *model) monitorStoppedOn(r *resource, key opKey, n *node, running bool) {
	a := m.create(r, key.task, key.interval, n, running)
	a.targetRC = rcNotRunning
	if r.managed {
		for _, probe := range r.byKey[opKey{TaskMonitor, 0}] {
			if probe.node == n {
				m.orderActions(probe, a, unrunnableFirstBlocks)
			}
		}
	}
	for _, stop := range r.byKey[opKey{TaskStop, 0}] {
		if stop.node != n {
			continue
		}
		if !r.managed && stop.required() && a.required() {
			a.flags |= actOptional
		}
		if !stop.runnable() {
			a.flags &^= actRunnable
		}
		if r.managed {
			m.orderActions(stop, a, firstImpliesThen|unrunnableFirstBlocks)
		}
	}
	if !n.clean() {
		a.flags &^= actRunnable
	}
}
