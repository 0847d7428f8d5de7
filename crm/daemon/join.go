package daemon

import (
	"context"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
)

// runJoin makes this node a member that follows orders, and again after it was
// declared lost. A node that has just started runs nothing by itself: first it
// must have caught up with the log, then the log must have taken it in.
func (d *Daemon) runJoin(ctx context.Context) {
	pause := time.NewTicker(250 * time.Millisecond)
	defer pause.Stop()
	for {
		changed := d.machine.bell.wait()
		if !d.leaving.Load() && !d.joined() {
			d.tryJoin(ctx)
		}
		again := pause.C
		if d.joined() {
			again = nil // only the log can change that; an idle daemon sleeps
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
			if d.joined() {
				continue
			}
			select { // one attempt each tick, however busy the log is
			case <-pause.C:
			case <-ctx.Done():
				return
			}
		case <-again:
		}
	}
}

// joined says whether the state counts this very daemon as a member.
func (d *Daemon) joined() bool {
	n := d.machine.State().Nodes[d.name]
	v := d.member.View()
	return n != nil && n.Phase == state.PhaseMember && n.Boot == v.Boot && n.Incarnation == v.Incarnation
}

func (d *Daemon) tryJoin(ctx context.Context) {
	v := d.member.View()
	if !v.Quorum {
		return
	}
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := d.member.Barrier(wait); err != nil || d.joined() {
		return
	}
	out, err := d.Propose(wait, state.Command{By: d.name, Join: &state.Join{
		Node: d.name, Boot: v.Boot, Incarnation: v.Incarnation, Version: d.cfg.Version,
	}})
	switch {
	case err != nil:
		d.log.Debug("joining", "error", err)
	case out.Refused != nil:
		d.log.Info("not taken in yet", "reason", out.Refused.Text)
	default:
		d.log.Info("this node is a member", "boot", v.Boot, "incarnation", v.Incarnation)
	}
}
