package policy

import (
	"strings"
)

// actFlags say what an action is.
type actFlags uint16

const (
	actOptional       actFlags = 1 << iota // need not be done
	actRunnable                            // may be done
	actPseudo                              // nothing to execute, only a point in the graph
	actAlways                              // shown even though optional
	actMigratable                          // part of a live migration
	actMigrationAbort                      // a stop that cleans up after a migration
	actOnDC                                // needs no node to be up
	actReschedule                          // a recurring operation whose definition changed
)

// need is what must hold before an action may run.
type need uint8

const (
	needNothing need = iota
	needQuorum
	needFencing
)

// action is one step that may become part of the plan.
type action struct {
	id    int
	rsc   *resource // nil for actions of the cluster
	key   opKey
	task  string
	node  *node
	flags actFlags
	needs need
	info  *opInfo

	reason     Reason // why it is needed, or why it cannot be done
	hasReason  bool
	fenceOp    string // of fence actions
	fenceDelay int64  // ms
	targetRC   int
	cancels    string // the task that a cancel ends
	source     *node  // of migrations
	target     *node
	notify     *notification // of notifications
	detail     string
	env        map[string]string

	requiredBefore int // how many predecessors must be runnable
	count          int

	before, after []*relation
	emitted       bool
	merged        bool
}

func (a *action) is(f actFlags) bool { return a.flags&f != 0 }
func (a *action) required() bool     { return a.flags&actOptional == 0 }
func (a *action) runnable() bool     { return a.flags&actRunnable != 0 }

// setReason notes why; the first reason stays unless a later one overwrites.
func (a *action) setReason(r Reason, overwrite bool) {
	if !a.hasReason || overwrite {
		a.reason, a.hasReason = r, true
	}
}

// newAction makes an action and files it.
func (m *model) newAction(r *resource, key opKey, task string, n *node, flags actFlags) *action {
	a := &action{id: len(m.actions) + 1, rsc: r, key: key, task: task, node: n, flags: flags}
	m.actions = append(m.actions, a)
	if r != nil {
		r.actions = append(r.actions, a)
		r.byKey[key] = append(r.byKey[key], a)
	}
	return a
}

// create finds or makes an action of a resource. A request for a required one
// makes an optional one required, never the other way round. Without a node,
// any action of that key is meant; with one, an action without node gets it.
func (m *model) create(r *resource, task string, interval int64, n *node, optional bool) *action {
	return m.createKey(r, opKey{task, interval}, task, n, optional)
}

func (m *model) createKey(r *resource, key opKey, task string, n *node, optional bool) *action {
	a := m.existing(r, key, n)
	if a == nil {
		a = m.newAction(r, key, task, n, actRunnable)
		if optional {
			a.flags |= actOptional
		}
		if r.kind == Primitive {
			a.info = m.opInfo(r, key)
		}
		if task == TaskLRMDelete {
			a.flags |= actOnDC
		}
		a.needs = needOf(r, task)
	}
	if a.node != nil && !a.is(actPseudo) && !r.managed && a.key.interval == 0 {
		a.flags |= actOptional
	} else if !optional {
		a.flags &^= actOptional
	}
	if !a.is(actPseudo) {
		m.updateRunnable(a)
	}
	return a
}

// existing finds the oldest action that a request means.
func (m *model) existing(r *resource, key opKey, n *node) *action {
	for _, a := range r.byKey[key] {
		if n == nil || a.node == n {
			return a
		}
		if a.node == nil {
			a.node = n
			return a
		}
	}
	return nil
}

func needOf(r *resource, task string) need {
	switch {
	case task != TaskStart && task != TaskPromote:
		return needNothing
	case r.needsFencing:
		return needFencing
	case r.needsQuorum:
		return needQuorum
	}
	return needNothing
}

// updateRunnable decides whether an action of a resource may run; the first
// rule that matches counts.
func (m *model) updateRunnable(a *action) {
	r, n := a.rsc, a.node
	cannot := func(rule, object, text string) {
		a.flags &^= actRunnable
		if rule != "" {
			a.setReason(Reason{Rule: rule, Object: object, Text: text}, true)
		}
	}
	switch {
	case n == nil:
		cannot("", "", "")
	case !a.is(actOnDC) && !n.online && (!n.isGuest() || n.resetNeeded):
		cannot("", "", "")
		if r.managed && a.task == TaskStop && !n.unclean {
			m.fenceNode(n, "stop is unrunnable", false)
		}
	case !a.is(actOnDC) && n.pending:
		cannot("", "", "")
	case a.needs == needNothing:
		a.hasReason, a.reason = false, Reason{}
		if n.isGuest() && !m.canFence(n) {
			cannot("", "", "")
		} else {
			a.flags |= actRunnable
		}
	default:
		m.checkQuorum(a, cannot)
	}
}

// checkQuorum applies no-quorum-policy to a start or promotion.
func (m *model) checkQuorum(a *action, cannot func(rule, object, text string)) {
	r := a.rsc
	policy := m.opt.quorumPolicy
	if m.quorum {
		policy = "ignore"
	}
	if policy == "demote" {
		if r.role == promoted || r.role == unpromoted {
			if r.next > unpromoted {
				r.next = unpromoted
			}
			policy = "ignore"
		} else {
			policy = "stop"
		}
	}
	switch policy {
	case "stop":
		cannot("no-quorum", "no-quorum-policy", "no quorum")
	case "freeze":
		if len(r.active) == 0 || r.next > r.role {
			cannot("no-quorum", "no-quorum-policy", "quorum freeze")
		}
	default:
		a.flags |= actRunnable
	}
}

// pseudo makes a point in the graph for a group, clone or bundle.
func (m *model) pseudo(r *resource, task string, optional, runnable bool) *action {
	a := m.create(r, task, 0, nil, optional)
	a.flags |= actPseudo
	if runnable {
		a.flags |= actRunnable
	}
	return a
}

// pseudoCluster makes a point in the graph that belongs to no resource.
func (m *model) pseudoCluster(key string) *action {
	if a := m.clusterActs[key]; a != nil {
		return a
	}
	a := m.newAction(nil, opKey{key, 0}, key, nil, actOptional|actPseudo|actRunnable)
	m.clusterActs[key] = a
	return a
}

// newest finds the latest action of a key, on a node if one is given.
func (r *resource) newest(key opKey, n *node) *action {
	list := r.byKey[key]
	for i := len(list) - 1; i >= 0; i-- {
		if n == nil || list[i].node == n {
			return list[i]
		}
	}
	return nil
}

// newestTask finds the latest action with a task, whatever its interval.
func (r *resource) newestTask(task string, n *node) *action {
	switch task {
	case TaskStart, TaskStop, TaskPromote, TaskDemote, "running", "stopped", "promoted", "demoted":
		return r.newest(opKey{task, 0}, n)
	}
	for i := len(r.actions) - 1; i >= 0; i-- {
		if a := r.actions[i]; a.task == task && (n == nil || a.node == n) {
			return a
		}
	}
	return nil
}

// findOn finds all actions of a key on a node; those without node get it.
func (m *model) findOn(r *resource, key opKey, n *node) []*action {
	var list []*action
	for _, a := range r.byKey[key] {
		if a.node == nil {
			a.node = n
		}
		if a.node == n {
			list = append(list, a)
		}
	}
	return list
}

// completion is the event that a collective's action ends with.
func completion(task string) string {
	switch task {
	case TaskStart:
		return "running"
	case TaskStop:
		return "stopped"
	case TaskPromote:
		return "promoted"
	case TaskDemote:
		return "demoted"
	case TaskNotify:
		return "notified"
	}
	return task
}

// foldBack is the task of which an event is the completion.
func foldBack(task string) string {
	switch task {
	case "running":
		return TaskStart
	case "stopped":
		return TaskStop
	case "promoted":
		return TaskPromote
	case "demoted":
		return TaskDemote
	case "notified":
		return TaskNotify
	}
	return task
}

func (a *action) isNotify() bool { return strings.Contains(a.key.task, "notify") }
