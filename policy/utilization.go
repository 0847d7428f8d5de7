package policy

import "slices"

// charge gives (sign 1) or takes (-1) what a resource uses of a node.
func (m *model) charge(n *node, r *resource, sign int) {
	for name, v := range r.utilization {
		n.utilization[name] += sign * v
	}
}

// compareCapacity is negative if a has more left than b.
func compareCapacity(a, b *node) int {
	result := 0
	count := func(x, y int) {
		if x > y {
			result--
		} else if x < y {
			result++
		}
	}
	for name, v := range a.utilization {
		count(v, b.utilization[name])
	}
	for name, v := range b.utilization {
		if _, both := a.utilization[name]; !both {
			count(0, v)
		}
	}
	return result
}

func enough(n *node, need map[string]int) bool {
	for name, v := range need {
		if v > n.utilization[name] {
			return false
		}
	}
	return true
}

// banInsufficient forbids nodes without room for the resource and what must be
// with it. If no node has that room, the most capable one is returned.
func (m *model) banInsufficient(r *resource) *node {
	if m.opt.placement == "default" {
		return nil
	}
	set := m.colocatedSet(r)
	need := map[string]int{}
	for _, x := range set {
		m.addNeed(need, x, set)
	}
	var usable []*node
	any := false
	for _, n := range m.nodes {
		if e := r.allowed.at(n); e.usable(n) {
			usable = append(usable, n)
			any = any || enough(n, need)
		}
	}
	var best *node
	if !any {
		need = r.utilization
	}
	for _, n := range usable {
		if !any && (best == nil || compareCapacity(n, best) < 0) {
			best = n
		}
		if !enough(n, need) {
			m.apply(r, n, -infinity)
		}
	}
	return best
}

// colocatedSet finds everything that must be on the node of r.
func (m *model) colocatedSet(r *resource) []*resource {
	var set []*resource
	var collect func(x *resource)
	collect = func(x *resource) {
		if x.kind == Group && (x.colocated || x.top.isClone()) {
			if slices.Contains(set, x) {
				return
			}
			set = append(set, x)
			for _, c := range x.children {
				collect(c)
			}
			return
		}
		if slices.Contains(set, x) {
			return
		}
		set = append(set, x)
		for _, c := range m.thisWithOf(x) {
			if c.primary != r && c.score >= infinity && m.affects(x, c.primary, c, true) == locationEffect {
				collect(c.primary)
			}
		}
		for _, c := range m.withThisOf(x) {
			if c.dependent != r && !(x.isClone() && !c.dependent.isClone()) && c.score >= infinity &&
				m.affects(c.dependent, x, c, true) == locationEffect {
				collect(c.dependent)
			}
		}
	}
	collect(r)
	return set
}

// addNeed adds what a resource of the set still needs.
func (m *model) addNeed(need map[string]int, x *resource, set []*resource) {
	if !x.unassigned {
		return
	}
	m.addOwnNeed(need, x, set)
}

func (m *model) addOwnNeed(need map[string]int, x *resource, set []*resource) {
	switch x.kind {
	case Primitive:
		for name, v := range x.utilization {
			need[name] += v
		}
	case Group:
		for _, c := range x.children {
			if c.unassigned && !slices.Contains(set, c) {
				m.addOwnNeed(need, c, set)
			}
			if !x.colocated && !x.top.isClone() {
				break
			}
		}
	case Clone:
		m.addCloneNeed(need, x, set)
	case Bundle:
		if len(x.bundle.replicas) > 0 {
			m.addOwnNeed(need, x.bundle.replicas[0].container, set)
		}
	}
}

func (m *model) addCloneNeed(need map[string]int, x *resource, set []*resource) {
	for _, c := range x.children {
		if slices.Contains(set, c) {
			return
		}
	}
	for _, c := range x.children {
		if c.kind != Group {
			continue
		}
		for _, member := range c.children {
			if slices.Contains(set, member) {
				m.addOwnNeed(need, c, set)
				return
			}
		}
	}
	if len(x.children) > 0 {
		m.addOwnNeed(need, x.children[0], set)
	}
}
