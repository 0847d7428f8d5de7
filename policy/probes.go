package policy

// probeNode asks the agents on a node what is there, as far as that is not
// known.
func (m *model) probeNode(n *node) {
	if !n.online {
		if n.isRemoteNode() && n.conn != nil && m.connectionState(n) == connectionFailed {
			m.fenceNode(n, "the connection is unrecoverable", false)
		}
		return
	}
	if n.unclean || n.noProbes {
		return
	}
	for _, r := range m.resources {
		m.probe(r, n)
	}
}

// probe creates the probes of a resource on a node; it tells whether there are
// any.
func (m *model) probe(r *resource, n *node) bool {
	switch r.kind {
	case Group:
		any := false
		for _, c := range r.children {
			any = m.probe(c, n) || any
		}
		return any
	case Clone:
		return m.probeClone(r, n)
	case Bundle:
		return m.probeBundle(r, n)
	}
	return m.probePrimitive(r, n)
}

func (m *model) probeClone(r *resource, n *node) bool {
	if r.exclusiveProbes {
		if e := r.allowed.at(n); e == nil || e.probe != probeExclusive {
			if e != nil {
				r.allowed[n.index] = entry{}
			}
			return false
		}
	}
	m.sortByNumber(r)
	if r.unique {
		any := false
		for _, c := range r.children {
			any = m.probe(c, n) || any
		}
		return any
	}
	if len(r.children) == 0 {
		return false
	}
	chosen := r.children[0]
	var assigned *resource
	for _, c := range r.children {
		knows := false
		c.primitives(func(p *resource) { knows = knows || p.known.has(n) })
		if knows {
			return m.probe(c, n)
		}
		if assigned == nil {
			for _, a := range c.assignedNodes() {
				if a == n {
					assigned = c
				}
			}
		}
	}
	if assigned != nil {
		chosen = assigned
	}
	return m.probe(chosen, n)
}

// probePrimitive probes a primitive unless something speaks against it.
func (m *model) probePrimitive(r *resource, n *node) bool {
	if !m.mayProbe(r, n) {
		return false
	}
	a := m.create(r, TaskMonitor, 0, n, false)
	a.flags &^= actOptional
	m.orderAfterUnfencing(r, n, a, ordered)
	if !r.activeOn(n) {
		a.targetRC = rcNotRunning
	} else if r.role == promoted {
		a.targetRC = rcPromoted
	}
	a.setReason(Reason{Rule: "probe", Object: r.id, Text: "nothing is known of " + r.id + " on " + n.name}, false)
	top := r
	if r.top.isClone() {
		top = r.top
	}
	flags := ordered
	if !a.runnable() && len(top.active) == 0 {
		flags |= unrunnableFirstBlocks
	}
	m.orderAfterAction(a, top, start0(), flags)
	m.orderAfterAction(a, top, event("reload-agent"), ordered)
	return true
}

func (m *model) mayProbe(r *resource, n *node) bool {
	switch {
	case n.remote && (r.fenceDevice || r.connection), n.isGuest() && r.runsGuest():
		return false
	case r.launcher != nil && !r.connection, r.removed:
		return false
	}
	if m.stateKnown(r, n) {
		return false
	}
	e := r.allowed.at(n)
	if (r.exclusiveProbes || r.top.exclusiveProbes) && (e == nil || e.probe != probeExclusive) {
		return false
	}
	if e != nil && e.probe == probeNever || e == nil && n.probe == probeNever {
		return false
	}
	return !n.isGuest() || m.guestMayProbe(r, n)
}

// runsGuest tells whether the resource (or something it launches) runs a guest
// node.
func (r *resource) runsGuest() bool {
	for _, l := range r.launches {
		if l.connection && l.guest != nil || l.runsGuest() {
			return true
		}
	}
	return false
}

// guestMayProbe is false while a guest node is not there or about to go.
func (m *model) guestMayProbe(r *resource, n *node) bool {
	l := n.conn.launcher
	if l.role == stopped {
		if l.assigned != nil && !l.known.has(l.assigned) {
			m.order(l, event(TaskMonitor), r.top, start0(), ordered)
		}
		return false
	}
	moving := len(l.active) > 0 && l.assigned != nil && !l.activeOn(l.assigned)
	if n.resetNeeded || n.unclean || l.failed || l.next == stopped || moving {
		m.order(l, stop0(), r.top, start0(), ordered)
		return false
	}
	return true
}

// orderProbes makes what restarts or stops other resources wait until it is
// known where things are.
func (m *model) orderProbes() {
	m.eachPrimitive(func(r *resource) {
		for _, p := range r.byKey[opKey{TaskMonitor, 0}] {
			if p.task == TaskMonitor {
				m.probeBeforeRestarts(p)
			}
		}
	})
	for i := 0; i < len(m.orderings); i++ {
		m.probeBeforeStops(m.orderings[i])
	}
}

// probeBeforeRestarts lets everything that a probe's outcome may restart wait.
func (m *model) probeBeforeRestarts(p *action) {
	visited := map[*action]bool{}
	for i := len(p.after) - 1; i >= 0; i-- {
		rel := p.after[i]
		x := rel.then
		if !p.runnable() && x.task == TaskStart && x.rsc == p.rsc.top && x.rsc != nil && x.rsc.isCollective() && x.rsc.kind != Group &&
			rel.asMade&unrunnableFirstBlocks == 0 {
			for j := len(x.after) - 1; j >= 0; j-- {
				y := x.after[j].then
				if y.task == TaskStart && y.rsc != nil && y.rsc.top == x.rsc && len(y.rsc.active) == 0 {
					m.relate(p, y, ordered|unrunnableFirstBlocks)
				}
			}
		}
		m.walkRestarts(p, x, visited)
	}
}

func (m *model) walkRestarts(p, x *action, visited map[*action]bool) {
	if visited[x] {
		return
	}
	visited[x] = true
	if r := x.rsc; r != nil && r.kind == Primitive && r != p.rsc {
		undo := ""
		switch x.task {
		case TaskStart:
			undo = TaskStop
		case TaskPromote:
			undo = TaskDemote
		}
		if undo != "" {
			for _, a := range r.byKey[opKey{undo, 0}] {
				if !a.is(actPseudo) {
					m.relate(p, a, ordered)
				}
			}
		}
	}
	for i := len(x.after) - 1; i >= 0; i-- {
		rel := x.after[i]
		if rel.asMade&firstImpliesThen != 0 || m.walksInto(p, x, rel.then) {
			m.walkRestarts(p, rel.then, visited)
		}
	}
}

// walksInto tells whether an event of a collective concerns a child of it.
func (m *model) walksInto(p, x, z *action) bool {
	c := x.rsc
	if c == nil || !c.isCollective() || c == p.rsc.parent || z.rsc == nil || z.rsc.parent != c {
		return false
	}
	if z.rsc.kind != Primitive && z.rsc.kind != Group {
		return false
	}
	if c.kind != Group && isTrue(c.meta["interleave"]) {
		return m.compatible(p.rsc, c, unknown, false) == z.rsc
	}
	return true
}

// probeBeforeStops lets what waits for a resource's stop wait for its probes.
func (m *model) probeBeforeStops(o *ordering) {
	a := o.firstRsc
	if a == nil || o.firstKey.task != TaskStop || o.thenRsc == a || a.kind != Primitive {
		return
	}
	probes := a.byKey[opKey{TaskMonitor, 0}]
	if len(probes) == 0 || a.launcher != nil && o.thenRsc == a.launcher && o.thenKey.task == TaskStop {
		return
	}
	flags := ordered | o.flags&(ifFirstUnmigratable|ifOnSameNode)
	if o.flags == ifRequiredOnSameNode || o.flags == ifOnSameNodeOrTarget {
		flags = o.flags
	}
	thens := []*action{o.then}
	if o.then == nil {
		if o.thenRsc == nil {
			return
		}
		thens = o.thenRsc.byKey[o.thenKey]
	}
	for _, p := range probes {
		if p.task != TaskMonitor {
			continue
		}
		for _, y := range thens {
			if y.task == "stonith" && y.fenceOp == TaskOn && y.node == p.node ||
				y.task == TaskShutdown && y.node != p.node {
				continue
			}
			m.relate(p, y, flags)
		}
	}
}
