package policy

// fenceNode decides that a node must be fenced before anyone relies on it. For
// guest nodes that means to recover what runs them. The first reason stays.
func (m *model) fenceNode(n *node, why string, priorityDelay bool) {
	switch {
	case n.isGuest():
		l := n.conn.launcher
		if !l.failed && l.managed {
			n.resetNeeded = true
			n.uncleanWhy = why
			l.failed, l.stopIfFailed = true, true
		}
	case n.remote && n.conn != nil && n.conn.removed && n.conn.removedLaunched:
		n.conn.failed, n.conn.stopIfFailed = true, true
	case n.remote:
		if n.conn == nil || n.conn.managed {
			n.resetNeeded = true
		}
		n.markUnclean(why)
		m.noteFencing(n, why)
	case !n.unclean:
		n.markUnclean(why)
		n.delayEligible = priorityDelay
		m.noteFencing(n, why)
	}
}

func (n *node) markUnclean(why string) {
	n.unclean = true
	if n.uncleanWhy == "" {
		n.uncleanWhy = why
	}
}

// noteFencing creates the fence action, which becomes required later if it is
// possible at all.
func (m *model) noteFencing(n *node, why string) {
	a := m.fenceAction(n, m.opt.fencingAction)
	a.setReason(Reason{Rule: "fencing", Object: n.name, Text: why}, false)
}

// fenceAction finds or creates the action that fences (or unfences) a node.
func (m *model) fenceAction(n *node, op string) *action {
	key := "stonith-" + n.name + "-" + op
	if a := m.clusterActs[key]; a != nil {
		return a
	}
	a := m.newAction(nil, opKey{key, 0}, "stonith", n, actOptional|actRunnable)
	a.fenceOp = op
	m.clusterActs[key] = a
	return a
}

// canFence tells whether a node can be fenced now.
func (m *model) canFence(n *node) bool { return m.canFenceWithin(n, len(m.nodes)) }

// canFenceWithin follows guests to their hosts, and gives up on guests that are
// recorded inside of each other.
func (m *model) canFenceWithin(n *node, depth int) bool {
	if n.isGuest() {
		for _, host := range n.conn.launcher.active {
			if !host.online && (depth == 0 || !m.canFenceWithin(host, depth-1)) {
				return false
			}
		}
		return true
	}
	if !m.opt.fencing || !m.haveFencer && !m.opt.haveWatchdog {
		return false
	}
	if m.quorum || m.opt.quorumPolicy == "ignore" {
		return true
	}
	if !n.online {
		return false
	}
	if n.remote && !m.opt.fenceRemoteNoQuorum && n.conn != nil {
		for _, o := range m.nodes {
			if n.conn.allowed.at(o) != nil && !o.online {
				return false
			}
		}
	}
	return true
}

// scheduleFencing makes fencing and shutdowns part of the plan, and orders
// everything that relies on them.
func (m *model) scheduleFencing() {
	managed := false
	m.eachPrimitive(func(r *resource) { managed = managed || r.managed })
	var dcDown *action
	var fences, shutdowns []*action
	for _, n := range m.nodes {
		var a *action
		switch {
		case n.isGuest():
			if n.resetNeeded && managed && m.canFence(n) {
				m.fenceGuest(n)
			}
			continue
		case n.unclean && managed && m.canFence(n):
			a = m.requireFencing(n)
			if !m.isDC(n) {
				if !m.opt.concurrentFencing && len(fences) > 0 {
					m.orderActions(fences[len(fences)-1], a, ordered)
				}
				fences = append(fences, a)
			}
		case !n.remote && n.online && n.shutdown:
			a = m.shutDown(n)
			if !m.isDC(n) {
				shutdowns = append(shutdowns, a)
			}
		default:
			continue
		}
		if m.isDC(n) {
			dcDown = a
		}
	}
	if dcDown == nil {
		return
	}
	if dcDown.task == TaskShutdown {
		for _, a := range shutdowns {
			m.orderActions(a, dcDown, ordered)
		}
	}
	for i, a := range fences {
		if m.opt.concurrentFencing || i == len(fences)-1 {
			m.orderActions(a, dcDown, ordered)
		}
	}
}

func (m *model) isDC(n *node) bool { return n.attrs["#is_dc"] == "true" }

// requireFencing makes the fencing of an unclean node required.
func (m *model) requireFencing(n *node) *action {
	a := m.fenceAction(n, m.opt.fencingAction)
	a.flags &^= actOptional
	a.setReason(Reason{Rule: "fencing", Object: n.name, Text: "node is unclean"}, false)
	n.fence = a
	if n.delayEligible && m.opt.priorityFencingDelay > 0 {
		a.fenceDelay = m.priorityDelay(n)
	}
	m.eachPrimitive(func(r *resource) { m.orderAgainstFencing(r, n, a) })
	return a
}

// priorityDelay gives the side with the more important resources a head start,
// in milliseconds.
func (m *model) priorityDelay(n *node) int64 {
	all, online := 0, 0
	low, high := 0, 0
	for _, o := range m.nodes {
		if o.remote {
			continue
		}
		if all == 0 {
			low, high = o.prioritySum, o.prioritySum
		}
		all++
		if o.online {
			online++
		}
		low, high = min(low, o.prioritySum), max(high, o.prioritySum)
	}
	if n.remote || n.online || online > all/2 || low == high || n.prioritySum < high {
		return 0
	}
	return roundedSeconds(m.opt.priorityFencingDelay) * 1000
}

// orderAgainstFencing makes a resource's recovery wait for the fencing of a
// node, and its stops there need nothing else.
func (m *model) orderAgainstFencing(r *resource, n *node, fence *action) {
	if !r.managed {
		return
	}
	for i := len(r.actions) - 1; i >= 0; i-- {
		a := r.actions[i]
		switch a.needs {
		case needFencing:
			m.orderActions(fence, a, ordered)
		case needQuorum:
			if a.task == TaskStart && r.allowed.at(n) != nil && !m.stateKnown(r, n) {
				m.orderActions(fence, a, ordered|unrunnableFirstBlocks)
			}
		}
	}
	implied := r.needsFencing || n.isGuest()
	for _, a := range m.findOn(r, opKey{TaskStop, 0}, n) {
		a.flags |= actPseudo | actRunnable
		if implied {
			if !r.bundled() {
				m.orderActions(fence, a, guestAllowed)
			}
			if top := r.top.newest(opKey{TaskStop, 0}, nil); top != nil {
				m.orderActions(fence, top, guestAllowed)
			}
		}
		if r.notify {
			m.notifyOfFencing(r, n, fence, a)
		}
	}
	if !n.clean() || r.failed {
		for _, a := range m.findOn(r, opKey{TaskDemote, 0}, n) {
			a.flags |= actPseudo | actRunnable
			if implied && !r.bundled() {
				m.orderActions(fence, a, guestAllowed|ordered)
			}
		}
	}
}

// stateKnown tells whether it is known what a resource does on a node.
func (m *model) stateKnown(r *resource, n *node) bool {
	if r.known.has(n) {
		return true
	}
	p := r.parent
	return p != nil && p.isClone() && !p.unique && p.known.has(n)
}

// fenceGuest recovers a guest node: its container or VM is restarted.
func (m *model) fenceGuest(n *node) {
	l := n.conn.launcher
	op := TaskOff
	if len(l.byKey[opKey{TaskStart, 0}]) > 0 {
		op = TaskReboot
	}
	a := m.fenceAction(n, op)
	a.flags = a.flags&^actOptional | actPseudo | actRunnable
	a.setReason(Reason{Rule: "fencing", Object: n.name, Text: "guest is unclean"}, false)
	n.fence = a
	stop := l.newest(opKey{TaskStop, 0}, nil)
	switch {
	case stop != nil && stop.is(actPseudo) && stop.node != nil:
		host := m.fenceAction(stop.node, m.opt.fencingAction)
		host.flags &^= actOptional
		host.setReason(Reason{Rule: "fencing", Object: stop.node.name, Text: n.name + " is guest on failed node"}, false)
		m.orderActions(host, a, unrunnableFirstBlocks|firstImpliesThen)
	case stop != nil:
		m.orderActions(stop, a, unrunnableFirstBlocks|firstImpliesThen)
	default:
		if c := n.conn.newest(opKey{TaskStop, 0}, nil); c != nil {
			m.orderActions(c, a, ordered)
		}
	}
	m.eachPrimitive(func(r *resource) { m.orderAgainstFencing(r, n, a) })
}

// shutDown lets a node leave once everything on it is stopped.
func (m *model) shutDown(n *node) *action {
	key := "do_shutdown-" + n.name
	a := m.newAction(nil, opKey{key, 0}, TaskShutdown, n, actRunnable)
	m.clusterActs[key] = a
	a.setReason(Reason{Rule: "shutdown", Object: n.name, Text: "the node asked to leave"}, false)
	for i := len(m.actions) - 1; i >= 0; i-- {
		s := m.actions[i]
		r := s.rsc
		if s.task != TaskStop || r == nil || s.node != n || r.maintenance || n.maintenance || !r.managed && !r.blocked {
			continue
		}
		s.flags &^= actOptional
		m.orderActions(s, a, ordered|unrunnableFirstBlocks)
	}
	return a
}
