package executor

import (
	"context"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// care is how one running resource is looked after: its recurring monitors and
// its watch. All fields are guarded by the executor's mutex.
type care struct {
	basis     *state.Operation // the operation by which it runs
	expected  int64            // what a monitor should say: 0, or 8 when promoted
	recurring map[int64]*recurring
	watching  bool
	stop      context.CancelFunc
	ctx       context.Context
	lastRC    int64 // last finding without a recurring monitor
}

// recurring is one recurring monitor.
type recurring struct {
	op     *state.Operation
	last   policy.OpRecord // what was reported last
	cancel context.CancelFunc
	now    chan string // look now, and why
}

func (c *care) end() { c.stop() }

// careFor makes the record of a resource that runs by op. e.mu is held.
func (e *Executor) careFor(name string, op *state.Operation, expected int64) *care {
	c := e.care[name]
	if c == nil {
		ctx, stop := context.WithCancel(e.ctx)
		c = &care{recurring: map[int64]*recurring{}, ctx: ctx, stop: stop}
		e.care[name] = c
	}
	if op != nil {
		c.basis = op
	}
	c.expected, c.lastRC = expected, expected
	return c
}

// endCare ends all monitors and the watch of a resource.
func (e *Executor) endCare(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.care[name]; c != nil {
		c.end()
		delete(e.care, name)
	}
}

func (e *Executor) endRecurring(name string, interval int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.care[name]; c != nil && c.recurring[interval] != nil {
		c.recurring[interval].cancel()
		delete(c.recurring, interval)
	}
}

// afterwards begins to look after what an operation has made run.
func (e *Executor) afterwards(op *state.Operation, res agents.Result) {
	a := &op.Action
	ok := res.Status == agents.Done
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case a.Task == policy.TaskMonitor && a.IntervalMS > 0:
		e.beginRecurring(op, record(res))
	case a.Task == policy.TaskMonitor && ok:
		e.probed(op, res)
	case a.Task == policy.TaskPromote && ok && res.Code == agents.OK:
		e.watch(a.HistoryID, e.careFor(a.HistoryID, op, int64(agents.RunningMaster)))
	case (a.Task == policy.TaskStart || a.Task == policy.TaskDemote || a.Task == policy.TaskMigrateFrom || a.Task == policy.TaskReload) &&
		ok && res.Code == agents.OK:
		e.watch(a.HistoryID, e.careFor(a.HistoryID, op, int64(agents.OK)))
	}
}

// probed takes what a one-off look found. What runs is looked after from now on,
// however it came to run: the history's last word is this operation, and a notice
// that named an earlier one would be void. e.mu is held.
func (e *Executor) probed(op *state.Operation, res agents.Result) {
	name, old := op.Action.HistoryID, e.care[op.Action.HistoryID]
	switch res.Code {
	case agents.OK, agents.RunningMaster:
		basis := *op
		if old != nil && old.basis != nil {
			basis.Action.Params = old.basis.Action.Params // as it was started
		}
		e.watch(name, e.careFor(name, &basis, int64(res.Code)))
	case agents.NotRunning:
		if old != nil {
			old.end()
			delete(e.care, name)
		}
	}
}

// beginRecurring starts the recurring monitor of an order whose first result is
// already reported. e.mu is held.
func (e *Executor) beginRecurring(op *state.Operation, first policy.OpRecord) {
	name, a := op.Action.HistoryID, &op.Action
	c := e.care[name]
	if c == nil {
		c = e.careFor(name, nil, int64(a.ExpectedRC))
	}
	if old := c.recurring[a.IntervalMS]; old != nil {
		old.cancel()
	}
	ctx, cancel := context.WithCancel(c.ctx)
	r := &recurring{op: op, last: first, cancel: cancel, now: make(chan string, 1)}
	c.recurring[a.IntervalMS] = r
	if c.basis == nil {
		c.basis = op
	}
	if first.Status == policy.OpDone && first.RC == int64(a.ExpectedRC) {
		e.watch(name, c)
	}
	e.wg.Add(1)
	go func() {
		defer e.wg.Done()
		tick := time.NewTicker(time.Duration(a.IntervalMS) * time.Millisecond)
		defer tick.Stop()
		for {
			why := ""
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			case why = <-r.now:
			}
			e.checkInLane(ctx, name, func() { e.repeat(ctx, name, r, why) })
		}
	}()
}

// checkInLane runs a check when the resource's lane is free, and waits for it.
func (e *Executor) checkInLane(ctx context.Context, name string, check func()) {
	done := make(chan struct{})
	e.mu.Lock()
	e.enqueue(e.lanes, name, func() {
		defer close(done)
		if ctx.Err() == nil {
			check()
		}
	})
	e.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// repeat runs a recurring monitor once more and reports a change.
func (e *Executor) repeat(ctx context.Context, name string, r *recurring, why string) {
	res := e.run(r.op)
	rec := record(res)
	if ctx.Err() != nil || res.Status == agents.Cancelled {
		return
	}
	if rec.RC == r.last.RC && rec.Status == r.last.Status {
		return
	}
	if why != "" && rec.ExitReason == "" {
		rec.ExitReason = why
	}
	r.last = rec
	rec.Operation, rec.IntervalMS = policy.TaskMonitor, r.op.Action.IntervalMS
	rec.TransitionID, rec.ExpectedRC = int64(r.op.Index), int64(r.op.Action.ExpectedRC)
	e.cfg.Logger.Info("a monitor's result changed", "resource", name, "result", res.String(), "because", why)
	e.send(name, state.Result{Node: e.cfg.Node, Incarnation: e.cfg.Incarnation, Resource: name, Record: rec})
}

// watch lets the agent notice changes between monitors. e.mu is held.
func (e *Executor) watch(name string, c *care) {
	if c.watching || c.basis == nil {
		return
	}
	op := c.basis
	spec := agents.Spec{Class: op.Class, Provider: op.Provider, Type: op.Type}
	agent, err := e.cfg.Agents(spec)
	if err != nil {
		return
	}
	watcher, ok := agent.(agents.Watcher)
	if !ok {
		return
	}
	req, err := e.request(op, spec)
	if err != nil {
		return
	}
	req.Action, req.Interval = agents.Monitor, 0
	c.watching = true
	e.wg.Add(1)
	go func() {
		defer e.wg.Done()
		err := watcher.Watch(c.ctx, req, func(ev agents.Event) {
			e.cfg.Logger.Info("noticed", "resource", name, "what", ev.Reason)
			e.look(c, name, ev.Reason)
		})
		if err != nil && c.ctx.Err() == nil {
			e.cfg.Logger.Warn("a resource can not be watched: its monitors still look after it", "resource", name, "error", err)
		}
	}()
}

// look checks a resource at once: through its recurring monitor if it has one,
// else by itself.
func (e *Executor) look(c *care, name, why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.care[name] != c {
		return
	}
	var best *recurring
	for _, r := range c.recurring {
		if best == nil || r.op.Action.IntervalMS < best.op.Action.IntervalMS {
			best = r
		}
	}
	if best != nil {
		select {
		case best.now <- why:
		default: // it is about to look anyway
		}
		return
	}
	e.enqueue(e.lanes, name, func() { e.lookOnce(c, name, why) })
}

// lookOnce checks a resource that has no recurring monitor.
func (e *Executor) lookOnce(c *care, name, why string) {
	if c.ctx.Err() != nil {
		return
	}
	op := *c.basis
	op.ID = ""
	op.Action.Task, op.Action.IntervalMS = policy.TaskMonitor, 0
	res := e.run(&op)
	rec := record(res)
	e.mu.Lock()
	same := rec.RC == c.lastRC && rec.Status == policy.OpDone
	c.lastRC = rec.RC
	expected := c.expected
	e.mu.Unlock()
	if c.ctx.Err() != nil || res.Status == agents.Cancelled || same {
		return
	}
	if rec.ExitReason == "" {
		rec.ExitReason = why
	}
	rec.Operation, rec.ExpectedRC, rec.TransitionID = state.Noticed, expected, int64(c.basis.Index)
	e.send(name, state.Result{Node: e.cfg.Node, Incarnation: e.cfg.Incarnation, Resource: name, Record: rec})
}
