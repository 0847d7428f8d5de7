package policy

// effect lets one kind of relation act between two actions, in the way of the
// resource that owns it. It tells which of them changed.
func (m *model) effect(owner *resource, kind relFlags, f, t *action, fv view, scope *node) (cf, ct bool) {
	switch owner.kind {
	case Primitive:
		return m.baseEffect(kind, f, t, fv)
	case Group:
		return m.groupEffect(kind, f, t, fv, scope)
	}
	return m.instanceEffect(kind, f, t, fv, scope)
}

func (m *model) groupEffect(kind relFlags, f, t *action, fv view, scope *node) (cf, ct bool) {
	cf, ct = m.baseEffect(kind, f, t, fv)
	if t.rsc == nil {
		return cf, ct
	}
	for _, c := range t.rsc.children {
		if x := c.newestTask(t.task, scope); x != nil {
			a, b := m.effect(c, kind, f, x, fv, scope)
			cf, ct = cf || a, ct || b
		}
	}
	return cf, ct
}

// instanceEffect acts on the instances of a clone or bundle: on all of them,
// or, interleaved, on each through its partner.
func (m *model) instanceEffect(kind relFlags, f, t *action, fv view, scope *node) (cf, ct bool) {
	if t.rsc == nil {
		return false, false
	}
	if m.interleavedActions(f, t) {
		return m.interleave(kind, f, t, scope)
	}
	cf, ct = m.baseEffect(kind, f, t, fv)
	for _, c := range t.rsc.instances() {
		x := c.newestTask(t.task, scope)
		if x == nil || !m.eff(x, scope).runnable {
			continue
		}
		a, changed := m.effect(c, kind, f, x, fv, scope)
		cf = cf || a
		if changed {
			ct = true
			m.updateAfter(x)
		}
	}
	return cf, ct
}

func (m *model) interleavedActions(f, t *action) bool {
	if f.rsc == nil || t.rsc == nil || f.rsc == t.rsc || !f.rsc.hasInstances() || !t.rsc.hasInstances() {
		return false
	}
	decides := t.rsc
	if t.key.task == TaskStop || t.key.task == TaskDemote {
		decides = f.rsc
	}
	return isTrue(decides.meta["interleave"])
}

func (r *resource) hasInstances() bool { return r.kind == Clone || r.kind == Bundle }

func (m *model) interleave(kind relFlags, f, t *action, scope *node) (cf, ct bool) {
	current := f.key.task == "stopped" || f.key.task == "demoted"
	for _, inst := range t.rsc.instances() {
		partner := m.compatible(inst, f.rsc, unknown, current)
		if partner == nil {
			if !current && (kind == unrunnableFirstBlocks || kind == firstImpliesThen) && m.bind(inst, nil, nil, true, true) {
				ct = true
			}
			continue
		}
		fi := m.instanceAction(partner, f, false)
		ti := m.instanceAction(inst, t, true)
		if fi == nil || ti == nil {
			continue
		}
		if m.relate(fi, ti, kind) {
			cf, ct = true, true
		}
		a, b := m.effect(inst, kind, fi, ti, m.eff(fi, scope), scope)
		cf, ct = cf || a, ct || b
	}
	return cf, ct
}

// instanceAction is the action of one instance that an event stands for.
func (m *model) instanceAction(inst *resource, a *action, isThen bool) *action {
	task := a.task
	if a.notify != nil {
		task = a.notify.task
	}
	r := inst
	if inst.container && inst.replica != nil && inst.replica.child != nil {
		if isThen {
			switch task {
			case TaskPromote, "promoted", TaskDemote, "demoted":
				r = inst.replica.child
			}
		} else if task != TaskStop && task != "stopped" {
			r = inst.replica.child
		}
	}
	if r.kind == Primitive || !isThen && r.kind == Group {
		task = foldBack(task)
	}
	return r.newestTask(task, nil)
}

// baseEffect is the effect between two single actions.
func (m *model) baseEffect(kind relFlags, f, t *action, fv view) (cf, ct bool) {
	beforeF, beforeT := f.flags, t.flags
	switch kind {
	case asymmetric:
		m.effectAsymmetric(f, t)
	case thenImpliesFirst:
		if t.required() {
			if !fv.optional && f.is(actOptional) {
				m.clear(f, actOptional, t)
			}
			if fv.migratable && !t.is(actMigratable) {
				m.clear(f, actMigratable, t)
			}
		}
	case promotedThenImpliesFirst:
		if t.rsc != nil && t.rsc.role == promoted && t.required() {
			if f.is(actOptional) {
				m.clear(f, actOptional, t)
			}
			if f.is(actMigratable) && !t.is(actMigratable) {
				m.clear(f, actMigratable, t)
			}
		}
	case unmigratableThenBlocks:
		if !t.is(actMigratable) || !t.runnable() {
			m.clear(f, actRunnable, t)
		}
		if t.required() {
			m.clear(f, actOptional, t)
		}
	case firstElseThen:
		if !f.runnable() {
			m.clear(t, actMigratable, f)
			t.flags &^= actPseudo
		}
	case unrunnableFirstBlocks:
		if t.runnable() && !fv.runnable {
			m.clear(t, actRunnable, f)
			m.clear(t, actMigratable, f)
		}
	case firstImpliesThen:
		if t.is(actOptional) && !fv.optional && !f.is(actMigratable) {
			m.clear(t, actOptional, f)
		}
	case intermediateStop:
		m.effectIntermediateStop(f, t)
	}
	cf, ct = f.flags != beforeF, t.flags != beforeT
	if ct && t.rsc != nil && t.rsc.parent != nil {
		m.update(t)
	}
	return cf, ct
}

// effectAsymmetric: the later action cannot happen as long as the earlier one
// cannot, unless what it would do is the case already.
func (m *model) effectAsymmetric(f, t *action) {
	r := t.rsc
	if r == nil || f.runnable() {
		return
	}
	if t.is(actOptional) {
		state := r.state()
		if t.task == TaskStop && state == stopped {
			return
		}
		if t.task == TaskStart && state >= started && len(r.active) == 1 && (t.node == nil || r.active[0] == t.node) {
			return
		}
	}
	if t.is(actOptional) {
		m.clear(t, actOptional, f)
	}
	if t.runnable() {
		m.clear(t, actRunnable, f)
	}
}

// effectIntermediateStop keeps stop and start of one resource together.
func (m *model) effectIntermediateStop(f, t *action) {
	if f.rsc == nil || t.rsc == nil || f.rsc.kind != Primitive || t.rsc.kind != Primitive {
		return
	}
	unrunnable := !t.runnable() && t.rsc.managed && f.rsc == t.rsc
	if !t.required() && !unrunnable {
		return
	}
	if f.is(actOptional) && (f.runnable() || t.required()) {
		m.clear(f, actOptional, t)
	}
	if f.is(actMigratable) && !t.is(actMigratable) {
		m.clear(f, actMigratable, t)
	}
	if f.required() && !f.runnable() && t.runnable() {
		m.clear(t, actRunnable, f)
	}
}

// blockDependents makes what must be with a resource that cannot start or be
// promoted impossible, too.
func (m *model) blockDependents(a *action) {
	if m.updates--; m.updates < 0 || a.rsc == nil || a.runnable() || a.task != TaskStart && a.task != TaskPromote {
		return
	}
	top := a.rsc.outermost()
	for _, c := range top.children {
		x := c.newestTask(a.task, nil)
		if x == nil || x.runnable() {
			return
		}
	}
	for _, c := range m.withThisOf(top) {
		if c.score < infinity || a.task == TaskPromote && c.priRole != promoted {
			continue
		}
		task := TaskStart
		if c.depRole == promoted {
			task = TaskPromote
		}
		m.blockColocated(a, c.dependent, task)
	}
}

func (m *model) blockColocated(because *action, r *resource, task string) {
	for _, a := range r.byKey[opKey{task, 0}] {
		if !a.runnable() {
			continue
		}
		a.flags &^= actRunnable
		a.setReason(Reason{Rule: "colocation", Object: because.rsc.id, Text: "colocation with " + because.rsc.id}, false)
		m.blockDependents(a)
		m.update(a)
		m.updateAfter(a)
	}
	for _, c := range r.children {
		m.blockColocated(because, c, task)
	}
}

// disableInvalid drops relations that would tie a guest to its own container,
// or a migration to itself.
func (m *model) disableInvalid() {
	for i := len(m.actions) - 1; i >= 0; i-- {
		t := m.actions[i]
		for _, r := range t.before {
			f := r.first
			if f.rsc != nil && f.node != nil && f.node.isGuest() && t.rsc != nil && f.node.conn.launcher == t.rsc &&
				r.flags&guestAllowed == 0 {
				r.flags = 0
			}
			if r.flags == ifOnSameNodeOrTarget && t.task == TaskMigrateTo && m.leadsBack(f, t, map[*action]bool{}) {
				r.flags = 0
			}
		}
	}
}

// leadsBack tells whether an action waits for another one.
func (m *model) leadsBack(a, target *action, seen map[*action]bool) bool {
	if a == target {
		return true
	}
	if seen[a] {
		return false
	}
	seen[a] = true
	for _, r := range a.before {
		if m.isInput(r) && m.leadsBack(r.first, target, seen) {
			return true
		}
	}
	return false
}
