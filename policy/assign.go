package policy

import (
	"cmp"
	"slices"
	"strings"
)

// assignAll finds a node for every resource: remote connections first, so that
// the rest sees which remote nodes there will be.
func (m *model) assignAll() {
	if m.opt.placement != "default" {
		m.resortForPlacement()
	}
	remote := false
	for _, n := range m.nodes {
		remote = remote || n.remote
	}
	if remote {
		for _, r := range m.resources {
			if r.connection {
				m.assign(r, r.partialTarget, true)
			}
		}
	}
	for _, r := range m.resources {
		if !r.connection {
			m.assign(r, nil, true)
		}
	}
	m.assigningDone = true
	for _, check := range m.deferred {
		check()
	}
}

// assign finds nodes for a resource and all below it. With final unset it only
// tries. It returns the node of a primitive, or of the first member of a group
// that has one.
func (m *model) assign(r *resource, prefer *node, final bool) *node {
	switch r.kind {
	case Group:
		return m.assignGroup(r, prefer, final)
	case Clone:
		m.assignClone(r, prefer, final)
		return nil
	case Bundle:
		m.assignBundle(r, prefer, final)
		return nil
	}
	return m.assignPrimitive(r, prefer, final)
}

func (m *model) assignPrimitive(r *resource, prefer *node, final bool) *node {
	if p := r.parent; p != nil && !p.assigning {
		m.assign(p, prefer, final)
	}
	if !r.unassigned {
		return r.assigned
	}
	if r.assigning {
		return nil
	}
	r.assigning = true
	m.applyColocations(r)
	if r.next == stopped {
		m.applyAll(r, -infinity)
		m.noted(cause{rule: "stopped"})
	} else if r.next > r.role && !m.quorum && m.opt.quorumPolicy == "freeze" {
		r.next = r.role
	}
	if m.opt.fencing && !m.haveFencer && !m.opt.haveWatchdog {
		r.managed = false
	}
	switch {
	case !r.managed:
		r.next = r.role
		n := r.current()
		var e *entry
		if n != nil {
			e = r.allowed.at(n)
			if e == nil {
				e = &entry{score: n.score, in: true}
			}
		}
		m.bind(r, n, e, true, final)
	case m.opt.stopAll:
		m.bind(r, nil, nil, true, final)
	default:
		m.chooseBest(r, prefer, final)
	}
	r.assigning = false
	if r.connection {
		m.connectionAssigned(r)
	}
	return r.assigned
}

// applyColocations lets mandatory colocations act before optional ones.
func (m *model) applyColocations(r *resource) {
	tw, wt := m.thisWithOf(r), m.withThisOf(r)
	for _, mandatory := range []bool{true, false} {
		for _, c := range tw {
			if c.mandatory() == mandatory {
				m.applyThisWith(c, r)
				m.noted(c.cause(c.primary))
			}
		}
		for _, c := range wt {
			if c.mandatory() == mandatory {
				m.addDependent(c, r)
				m.noted(c.cause(c.dependent))
			}
		}
	}
}

func (c *colocation) cause(other *resource) cause {
	return cause{rule: "colocation", object: c.id, pos: c.pos, with: other, dependent: other == c.dependent}
}

func (c *colocation) mandatory() bool { return c.score >= infinity || c.score <= -infinity }

// applyThisWith places the primary and then lets the colocation act on r.
func (m *model) applyThisWith(c *colocation, r *resource) {
	var backup table
	if c.depRole >= promoted || c.score < 0 && c.score > -infinity {
		backup = r.allowed.clone()
	}
	if c.primary.unassigned {
		m.assign(c.primary, nil, true)
	}
	m.applyColocation(r, c.primary, c)
	if backup != nil && !m.anyUsable(r.allowed) {
		r.allowed = backup
	}
}

// rankedNode is a candidate with its rank.
type rankedNode struct {
	n     *node
	e     *entry
	score int // -infinity if the node cannot be used now
}

// ranked lists a table's nodes, best first.
func (m *model) ranked(t table, preferred *node) []rankedNode {
	list := make([]rankedNode, 0, len(t))
	for i := range t {
		if t[i].in {
			c := rankedNode{n: m.byIndex[i], e: &t[i], score: -infinity}
			if c.n.eligible() {
				c.score = t[i].score
			}
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b rankedNode) int { return m.compareRank(a, b, preferred) })
	return list
}

func (m *model) compareRank(a, b rankedNode, preferred *node) int {
	if a.score != b.score {
		return cmp.Compare(b.score, a.score)
	}
	if m.opt.placement != "minimal" {
		if m.opt.placement == "balanced" {
			if c := compareCapacity(a.n, b.n); c != 0 {
				return c
			}
		}
		if a.n.numAssigned != b.n.numAssigned {
			return a.n.numAssigned - b.n.numAssigned
		}
	}
	if preferred != nil && a.n != b.n {
		switch preferred {
		case a.n:
			return -1
		case b.n:
			return 1
		}
	}
	return strings.Compare(a.n.name, b.n.name)
}

// chooseBest binds a primitive to the best node of its table.
func (m *model) chooseBest(r *resource, prefer *node, final bool) {
	fallback := m.banInsufficient(r)
	m.noted(cause{rule: "utilization"})
	m.choosing(r)
	if prefer == nil {
		prefer = fallback
	}
	if !r.unassigned {
		return
	}
	current := r.current()
	list := m.ranked(r.allowed, current)
	var chosen *rankedNode
	if len(list) > 0 {
		chosen = &list[0]
	}
	if p := r.allowed.at(prefer); p != nil && chosen != nil && p.score >= chosen.e.score && p.usable(prefer) {
		m.bind(r, prefer, p, false, final)
		return
	}
	if chosen == nil {
		m.bind(r, nil, nil, false, final)
		return
	}
	uniqueInstance := r.parent != nil && r.parent.isClone() && r.parent.unique
	if !uniqueInstance && chosen.e.score > 0 && chosen.n.eligible() && current != nil && current.eligible() && current.score >= 0 {
		for i := 1; i < len(list) && list[i].score == chosen.score; i++ {
			if list[i].n == current {
				chosen = &list[i]
				break
			}
		}
	}
	m.bind(r, chosen.n, chosen.e, false, final)
}

// bind assigns a resource to a node (or to none) and keeps the books. It tells
// whether that changed anything.
func (m *model) bind(r *resource, n *node, e *entry, force, final bool) bool {
	if r.isCollective() {
		changed := false
		for _, c := range r.children {
			changed = m.bind(c, n, e, force, final) || changed
		}
		return changed
	}
	if !force && n != nil && (e.score < 0 || !n.eligible() && !n.isGuest()) {
		if final {
			r.next = stopped
		}
		n = nil
	}
	old := r.assigned
	m.unbind(r)
	r.unassigned = false
	if n == nil {
		if final {
			m.boundToNothing(r)
		}
		return old != nil
	}
	r.assigned = n
	if e != nil {
		r.assignedEntry = *e
		e.count++
	}
	n.numAssigned++
	m.charge(n, r, -1)
	return old != n
}

// boundToNothing stops a resource that has no node.
func (m *model) boundToNothing(r *resource) {
	r.next = stopped
	for _, a := range r.actions {
		switch {
		case a.task == TaskStop:
			a.flags &^= actOptional
		case a.task == TaskStart:
			a.flags &^= actRunnable
		case a.key.interval > 0 && a.targetRC != rcNotRunning:
			a.flags &^= actRunnable
		}
	}
}

// unbind takes back an assignment, also of everything below.
func (m *model) unbind(r *resource) {
	if n := r.assigned; n != nil {
		r.assigned = nil
		n.numAssigned--
		m.charge(n, r, 1)
	}
	r.unassigned = true
	for _, c := range r.children {
		m.unbind(c)
	}
}

// assignGroup assigns the members of a group in order.
func (m *model) assignGroup(r *resource, prefer *node, final bool) *node {
	if !r.unassigned {
		return r.location()
	}
	if r.assigning {
		return nil
	}
	r.assigning = true
	first := r.children[0]
	r.role = first.role
	var found *node
	for _, c := range r.children {
		if n := m.assign(c, prefer, final); found == nil {
			found = n
		}
	}
	r.next = first.next
	r.assigning, r.unassigned = false, false
	if !r.colocated {
		return nil
	}
	return found
}

// resortForPlacement orders the resources so that those that are most bound to
// where they are come first.
func (m *model) resortForPlacement() {
	base := slices.Clone(m.nodes)
	slices.SortStableFunc(base, func(a, b *node) int {
		ra, rb := rankedNode{n: a, score: -infinity}, rankedNode{n: b, score: -infinity}
		if a.eligible() {
			ra.score = a.score
		}
		if b.eligible() {
			rb.score = b.score
		}
		return m.compareRank(ra, rb, nil)
	})
	scores := map[*resource]table{}
	for _, r := range m.resources {
		g := &merging{m: m, mode: mergeThisWith}
		if r.kind == Bundle {
			scores[r] = r.allowed
			continue
		}
		scores[r] = g.merge(r, nil, nil, 1, false)
	}
	at := func(t table, n *node) int {
		if e := t.at(n); e != nil {
			return e.score
		}
		return -infinity
	}
	m.resources = mergeSort(m.resources, func(a, b *resource) int {
		if a.priority != b.priority {
			return b.priority - a.priority
		}
		if c := at(scores[b], b.current()) - at(scores[a], a.current()); c != 0 {
			return c
		}
		for _, n := range base {
			if c := at(scores[b], n) - at(scores[a], n); c != 0 {
				return c
			}
		}
		return 0
	})
}
