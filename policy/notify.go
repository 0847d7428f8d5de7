package policy

import (
	"cmp"
	"slices"
	"strings"
)

// notification ties the events around one operation of a clone whose instances
// want to be told before and after.
type notification struct {
	task                         string // the operation, or its completion
	phase                        string // pre, confirmed-pre, post, confirmed-post
	pre, preDone, post, postDone *action
	env                          map[string]string
}

// notifyEvent makes one event of a notification.
func (m *model) notifyEvent(r *resource, phase, task string, like *action, runnable bool) *action {
	kind := TaskNotify
	if strings.HasPrefix(phase, "confirmed") {
		kind = "notified"
	}
	a := m.createKey(r, opKey{phase + "_notify_" + task, 0}, kind, nil, !like.required())
	a.flags |= actPseudo
	if runnable {
		a.flags |= actRunnable
	} else {
		a.flags &^= actRunnable
	}
	a.notify = &notification{task: task, phase: phase}
	return a
}

// notifyEvents makes the events around an operation of a clone; begin may be
// nil.
func (m *model) notifyEvents(r *resource, begin, end *action) *notification {
	x := &notification{}
	if begin != nil {
		x.task = begin.task
		x.pre = m.notifyEvent(r, "pre", begin.task, begin, true)
		x.preDone = m.notifyEvent(r, "confirmed-pre", begin.task, begin, true)
		m.orderActions(x.pre, x.preDone, ordered)
		m.orderActions(x.preDone, begin, ordered)
	}
	if end != nil {
		x.post = m.notifyEvent(r, "post", end.task, end, end.runnable())
		x.postDone = m.notifyEvent(r, "confirmed-post", end.task, end, end.runnable())
		m.orderActions(end, x.post, firstImpliesThen)
		m.orderActions(x.post, x.postDone, firstImpliesThen)
	}
	if begin != nil && end != nil {
		m.orderActions(x.preDone, x.post, ordered)
	}
	return x
}

// noteNotification keeps the events of an operation, and orders them against
// those of the others.
func (m *model) noteNotification(r *resource, task string, x *notification) {
	if r.notes == nil {
		r.notes = map[string]*notification{}
	}
	r.notes[task] = x
	between := func(first, then string) {
		a, b := r.notes[first], r.notes[then]
		if a != nil && b != nil && (first == task || then == task) {
			m.orderActions(a.postDone, b.pre, ordered)
		}
	}
	between(TaskStop, TaskStart)
	if r.promotable {
		between(TaskStop, TaskPromote)
		between(TaskStart, TaskPromote)
		between(TaskDemote, TaskPromote)
		between(TaskDemote, TaskStart)
		between(TaskDemote, TaskStop)
	}
}

// placeOfInstance is one entry of a notification variable.
type placeOfInstance struct {
	r *resource
	n *node
}

// notifyLists are the instances by what they are and what happens to them.
type notifyLists struct {
	inactive, active, unpromoted, promoted []placeOfInstance
	ops                                    map[string][]placeOfInstance
}

// notifyLists collects the states of all instances, and the actions if asked.
func (m *model) notifyLists(clone *resource, actions bool) *notifyLists {
	l := &notifyLists{ops: map[string][]placeOfInstance{}}
	clone.primitives(func(p *resource) {
		e := placeOfInstance{p, p.firstActive()}
		as := p.role
		if as == stopped && len(p.active) > 0 {
			as = started
		}
		switch as {
		case stopped:
			l.inactive = append(l.inactive, e)
		case started:
			l.active = append(l.active, e)
		case unpromoted:
			l.unpromoted = append(l.unpromoted, e)
			l.active = append(l.active, e)
		case promoted:
			l.promoted = append(l.promoted, e)
			l.active = append(l.active, e)
		}
		if !actions {
			return
		}
		for _, task := range []string{TaskStart, TaskStop, TaskPromote, TaskDemote} {
			for _, a := range p.byKey[opKey{task, 0}] {
				if a.required() && a.node != nil && (a.runnable() || task == TaskStop && a.node.unclean) {
					l.ops[task] = append(l.ops[task], placeOfInstance{p, a.node})
				}
			}
		}
	})
	return l
}

// env renders the lists as the variables that agents get.
func (l *notifyLists) env(m *model, clone *resource) map[string]string {
	t := map[string]string{}
	add := func(name string, list []placeOfInstance, nodes bool) {
		list = slices.Clone(list)
		slices.SortFunc(list, func(a, b placeOfInstance) int {
			if c := strings.Compare(a.r.id, b.r.id); c != 0 {
				return c
			}
			return cmp.Compare(nodeName(a.n), nodeName(b.n))
		})
		var ids, names []string
		last := ""
		for _, e := range list {
			if e.r.id == last {
				continue
			}
			last = e.r.id
			id := e.r.id
			if !e.r.unique {
				id = e.r.historyName()
			}
			ids, names = append(ids, id), append(names, nodeName(e.n))
		}
		t["notify_"+name+"_resource"] = either(strings.Join(ids, " "), " ")
		if nodes {
			t["notify_"+name+"_uname"] = either(strings.Join(names, " "), " ")
		}
	}
	for _, task := range []string{TaskStart, TaskStop, TaskPromote, TaskDemote} {
		add(task, l.ops[task], true)
	}
	add("active", l.active, true)
	add("inactive", l.inactive, false)
	for _, name := range []string{"unpromoted", "slave"} {
		add(name, l.unpromoted, true)
	}
	for _, name := range []string{"promoted", "master"} {
		add(name, l.promoted, true)
	}
	var available, all []string
	for _, n := range m.nodes {
		all = append(all, n.name)
		if clone.allowed.at(n) != nil {
			available = append(available, n.name)
		}
	}
	t["notify_available_uname"] = either(strings.Join(available, " "), " ")
	t["notify_all_uname"] = either(strings.Join(all, " "), " ")
	return t
}

// notifyClone creates the notifications of a clone, when it is known what will
// be done.
func (m *model) notifyClone(clone *resource) {
	if !clone.notify || clone.notes == nil {
		return
	}
	tasks := []string{TaskStart, TaskStop}
	if clone.promotable {
		tasks = append(tasks, TaskPromote, TaskDemote)
	}
	for _, task := range tasks {
		x := clone.notes[task]
		if x == nil {
			continue
		}
		l := m.notifyLists(clone, true)
		x.env = l.env(m, clone)
		if len(l.ops[task]) > 0 {
			for _, a := range []*action{x.pre, x.preDone, x.post, x.postDone} {
				a.flags &^= actOptional
			}
		}
		clone.primitives(func(p *resource) {
			for _, t := range []string{TaskStart, TaskStop, TaskPromote, TaskDemote} {
				for _, a := range p.byKey[opKey{t, 0}] {
					if a.required() && a.node != nil {
						a.env = x.env
					}
				}
			}
		})
		if len(l.ops[task]) == 0 && task != TaskStop {
			continue
		}
		clone.primitives(func(p *resource) { m.notifyInstance(p, task, x) })
	}
}

// notifyInstance tells one instance about an operation of the clone.
func (m *model) notifyInstance(p *resource, task string, x *notification) {
	switch task {
	case TaskStop, TaskDemote:
		if p.role == stopped && len(p.active) == 0 {
			return
		}
		stop := p.newest(stop0(), nil)
		for _, n := range p.active {
			if stop != nil && stop.is(actPseudo) && (n.unclean || n.resetNeeded) {
				continue
			}
			m.addNotify(p, task, "pre", n, x.pre, x.preDone, x)
			if task == TaskDemote || stop == nil || !stop.required() {
				m.addNotify(p, task, "post", n, x.post, x.postDone, x)
			}
		}
	default:
		if p.next == stopped {
			return
		}
		start := p.newest(start0(), nil)
		if start != nil && start.node != nil && start.node.remote && start.node.conn != nil {
			if c := start.node.conn.newest(start0(), nil); c != nil && !c.runnable() {
				return
			}
		}
		if p.assigned == nil {
			return
		}
		if task == TaskPromote || start == nil || !start.required() {
			m.addNotify(p, task, "pre", p.assigned, x.pre, x.preDone, x)
		}
		m.addNotify(p, task, "post", p.assigned, x.post, x.postDone, x)
	}
	m.monitorAfterNotify(p, x.postDone)
}

// monitorAfterNotify lets recurring operations wait until all were told.
func (m *model) monitorAfterNotify(p *resource, done *action) {
	if done == nil {
		return
	}
	for _, a := range p.actions {
		if a.key.interval > 0 && a.task != TaskCancel {
			m.relate(done, a, ordered)
		}
	}
}

// addNotify creates one notification of an instance.
func (m *model) addNotify(p *resource, task, phase string, n *node, begin, done *action, x *notification) {
	if begin == nil || done == nil || n == nil || !n.online || !begin.runnable() {
		return
	}
	a := m.createKey(p, opKey{phase + "_notify_" + task, 0}, TaskNotify, n, !begin.required())
	a.detail = phase + "-" + task
	a.env = map[string]string{"notify_type": phase, "notify_operation": task}
	for k, v := range x.env {
		a.env[k] = v
	}
	m.relate(begin, a, ordered)
	m.relate(a, done, ordered)
}

// notifyOfFencing tells the other instances that one was stopped by fencing.
func (m *model) notifyOfFencing(r *resource, n *node, fence, stop *action) {
	if !r.top.isClone() {
		return
	}
	x := &notification{task: TaskStop}
	x.post = m.notifyEvent(r, "post", "stonith", fence, fence.runnable())
	x.postDone = m.notifyEvent(r, "confirmed-post", "stonith", fence, fence.runnable())
	x.post.notify, x.postDone.notify = nil, nil
	m.orderActions(fence, x.post, firstImpliesThen)
	m.orderActions(x.post, x.postDone, firstImpliesThen)
	x.env = m.notifyLists(r.top, false).env(m, r.top)
	x.env["notify_stop_resource"], x.env["notify_stop_uname"] = r.historyName(), n.name
	r.top.primitives(func(p *resource) { m.notifyInstance(p, TaskStop, x) })
}
