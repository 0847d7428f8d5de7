package executor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/fencing/agent"
)

// run is one operation under way. Only its loop touches the operation.
type run struct {
	ex    *Executor
	spec  fencing.Spec
	hooks Hooks
	log   hclog.Logger
	op    *fencing.Operation

	results  chan fencing.DeviceResult
	recorded chan error // Record's answer
	confirms chan confirmation
	over     chan struct{} // closed when the loop has ended

	stops   map[string]context.CancelFunc // by attempt
	timer   Timer
	work    sync.WaitGroup
	failed  *fencing.Failed
	written bool // Record succeeded
}

type confirmation struct {
	confirm fencing.ManualConfirm
	reply   chan error
}

func (r *run) loop(ctx context.Context, beats <-chan fencing.TargetBeat) (fencing.Receipt, error) {
	work, stop := context.WithCancel(ctx)
	r.op = fencing.New(r.spec, r.ex.cfg.Clock.Now())
	r.step(work, fencing.Tick{})
	for ended := ctx.Done(); !r.op.Over(); {
		select {
		case res := <-r.results:
			r.drain(work, beats)
			r.step(work, res)
		case beat, open := <-beats:
			if !open {
				beats = nil
				continue
			}
			r.step(work, beat)
		case c := <-r.confirms:
			c.reply <- r.op.CheckManual(r.ex.cfg.Clock.Now(), c.confirm)
			r.step(work, c.confirm)
		case err := <-r.recorded:
			r.step(work, r.afterRecord(err))
		case <-r.wake():
			r.drain(work, beats)
			r.step(work, fencing.Tick{})
		case <-ended:
			ended = nil
			r.step(work, fencing.Cancel{Why: context.Cause(ctx).Error()})
		}
	}
	close(r.over)
	stop()
	r.setTimer(0)
	r.work.Wait()
	return r.outcome()
}

// drain hears the heartbeats that were received before an answer, or before a
// wait was over: they bear on what that is worth.
func (r *run) drain(ctx context.Context, beats <-chan fencing.TargetBeat) {
	for {
		select {
		case beat, open := <-beats:
			if !open {
				return
			}
			r.step(ctx, beat)
		default:
			return
		}
	}
}

// step tells the operation an event and carries out what it wants.
func (r *run) step(ctx context.Context, e fencing.Event) {
	r.log.Trace("fencing event", "event", e.String())
	for _, effect := range r.op.Step(r.ex.cfg.Clock.Now(), e) {
		r.apply(ctx, effect)
	}
}

func (r *run) apply(ctx context.Context, effect fencing.Effect) {
	if _, wake := effect.(fencing.WakeAt); !wake && r.hooks.Progress != nil {
		r.hooks.Progress(effect)
	}
	switch x := effect.(type) {
	case fencing.RunDevice:
		r.log.Info("running fence device", "attempt", x.Attempt, "within", x.Timeout)
		attempt, stop := context.WithCancel(ctx)
		r.stops[x.Attempt] = stop
		r.work.Go(func() {
			defer stop()
			r.deliver(r.attempt(attempt, x))
		})
	case fencing.StopDevice:
		if stop, ok := r.stops[x.Attempt]; ok {
			stop()
		}
	case fencing.WakeAt:
		r.setTimer(max(x.T.Sub(r.ex.cfg.Clock.Now()), time.Nanosecond))
	case fencing.Report:
		r.log.Warn(x.Text)
	case fencing.Alarm:
		r.log.Error(x.Text)
	case fencing.Confirmed:
		r.log.Info("confirmed", "receipt", x.Receipt.String())
		r.work.Go(func() { r.recorded <- r.record(ctx, x.Receipt) })
	case fencing.Failed:
		r.log.Error(x.Error())
		r.failed = &x
	case fencing.Done:
		r.log.Info("done", "receipt", x.Receipt.String())
	}
}

func (r *run) record(ctx context.Context, receipt fencing.Receipt) error {
	if r.hooks.Record == nil {
		return nil
	}
	return r.hooks.Record(ctx, receipt)
}

// afterRecord is the event that Record's answer makes.
func (r *run) afterRecord(err error) fencing.Event {
	if err != nil {
		return fencing.Cancel{Why: fmt.Sprintf("the receipt could not be recorded: %v", err)}
	}
	r.written = true
	return fencing.Recorded{}
}

// deliver hands an answer to the loop, unless it has ended.
func (r *run) deliver(res fencing.DeviceResult) {
	select {
	case r.results <- res:
	case <-r.over:
	}
}

// attempt runs a device once, after a wait for its turn as long as its timeout.
func (r *run) attempt(ctx context.Context, x fencing.RunDevice) fencing.DeviceResult {
	result := func(o fencing.Outcome, format string, args ...any) fencing.DeviceResult {
		return fencing.DeviceResult{Attempt: x.Attempt, Outcome: o, Reason: fmt.Sprintf(format, args...)}
	}
	d, ok := r.ex.cfg.Devices(x.Device)
	if !ok {
		return result(fencing.Failure, "device %s is no longer in the configuration", x.Device)
	}
	settings, _ := d.Settings()
	gate := r.ex.gate(x.Device)
	if err := r.ex.enter(ctx, gate, settings.ActionLimit, x.Timeout); err != nil {
		return result(fencing.TimedOut, "%s was busy with other targets for %v (pcmk_action_limit = %d)", x.Device, x.Timeout, settings.ActionLimit)
	}
	defer gate.leave()
	res := r.ex.cfg.Agents.Run(ctx, agent.Request{
		Agent: d.Agent, Action: x.Action, Params: agent.Params(d, x), Timeout: x.Timeout,
	})
	return result(res.Outcome, "%s", res.Reason)
}

// enter waits at a gate for at most d.
func (e *Executor) enter(ctx context.Context, g *gate, limit int, d time.Duration) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	timer := e.cfg.Clock.NewTimer(d)
	defer timer.Stop()
	entered := make(chan struct{})
	defer close(entered)
	go func() {
		select {
		case <-timer.C():
			stop()
		case <-entered:
		}
	}()
	return g.enter(ctx, limit)
}

// setTimer replaces the pending wake; 0 only drops it.
func (r *run) setTimer(d time.Duration) {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	if d > 0 {
		r.timer = r.ex.cfg.Clock.NewTimer(d)
	}
}

func (r *run) wake() <-chan time.Time {
	if r.timer == nil {
		return nil
	}
	return r.timer.C()
}

// outcome is what Run returns.
func (r *run) outcome() (fencing.Receipt, error) {
	receipt, ok := r.op.Receipt()
	select {
	case err := <-r.recorded: // Record ended together with the operation
		r.written = err == nil
	default:
	}
	switch {
	case !ok && r.failed != nil:
		return fencing.Receipt{}, *r.failed
	case !ok:
		return fencing.Receipt{}, fmt.Errorf("fence %s: ended without an answer", r.spec.Target)
	case r.spec.Action != fencing.On && !r.written:
		return receipt, fmt.Errorf("fence %s: %w", r.spec.Target, ErrUnrecorded)
	}
	r.ex.remember(r.spec.ID, receipt)
	return receipt, nil
}
