package policy

import (
	"slices"
	"strings"
)

func byPrimary(c *colocation) *resource { return c.primary }

func byDependent(c *colocation) *resource { return c.dependent }

// insertColocation keeps a list in the order in which its resources matter.
func insertColocation(list []*colocation, c *colocation, side func(*colocation) *resource) []*colocation {
	i, _ := slices.BinarySearchFunc(list, c, func(a, b *colocation) int {
		if compareImportance(side(a), side(b)) < 0 {
			return -1
		}
		return 1
	})
	return slices.Insert(list, i, c)
}

// compareImportance orders resources by how soon they must be placed.
func compareImportance(a, b *resource) int {
	if a.priority != b.priority {
		return b.priority - a.priority
	}
	if ka, kb := kindRank(a), kindRank(b); ka != kb {
		return ka - kb
	}
	return strings.Compare(a.id, b.id)
}

func kindRank(r *resource) int {
	switch r.kind {
	case Bundle:
		return 0
	case Clone:
		if r.promotable {
			return 1
		}
		return 2
	case Group:
		return 3
	}
	return 4
}

// hasInfluence tells whether the dependent's wishes count for the primary x.
func (c *colocation) hasInfluence(x *resource) bool {
	if x == nil {
		x = c.primary
	}
	if c.dependent.nesting && !x.failed && len(x.active) == 1 {
		return false
	}
	return c.influence || len(x.active) == 0
}

// gatherer collects the colocations that concern a resource, its own and those
// of its ancestors, in order of importance.
type gatherer struct {
	list []*colocation
	side func(*colocation) *resource
}

func (g *gatherer) add(list []*colocation, explicitOnly bool) {
	if len(g.list) == 0 && !explicitOnly {
		g.list = slices.Clone(list)
		return
	}
	for _, c := range list {
		if !explicitOnly || c.explicit {
			g.list = insertColocation(g.list, c, g.side)
		}
	}
}

// thisWithOf returns the colocations in which r (or an ancestor) depends.
func (m *model) thisWithOf(r *resource) []*colocation {
	if r.parent == nil && r.kind != Group && r.kind != Bundle {
		return r.thisWith
	}
	g := &gatherer{side: byPrimary}
	g.thisWith(r, r)
	return g.list
}

// withThisOf returns the colocations in which something depends on r.
func (m *model) withThisOf(r *resource) []*colocation {
	if r.parent == nil && r.kind != Group && r.kind != Bundle {
		return r.withThis
	}
	g := &gatherer{side: byDependent}
	g.withThis(r, r)
	return g.list
}

func (g *gatherer) thisWith(x, r *resource) {
	switch x.kind {
	case Primitive:
		if x != r {
			g.add(x.thisWith, true)
			return
		}
		g.add(x.thisWith, false)
		if x.parent != nil {
			g.thisWith(x.parent, r)
		}
	case Group:
		g.groupThisWith(x, r)
	case Clone:
		g.add(x.thisWith, false)
		if x.parent != nil {
			g.thisWith(x.parent, r)
		}
	case Bundle:
		g.bundle(x, r, x.thisWith)
	}
}

func (g *gatherer) groupThisWith(x, r *resource) {
	if r == x || r == x.children[0] {
		g.add(x.thisWith, false)
		if x.parent != nil {
			g.thisWith(x.parent, r)
		}
		if x.colocated {
			for _, c := range x.children {
				if c != r {
					g.thisWith(c, r)
				}
			}
		}
		return
	}
	for _, c := range x.children {
		if c == r {
			return
		}
		if !c.managed {
			for _, k := range x.thisWith {
				if k.score >= infinity {
					g.list = insertColocation(g.list, k, g.side)
				}
			}
			return
		}
	}
}

func (g *gatherer) withThis(x, r *resource) {
	switch x.kind {
	case Primitive:
		if x != r {
			g.add(x.withThis, true)
			return
		}
		g.add(x.withThis, false)
		if x.parent != nil {
			g.withThis(x.parent, r)
		}
	case Group:
		if r != x && r != x.children[len(x.children)-1] {
			return
		}
		g.add(x.withThis, false)
		if x.parent != nil {
			g.withThis(x.parent, r)
		}
		if x.colocated {
			for _, c := range x.children {
				if c != r {
					g.withThis(c, r)
				}
			}
		}
	case Clone:
		g.add(x.withThis, false)
		if x.parent != nil {
			g.withThis(x.parent, r)
		}
	case Bundle:
		g.bundle(x, r, x.withThis)
	}
}

// bundle adds a bundle's colocations to its containers, which place it, and to
// the instances inside when roles are chosen.
func (g *gatherer) bundle(x, r *resource, list []*colocation) {
	if r == x || r.container {
		g.add(list, false)
		return
	}
	inner := x.bundle.inner
	if inner == nil || !inner.promotable || r.top != inner {
		return
	}
	if r == inner {
		if inner.choosingRoles {
			g.add(list, false)
		}
	} else if !r.unassigned {
		g.add(list, false)
	}
}
