package executor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/fencing/agent"
)

// Agents runs fence agents; [agent.Runner] does.
type Agents interface {
	Run(ctx context.Context, req agent.Request) agent.Result
	Metadata(ctx context.Context, name string) (agent.Metadata, error)
	List(ctx context.Context, d fencing.Device, action fencing.Action, timeout time.Duration) ([]fencing.Port, error)
}

// Config is what an executor works with. Every field is needed.
type Config struct {
	Agents  Agents
	Devices func(name string) (fencing.Device, bool) // the configuration as it is now
	Clock   Clock
	Log     hclog.Logger
}

// Hooks are how an operation tells what happens.
type Hooks struct {
	// Progress, if set, sees every effect but WakeAt, in order. It must not
	// block.
	Progress func(fencing.Effect)
	// Record puts the receipt into the replicated log and returns when it is
	// there, or when its context ends. It is called once, if the target is
	// fenced. After an error nothing is switched on again. nil records nothing.
	Record func(context.Context, fencing.Receipt) error
}

// The errors that a caller tells apart.
var (
	ErrUnderWay   = errors.New("the operation is under way already")
	ErrNoSuchOp   = errors.New("no such fencing operation is under way on this node")
	ErrUnrecorded = errors.New("the target is fenced, but the receipt is not recorded")
)

// remembered is how many finished operations are kept for [Executor.Lookup].
const remembered = 256

// Executor carries out fencing operations. Its methods may be called at the
// same time.
type Executor struct {
	cfg Config

	mu       sync.Mutex
	gates    map[string]*gate // by device
	running  map[fencing.OpID]*run
	finished map[fencing.OpID]fencing.Receipt
	order    []fencing.OpID // of finished, oldest first
}

// New returns an executor.
func New(cfg Config) *Executor {
	return &Executor{
		cfg: cfg, gates: map[string]*gate{},
		running: map[fencing.OpID]*run{}, finished: map[fencing.OpID]fencing.Receipt{},
	}
}

// Run carries an operation out. It returns the receipt as soon as the target
// is fenced, the receipt recorded, and for a reboot the target switched on
// again (or not: that is no error). Of an operation that it finished before it
// returns the receipt and does nothing.
//
// beats are the target's heartbeats; it may be nil. The error is a
// [fencing.Failed] if the target is not fenced, and [ErrUnrecorded] beside a
// valid receipt if Record failed or ctx ended first.
func (e *Executor) Run(ctx context.Context, spec fencing.Spec, beats <-chan fencing.TargetBeat, hooks Hooks) (fencing.Receipt, error) {
	r := &run{
		ex: e, spec: spec, hooks: hooks, log: e.cfg.Log.With("op", string(spec.ID), "target", spec.Target),
		results: make(chan fencing.DeviceResult), recorded: make(chan error, 1),
		confirms: make(chan confirmation), over: make(chan struct{}), stops: map[string]context.CancelFunc{},
	}
	if receipt, err := e.register(r); err != nil || receipt != nil {
		if receipt != nil {
			return *receipt, nil
		}
		return fencing.Receipt{}, fmt.Errorf("fence %s, operation %s: %w", spec.Target, spec.ID, err)
	}
	defer e.unregister(r)
	return r.loop(ctx, beats)
}

func (e *Executor) register(r *run) (*fencing.Receipt, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if receipt, ok := e.finished[r.spec.ID]; ok {
		return &receipt, nil
	}
	if _, ok := e.running[r.spec.ID]; ok {
		return nil, ErrUnderWay
	}
	e.running[r.spec.ID] = r
	return nil, nil
}

func (e *Executor) unregister(r *run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.running, r.spec.ID)
}

func (e *Executor) remember(id fencing.OpID, receipt fencing.Receipt) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.finished[id] = receipt
	if e.order = append(e.order, id); len(e.order) > remembered {
		delete(e.finished, e.order[0])
		e.order = e.order[1:]
	}
}

// Lookup returns the receipt of an operation that this executor has finished.
func (e *Executor) Lookup(id fencing.OpID) (fencing.Receipt, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	receipt, ok := e.finished[id]
	return receipt, ok
}

// Confirm hands a person's confirmation to an operation under way. The error
// says why it may not stand.
func (e *Executor) Confirm(ctx context.Context, id fencing.OpID, c fencing.ManualConfirm) error {
	e.mu.Lock()
	r, ok := e.running[id]
	e.mu.Unlock()
	if !ok {
		return fmt.Errorf("confirm operation %s: %w", id, ErrNoSuchOp)
	}
	msg := confirmation{confirm: c, reply: make(chan error, 1)}
	select {
	case r.confirms <- msg:
		return <-msg.reply
	case <-r.over:
		return fmt.Errorf("confirm operation %s: %w", id, ErrNoSuchOp)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Executor) gate(device string) *gate {
	e.mu.Lock()
	defer e.mu.Unlock()
	g, ok := e.gates[device]
	if !ok {
		g = &gate{}
		e.gates[device] = g
	}
	return g
}
