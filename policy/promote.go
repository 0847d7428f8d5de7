package policy

// promotionScore reads how much the agent wants an instance to be promoted on a
// node; ok is false if it did not say.
func (m *model) promotionScore(r *resource, n *node) (score int, ok bool) {
	if r.kind != Primitive {
		for _, c := range r.children {
			if v, given := m.promotionScore(c, n); given {
				score += v
				ok = true
			}
		}
		return score, ok
	}
	if !m.promotionScoreApplies(r, n) {
		return 0, false
	}
	v, ok := m.promotionAttr(r, n, "master-"+r.historyName())
	if !ok && !r.unique {
		v, ok = m.promotionAttr(r, n, "master-"+baseName(r.historyName()))
	}
	if !ok {
		return 0, false
	}
	score, _ = m.colours.parseScore(v, 0)
	return score, true
}

func (m *model) promotionAttr(r *resource, n *node, name string) (string, bool) {
	if r.onGuest == "host" && n.isGuest() {
		l := n.conn.launcher
		n = l.assigned
		if r.unassigned {
			n = l.current()
		}
		if n == nil {
			return "", false
		}
	}
	v, ok := n.attrs[name]
	return v, ok
}

// promotionScoreApplies tells whether what the agent said on a node concerns
// this instance.
func (m *model) promotionScoreApplies(r *resource, n *node) bool {
	e := r.allowed.at(n)
	if e == nil || e.score < 0 {
		return false
	}
	if !r.unique {
		if r.activeOn(n) {
			return true
		}
		activeHere, probedHere := false, false
		for _, inst := range r.top.children {
			inst.primitives(func(p *resource) {
				if p.name == r.name {
					activeHere = activeHere || p.activeOn(n)
					probedHere = probedHere || p.known.has(n)
				}
			})
		}
		if r.top.known.has(n) {
			probedHere = true
		}
		if !activeHere && probedHere {
			return true
		}
	}
	if len(r.active) == 0 && r.known.empty() {
		return true
	}
	return r.known.has(n) || r.activeOn(n)
}

// addPromotionScores makes instances prefer nodes where they may be promoted.
func (m *model) addPromotionScores(clone *resource) {
	if clone.promoAdded {
		return
	}
	clone.promoAdded = true
	for _, inst := range clone.children {
		for i := range inst.allowed {
			n := m.byIndex[i]
			if !inst.allowed[i].in || !n.eligible() {
				continue
			}
			s, _ := m.promotionScore(inst, n)
			if s > 0 {
				inst.allowed[i].score = addScores(inst.allowed[i].score, s)
			}
			inst.priority = max(inst.priority, s)
		}
	}
}

// chooseRoles decides which instances are promoted.
func (m *model) chooseRoles(clone *resource) {
	clone.choosingRoles = true
	for i := range clone.allowed {
		clone.allowed[i].count = 0
	}
	for _, inst := range clone.children {
		m.promotionPriority(clone, inst)
	}
	if !clone.promoSummed {
		clone.promoSummed = true
		m.sumPromotion(clone)
	}
	done := 0
	for _, inst := range clone.children {
		n := inst.location()
		if inst.promo >= 0 && (done < clone.promotedMax || !clone.managed) && m.canPromote(clone, inst) &&
			!(inst.state() < promoted && !m.quorum && m.opt.quorumPolicy == "freeze") {
			if e := clone.allowed.at(n); e != nil {
				e.count++
			}
			done++
			inst.walk(func(x *resource) {
				if x.next == unknown {
					x.next = promoted
				}
			})
			continue
		}
		inst.walk(func(x *resource) {
			x.next = stopped
			if len(x.assignedNodes()) > 0 {
				x.next = unpromoted
			}
		})
	}
}

// promotionPriority computes how much one instance should be promoted.
func (m *model) promotionPriority(clone, inst *resource) {
	if inst.state() == started {
		inst.walk(func(x *resource) {
			if x.role == started {
				x.role = unpromoted
			}
		})
	}
	inst.promo = 0
	n := inst.location()
	if n == nil {
		return
	}
	switch inst.nextState() {
	case unknown, started:
		s, ok := m.promotionScore(inst, n)
		if !ok {
			s = -1
		}
		inst.priority = s
	case unpromoted, stopped:
		inst.priority = -infinity
	}
	for _, list := range [][]*location{inst.locations, clone.locations} {
		for _, l := range list {
			if l.role == promoted {
				if e := l.nodes.at(n); e != nil {
					inst.priority = addScores(inst.priority, e.score)
				}
			}
		}
	}
	for _, c := range m.thisWithOf(inst) {
		m.applyColocation(inst, c.primary, c)
	}
	inst.promo = inst.priority
	if inst.nextState() == promoted {
		inst.promo = infinity
	}
}

// sumPromotion adds what speaks for each node, and sorts the instances.
func (m *model) sumPromotion(clone *resource) {
	clone.merging = true
	for _, inst := range clone.children {
		if n := inst.location(); n != nil && inst.promo >= 0 {
			if e := clone.allowed.at(n); e != nil {
				e.score = addScores(inst.promo, e.score)
			}
		}
	}
	for _, c := range m.withThisOf(clone) {
		if c.priRole == promoted && c.hasInfluence(nil) {
			g := &merging{m: m, target: clone, nonneg: true}
			clone.allowed = g.merge(c.dependent, clone.allowed, c, float32(c.score)/float32(infinity), true)
		}
	}
	clone.merging = false
	if clone.ticketForbidsPromotion() {
		m.applyAll(clone, -infinity)
	}
	for _, inst := range clone.children {
		n := inst.location()
		switch {
		case !inst.managed && inst.nextState() == promoted:
			inst.promo = infinity
		case n == nil:
			inst.promo = -infinity
		case inst.promo < 0:
		default:
			if e := clone.allowed.at(n); e != nil {
				inst.promo = e.score
			}
		}
	}
	clone.children = mergeSort(append([]*resource(nil), clone.children...), func(a, b *resource) int {
		if a.promo != b.promo {
			return b.promo - a.promo
		}
		if sa, sb := a.state(), b.state(); sa != sb {
			return int(sb) - int(sa)
		}
		return m.compareInstances(a, b)
	})
}

// canPromote tells whether an instance may be promoted where it is.
func (m *model) canPromote(clone, inst *resource) bool {
	if inst.kind == Group {
		for _, c := range inst.children {
			if !m.canPromote(clone, c) {
				return false
			}
		}
	}
	n := inst.location()
	if n == nil {
		return false
	}
	if !inst.managed {
		if inst.state() != promoted {
			return false
		}
	} else if inst.priority < 0 || !n.eligible() || n.isGuest() && n.conn.launcher.location() == nil {
		return false
	}
	e := clone.allowed.at(n)
	return e != nil && (!inst.managed || e.count < clone.promotedNode)
}

// colocateRoleWithClone ties a promotion to an instance of another clone.
func (m *model) colocateRoleWithClone(d, p *resource, c *colocation) int {
	for _, inst := range p.children {
		n := inst.location()
		if n != nil && d.assigned != nil && inst.nextState() == c.priRole && !inst.anyBlocked() &&
			m.sameValue(d.assigned, d, n, inst, c.attribute) {
			d.priority = addScores(d.priority, c.score)
			return c.score
		}
	}
	if c.score >= infinity {
		d.priority = -infinity
		return -infinity
	}
	return 0
}

// colocateWithPromotable places a dependent with the instances in a role.
func (m *model) colocateWithPromotable(d, p *resource, c *colocation) {
	type home struct {
		n     *node
		inst  *resource
		score int
	}
	var homes []home
	for _, inst := range p.children {
		if n := inst.location(); n != nil && inst.nextState() == c.priRole {
			homes = append(homes, home{n, inst, inst.assignedScore()})
		}
	}
	if c.score < infinity {
		for _, h := range homes {
			for i := range d.allowed {
				if d.allowed[i].in && m.sameValue(m.byIndex[i], d, h.n, h.inst, c.attribute) {
					d.allowed[i].score = addScores(d.allowed[i].score, c.score)
				}
			}
		}
		return
	}
	if c.depRole == promoted && c.priRole == promoted {
		return
	}
	var set nodeSet
	for _, h := range homes {
		set.add(h.n)
		if e := d.allowed.at(h.n); e != nil {
			e.score = addScores(e.score, h.score)
		}
	}
	m.restrictTo(d, set)
}

// assignedScore is the score with which an instance got its node.
func (r *resource) assignedScore() int {
	if r.kind == Primitive {
		return r.assignedEntry.score
	}
	for _, c := range r.children {
		if c.assigned != nil {
			return c.assignedEntry.score
		}
	}
	return 0
}
