package policy

// checkDefinitions looks for operations whose definition has changed since they
// ran, and for history of resources that are gone.
func (m *model) checkDefinitions() {
	for _, n := range m.nodes {
		if !n.maintenance && !n.eligible() || n.state == nil || !n.historyRead {
			continue
		}
		for i := range n.state.History {
			h := &n.state.History[i]
			if len(h.Ops) == 0 {
				continue
			}
			for _, r := range m.knownAs(h.ID) {
				m.checkDefinition(r, n, h)
			}
		}
	}
}

// knownAs lists the primitives that a history name means.
func (m *model) knownAs(id string) []*resource {
	var list []*resource
	if r := m.byID[id]; r != nil && r.kind == Primitive {
		list = append(list, r)
	}
	for _, r := range m.byHistory[id] {
		if r.id != id {
			list = append(list, r)
		}
	}
	for _, r := range m.resources {
		if r.removed && r.id == id && m.byID[id] != r {
			list = append(list, r)
		}
	}
	return list
}

func (m *model) checkDefinition(r *resource, n *node, h *ResourceHistory) {
	if r.removed {
		if !(r.top.isClone() && !r.top.unique) {
			m.cleanUp(r, n)
		}
		return
	}
	sameAgent := h.Class == r.cfg.Class && h.Type == r.cfg.Type && h.Provider == r.cfg.Provider
	if !r.activeOn(n) {
		if !sameAgent {
			m.cleanUp(r, n)
			m.triggerUnfencing(r, n, "Device definition changed")
		}
		return
	}
	if !sameAgent {
		m.triggerUnfencing(r, n, "Device definition changed")
		a := m.create(r, TaskStop, 0, n, false)
		a.setReason(Reason{Rule: "definition-changed", Object: r.name, Text: "resource definition change", Pos: r.cfg.Pos}, true)
		r.startPending = true
		m.cleanUp(r, n)
	}
	ops := sortOps(h)
	start, stop := activeOps(ops)
	if start < stop {
		return
	}
	for _, o := range ops[max(start, 0):] {
		m.checkOperation(r, n, o)
	}
}

func (m *model) checkOperation(r *resource, n *node, o *OpRecord) {
	if o.IntervalMS > 0 && (r.maintenance || n.maintenance) {
		m.cancelChanged(r, n, o)
		return
	}
	switch o.Operation {
	case TaskMonitor, TaskStart, TaskPromote, TaskMigrateFrom:
	default:
		if o.IntervalMS == 0 {
			return
		}
	}
	check := func() { m.checkParameters(r, n, o) }
	if m.addressUnknown(r) {
		m.deferred = append(m.deferred, check)
		return
	}
	check()
}

// cancelChanged ends a recurring operation that is no longer wanted.
func (m *model) cancelChanged(r *resource, n *node, o *OpRecord) {
	a := m.cancel(r, opKey{o.Operation, o.IntervalMS}, n)
	why := "the operation is no longer configured"
	if r.maintenance || n.maintenance {
		why = "maintenance mode"
	}
	a.setReason(Reason{Rule: "cancelled", Object: r.id, Text: why}, true)
	m.orderBeforeAction(r, stop0(), a, ordered)
}

// checkParameters compares one entry with the configuration.
func (m *model) checkParameters(r *resource, n *node, o *OpRecord) {
	key := opKey{o.Operation, o.IntervalMS}
	changed := false
	if o.IntervalMS > 0 && m.findOp(r, key.task, key.interval, false) == nil {
		changed = true
		if m.opt.cancelRemoved {
			m.cancelChanged(r, n, o)
		}
	} else {
		changed = m.reactToChange(r, n, o, key)
	}
	if changed && m.failCount(r, n, failCountOptions{effective: true}).count != 0 {
		m.clearFailCount(r, n, "action definition changed")
	}
}

// reactToChange reschedules, reloads or restarts what has other parameters now.
func (m *model) reactToChange(r *resource, n *node, o *OpRecord, key opKey) bool {
	result := m.compareDigests(r, n, o)
	if result == digestSame || m.onlySecretsChanged(r, n, o) {
		return false
	}
	switch {
	case result == digestRestart:
		m.forceRestart(r, n, key)
	case o.IntervalMS > 0:
		m.triggerUnfencing(r, n, "Device parameters changed (reschedule)")
		m.create(r, key.task, key.interval, n, true).flags |= actReschedule
	case o.RestartDigest != "":
		m.triggerUnfencing(r, n, "Device parameters changed (reload)")
		m.reload(r, n)
	default:
		m.forceRestart(r, n, key)
	}
	return true
}

// forceRestart makes the action required that starts the resource anew.
func (m *model) forceRestart(r *resource, n *node, key opKey) {
	if key.interval == 0 && key.task != TaskStart {
		switch key.task {
		case TaskMonitor, TaskMigrateFrom, TaskPromote:
			key.task = TaskStart
		}
	}
	a := m.create(r, key.task, key.interval, nil, false)
	a.setReason(Reason{Rule: "definition-changed", Object: r.name, Text: "resource definition change", Pos: r.cfg.Pos}, true)
	m.triggerUnfencing(r, n, "Device parameters changed")
}

// reload lets the agent take over changed parameters while it runs.
func (m *model) reload(r *resource, n *node) {
	if !r.managed || r.failed {
		return
	}
	if r.startPending {
		m.create(r, TaskStop, 0, n, false)
		return
	}
	r.reloading = true
	a := m.create(r, "reload-agent", 0, n, false)
	a.setReason(Reason{Rule: "definition-changed", Object: r.name, Text: "resource definition change", Pos: r.cfg.Pos}, false)
	m.orderAfterAction(a, r, stop0(), ordered|thenCancelsFirst)
	m.orderAfterAction(a, r, demote0(), ordered|thenCancelsFirst)
}

// cleanUp makes a node forget a resource.
func (m *model) cleanUp(r *resource, n *node) {
	if r.failed || !n.clean() {
		return
	}
	a := m.create(r, TaskDelete, 0, n, false)
	a.flags &^= actOptional
	a.setReason(Reason{Rule: "removed", Object: r.id, Text: "the history is out of date"}, false)
	m.order(r, stop0(), r, event(TaskDelete), ordered)
	m.order(r, event(TaskDelete), r, start0(), ordered)
}
