package executor

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// adopt begins to look after resources that run here by an order which an
// earlier incarnation carried out. That is done once: everything later passes
// through this executor. e.mu is held.
func (e *Executor) adopt(me *state.Node) {
	if e.adopted {
		return
	}
	e.adopted = true
	for name, h := range me.History {
		if h.Last == nil || e.care[name] != nil || !running(name, h) || e.busyLane(name) {
			continue
		}
		index := h.Records[name+"_last_0"].TransitionID
		op := &state.Operation{
			Index: uint64(index), Node: e.cfg.Node, Incarnation: e.cfg.Incarnation, Action: *h.Last,
			Class: h.Class, Provider: h.Provider, Type: h.Type,
		}
		c := e.careFor(name, op, expectedOf(name, h))
		e.watch(name, c)
		e.enqueue(e.lanes, name, func() { e.lookOnce(c, name, "found when the daemon started") })
	}
}

func (e *Executor) busyLane(name string) bool {
	l := e.lanes[name]
	return l != nil && (l.running || len(l.queue) > 0)
}

// running says whether the last one-off operation left the resource running.
func running(name string, h *state.ResourceHistory) bool {
	last, ok := h.Records[name+"_last_0"]
	if !ok || last.Status != policy.OpDone {
		return false
	}
	switch last.Operation {
	case policy.TaskStart, policy.TaskPromote, policy.TaskDemote, policy.TaskMigrateFrom:
		return last.RC == 0
	case policy.TaskMonitor:
		return last.RC == int64(agents.OK) || last.RC == int64(agents.RunningMaster)
	}
	return false
}

func expectedOf(name string, h *state.ResourceHistory) int64 {
	last := h.Records[name+"_last_0"]
	if last.Operation == policy.TaskPromote || last.RC == int64(agents.RunningMaster) {
		return int64(agents.RunningMaster)
	}
	return int64(agents.OK)
}

// dropStrangers ends the care of resources of which the state knows nothing any
// more. A state from before the resource's last report says nothing about it.
// e.mu is held.
func (e *Executor) dropStrangers(s *state.State, me *state.Node) {
	for name, c := range e.care {
		if me.History[name] == nil && !e.busyLane(name) && !e.owes(name) && s.Index >= e.reported[name] {
			c.end()
			delete(e.care, name)
		}
	}
}

func (e *Executor) owes(name string) bool {
	l := e.out[name]
	return l != nil && (l.running || len(l.queue) > 0)
}

// End carries out a stop or a demote on this node's own account, because it has
// lost the majority and its policy says so. The finding goes to the log when
// there is one again.
func (e *Executor) End(ctx context.Context, a policy.Action) agents.Result {
	name := a.HistoryID
	if name == "" {
		name = a.Resource
		a.HistoryID = name
	}
	op := &state.Operation{Action: a, Node: e.cfg.Node, Class: a.Class, Provider: a.Provider, Type: a.Type}
	done := make(chan agents.Result, 1)
	e.mu.Lock()
	e.enqueue(e.lanes, name, func() { done <- e.endAlone(op) })
	e.mu.Unlock()
	select {
	case res := <-done:
		return res
	case <-ctx.Done():
		return agents.Result{Status: agents.Cancelled, Code: agents.ErrGeneric, Reason: ctx.Err().Error()}
	case <-e.ctx.Done():
		return agents.Result{Status: agents.Cancelled, Code: agents.ErrGeneric, Reason: "the executor ended"}
	}
}

// EndAll stops all that this executor looks after, what was started last first.
// It is for a node whose boot was fenced and that lives: it is off its disks or
// off the network, and the others have started its resources elsewhere.
func (e *Executor) EndAll(ctx context.Context) map[string]agents.Result {
	e.mu.Lock()
	var all []*state.Operation
	for _, c := range e.care {
		if c.basis != nil {
			all = append(all, c.basis)
		}
	}
	e.mu.Unlock()
	slices.SortFunc(all, func(a, b *state.Operation) int {
		return cmp.Or(cmp.Compare(b.Index, a.Index), cmp.Compare(b.ID, a.ID))
	})
	results := map[string]agents.Result{}
	for _, op := range all {
		a := op.Action
		a.Task, a.IntervalMS, a.StartDelayMS = policy.TaskStop, 0, 0
		a.Class, a.Provider, a.Type = op.Class, op.Provider, op.Type
		results[a.HistoryID] = e.End(ctx, a)
	}
	return results
}

// endAlone runs in the resource's lane. What it finds is told as a notice: that
// the resource does not run any more, or, after a demote, that it is not
// promoted any more but runs.
func (e *Executor) endAlone(op *state.Operation) agents.Result {
	name := op.Action.HistoryID
	var basis *state.Operation
	e.mu.Lock()
	if c := e.care[name]; c != nil {
		basis = c.basis
	}
	e.mu.Unlock()
	op = e.asStarted(op)
	e.endCare(name)
	res := e.run(op)
	if basis == nil {
		return res
	}
	ok := res.Status == agents.Done && res.Code == agents.OK
	rec := record(res)
	rec.Operation, rec.TransitionID, rec.LastChange = state.Noticed, int64(basis.Index), time.Now().Unix()
	switch {
	case ok && op.Action.Task == policy.TaskDemote:
		rec.ExpectedRC, rec.ExitReason = int64(agents.RunningMaster), "demoted by the no-quorum-policy"
		e.mu.Lock()
		e.watch(name, e.careFor(name, basis, int64(agents.OK)))
		e.mu.Unlock()
	case ok:
		rec.RC, rec.ExitReason = int64(agents.NotRunning), "stopped by the no-quorum-policy"
	}
	e.send(name, state.Result{Node: e.cfg.Node, Incarnation: e.cfg.Incarnation, Resource: name, Record: rec})
	return res
}
