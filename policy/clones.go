package policy

import (
	"cmp"
	"strings"
)

// assignClone places the instances of a clone and chooses their roles.
func (m *model) assignClone(r *resource, prefer *node, final bool) {
	if !r.unassigned || r.assigning {
		return
	}
	r.assigning = true
	if r.promotable {
		m.addPromotionScores(r)
		m.noted(cause{rule: "promotion-score"})
	}
	for _, c := range m.thisWithOf(r) {
		m.assign(c.primary, prefer, final)
	}
	for _, c := range m.withThisOf(r) {
		m.addDependent(c, r)
	}
	r.children = m.sortInstances(r.children)
	m.placeInstances(r, r.children, r.cloneMax, r.nodeMax)
	if r.promotable {
		m.chooseRoles(r)
	}
	r.unassigned, r.assigning = false, false
}

// sortInstances orders instances by how much they should stay what they are.
func (m *model) sortInstances(list []*resource) []*resource {
	return mergeSort(append([]*resource(nil), list...), m.compareInstances)
}

// compareInstances is negative if a comes before b.
func (m *model) compareInstances(a, b *resource) int {
	na, nb := len(distinct(a.active)), len(distinct(b.active))
	if na > 0 && nb > 0 && na != nb {
		return na - nb
	}
	ca, cb := a.current(), b.current()
	ba, bb := bannedHere(a, ca), bannedHere(b, cb)
	if ba != bb {
		return boolOrder(bb, ba)
	}
	if ba {
		ca = nil
	}
	if bb {
		cb = nil
	}
	if a.priority != b.priority {
		return b.priority - a.priority
	}
	if ca == nil && cb == nil {
		return 0
	}
	if ca == nil || cb == nil {
		return boolOrder(ca != nil, cb != nil)
	}
	if ca.eligible() != cb.eligible() {
		return boolOrder(ca.eligible(), cb.eligible())
	}
	ea, eb := a.parent.allowed.at(ca), b.parent.allowed.at(cb)
	switch {
	case ea == nil && eb == nil:
		return 0
	case ea == nil || eb == nil:
		return boolOrder(ea != nil, eb != nil)
	case ea.count != eb.count:
		return ea.count - eb.count
	}
	if fa, fb := a.anyFailed(), b.anyFailed(); fa != fb {
		return boolOrder(!fa, !fb)
	}
	if c := cmp.Compare(m.colocationScore(b, cb), m.colocationScore(a, ca)); c != 0 {
		return c
	}
	return instanceNumber(a) - instanceNumber(b)
}

// boolOrder puts whoever has the property first.
func boolOrder(a, b bool) int {
	switch {
	case a && !b:
		return -1
	case b && !a:
		return 1
	}
	return 0
}

func distinct(list []*node) []*node {
	var out []*node
	var seen nodeSet
	for _, n := range list {
		if !seen.has(n) {
			seen.add(n)
			out = append(out, n)
		}
	}
	return out
}

// bannedHere tells whether an active instance may not stay where it is.
func bannedHere(r *resource, n *node) bool {
	if n == nil {
		return false
	}
	e := r.allowed.at(n)
	return e == nil || e.score < 0
}

func instanceNumber(r *resource) int {
	if r.instance >= 0 {
		return r.instance
	}
	i := strings.LastIndexByte(r.id, ':')
	if i < 0 {
		i = strings.LastIndexByte(r.id, '-')
	}
	v, _ := parseInt(r.id[i+1:])
	return int(v)
}

// colocationScore is how much colocated resources want an instance to stay.
func (m *model) colocationScore(r *resource, n *node) int {
	tw, wt := m.thisWithOf(r), m.withThisOf(r)
	if len(tw) == 0 && len(wt) == 0 {
		return n.score
	}
	var t table
	t.put(n, entry{score: n.score, probe: n.probe})
	for _, c := range tw {
		g := &merging{m: m, target: r}
		t = g.merge(c.primary, t, c, float32(c.score)/float32(infinity), false)
	}
	for _, c := range wt {
		if c.hasInfluence(r) {
			g := &merging{m: m, target: r, nonneg: true}
			t = g.merge(c.dependent, t, c, float32(c.score)/float32(infinity), false)
		}
	}
	return t.at(n).score
}

// placeInstances keeps instances where they are as long as nothing speaks for
// another node, and then spreads the rest.
func (m *model) placeInstances(clone *resource, list []*resource, limit, perNode int) {
	available := 0
	for i := range clone.allowed {
		if clone.allowed[i].in {
			clone.allowed[i].count = 0
			if m.byIndex[i].eligible() {
				available++
			}
		}
	}
	optimal := 1
	if available > 0 {
		optimal = max(1, limit/available)
	}
	assigned := 0
	for _, inst := range list {
		if assigned >= limit {
			break
		}
		if inst.unassigned && m.mayStay(clone, inst, optimal) &&
			m.tryStaying(clone, inst, inst.current(), limit-assigned, perNode) {
			assigned++
		}
	}
	for _, inst := range list {
		switch {
		case !inst.unassigned:
		case assigned >= limit:
			m.applyAll(inst, -infinity)
			m.noted(cause{rule: "clone-max", object: clone.id, pos: clone.cfg.Pos})
		case m.placeInstance(clone, inst, nil, perNode) != nil:
			assigned++
		}
	}
}

// mayStay tells whether it is worth trying to keep an instance where it is.
func (m *model) mayStay(clone, inst *resource, optimal int) bool {
	n := inst.current()
	if n == nil || inst.failed || !n.eligible() || n.score < 0 {
		return false
	}
	e := clone.allowed.at(n)
	return e == nil || e.count < optimal
}

// tryStaying tries to place an instance where it is. Better nodes are reserved
// for others, as long as there are enough others.
func (m *model) tryStaying(clone, inst *resource, n *node, available, perNode int) bool {
	if !inst.allowed.at(n).usable(n) {
		return false
	}
	saved := map[*resource]table{}
	inst.walk(func(x *resource) { saved[x] = x.allowed.clone() })
	rewind := m.savepoint(inst)
	restore := func() {
		inst.walk(func(x *resource) { x.allowed = saved[x].clone() })
		rewind()
	}
	own := clone.allowed
	clone.allowed = own.clone()
	ok := false
	for reserved := 0; reserved < available; {
		got := m.placeInstance(clone, inst, n, perNode)
		if got == n {
			ok = true
			break
		}
		restore()
		if got == nil {
			inst.unassigned = true
			break
		}
		reserved++
		m.unbind(inst)
	}
	clone.allowed = own
	if ok {
		if e := clone.allowed.at(n); e != nil {
			e.count++
		}
	}
	return ok
}

// placeInstance assigns one instance and counts it.
func (m *model) placeInstance(clone, inst *resource, prefer *node, perNode int) *node {
	if inst.assigning {
		return nil
	}
	for i := range inst.allowed {
		if inst.allowed[i].in && !m.canRunInstance(clone, inst, m.byIndex[i], perNode) {
			inst.allowed[i].score = -infinity
			for _, c := range inst.children {
				if e := c.allowed.at(m.byIndex[i]); e != nil {
					e.score = -infinity
				}
			}
		}
	}
	m.noted(cause{rule: "instances", object: clone.id, pos: clone.cfg.Pos})
	n := m.assign(inst, prefer, prefer == nil)
	if n != nil {
		if e := clone.allowed.at(n); e != nil {
			e.count++
		}
	}
	return n
}

func (m *model) canRunInstance(clone, inst *resource, n *node, perNode int) bool {
	if inst.removed || !n.eligible() {
		return false
	}
	e := clone.allowed.at(n)
	return e != nil && e.score >= 0 && e.count < perNode
}
