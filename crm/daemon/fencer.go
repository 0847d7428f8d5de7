package daemon

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/fencing/executor"
)

// fenceBackoff is how long the cluster waits before it tries again to fence a
// node that could not be fenced: it grows with the attempts, because a device
// that is away is not brought back by asking.
func fenceBackoff(attempt int) time.Duration {
	return min(time.Duration(attempt)*2*time.Second, 30*time.Second)
}

// runFencer carries out the fencings that this daemon was told to, and ends the
// attempts that were given up: a device that is asked by two nodes at once, or
// for a node that was confirmed off and is back, does harm.
func (d *Daemon) runFencer(ctx context.Context) {
	begun := map[string]attempt{}
	for {
		changed := d.machine.bell.wait()
		s := d.machine.State()
		incarnation := d.member.View().Incarnation
		for _, f := range s.Fencing {
			key := fmt.Sprintf("%s/%d", f.ID, f.Attempt)
			if _, known := begun[key]; known || f.Executor != d.name || f.Incarnation != incarnation || !f.Running {
				continue
			}
			running, cancel := context.WithCancel(ctx)
			begun[key] = attempt{*f, cancel}
			d.work.Go(func() {
				defer cancel()
				d.fence(ctx, running, s, *f)
			})
		}
		for key, a := range begun {
			if over, void := a.over(s, d.name); over {
				if void {
					a.cancel()
				}
				delete(begun, key)
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// attempt is one that this daemon has begun.
type attempt struct {
	state.Fencing
	cancel context.CancelFunc
}

// over says whether the state waits for the attempt no longer, and whether that
// makes it void. One that ended with this daemon's own receipt may still have to
// switch the target on again.
func (a attempt) over(s *state.State, self string) (over, void bool) {
	if f := s.Fencing[a.Target]; f != nil && f.ID == a.ID {
		return f.Attempt != a.Attempt || !f.Running, f.Attempt != a.Attempt
	}
	own := slices.ContainsFunc(s.FenceLog, func(r state.FenceRecord) bool { return r.ID == a.ID && r.OK && r.Executor == self })
	return true, !own
}

// unrecordedLimit is how long a receipt may wait for a majority before the target
// is switched on again all the same.
const unrecordedLimit = 5 * time.Second

// record brings a receipt to the log before the target is switched on, so that
// nobody shoots the fresh boot for the old one. But where too many are off for a
// majority, nothing is recorded until one of them is back: then the target is
// switched on first. Nobody can begin a second shot without a majority, and the
// receipt goes on asking for its place in the log.
func (d *Daemon) record(life, attempt context.Context, end state.FenceEnd) error {
	done := make(chan error, 1)
	d.work.Go(func() { done <- d.insist(life, state.Command{By: d.name, FenceEnd: &end}) })
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var alone time.Time
	for {
		select {
		case err := <-done:
			return err
		case <-attempt.Done():
			return attempt.Err()
		case now := <-tick.C:
			switch {
			case d.member.View().Quorum:
				alone = time.Time{}
			case alone.IsZero():
				alone = now
			case now.Sub(alone) >= unrecordedLimit:
				d.log.Warn("no majority to record a fencing: the target is switched on before that", "target", end.Target)
				return nil
			}
		}
	}
}

// fence runs one attempt and reports what came of it. It ends with ctx; a receipt
// is reported for as long as the daemon lives.
func (d *Daemon) fence(life, ctx context.Context, s *state.State, f state.Fencing) {
	log := d.log.With("target", f.Target, "fencing", f.ID, "attempt", f.Attempt)
	action := fencing.Action(f.Action)
	end := state.FenceEnd{ID: f.ID, Attempt: f.Attempt, Target: f.Target, Boot: f.Boot, Executor: d.name}
	levels, err := d.levels(ctx, s, f.Target, action)
	if err == nil {
		log.Warn("fencing begins", "boot", f.Boot, "action", f.Action, "reason", f.Reason)
		spec := fencing.Spec{
			ID: fencing.OpID(fmt.Sprintf("%s.%d", f.ID, f.Attempt)), Target: f.Target, Boot: f.Boot, Action: action, Levels: levels,
			Delays: fencing.DrawDelays(levels, time.Duration(f.DelayMS)*time.Millisecond, rand.Float64), Timing: fencing.DefaultTiming(),
			LastBeat: d.Heartbeat(f.Target),
		}
		beats, stop := d.beats(ctx, f.Target)
		defer stop()
		var receipt fencing.Receipt
		receipt, err = d.fenceExec.Run(ctx, spec, beats, executor.Hooks{
			Progress: func(e fencing.Effect) { logEffect(log, e) },
			Record: func(ctx context.Context, r fencing.Receipt) error {
				ok := end
				ok.Receipt = &r
				return d.record(life, ctx, ok)
			},
		})
		if err == nil {
			log.Warn("fencing ended", "receipt", receipt.String())
			return
		}
	}
	if ctx.Err() != nil || errors.Is(err, executor.ErrUnrecorded) {
		return // the next controller hands it to another executor
	}
	log.Error("fencing failed", "error", err)
	end.Error = err.Error()
	end.Retry = time.Now().Add(fenceBackoff(f.Attempt)).UnixMilli()
	if err := d.insist(ctx, state.Command{By: d.name, FenceEnd: &end}); err != nil && ctx.Err() == nil {
		log.Error("the failure of a fencing could not be recorded", "error", err)
	}
}

// levels says which devices fence the target, asking each agent what it can do.
func (d *Daemon) levels(ctx context.Context, s *state.State, target string, action fencing.Action) ([]fencing.Level, error) {
	list := devices(s.Config.Policy)
	for i := range list {
		learnt, unknown := d.fenceExec.Learn(ctx, d.withSecrets(list[i]), target)
		for _, p := range unknown {
			d.log.Warn("fence device", "problem", p.String())
		}
		list[i] = learnt
	}
	levels, problems := fencing.Plan(target, list, topologies(s.Config.Policy), attributes(s, target), action)
	for _, p := range problems {
		d.log.Warn("fence device", "problem", p.String())
	}
	if len(levels) == 0 {
		if len(problems) > 0 {
			return nil, errors.New(problems[len(problems)-1].String())
		}
		return nil, fmt.Errorf("no device can fence %s", target)
	}
	return levels, nil
}

// device is one configured fence device as it is now.
func (d *Daemon) device(name string) (fencing.Device, bool) {
	for _, dev := range devices(d.machine.State().Config.Policy) {
		if dev.Name == name {
			return d.withSecrets(dev), true
		}
	}
	return fencing.Device{}, false
}

// beats brings the target's heartbeats, as this node hears them, to a fencing: a
// device that says "off" of a node that still beats is not believed.
func (d *Daemon) beats(ctx context.Context, target string) (<-chan fencing.TargetBeat, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	ch := make(chan fencing.TargetBeat)
	d.work.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		var last time.Time
		for {
			for _, m := range d.member.View().Members {
				if m.Name != target || m.LastHeard.IsZero() || !m.LastHeard.After(last) {
					continue
				}
				last = m.LastHeard
				select {
				case ch <- fencing.TargetBeat{Boot: m.Boot, At: m.LastHeard, Joined: m.Boot == d.stateBoot(target)}:
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return ch, cancel
}

// stateBoot is the boot in which a node last joined.
func (d *Daemon) stateBoot(node string) uint64 {
	if n := d.machine.State().Nodes[node]; n != nil {
		return n.Boot
	}
	return 0
}

func logEffect(log logger, e fencing.Effect) {
	switch e := e.(type) {
	case fencing.Alarm:
		log.Error("fencing alarm", "text", e.Text)
	case fencing.Confirmed:
		log.Warn("fencing confirmed", "receipt", e.Receipt.String())
	default:
		log.Info("fencing", "step", e.String())
	}
}
