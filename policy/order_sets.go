package policy

import "strings"

// orderSet is one set of an order with its defaults filled in.
type orderSet struct {
	id         string
	list       []*resource
	kind       orderKind
	action     string
	sequential bool // inside
	explicit   bool // says sequential=true itself
	symmetric  bool
	requireAll bool
}

// readOrderSets orders the members of each set, and each set before the next.
func (m *model) readOrderSets(c *Order, sets []ResourceSet, kind orderKind) {
	symmetrical := m.symmetry(c.Symmetrical, kind, c.ID, c.Pos)
	var before *orderSet
	for i := range sets {
		s, complete := m.orderSet(c, &sets[i], kind)
		if complete {
			m.orderInside(s)
		}
		if before != nil && complete {
			m.orderBetween(before, s, s.list, before.list, kind, symmetrical, false)
			if symmetrical {
				m.orderInverse(before, s, kind)
			}
		}
		if !complete {
			return
		}
		before = s
	}
}

func (m *model) orderSet(c *Order, s *ResourceSet, kind orderKind) (*orderSet, bool) {
	o := &orderSet{id: either(s.ID, c.ID), kind: kind, action: either(strings.ToLower(s.Action), TaskStart)}
	if s.Kind != "" || s.Score != "" {
		o.kind = m.orderKind(s.Kind, s.Score, c.ID, c.Pos)
	}
	seq, given := parseBool(s.Sequential)
	o.sequential, o.explicit = seq || !given, seq && given
	all, given := parseBool(s.RequireAll)
	o.requireAll = all || !given
	if v, given := parseBool(c.Symmetrical); given {
		o.symmetric = v && o.kind != orderSerialize
	} else {
		o.symmetric = o.kind != orderSerialize
	}
	var complete bool
	o.list, complete = m.members(s, c.ID, c.Pos)
	return o, complete
}

// orderInside orders the members of one set.
func (m *model) orderInside(s *orderSet) {
	key := opKey{s.action, 0}
	flags := forwardFlags(s.kind, s.symmetric, s.action)
	for i := 1; i < len(s.list); i++ {
		if s.kind == orderSerialize {
			for j := range i {
				m.order(s.list[j], key, s.list[i], key, flags)
			}
		} else if s.sequential {
			m.order(s.list[i-1], key, s.list[i], key, flags)
		}
	}
	inv := inverse(s.action)
	if !s.symmetric || !s.sequential || inv == "" {
		return
	}
	for i := len(s.list) - 1; i > 0; i-- {
		m.order(s.list[i], opKey{inv, 0}, s.list[i-1], opKey{inv, 0}, inverseFlags(s.kind))
	}
}

// orderBetween orders the actions of set s1 before those of set s2.
func (m *model) orderBetween(s1, s2 *orderSet, thens, firsts []*resource, kind orderKind, symmetrical, inverted bool) {
	firstAction, thenAction := s1.action, s2.action
	flags := forwardFlags(kind, symmetrical, firstAction)
	if inverted {
		firstAction, thenAction = inverse(firstAction), inverse(thenAction)
		if firstAction == "" || thenAction == "" {
			return
		}
		flags = inverseFlags(kind)
	}
	if len(firsts) == 0 || len(thens) == 0 {
		return
	}
	if !s1.requireAll && firstAction != TaskStop && firstAction != TaskDemote {
		gate := m.pseudoCluster("one-or-more:" + s1.id)
		gate.requiredBefore = 1
		for _, f := range firsts {
			m.orderBeforeAction(f, opKey{firstAction, 0}, gate, minRunnable|firstImpliesThenGraphed)
		}
		for _, t := range thens {
			m.orderAfterAction(gate, t, opKey{thenAction, 0}, flags|unrunnableFirstBlocks)
		}
		return
	}
	if s1.explicit {
		if inverted {
			firsts = firsts[:1]
		} else {
			firsts = firsts[len(firsts)-1:]
		}
	}
	if s2.explicit {
		if inverted {
			thens = thens[len(thens)-1:]
		} else {
			thens = thens[:1]
		}
	}
	for _, f := range firsts {
		for _, t := range thens {
			m.order(f, opKey{firstAction, 0}, t, opKey{thenAction, 0}, flags)
		}
	}
}

// orderInverse orders the opposite actions of two sets the other way round.
func (m *model) orderInverse(s1, s2 *orderSet, kind orderKind) {
	m.orderBetween(s2, s1, s1.list, s2.list, kind, true, true)
}
