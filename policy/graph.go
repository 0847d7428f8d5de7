package policy

import "slices"

// emit decides which actions become part of the plan, in the order in which
// they are written.
func (m *model) emit() []*action {
	var out []*action
	var visit func(r *resource)
	add := func(a *action) {
		if !a.emitted && m.wanted(a) {
			a.emitted = true
			out = append(out, a)
		}
	}
	own := func(r *resource) {
		for i := len(r.actions) - 1; i >= 0; i-- {
			add(r.actions[i])
		}
	}
	visit = func(r *resource) {
		if r.isClone() {
			for i := len(r.actions) - 1; i >= 0; i-- {
				m.eff(r.actions[i], nil)
			}
			m.notifyClone(r)
		} else if r.kind != Bundle {
			own(r)
		}
		for _, c := range r.children {
			visit(c)
		}
		if r.isClone() {
			own(r)
		}
	}
	for _, r := range m.resources {
		if r.kind == Bundle && r.bundle.inner != nil {
			visit(r.bundle.inner)
		}
		visit(r)
	}
	for i := len(m.actions) - 1; i >= 0; i-- {
		add(m.actions[i])
	}
	return out
}

// wanted tells whether an action can and shall be done.
func (m *model) wanted(a *action) bool {
	if !a.runnable() || !a.required() && !a.is(actAlways) {
		return false
	}
	if a.rsc != nil && !a.rsc.managed && a.task != TaskMonitor && a.key.interval == 0 {
		return false
	}
	if a.is(actPseudo) || a.task == "stonith" || a.task == TaskShutdown {
		return true
	}
	n := a.node
	if n == nil {
		return false
	}
	return a.is(actOnDC) || n.isGuest() && !n.resetNeeded || n.online && !n.unclean
}

// mergeInputs merges relations from the same first action.
func (a *action) mergeInputs() {
	if a.merged {
		return
	}
	a.merged = true
	list := slices.Clone(a.before)
	slices.Reverse(list)
	slices.SortStableFunc(list, func(x, y *relation) int { return x.first.id - y.first.id })
	out := list[:0]
	for _, r := range list {
		if k := len(out); k > 0 && out[k-1].first == r.first {
			out[k-1].flags |= r.flags
			continue
		}
		c := *r
		out = append(out, &c)
	}
	a.before = out
}

// isInput tells whether a relation makes its action wait for the first one.
func (m *model) isInput(r *relation) bool {
	f, t := r.first, r.then
	switch {
	case r.flags == 0:
		return false
	case !f.runnable() && r.flags&^(ordered|thenImpliesFirstGraphed|firstImpliesThenGraphed) == 0,
		!f.runnable() && r.flags&(minRunnable|unmigratableThenBlocks) != 0,
		r.flags&ifFirstUnmigratable != 0 && f.is(actMigratable),
		r.flags == ordered && f.is(actMigratable) && f.key.task == TaskStop:
		return false
	case r.flags == ifOnSameNodeOrTarget:
		if t.rsc != nil && t.task == TaskMigrateTo {
			return f.node == t.rsc.assigned
		}
		return f.node == t.node && f.required()
	case r.flags == ifRequiredOnSameNode:
		return (f.node == nil || t.node == nil || f.node == t.node) && f.required()
	case f.rsc != nil && f.rsc != t.rsc && f.rsc.failed && !f.rsc.managed && f.key.task == TaskStop &&
		t.rsc != nil && t.rsc.isClone():
		return false
	case !f.required() && !f.is(actAlways) && !f.emitted && !m.wanted(f):
		return false
	}
	return true
}
