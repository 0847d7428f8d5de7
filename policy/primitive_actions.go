package policy

// createActions makes the actions that bring each resource from its present
// role and node to those it shall have.
func (m *model) createActions() {
	if m.opt.probes {
		for _, n := range m.nodes {
			m.probeNode(n)
		}
	}
	for _, r := range m.resources {
		if r.removed {
			m.clearRemoved(r)
		}
	}
	for _, r := range m.resources {
		m.actionsOf(r)
	}
}

// clearRemoved forgets the failures of a resource that is no longer configured.
func (m *model) clearRemoved(r *resource) {
	for _, n := range m.nodes {
		if n.online && m.failCount(r, n, failCountOptions{effective: true}).count != 0 {
			a := m.clearFailCount(r, n, "it is removed")
			m.orderAfterAction(a, r, opKey{TaskStop, 0}, ordered)
		}
	}
}

// actionsOf creates the actions of a resource and of everything below it.
func (m *model) actionsOf(r *resource) {
	switch r.kind {
	case Group:
		m.groupActions(r)
	case Clone:
		m.cloneActions(r)
	case Bundle:
		m.bundleActions(r)
	default:
		m.primitiveActions(r)
	}
}

// nextStep is the role on the way from one to another.
func nextStep(from, target role) role {
	switch {
	case target == unknown && from == unknown:
		return unknown
	case target == stopped || target == unknown:
		if from == promoted && target == stopped {
			return unpromoted
		}
		return stopped
	}
	switch from {
	case unknown:
		return stopped
	case stopped:
		if target == started {
			return started
		}
		return unpromoted
	case started:
		return target
	case unpromoted:
		if target == started {
			return stopped
		}
		return target
	}
	if target == promoted {
		return promoted
	}
	return unpromoted
}

// stepTask is the operation that one step takes; "" if it takes none.
func stepTask(from, next role) string {
	switch {
	case from == unknown && next == stopped:
		return TaskStop
	case from == stopped && (next == started || next == unpromoted):
		return TaskStart
	case from == started && next == stopped, from == unpromoted && (next == stopped || next == started):
		return TaskStop
	case (from == started || from == unpromoted) && next == promoted:
		return TaskPromote
	case from == promoted && next != promoted && next != unknown:
		return TaskDemote
	}
	return ""
}

// steps are the conclusions from which the actions of a primitive follow.
type steps struct {
	m           *model
	r           *resource
	current     *node
	moving      bool
	needStop    bool
	needPromote bool
	migrate     bool
}

// primitiveActions creates the actions of one primitive: down and up again in
// place, as options that others can call for, then to the role it shall have.
func (m *model) primitiveActions(r *resource) {
	if r.next == unknown {
		r.next = stopped
		if r.assigned != nil {
			r.next = started
		}
	}
	s := &steps{m: m, r: r, current: r.current()}
	for _, n := range r.dangling {
		a := m.create(r, TaskStop, 0, n, false)
		a.flags |= actMigrationAbort
	}
	s.moving = s.current != nil && r.assigned != nil && s.current != r.assigned && r.next >= started
	if s.moving {
		s.needStop = true
		s.migrate = m.mayMigrate(r, s.current)
	}
	s.considerMultiple()
	if r.startPending && r.assigned != nil {
		m.create(r, TaskStart, 0, r.assigned, true).flags |= actAlways
	}
	if !s.moving {
		s.considerFailure()
	}
	s.restart()
	for from := r.role; from != r.next; {
		next := nextStep(from, r.next)
		if !s.act(from, next, r.assigned, true) || next == from {
			break
		}
		from = next
	}
	m.recurringActions(r)
	if s.migrate {
		m.migrationActions(r, s.current)
	}
}

// considerMultiple decides about resources that are on several nodes.
func (s *steps) considerMultiple() {
	r := s.r
	all, clean := r.activeCounts()
	multiple := false
	switch {
	case r.partialSource != nil && r.partialTarget != nil && s.migrate && all == 2 &&
		s.current == r.partialSource && r.assigned == r.partialTarget:
	case r.partialSource != nil || r.partialTarget != nil:
		s.needStop, s.migrate = true, false
		r.partialSource, r.partialTarget = nil, nil
	default:
		multiple = clean > 1
		if r.needsFencing {
			multiple = all > 1
		}
	}
	r.stopUnexpected = false
	if !multiple {
		return
	}
	switch r.multiple {
	case "stop_start":
		s.needStop = true
	case "stop_unexpected":
		s.needStop = true
		r.stopUnexpected = true
	}
}

// considerFailure decides whether the resource must be restarted in place.
func (s *steps) considerFailure() {
	r := s.r
	switch {
	case r.failed:
		if r.stopIfFailed {
			s.needStop = true
		} else if r.next == promoted {
			s.needPromote = true
		}
	case r.blocked:
		s.needStop = true
	case r.role > started && s.current != nil && r.assigned != nil:
		if s.m.create(r, TaskStart, 0, r.assigned, true).required() {
			s.needStop = true
		}
	}
}

// restart creates the actions of going down and coming back to the same role.
func (s *steps) restart() {
	r := s.r
	r.restarting = true
	defer func() { r.restarting = false }()
	from := r.role
	for from != stopped {
		next := nextStep(from, stopped)
		if !s.act(from, next, s.current, s.needStop) {
			break
		}
		from = next
	}
	for r.role <= r.next && from != r.role && !r.blocked {
		next := nextStep(from, r.role)
		if !s.act(from, next, r.assigned, s.needStop || next == promoted && s.needPromote) || next == from {
			break
		}
		from = next
	}
}

// act creates the action of one step; false if the step takes none.
func (s *steps) act(from, next role, n *node, required bool) bool {
	switch stepTask(from, next) {
	case TaskStop:
		s.stop(required)
	case TaskStart:
		s.start(n, required)
	case TaskPromote:
		s.promote(n, required)
	case TaskDemote:
		s.demote(required)
	default:
		return false
	}
	return true
}

// expectedOn tells whether the resource may keep running on a node although it
// is on others, too.
func (r *resource) expectedOn(n *node) bool {
	return r.stopUnexpected && r.restarting && r.next > stopped && r.assigned != nil && r.assigned == n
}

func (s *steps) stop(required bool) {
	r, m := s.r, s.m
	for _, n := range r.active {
		if r.expectedOn(n) {
			continue
		}
		if r.partialTarget != nil {
			if n == r.partialTarget && n == r.assigned {
				continue
			}
			required = true
		}
		a := m.create(r, TaskStop, 0, n, !required)
		switch {
		case r.assigned == nil:
			a.setReason(Reason{Rule: "no-node", Object: r.id, Text: "node availability"}, true)
		case r.stopUnexpected && r.restarting:
			a.setReason(Reason{Rule: "multiple-active", Object: r.id, Text: "being multiply active"}, true)
		}
		if !r.managed {
			a.flags &^= actRunnable
		}
		if r.needsUnfencing {
			m.orderActions(a, m.unfenceAction(n, "", false, nil), thenImpliesFirst)
		}
	}
}

func (s *steps) start(n *node, required bool) {
	r, m := s.r, s.m
	a := m.create(r, TaskStart, 0, n, true)
	m.orderAfterUnfencing(r, n, a, firstImpliesThen)
	if a.runnable() && required {
		a.flags &^= actOptional
	}
	if n != nil && r.expectedOn(n) {
		a.flags |= actPseudo
	}
}

func (s *steps) promote(n *node, required bool) {
	r, m := s.r, s.m
	runnable := true
	for _, a := range r.byKey[opKey{TaskStart, 0}] {
		runnable = runnable && a.runnable()
	}
	if runnable {
		a := m.create(r, TaskPromote, 0, n, !required)
		if n != nil && r.expectedOn(n) {
			a.flags |= actPseudo
		}
		return
	}
	for _, a := range r.byKey[opKey{TaskPromote, 0}] {
		a.flags &^= actRunnable
	}
}

func (s *steps) demote(required bool) {
	for _, n := range s.r.active {
		if !s.r.expectedOn(n) {
			s.m.create(s.r, TaskDemote, 0, n, !required)
		}
	}
}
