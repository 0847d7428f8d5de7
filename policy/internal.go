package policy

import (
	"cmp"
	"slices"
)

// addInternalConstraints adds what follows from the shape of resources: stop
// before start, the members of a group in order, instances inside their clone.
func (m *model) addInternalConstraints() {
	for _, r := range m.resources {
		m.internalOf(r)
	}
}

func (m *model) internalOf(r *resource) {
	switch r.kind {
	case Group:
		m.groupInternal(r)
	case Clone:
		m.cloneInternal(r)
	case Bundle:
		m.bundleInternal(r)
	default:
		m.primitiveInternal(r)
	}
}

func start0() opKey   { return opKey{TaskStart, 0} }
func stop0() opKey    { return opKey{TaskStop, 0} }
func promote0() opKey { return opKey{TaskPromote, 0} }
func demote0() opKey  { return opKey{TaskDemote, 0} }
func event(task string) opKey {
	return opKey{task, 0}
}

// primitiveInternal adds what every managed primitive needs.
func (m *model) primitiveInternal(r *resource) {
	if !r.managed {
		return
	}
	m.order(r, stop0(), r, start0(), ordered|firstImpliesThen|intermediateStop)
	if r.top.promotable || r.role > unpromoted {
		m.order(r, demote0(), r, stop0(), promotedThenImpliesFirst)
		m.order(r, start0(), r, promote0(), unrunnableFirstBlocks)
	}
	m.order(r, event(TaskLRMDelete), r, event(TaskMonitor), ifOnSameNode|thenCancelsFirst)
	allowed := m.allowedNodes(r)
	if !r.fenceDevice && m.opt.unfencing && r.needsUnfencing {
		for _, n := range allowed {
			on := m.unfenceAction(n, "", false, nil)
			m.orderBeforeAction(r, stop0(), on, ordered|ifOnSameNode)
			m.orderAfterAction(on, r, start0(), firstImpliesSameNodeThen|ifOnSameNode)
		}
	}
	if m.opt.placement != "default" && len(r.utilization) > 0 {
		m.orderLoads(r, allowed)
	}
	m.launcherInternal(r)
	if r.connection || r.fenceDevice {
		m.banFromRemoteNodes(r)
	}
}

// allowedNodes lists the nodes in a resource's table, by name.
func (m *model) allowedNodes(r *resource) []*node {
	var list []*node
	for _, n := range m.nodes {
		if r.allowed.at(n) != nil {
			list = append(list, n)
		}
	}
	return list
}

func (m *model) banFromRemoteNodes(r *resource) {
	for i := range r.allowed {
		if r.allowed[i].in && m.byIndex[i].remote {
			r.allowed[i].score = -infinity
		}
	}
}

// orderLoads makes starts on a node wait for the stops that free its capacity.
func (m *model) orderLoads(r *resource, allowed []*node) {
	load := func(n *node) *action {
		a := m.pseudoCluster("load_stopped_" + n.name)
		a.node = n
		a.flags &^= actOptional
		return a
	}
	for _, n := range r.active {
		m.orderBeforeAction(r, stop0(), load(n), ifOnSameNodeOrTarget)
	}
	for _, n := range allowed {
		m.orderAfterAction(load(n), r, start0(), ifOnSameNodeOrTarget)
		m.orderAfterAction(load(n), r, event(TaskMigrateTo), ifOnSameNodeOrTarget)
	}
}

// launcherInternal ties a resource to the container that runs it.
func (m *model) launcherInternal(r *resource) {
	l := r.launcher
	if l == nil {
		return
	}
	var host *node
	switch {
	case r.connection:
		m.order(l, event(TaskMonitor), r, stop0(), ordered)
		if !r.nesting {
			m.banFromRemoteNodes(l)
		}
	case l.connection:
		host = l.guest
	default:
		for _, x := range l.launches {
			if x.connection && x.guest != nil {
				host = x.guest
			}
		}
	}
	if host != nil {
		for i := range r.allowed {
			if r.allowed[i].in && m.byIndex[i] != host {
				r.allowed[i].score = -infinity
			}
		}
		return
	}
	m.order(l, start0(), r, start0(), firstImpliesThen|unrunnableFirstBlocks)
	m.order(r, stop0(), l, stop0(), thenImpliesFirst)
	score := infinity
	if r.nesting {
		score = 10000
	}
	m.addColocation(&colocation{id: "#resource-with-container", dependent: r, primary: l, score: score, influence: true})
}

// groupInternal ties the members of a group.
func (m *model) groupInternal(g *resource) {
	m.order(g, stop0(), g, event("stopped"), unrunnableFirstBlocks)
	m.order(g, event("stopped"), g, start0(), ordered)
	m.order(g, start0(), g, event("running"), unrunnableFirstBlocks)
	promotable := g.top.promotable
	var prev, lastActive *resource
	for i, c := range g.children {
		m.internalOf(c)
		if prev != nil && g.colocated {
			m.addColocation(&colocation{
				id: "#group-members", dependent: c, primary: prev, score: infinity, influence: c.critical,
			})
		}
		m.memberEvents(g, c, i == 0, promotable)
		if prev != nil && g.ordered {
			m.memberOrder(c, prev, lastActive, promotable)
		}
		if len(c.active) > 0 {
			lastActive = c
		}
		prev = c
	}
}

// memberEvents ties a member to the events of its group.
func (m *model) memberEvents(g, c *resource, first, promotable bool) {
	down, end := thenImpliesFirstGraphed, firstImpliesThenGraphed
	if first && g.ordered {
		down |= ordered
		end = firstImpliesThen
	}
	up := unrunnableFirstBlocks | firstImpliesThen | firstImpliesThenGraphed
	if promotable {
		m.order(g, demote0(), c, demote0(), down)
		m.order(c, demote0(), g, event("demoted"), end)
		m.order(c, promote0(), g, event("promoted"), up)
		m.order(g, promote0(), c, promote0(), thenImpliesFirstGraphed)
	}
	m.order(g, stop0(), c, stop0(), down)
	m.order(c, stop0(), g, event("stopped"), end)
	m.order(g, start0(), c, start0(), thenImpliesFirstGraphed)
	m.order(c, start0(), g, event("running"), up)
}

// memberOrder ties a member to the one before it.
func (m *model) memberOrder(c, prev, lastActive *resource, promotable bool) {
	m.order(prev, start0(), c, start0(), firstImpliesThen|unrunnableFirstBlocks)
	m.order(c, stop0(), prev, stop0(), ordered|intermediateStop)
	if len(c.active) > 0 && len(prev.active) == 0 {
		m.order(c, stop0(), prev, start0(), thenImpliesFirst|unrunnableFirstBlocks)
	}
	if promotable {
		m.order(prev, promote0(), c, promote0(), firstImpliesThen|unrunnableFirstBlocks)
		m.order(c, demote0(), prev, demote0(), ordered)
	}
	if len(c.active) > 0 && len(prev.active) == 0 && lastActive != nil {
		m.order(c, stop0(), lastActive, stop0(), ordered)
	}
}

// cloneInternal ties the instances of a clone.
func (m *model) cloneInternal(c *resource) {
	m.order(c, event("stopped"), c, start0(), ordered)
	m.order(c, start0(), c, event("running"), unrunnableFirstBlocks)
	m.order(c, stop0(), c, event("stopped"), unrunnableFirstBlocks)
	if c.promotable {
		m.order(c, event("demoted"), c, stop0(), ordered)
		m.order(c, event("running"), c, promote0(), unrunnableFirstBlocks)
	}
	if c.ordered {
		m.sortByNumber(c)
	}
	for i, inst := range c.children {
		m.internalOf(inst)
		m.order(c, start0(), inst, start0(), unrunnableFirstBlocks|thenImpliesFirstGraphed)
		m.order(inst, start0(), c, event("running"), firstImpliesThenGraphed)
		m.order(c, stop0(), inst, stop0(), thenImpliesFirstGraphed)
		m.order(inst, stop0(), c, event("stopped"), firstImpliesThenGraphed)
		if c.ordered {
			for _, later := range c.children[i+1:] {
				m.order(inst, start0(), later, start0(), ordered)
				m.order(later, stop0(), inst, stop0(), ordered)
			}
		}
	}
	if c.promotable {
		m.promotableEvents(c)
		m.promotableInstances(c)
	}
}

func (m *model) sortByNumber(c *resource) {
	c.children = slices.Clone(c.children)
	slices.SortStableFunc(c.children, func(a, b *resource) int { return cmp.Compare(instanceNumber(a), instanceNumber(b)) })
}

// promotableEvents brings demotions before everything else, promotions last.
func (m *model) promotableEvents(c *resource) {
	for _, x := range [][2]string{
		{"stopped", TaskStart},
		{"stopped", TaskPromote},
		{"demoted", TaskStop},
		{"demoted", TaskStart},
		{"demoted", TaskPromote},
		{"running", TaskPromote},
		{TaskDemote, "demoted"},
	} {
		m.order(c, event(x[0]), c, event(x[1]), ordered)
	}
}

func (m *model) promotableInstances(c *resource) {
	var prev *resource
	for _, inst := range c.children {
		m.order(inst, demote0(), inst, promote0(), ordered)
		m.order(c, promote0(), inst, promote0(), ordered)
		m.order(inst, promote0(), c, event("promoted"), ordered)
		if prev != nil && c.ordered {
			m.order(prev, promote0(), inst, promote0(), ordered)
		}
		m.order(c, demote0(), inst, demote0(), thenImpliesFirstGraphed)
		m.order(inst, demote0(), c, event("demoted"), firstImpliesThenGraphed)
		if prev != nil && c.ordered {
			m.order(inst, demote0(), prev, demote0(), ordered)
		}
		prev = inst
	}
}
