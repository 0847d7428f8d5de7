package policy

// colocationEffect is what a colocation changes at a given moment.
type colocationEffect uint8

const (
	noEffect colocationEffect = iota
	locationEffect
	roleEffect
)

// roleHolder is the resource whose role counts: of a container, what is in it.
func (r *resource) roleHolder() *resource {
	if r.container && r.replica != nil && r.replica.child != nil {
		return r.replica.child
	}
	return r
}

// affects tells what a colocation changes for the dependent d now. With preview
// it is asked what it would.
func (m *model) affects(d, p *resource, c *colocation, preview bool) colocationEffect {
	if !preview && p.unassigned {
		return noEffect
	}
	dr, pr := d.roleHolder(), p.roleHolder()
	if c.depRole >= unpromoted && dr.parent != nil && dr.parent.promotable && !dr.unassigned {
		return roleEffect
	}
	if !preview && !d.unassigned ||
		c.depRole != unknown && c.depRole != dr.next ||
		c.priRole != unknown && c.priRole != pr.next {
		return noEffect
	}
	return locationEffect
}

// applyColocation lets a colocation act on the dependent d, which is a
// primitive or stands for several. It returns the change of promotion priority.
func (m *model) applyColocation(d, p *resource, c *colocation) int {
	if d.kind == Group {
		return m.applyColocationToGroup(d, p, c)
	}
	if d.isCollective() {
		return 0
	}
	switch p.kind {
	case Group:
		return m.applyColocationWithGroup(d, p, c)
	case Clone:
		return m.applyColocationWithClone(d, p, c)
	case Bundle:
		return m.applyColocationWithBundle(d, p, c)
	}
	switch m.affects(d, p, c, false) {
	case locationEffect:
		m.colocateLocation(d, p, c)
	case roleEffect:
		return m.colocateRole(d, p, c)
	}
	return 0
}

func (m *model) applyColocationToGroup(d, p *resource, c *colocation) int {
	if d.colocated {
		change := m.applyColocation(d.children[0], p, c)
		d.priority = addScores(d.priority, change)
		return change
	}
	if c.score >= infinity {
		m.problem(true, c.id, c.pos, "constraint %q cannot be mandatory for a group that is not colocated", c.id)
		return 0
	}
	sum := 0
	for _, x := range d.children {
		sum = addScores(sum, m.applyColocation(x, p, c))
	}
	d.priority = addScores(d.priority, sum)
	return sum
}

func (m *model) applyColocationWithGroup(d, p *resource, c *colocation) int {
	if p.unassigned {
		return 0
	}
	if p.colocated {
		if c.score >= infinity {
			return m.applyColocation(d, p.children[len(p.children)-1], c)
		}
		return m.applyColocation(d, p.children[0], c)
	}
	if c.score >= infinity {
		m.problem(true, c.id, c.pos, "constraint %q cannot be mandatory with a group that is not colocated", c.id)
		return 0
	}
	sum := 0
	for _, x := range p.children {
		sum = addScores(sum, m.applyColocation(d, x, c))
	}
	return sum
}

// colocateLocation changes where the dependent may go.
func (m *model) colocateLocation(d, p *resource, c *colocation) {
	if p.assigned == nil && c.score < 0 {
		return
	}
	w := d.allowed.clone()
	for i := range w {
		e := &w[i]
		if !e.in {
			continue
		}
		switch {
		case p.assigned == nil:
			e.score = addScores(e.score, -c.score)
		case m.sameValue(m.byIndex[i], d, p.assigned, p, c.attribute):
			if c.score < infinity {
				e.score = addScores(e.score, c.score)
			}
		case c.score >= infinity:
			e.score = -infinity
		}
	}
	if c.mandatory() || m.anyUsable(w) {
		d.allowed = w
	}
}

// colocateRole changes how much the dependent wants to be promoted.
func (m *model) colocateRole(d, p *resource, c *colocation) int {
	if d.assigned == nil {
		return 0
	}
	if p.assigned != nil && c.priRole != unknown && c.priRole != p.roleHolder().next {
		return 0
	}
	holder := d.roleHolder()
	same := false
	if p.assigned != nil {
		same = m.sameValue(d.assigned, d, p.assigned, p, c.attribute)
	} else {
		_, set := m.attrOf(d.assigned, c.attribute, d)
		same = !set
	}
	change := 0
	switch {
	case !same:
		if c.score >= infinity && c.depRole == promoted {
			change = -infinity
		} else {
			return 0
		}
	case c.depRole == unpromoted:
		change = -c.score
	default:
		change = c.score
	}
	holder.priority = addScores(change, holder.priority)
	return change
}

func (m *model) applyColocationWithClone(d, p *resource, c *colocation) int {
	if p.unassigned {
		return 0
	}
	if p.promotable && c.priRole != unknown {
		if d.unassigned {
			m.colocateWithPromotable(d, p, c)
			return 0
		}
		if c.depRole == promoted {
			return m.colocateRoleWithClone(d, p, c)
		}
	}
	if m.interleaved(c) {
		partner := m.compatible(d, p, unknown, false)
		if partner != nil {
			return m.applyColocation(d, partner, c)
		}
		if c.score >= infinity {
			m.bind(d, nil, nil, true, true)
		}
		return 0
	}
	if c.score >= infinity {
		var homes nodeSet
		for _, inst := range p.children {
			if n := inst.location(); n != nil && !inst.anyBlocked() {
				homes.add(n)
			}
		}
		m.restrictTo(d, homes)
		return 0
	}
	sum := 0
	for _, inst := range p.children {
		sum = addScores(sum, m.applyColocation(d, inst, c))
	}
	return sum
}

// restrictTo bans a resource from all other nodes.
func (m *model) restrictTo(d *resource, homes nodeSet) {
	for i := range d.allowed {
		if d.allowed[i].in && !homes.has(m.byIndex[i]) {
			d.allowed[i].score = -infinity
		}
	}
}

// interleaved tells whether instances of the dependent follow single instances
// of the primary.
func (m *model) interleaved(c *colocation) bool {
	if c.dependent.kind != Clone && c.dependent.kind != Bundle || !isTrue(c.dependent.meta["interleave"]) {
		return false
	}
	if c.dependent.perNode() != c.primary.perNode() {
		m.problem(true, c.id, c.pos, "instances of constraint %q cannot be paired: they differ in number per node", c.id)
		return false
	}
	return true
}

// perNode is how many instances may be on one node.
func (r *resource) perNode() int {
	if r.kind == Bundle {
		return r.bundle.perHost
	}
	return r.nodeMax
}

// compatible finds the instance of a clone or bundle that is where d is, or
// where d would best be.
func (m *model) compatible(d, clone *resource, want role, current bool) *resource {
	on := func(n *node) *resource {
		for _, inst := range clone.instances() {
			if m.isAt(inst, n, want, current) {
				return inst
			}
		}
		return nil
	}
	at := d.location()
	if current {
		at = d.firstActive()
	}
	if at != nil {
		if clone.kind == Bundle {
			at = hostOf(at)
		}
		return on(at)
	}
	for _, c := range m.ranked(d.allowed, nil) {
		n := c.n
		if clone.kind == Bundle {
			n = hostOf(n)
		}
		if inst := on(n); inst != nil {
			return inst
		}
	}
	return nil
}

func (r *resource) firstActive() *node {
	if len(r.active) == 0 {
		return nil
	}
	return r.active[0]
}

// hostOf is the node that hosts a bundle node; any other node is itself.
func hostOf(n *node) *node {
	if n.isGuest() && n.conn.replica != nil && n.conn.launcher.assigned != nil {
		return n.conn.launcher.assigned
	}
	return n
}

// instances are the parts of a clone, or the containers of a bundle.
func (r *resource) instances() []*resource {
	if r.kind != Bundle {
		return r.children
	}
	list := make([]*resource, 0, len(r.bundle.replicas))
	for _, p := range r.bundle.replicas {
		list = append(list, p.container)
	}
	return list
}

func (m *model) isAt(inst *resource, n *node, want role, current bool) bool {
	if inst.anyBlocked() {
		return false
	}
	if want != unknown && inst.roleHolder().nextState() != want {
		return false
	}
	if !current {
		return inst.location() == n && n != nil
	}
	var places []*node
	inst.primitives(func(p *resource) {
		places = append(places, p.active...)
	})
	for _, p := range places {
		if p != places[0] {
			return false
		}
	}
	return len(places) > 0 && places[0] == n
}
