package policy

// How the preferences of colocated resources reach each other: a resource that
// others depend on also wants to be where they like to be.

// marker stands for "not to be chosen because of this merging".
const marker = -100000000

// mergeMode tells in which direction colocations are followed.
type mergeMode uint8

const (
	mergeWithThis mergeMode = iota // to dependents
	mergeThisWith                  // to primaries
)

// merging is one merge of scores.
type merging struct {
	m      *model
	target *resource // on whose behalf
	mode   mergeMode
	nonneg bool // do not make positive scores negative
}

// merge adds the scores of s (and of what it is tied to) to w, attenuated by f.
// A nil w starts from the scores of s itself.
func (g *merging) merge(s *resource, w table, c *colocation, f float32, active bool) table {
	m := g.m
	if s.kind == Group {
		if s.merging {
			return w
		}
		group := s
		group.merging = true
		defer func() { group.merging = false }()
		if w == nil {
			s = s.children[len(s.children)-1]
		} else {
			s = s.children[0]
		}
	}
	if s.merging {
		return w
	}
	if f == 0 && w != nil {
		return g.settle(w) // so weak that nothing behind it can be felt
	}
	s.merging = true
	defer func() { s.merging = false }()
	var v table
	target := g.target
	if w == nil {
		v = s.allowed.clone()
		g.target = s
		defer func() { g.target = target }()
	} else {
		v = w.clone()
		g.addScores(v, s, c, f)
	}
	if m.anyUsable(v) {
		v = g.follow(s, v, f)
	} else if active {
		return w
	}
	g.unmark(v)
	return v
}

// unmark ends the exemption of nodes that were not to be chosen.
func (g *merging) unmark(v table) {
	if !g.nonneg {
		return
	}
	for i := range v {
		if v[i].in && v[i].score == marker {
			v[i].score = 1
		}
	}
}

// settle is a merge that adds nothing.
func (g *merging) settle(w table) table {
	if !g.nonneg || !g.m.anyUsable(w) {
		return w
	}
	v := w.clone()
	g.unmark(v)
	return v
}

// follow merges what s itself is tied to.
func (g *merging) follow(s *resource, v table, f float32) table {
	list := g.m.withThisOf(s)
	if g.mode == mergeThisWith {
		list = g.m.thisWithOf(s)
	}
	for _, k := range list {
		other := k.primary
		if g.mode == mergeWithThis {
			if !k.hasInfluence(nil) {
				continue
			}
			other = k.dependent
		}
		v = g.merge(other, v, k, f*float32(k.score)/float32(infinity), true)
	}
	return v
}

// addScores adds the best score that s has for each node's attribute value.
func (g *merging) addScores(v table, s *resource, c *colocation, f float32) {
	m := g.m
	best := m.bestByValue(s, c)
	for i := range v {
		e := &v[i]
		if !e.in {
			continue
		}
		score := best.of(m, m.byIndex[i], c, g.target)
		if f < 0 && score < 0 {
			if c.primary.stickiness >= -score || !c.hasInfluence(nil) || !allowedOnOne(c.dependent) {
				continue
			}
		}
		if e.score == marker {
			continue
		}
		d := roundHalfAway(f * float32(score))
		if d == 0 && score != 0 {
			if f > 0 {
				d = 1
			} else if f < 0 {
				d = -1
			}
		}
		n := addScores(d, e.score)
		switch {
		case g.nonneg && n < 0 && e.score > 0:
			e.score = marker
		case g.nonneg && n < 0 && e.score == 0:
		default:
			e.score = n
		}
	}
}

func roundHalfAway(v float32) int {
	if v < 0 {
		return int(float64(v) - 0.5)
	}
	return int(float64(v) + 0.5)
}

// allowedOnOne tells whether a resource may be on exactly one node.
func allowedOnOne(r *resource) bool {
	count := 0
	for i := range r.allowed {
		if r.allowed[i].in && r.allowed[i].score >= 0 {
			count++
		}
	}
	return count == 1
}

// bestScores are a resource's best scores by attribute value.
type bestScores struct {
	byNode  table // for #uname: the entries themselves
	byValue map[string]int
	unset   int
}

// bestByValue computes them for the eligible nodes of a resource.
func (m *model) bestByValue(s *resource, c *colocation) bestScores {
	t := s.allowed
	if s == c.dependent && c.explicit && s.parent != nil && s.parent.kind == Group && s != s.parent.children[0] {
		t = m.withGroupLocations(s)
	}
	b := bestScores{unset: -infinity}
	if c.attribute == "#uname" {
		b.byNode = t
		return b
	}
	b.byValue = map[string]int{}
	for i := range t {
		n := m.byIndex[i]
		if !t[i].in || !n.eligible() {
			continue
		}
		value, set := m.attrOf(n, c.attribute, s)
		if !set {
			b.unset = max(b.unset, t[i].score)
		} else if old, have := b.byValue[value]; !have || t[i].score > old {
			b.byValue[value] = t[i].score
		}
	}
	return b
}

func (b *bestScores) of(m *model, n *node, c *colocation, target *resource) int {
	if b.byValue == nil {
		if e := b.byNode.at(n); e != nil && n.eligible() {
			return max(e.score, -infinity)
		}
		return -infinity
	}
	value, set := m.attrOf(n, c.attribute, target)
	if !set {
		return b.unset
	}
	if v, have := b.byValue[value]; have {
		return v
	}
	return -infinity
}

// withGroupLocations is a later member's table with the scores that only the
// first member carries.
func (m *model) withGroupLocations(s *resource) table {
	t := s.allowed.clone()
	for i := len(m.locations) - 1; i >= 0; i-- {
		l := m.locations[i]
		if l.rsc != s.parent || l.role != unknown && s.next != l.role {
			continue
		}
		for _, n := range m.nodes {
			if from := l.nodes.at(n); from != nil {
				if e := t.at(n); e != nil {
					e.score = addScores(e.score, from.score)
				} else {
					t.put(n, entry{score: from.score})
				}
			}
		}
	}
	return t
}

// attrOf reads the attribute that a colocation compares; unset values are equal
// to each other. Case does not matter.
func (m *model) attrOf(n *node, name string, r *resource) (string, bool) {
	if m.readsHost(n, r) {
		n = n.conn.launcher.assigned
		if n == nil {
			return "", false
		}
	}
	if name == "#uname" {
		return lowerText(n.name), true
	}
	v, ok := n.attrs[name]
	return lowerText(v), ok
}

// readsHost tells whether attributes of a guest are those of its host.
func (m *model) readsHost(n *node, r *resource) bool {
	if r == nil || !n.isGuest() {
		return false
	}
	if r.onGuest == "host" {
		return true
	}
	return n.conn.replica != nil && r.bundled() && r.top == n.conn.replica.bundle.inner
}

// sameValue compares the attribute on two nodes.
func (m *model) sameValue(a *node, ra *resource, b *node, rb *resource, attribute string) bool {
	va, oka := m.attrOf(a, attribute, ra)
	vb, okb := m.attrOf(b, attribute, rb)
	return oka == okb && va == vb
}

// addDependent adds the preferences of a dependent to the resource that it
// depends on.
func (m *model) addDependent(c *colocation, r *resource) {
	if !c.hasInfluence(nil) {
		return
	}
	g := &merging{m: m, target: r, nonneg: r.isClone()}
	r.allowed = g.merge(c.dependent, r.allowed, c, float32(c.score)/float32(infinity), true)
}
