package policy

// bundleInstances are the instances that an operation of a bundle concerns.
func (r *resource) bundleInstances(task string) []*resource {
	switch foldBack(task) {
	case TaskStart, TaskStop, TaskMonitor:
		return r.instances()
	}
	if r.bundle.inner == nil {
		return nil
	}
	return r.bundle.inner.children
}

// bundleInstanceOn is the instance whose bundle node is n.
func bundleInstanceOn(inner *resource, n *node) *resource {
	for _, c := range inner.children {
		if c.replica != nil && c.replica.node == n {
			return c
		}
	}
	return nil
}

// bundleAddress is the address of a connection that depends on where its
// container is, once that is known.
func (m *model) bundleAddress(r *resource) string {
	if !r.nesting || m.paramsFor(r, nil)["addr"] != "#uname" {
		return ""
	}
	n := r.launcher.assigned
	if n == nil {
		n = r.launcher.current()
	}
	return nodeName(n)
}

// addressUnknown tells whether a connection's address must wait for the
// assignment.
func (m *model) addressUnknown(r *resource) bool {
	return r.nesting && !m.assigningDone && m.paramsFor(r, nil)["addr"] == "#uname"
}

// assignBundle places the containers and then what belongs to each.
func (m *model) assignBundle(r *resource, prefer *node, final bool) {
	if r.assigning {
		return
	}
	r.assigning = true
	b := r.bundle
	containers := m.sortInstances(r.instances())
	m.placeInstances(r, containers, len(b.replicas), b.perHost)
	for _, p := range b.replicas {
		if p.ip != nil {
			m.assign(p.ip, prefer, final)
		}
		if p.conn == nil {
			continue
		}
		if h := p.container.assigned; h != nil && h.remote && h.conn != nil {
			m.addColocation(&colocation{
				id: "#replica-remote-with-host-remote", dependent: p.conn, primary: h.conn, score: infinity, influence: true,
			})
		}
		m.assign(p.conn, prefer, final)
		m.assignChild(p, final)
	}
	if inner := b.inner; inner != nil {
		for i := range inner.allowed {
			if inner.allowed[i].in {
				inner.allowed[i].score = -infinity
				if n := m.byIndex[i]; n.conn != nil && n.conn.replica != nil && n.conn.replica.bundle == b {
					inner.allowed[i].score = 0
				}
			}
		}
		m.assign(inner, prefer, final)
	}
	r.assigning, r.unassigned = false, false
}

// assignChild places the instance inside a container on the container's node.
func (m *model) assignChild(p *replica, final bool) {
	c := p.child
	for i := range c.allowed {
		e := &c.allowed[i]
		switch {
		case !e.in:
		case m.byIndex[i] != p.node:
			e.score = -infinity
		case !m.reachedThreshold(c, p.node):
			e.score = infinity
		}
	}
	m.noted(cause{rule: "structure"})
	inner := p.bundle.inner
	was := inner.assigning
	inner.assigning = true
	m.assign(c, p.node, final)
	inner.assigning = was
}

func (m *model) applyColocationWithBundle(d, p *resource, c *colocation) int {
	if p.unassigned {
		return 0
	}
	if c.dependent.hasInstances() {
		if partner := m.compatible(d, p, unknown, false); partner != nil {
			return m.applyColocation(d, partner, c)
		}
		if c.score >= infinity {
			m.bind(d, nil, nil, true, true)
		}
		return 0
	}
	sum := 0
	var homes nodeSet
	for _, x := range p.bundle.replicas {
		if c.score < infinity {
			sum = addScores(sum, m.applyColocation(d, x.container, c))
			continue
		}
		n := x.container.assigned
		if n == nil || x.container.anyBlocked() ||
			c.priRole == promoted && (x.child == nil || x.child.next != promoted) {
			continue
		}
		homes.add(n)
	}
	if c.score >= infinity {
		m.restrictTo(d, homes)
	}
	return sum
}

// bundleActions creates the actions of the parts and the events of the bundle.
func (m *model) bundleActions(r *resource) {
	for _, p := range r.bundle.replicas {
		if p.ip != nil {
			m.actionsOf(p.ip)
		}
		m.actionsOf(p.container)
		if p.conn != nil {
			m.actionsOf(p.conn)
		}
	}
	m.instanceEvents(r, r.instances(), false)
	if inner := r.bundle.inner; inner != nil {
		m.actionsOf(inner)
		if inner.promotable {
			m.promotionEvents(r, false, false, false)
			for _, t := range []string{TaskPromote, "promoted", TaskDemote, "demoted"} {
				r.newest(event(t), nil).flags |= actOptional
			}
		}
	}
}

// bundleInternal ties the parts of a bundle.
func (m *model) bundleInternal(b *resource) {
	for _, p := range b.bundle.replicas {
		c := p.container
		m.internalOf(c)
		m.order(b, start0(), c, start0(), unrunnableFirstBlocks|thenImpliesFirstGraphed)
		if p.child != nil {
			m.order(b, stop0(), p.child, stop0(), thenImpliesFirstGraphed)
		}
		m.order(b, stop0(), c, stop0(), thenImpliesFirstGraphed)
		m.order(c, start0(), b, event("running"), firstImpliesThenGraphed)
		m.order(c, stop0(), b, event("stopped"), firstImpliesThenGraphed)
		if p.ip != nil {
			m.internalOf(p.ip)
			m.order(p.ip, start0(), c, start0(), unrunnableFirstBlocks|guestAllowed)
			m.order(c, stop0(), p.ip, stop0(), thenImpliesFirst|guestAllowed)
			m.addColocation(&colocation{id: "#ip-with-container", dependent: p.ip, primary: c, score: infinity, influence: true})
		}
		if p.conn != nil {
			m.internalOf(p.conn)
		}
	}
	k := b.bundle.inner
	if k == nil {
		return
	}
	m.order(b, start0(), k, start0(), thenImpliesFirstGraphed)
	m.order(k, event("running"), b, event("running"), firstImpliesThenGraphed)
	m.order(b, stop0(), k, stop0(), thenImpliesFirstGraphed)
	m.order(k, event("stopped"), b, event("stopped"), firstImpliesThenGraphed)
	m.internalOf(k)
	if !k.promotable {
		return
	}
	m.promotableEvents(b)
	m.order(b, demote0(), k, demote0(), thenImpliesFirstGraphed)
	m.order(k, event("demoted"), b, event("demoted"), firstImpliesThenGraphed)
	m.order(b, promote0(), k, promote0(), thenImpliesFirstGraphed)
	m.order(k, event("promoted"), b, event("promoted"), firstImpliesThenGraphed)
}

// probeBundle probes the parts of a bundle.
func (m *model) probeBundle(r *resource, n *node) bool {
	any := false
	for _, p := range r.bundle.replicas {
		if p.ip != nil {
			any = m.probe(p.ip, n) || any
		}
		if p.child != nil && p.node == n {
			any = m.probe(p.child, n) || any
		}
		if m.probe(p.container, n) {
			any = true
			if r.bundle.perHost == 1 {
				for _, o := range r.bundle.replicas {
					if o != p {
						m.order(p.container, event(TaskMonitor), o.container, start0(), ordered|ifOnSameNode)
					}
				}
			}
		}
		if p.conn != nil && m.probe(p.conn, n) {
			any = true
			if probe := p.conn.newest(event(TaskMonitor), n); probe != nil {
				m.orderBeforeAction(p.container, start0(), probe, nestedRemoteProbe)
			}
		}
	}
	return any
}
