package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/membership/core"
)

// proposalLimit bounds how long the controller waits for one of its proposals:
// longer than a slow disk, shorter than a person's patience.
const proposalLimit = 10 * time.Second

// runController feeds the controller and carries out what it says. Its effects
// are proposals; while one is on its way the loop goes on.
func (d *Daemon) runController(ctx context.Context) {
	c := control.New(control.DefaultConfig(d.name))
	views, cancel := d.member.Watch()
	defer cancel()
	answers := make(chan control.Answered, 64)
	leads := make(chan uint64, 1)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	step := func(ev control.Event) { d.carryOut(ctx, c.Step(time.Now(), ev), answers, timer) }
	leading := uint64(0)
	for {
		changed := d.machine.bell.wait()
		step(control.Changed{State: d.machine.State()})
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case a := <-answers:
			step(a)
			d.drain(answers, step)
		case <-timer.C:
			step(control.Tick{})
		case term := <-leads:
			if term == leading {
				step(control.Changed{State: d.machine.State()})
				step(control.Lead{Term: term})
			}
		case v, ok := <-views:
			if !ok {
				return
			}
			switch {
			case v.Leading && leading != v.Term:
				leading = v.Term
				step(control.Follow{})
				go d.becomeLeader(ctx, v.Term, leads)
			case !v.Leading && leading != 0:
				leading = 0
				step(control.Follow{})
			}
			step(control.Members{Nodes: presence(v)})
		}
	}
}

// drain takes what else has been answered, so that one decision sees it all.
func (d *Daemon) drain(answers <-chan control.Answered, step func(control.Event)) {
	for {
		select {
		case a := <-answers:
			step(a)
		default:
			return
		}
	}
}

// becomeLeader waits until all that earlier terms committed is applied here: a
// controller that decided on less would decide on the past.
func (d *Daemon) becomeLeader(ctx context.Context, term uint64, leads chan<- uint64) {
	for ctx.Err() == nil {
		v := d.member.View()
		if !v.Leading || v.Term != term {
			return
		}
		wait, cancel := context.WithTimeout(ctx, proposalLimit)
		err := d.member.Barrier(wait)
		cancel()
		if err == nil {
			select {
			case leads <- term:
			case <-ctx.Done():
			}
			return
		}
		select { // the view may lag behind what the barrier knows
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// presence is the detector's word about each member.
func presence(v core.View) map[string]control.Presence {
	out := make(map[string]control.Presence, len(v.Members))
	for _, m := range v.Members {
		out[m.Name] = control.Presence{Boot: m.Boot, Lost: m.State == core.StateLost}
	}
	return out
}

func (d *Daemon) carryOut(ctx context.Context, effects []control.Effect, answers chan<- control.Answered, timer *time.Timer) {
	for _, e := range effects {
		switch e := e.(type) {
		case control.Propose:
			go d.proposeFor(ctx, e, answers)
		case control.WakeAt:
			timer.Reset(max(time.Until(e.At), 10*time.Millisecond))
		case control.Decided:
			d.decision.Store(e.Decision)
		case control.Note:
			d.log.Info(e.Text)
		}
	}
}

func (d *Daemon) proposeFor(ctx context.Context, p control.Propose, answers chan<- control.Answered) {
	a := control.Answered{Tag: p.Tag}
	data, err := p.Command.Encode()
	if err == nil {
		wait, cancel := context.WithTimeout(ctx, proposalLimit)
		defer cancel()
		out, perr := d.member.ProposeAsLeader(wait, p.Term, data)
		err = perr
		if err == nil {
			a.Outcome, _ = out.Value.(state.Outcome)
		}
	}
	if err != nil {
		a.Err = err.Error()
		if !errors.Is(err, core.ErrNotLeader) && ctx.Err() == nil {
			d.log.Warn("a proposal of the controller got no answer", "proposal", p.Tag, "error", err)
		}
	} else if r := a.Outcome.Refused; r != nil {
		d.log.Debug("a proposal of the controller was refused", "proposal", p.Tag, "reason", r.Text)
	}
	select {
	case answers <- a:
	case <-ctx.Done():
	}
}
