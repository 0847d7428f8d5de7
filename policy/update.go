package policy

// view is how an action looks to another one: of a collective's action, what
// its children make of it.
type view struct{ optional, runnable, migratable bool }

func (a *action) view() view {
	return view{optional: a.is(actOptional), runnable: a.runnable(), migratable: a.is(actMigratable)}
}

// eff evaluates an action for ordering purposes. Only the actions of clones
// look different from different nodes. Looking at a collective's action can
// make it required or impossible.
func (m *model) eff(a *action, n *node) view {
	v := m.effOn(a, nil)
	if n == nil || a.rsc == nil || !a.rsc.isClone() {
		return v
	}
	onNode := m.effOn(a, n)
	onNode.runnable = onNode.runnable || v.runnable
	return onNode
}

// effOn is what an action is, on one node if one is given.
func (m *model) effOn(a *action, n *node) view {
	switch {
	case a.rsc == nil || a.rsc.kind == Primitive:
		return a.view()
	case a.rsc.kind == Group:
		return m.effGroup(a, n)
	}
	return m.effInstances(a, n)
}

func (m *model) effGroup(a *action, n *node) view {
	v := view{optional: true, runnable: true}
	for _, c := range a.rsc.children {
		task := a.task
		if c.kind == Primitive {
			task = foldBack(task)
		}
		x := c.newestTask(task, n)
		if x == nil {
			if task != TaskStop && task != TaskDemote {
				v.runnable = false
			}
			continue
		}
		child := m.effOn(x, n)
		if !child.optional {
			v.optional = false
			a.flags &^= actOptional
		}
		if task != a.task && !child.runnable {
			v.runnable = false
			a.flags &^= actRunnable
		}
	}
	return v
}

// eventTask is the operation that an event of a collective is about.
func eventTask(a *action) string {
	if a.notify != nil {
		return foldBack(a.notify.task)
	}
	return a.task
}

func (m *model) effInstances(a *action, n *node) view {
	v := view{optional: true, runnable: true}
	some := false
	task := eventTask(a)
	list := a.rsc.children
	if a.rsc.kind == Bundle {
		list = a.rsc.bundleInstances(task)
	}
	if len(list) > 0 && list[0].kind == Primitive {
		task = foldBack(task)
	}
	for _, c := range list {
		var on *node
		if c.kind == Primitive {
			on = n
		}
		x := c.newestTask(task, on)
		if x == nil {
			continue
		}
		child := m.effOn(x, n)
		if !child.optional {
			v.optional = false
			a.flags &^= actOptional
		}
		some = some || child.runnable
	}
	if !some {
		v.runnable = false
		if n == nil {
			a.flags &^= actRunnable
		}
	}
	return v
}

// placeOf is the node that counts for "on the same node".
func placeOf(a *action) *node {
	if a.rsc != nil && a.rsc.kind == Group && a.task == TaskStart {
		return a.rsc.location()
	}
	return a.node
}

// update lets everything that comes before an action work on it, and goes on
// to what comes after as long as something changes.
func (m *model) update(t *action) {
	if m.updates--; m.updates < 0 {
		return
	}
	before := t.flags
	if t.requiredBefore > 0 {
		t.count = 0
		t.flags &^= actRunnable
	}
	changedThen := false
	for i := len(t.before) - 1; i >= 0; i-- {
		r := t.before[i]
		if r.flags == 0 {
			continue
		}
		f := r.first
		nf, nt := placeOf(f), placeOf(t)
		if r.flags&ifOnSameNode != 0 && nf != nil && nt != nil && nf != nt {
			r.flags = 0
			continue
		}
		if f.rsc != nil && r.flags&thenCancelsFirst != 0 && t.required() {
			f.flags |= actOptional
			if f.task == "reload-agent" {
				f.rsc.reloading = false
			}
		}
		fc := f
		if f.rsc != nil && t.rsc != nil && f.rsc != t.rsc && !f.rsc.isAncestorOf(t.rsc) {
			fc = m.completionOf(f)
		}
		changedFirst := false
		if fc != f {
			if m.relate(fc, t, r.flags) {
				changedThen = true
				r.flags = 0
			}
		} else {
			cf, ct := m.applyRelation(r, f, t)
			changedFirst = cf
			changedThen = changedThen || ct
		}
		if changedFirst {
			m.updateAfter(fc)
			m.update(fc)
		}
	}
	if t.requiredBefore > 0 {
		changedThen = t.flags != before
	}
	if changedThen {
		if before&actRunnable != 0 && !t.runnable() {
			m.blockDependents(t)
		}
		m.update(t)
		m.updateAfter(t)
	}
}

func (m *model) updateAfter(a *action) {
	for i := len(a.after) - 1; i >= 0; i-- {
		m.update(a.after[i].then)
	}
}

// completionOf is the event that others wait for: what comes after a clone's
// start comes after all of it is running.
func (m *model) completionOf(f *action) *action {
	r := f.rsc
	if r.kind == Primitive || f.key.interval > 0 || f.isNotify() {
		return f
	}
	task := completion(f.task)
	key := opKey{task, 0}
	if r.notify && r.kind != Group {
		key.task = "confirmed-post_notify_" + task
	}
	if a := r.newest(key, nil); a != nil {
		return a
	}
	return f
}

// applyRelation lets one relation act; it tells which side changed.
func (m *model) applyRelation(r *relation, f, t *action) (cf, ct bool) {
	scope := t.node
	if r.flags&firstImpliesSameNodeThen != 0 {
		r.flags = r.flags&^firstImpliesSameNodeThen | firstImpliesThen
		scope = f.node
	}
	run := func(owner *resource, kind relFlags) {
		a, b := m.effect(owner, kind, f, t, m.eff(f, placeOf(t)), scope)
		cf, ct = cf || a, ct || b
	}
	if r.flags&firstImpliesThen != 0 {
		if t.rsc != nil {
			run(t.rsc, firstImpliesThen)
		} else if !m.eff(f, placeOf(t)).optional && !t.required() {
			t.flags &^= actOptional
			ct = true
		}
	}
	if r.flags&intermediateStop != 0 && t.rsc != nil {
		run(t.rsc, intermediateStop)
	}
	if r.flags&thenImpliesFirst != 0 {
		if f.rsc != nil {
			run(f.rsc, thenImpliesFirst)
		} else if f.required() && f.runnable() {
			f.flags &^= actRunnable
			cf = true
		}
	}
	if r.flags&promotedThenImpliesFirst != 0 && t.rsc != nil {
		run(t.rsc, promotedThenImpliesFirst)
	}
	if r.flags&minRunnable != 0 {
		ct = m.countRunnable(f, t) || ct
	}
	m.applyBlocking(r, f, t, run, &ct)
	m.applyGraphed(r, f, t)
	if r.flags&(firstImpliesThen|thenImpliesFirst|intermediateStop) != 0 && f.task == TaskStop && !f.runnable() &&
		f.rsc != nil && !f.rsc.managed && f.rsc.blocked && t.runnable() {
		m.clear(t, actRunnable, f)
		ct = true
	}
	return cf, ct
}

func (m *model) countRunnable(f, t *action) bool {
	if t.rsc != nil || !m.eff(f, placeOf(t)).runnable {
		return false
	}
	t.count++
	if t.count >= t.requiredBefore && !t.runnable() {
		t.flags |= actRunnable
		return true
	}
	return false
}

// applyBlocking handles the flags by which an impossible first blocks.
func (m *model) applyBlocking(r *relation, f, t *action, run func(*resource, relFlags), ct *bool) {
	if r.flags&nestedRemoteProbe != 0 && t.rsc != nil {
		if !m.eff(f, placeOf(t)).runnable && f.rsc != nil && len(f.rsc.active) > 0 {
			r.flags = 0
			return
		}
		run(t.rsc, unrunnableFirstBlocks)
	}
	if r.flags&unrunnableFirstBlocks != 0 {
		if t.rsc != nil {
			run(t.rsc, unrunnableFirstBlocks)
		} else if !m.eff(f, placeOf(t)).runnable && t.runnable() {
			m.clear(t, actRunnable, f)
			*ct = true
		}
	}
	if t.rsc == nil {
		return
	}
	for _, kind := range []relFlags{unmigratableThenBlocks, firstElseThen, ordered, asymmetric} {
		if r.flags&kind != 0 {
			run(t.rsc, kind)
		}
	}
}

func (m *model) applyGraphed(r *relation, f, t *action) {
	if r.flags&firstImpliesThenGraphed != 0 && f.runnable() && !m.eff(f, placeOf(t)).optional {
		t.flags |= actAlways
	}
	if r.flags&thenImpliesFirstGraphed != 0 && !m.eff(t, placeOf(f)).optional {
		f.flags |= actAlways
	}
}

// clear takes a flag from an action because of another one, which becomes the
// reason if it belongs to something else.
func (m *model) clear(a *action, flag actFlags, because *action) {
	a.flags &^= flag
	if a.rsc != nil && because.rsc == a.rsc {
		return
	}
	rule, word := "requires", "required"
	switch flag {
	case actRunnable:
		rule, word = "blocked-by", "unrunnable"
	case actMigratable:
		rule, word = "blocked-by", "unmigrateable"
	}
	text := word + " " + because.task
	object := ""
	if because.rsc != nil {
		object = because.rsc.id
		text = word + " " + object + " " + because.task
	}
	a.setReason(Reason{Rule: rule, Object: object, Text: text}, false)
}
