package control

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// order begins every ready operation that is not in flight.
func (t *turn) order(d *Decision) {
	s := t.c.state
	flight := t.inFlight()
	unsettled := t.unsettled(d)
	load := map[string]int{}
	for _, op := range s.Pending {
		load[op.Node]++
	}
	limit := t.nodeLimit()
	var batch []state.Operation
	for _, a := range d.Ready {
		if a.Kind != policy.ResourceAction {
			continue
		}
		switch a.Task {
		case policy.TaskClearFailCount, policy.TaskLRMDelete:
			t.tidy(a)
			continue
		}
		n := s.Nodes[a.Node]
		if n == nil || n.Phase != state.PhaseMember || flight.conflicts(a) || load[a.Node] >= limit {
			continue
		}
		if begins(a.Task) && unsettled[t.c.related.of(s.Config.Policy, a.Resource)] {
			continue // something that it may depend on is in the middle of a change that is no longer wanted
		}
		load[a.Node]++
		flight.add(a)
		batch = append(batch, t.operation(a))
	}
	if len(batch) == 0 {
		return
	}
	tag := "begin " + strconv.FormatUint(s.Index, 10)
	if t.propose(tag, state.Command{Begin: &state.Begin{Seen: s.Index, Ops: batch}}) {
		for _, op := range batch {
			t.note("order %s: %s", describe(op.Action), reasons(op.Action.Reasons))
		}
	}
}

func (t *turn) operation(a policy.Action) state.Operation {
	timeout := time.Duration(a.TimeoutMS+a.StartDelayMS) * time.Millisecond
	a.HistoryID = historyName(a)
	class, provider, typ := a.Class, a.Provider, a.Type
	a.After = nil // predecessors are done; the log need not carry their names
	return state.Operation{
		Key: a.ID, Node: a.Node, Action: a, Class: class, Provider: provider, Type: typ,
		Deadline: t.now.Add(timeout + t.c.cfg.AnswerGrace).UnixMilli(),
	}
}

// tidy carries out what changes the history only.
func (t *turn) tidy(a policy.Action) {
	name := historyName(a)
	if t.propose(fmt.Sprintf("%s %s %s", a.Task, name, a.Node), state.Command{Cleanup: &state.Cleanup{
		Resource: name, Node: a.Node, Forget: a.Task == policy.TaskLRMDelete,
	}}) {
		t.note("%s: %s", describe(a), reasons(a.Reasons))
	}
}

// begins says whether a task makes something run.
func begins(task string) bool {
	return task == policy.TaskStart || task == policy.TaskPromote || task == policy.TaskMigrateTo || task == policy.TaskMigrateFrom
}

// flying is what is in flight, in the two ways in which a new order can collide
// with it. They are the state machine's: an order that it would refuse is not
// proposed.
type flying struct {
	here     map[string]bool     // node + resource: an executor does one thing at a time with it
	changing map[string][]string // resource -> nodes where it is being changed
}

func (t *turn) inFlight() flying {
	f := flying{here: map[string]bool{}, changing: map[string][]string{}}
	for _, op := range t.c.state.Pending {
		f.add(op.Action)
	}
	return f
}

func historyName(a policy.Action) string {
	if a.HistoryID != "" {
		return a.HistoryID
	}
	return a.Resource
}

func (f flying) add(a policy.Action) {
	f.here[a.Node+" "+historyName(a)] = true
	if changing(a.Task) || migrates(a.Task) {
		f.changing[a.Resource] = append(f.changing[a.Resource], a.Node)
	}
}

func (f flying) conflicts(a policy.Action) bool {
	if f.here[a.Node+" "+historyName(a)] {
		return true
	}
	return changing(a.Task) && slices.ContainsFunc(f.changing[a.Resource], func(node string) bool { return node != a.Node })
}

// migrates says whether a task is one half of a live migration, which changes a
// resource on two nodes at once. What follows a migration waits for both halves.
func migrates(task string) bool {
	return task == policy.TaskMigrateTo || task == policy.TaskMigrateFrom
}

func changing(task string) bool {
	switch task {
	case policy.TaskMonitor, policy.TaskCancel, policy.TaskNotify, policy.TaskMigrateTo, policy.TaskMigrateFrom:
		return false
	}
	return true
}

// unsettled are the sets of related resources in which an operation is in flight
// that the present decision does not want: until it has ended, nobody knows what
// the others will find, so nothing of the set begins.
func (t *turn) unsettled(d *Decision) map[string]bool {
	wanted := map[string]bool{}
	for _, a := range d.Plan.Actions {
		wanted[a.ID] = true
	}
	out := map[string]bool{}
	for _, op := range t.c.state.Pending {
		if !wanted[op.Key] && changing(op.Action.Task) {
			out[t.c.related.of(t.c.state.Config.Policy, op.Action.Resource)] = true
		}
	}
	return out
}

func (t *turn) inFlightOn(node string) int {
	n := 0
	for _, op := range t.c.state.Pending {
		if op.Node == node {
			n++
		}
	}
	return n
}

func (t *turn) nodeLimit() int {
	if v, err := strconv.Atoi(state.Option(t.c.state.Config.Policy, "node-action-limit")); err == nil && v > 0 {
		return v
	}
	return t.c.cfg.NodeLimit
}

func describe(a policy.Action) string {
	s := fmt.Sprintf("%s %s on %s", a.Task, a.Resource, a.Node)
	if a.IntervalMS > 0 {
		s += fmt.Sprintf(" every %v", time.Duration(a.IntervalMS)*time.Millisecond)
	}
	return s
}

func reasons(list []policy.Reason) string {
	if len(list) == 0 {
		return "wanted by the configuration"
	}
	texts := make([]string, len(list))
	for i, r := range list {
		texts[i] = r.Text
	}
	return strings.Join(texts, "; ")
}
