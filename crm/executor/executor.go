package executor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// Config is what an executor needs.
type Config struct {
	Node        string
	Incarnation uint64
	// Agents finds the agent for a class, provider and type.
	Agents func(agents.Spec) (agents.Agent, error)
	// Report brings a result to the log. It returns the log's index without an
	// error when the log has it or has refused it for good; otherwise it is called
	// again.
	Report func(context.Context, state.Result) (uint64, error)
	// Secret returns the value behind a secret reference.
	Secret func(name string) (string, error)
	Logger hclog.Logger
}

// Executor runs this node's operations.
type Executor struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	seen  map[string]bool // operations taken on, while they are in the state
	term  uint64          // highest term of an order
	lanes map[string]*lane
	out   map[string]*lane
	care  map[string]*care

	adopted  bool              // what an earlier incarnation left running is looked after
	reported map[string]uint64 // per resource, the index of its last report
}

// New makes an executor that does nothing until Sync.
func New(cfg Config) *Executor {
	ctx, cancel := context.WithCancel(context.Background())
	return &Executor{
		cfg: cfg, ctx: ctx, cancel: cancel,
		seen: map[string]bool{}, lanes: map[string]*lane{}, out: map[string]*lane{}, care: map[string]*care{},
		reported: map[string]uint64{},
	}
}

// Close ends all work. Resources keep running; operations under way are
// cancelled.
func (e *Executor) Close() {
	e.cancel()
	e.mu.Lock()
	for _, c := range e.care {
		c.end()
	}
	e.mu.Unlock()
	e.wg.Wait()
}

// Sync takes on what the state orders. It returns at once; calling it with any
// newer state loses nothing, because an order stays in the state until it is
// answered.
func (e *Executor) Sync(s *state.State) {
	me := s.Nodes[e.cfg.Node]
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return
	}
	if me == nil || me.Phase != state.PhaseMember || me.Incarnation != e.cfg.Incarnation {
		clear(e.seen) // what still waits in a lane is void: a member's next life begins with new orders
		return
	}
	for id := range e.seen {
		if s.Pending[id] == nil {
			delete(e.seen, id)
		}
	}
	for _, op := range e.orders(s) {
		if e.seen[op.ID] {
			continue
		}
		if op.Incarnation != e.cfg.Incarnation || op.Index <= me.Joined || op.Term < e.term {
			continue // void: the state machine drops it, or its deadline passes
		}
		e.seen[op.ID] = true
		e.term = op.Term
		e.enqueue(e.lanes, op.Action.HistoryID, func() { e.carryOut(op) })
	}
	e.adopt(me)
	e.dropStrangers(s, me)
}

// orders are this node's pending operations as the log has them. A state may
// bring orders of two leaders at once; taken in the log's order, the earlier
// leader's is no voice from the past.
func (e *Executor) orders(s *state.State) []*state.Operation {
	var mine []*state.Operation
	for _, op := range s.Pending {
		if op.Node == e.cfg.Node {
			mine = append(mine, op)
		}
	}
	slices.SortFunc(mine, func(a, b *state.Operation) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.ID, b.ID))
	})
	return mine
}

// owed says whether an order is still in force. One that waited in its lane may
// have become void meanwhile: its node was lost and came back, or nobody waits
// for it any more.
func (e *Executor) owed(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen[id]
}

// lane runs functions one after the other, in a goroutine that lives only while
// there is something to run.
type lane struct {
	queue   []func()
	running bool
}

// enqueue adds work to a lane. e.mu is held.
func (e *Executor) enqueue(lanes map[string]*lane, name string, f func()) {
	if e.ctx.Err() != nil {
		return
	}
	l := lanes[name]
	if l == nil {
		l = &lane{}
		lanes[name] = l
	}
	l.queue = append(l.queue, f)
	if l.running {
		return
	}
	l.running = true
	e.wg.Add(1)
	go func() {
		defer e.wg.Done()
		for {
			e.mu.Lock()
			if len(l.queue) == 0 || e.ctx.Err() != nil {
				l.running = false
				e.mu.Unlock()
				return
			}
			next := l.queue[0]
			l.queue = l.queue[1:]
			e.mu.Unlock()
			next()
		}
	}()
}

// carryOut runs one ordered operation in its resource's lane.
func (e *Executor) carryOut(op *state.Operation) {
	a := &op.Action
	log := e.cfg.Logger.With("resource", a.Resource, "action", a.Task, "op", op.ID)
	if !e.owed(op.ID) {
		log.Info("not carried out: the order became void while it waited")
		return
	}
	if a.Task == policy.TaskCancel {
		e.endRecurring(a.HistoryID, a.IntervalMS)
		e.report(op, a.HistoryID, record(agents.Result{Status: agents.Done}))
		return
	}
	if ends(a.Task) {
		op = e.asStarted(op)
		a = &op.Action
	}
	if disturbs(a.Task) {
		e.endCare(a.HistoryID)
	}
	res := e.run(op)
	if e.ctx.Err() != nil {
		return // the daemon ends: the next one finds out what is true
	}
	log.Info("operation done", "result", res.String(), "took", res.Finished.Sub(res.Started).Round(time.Millisecond))
	e.report(op, a.HistoryID, record(res))
	e.afterwards(op, res)
}

// ends says whether a task ends what an earlier one began.
func ends(task string) bool { return task == policy.TaskStop || task == policy.TaskDemote }

// asStarted gives an operation the parameters with which the resource was
// started. The configuration may say something else by now, or nothing at all: a
// stop must take down the address that is up, not the one that is wanted.
func (e *Executor) asStarted(op *state.Operation) *state.Operation {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.care[op.Action.HistoryID]
	if c == nil || c.basis == nil || len(c.basis.Action.Params) == 0 {
		return op
	}
	own := *op
	own.Action.Params = c.basis.Action.Params
	return &own
}

// disturbs says whether a task changes what monitors of the resource would see.
func disturbs(task string) bool {
	switch task {
	case policy.TaskMonitor, policy.TaskNotify, policy.TaskCancel:
		return false
	}
	return true
}

// run asks the agent.
func (e *Executor) run(op *state.Operation) agents.Result {
	started := time.Now()
	res := e.ask(op)
	if res.Started.IsZero() {
		res.Started = started
	}
	if res.Finished.IsZero() {
		res.Finished = time.Now()
	}
	return res
}

func (e *Executor) ask(op *state.Operation) agents.Result {
	spec := agents.Spec{Class: op.Class, Provider: op.Provider, Type: op.Type}
	agent, err := e.cfg.Agents(spec)
	if err != nil {
		return agents.Result{Status: agents.NotInstalled, Code: agents.ErrInstalled, Reason: err.Error()}
	}
	req, err := e.request(op, spec)
	if err != nil {
		return agents.Result{Status: agents.Done, Code: agents.ErrConfigured, Reason: err.Error()}
	}
	if d := time.Duration(op.Action.StartDelayMS) * time.Millisecond; d > 0 {
		select {
		case <-time.After(d):
		case <-e.ctx.Done():
		}
	}
	return agent.Run(e.ctx, req)
}

// request turns an operation into what an agent is asked.
func (e *Executor) request(op *state.Operation, spec agents.Spec) (agents.Request, error) {
	a := &op.Action
	params, err := e.reveal(a.Params)
	if err != nil {
		return agents.Request{}, err
	}
	meta := map[string]string{"on_node": e.cfg.Node, "on_node_uuid": e.cfg.Node}
	for k, v := range a.Meta {
		meta[k] = v
	}
	timeout := time.Duration(a.TimeoutMS) * time.Millisecond
	if timeout <= 0 {
		timeout = 20 * time.Second
	}
	action := agents.Action(a.Task)
	if a.Task == policy.TaskDelete {
		action = agents.Monitor
	}
	return agents.Request{
		Resource: a.HistoryID, Agent: spec, Action: action, Interval: time.Duration(a.IntervalMS) * time.Millisecond,
		Timeout: timeout, Params: params, Meta: meta, Node: e.cfg.Node,
	}, nil
}

const secretPrefix = "secret:"

// reveal replaces references to secrets by their values, which never leave this
// node's memory.
func (e *Executor) reveal(params map[string]string) (map[string]string, error) {
	out := make(map[string]string, len(params))
	for k, v := range params {
		if len(v) > len(secretPrefix) && v[:len(secretPrefix)] == secretPrefix {
			if e.cfg.Secret == nil {
				return nil, fmt.Errorf("parameter %s: this node has no secrets", k)
			}
			value, err := e.cfg.Secret(v[len(secretPrefix):])
			if err != nil {
				return nil, fmt.Errorf("parameter %s: %w", k, err)
			}
			v = value
		}
		out[k] = v
	}
	return out, nil
}

// statuses maps an agent's way of ending to the history's.
var statuses = map[agents.Status]int64{
	agents.Done: policy.OpDone, agents.TimedOut: policy.OpTimeout, agents.Failed: policy.OpError,
	agents.Cancelled: policy.OpCancelled, agents.NotInstalled: policy.OpNotInstalled, agents.NotSupported: policy.OpNotSupported,
}

func record(r agents.Result) policy.OpRecord {
	status, ok := statuses[r.Status]
	if !ok {
		status = policy.OpError
	}
	rec := policy.OpRecord{RC: int64(r.Code), Status: status, ExitReason: r.Reason}
	if !r.Finished.IsZero() {
		rec.LastRun, rec.LastChange = r.Started.Unix(), r.Finished.Unix()
		rec.ExecMS = r.Finished.Sub(r.Started).Milliseconds()
	}
	if status != policy.OpDone && rec.RC == 0 {
		rec.RC = 1
	}
	return rec
}

// report brings the result of an operation to the log.
func (e *Executor) report(op *state.Operation, name string, rec policy.OpRecord) {
	e.send(name, state.Result{Op: op.ID, Node: e.cfg.Node, Incarnation: e.cfg.Incarnation, Resource: name, Record: rec})
}

// send reports until the log has it. Reports of one resource keep their order.
func (e *Executor) send(name string, r state.Result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.enqueue(e.out, name, func() {
		for pause := 20 * time.Millisecond; e.ctx.Err() == nil; pause = min(2*pause, time.Second) {
			index, err := e.cfg.Report(e.ctx, r)
			if err == nil {
				e.mu.Lock()
				e.reported[name] = index
				e.mu.Unlock()
				return
			}
			e.cfg.Logger.Debug("a result is not in the log yet", "resource", name, "error", err)
			select {
			case <-time.After(pause):
			case <-e.ctx.Done():
			}
		}
	})
}
