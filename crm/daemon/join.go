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
	refusal := "" // the last one that was told
	for {
		changed := d.machine.bell.wait()
		if d.wantsIn() {
			refusal = d.tryJoin(ctx, refusal)
		}
		again := pause.C
		if d.joined() {
			again = nil // only the log can change that; an idle daemon sleeps
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
			if !d.wantsIn() {
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

// wantsIn says whether this node should be a member and is none. One that
// drains and was lost meanwhile joins again to finish that, unless it has left.
func (d *Daemon) wantsIn() bool {
	if d.joined() {
		return false
	}
	n := d.machine.State().Nodes[d.name]
	return !d.leaving.Load() || n != nil && n.Phase == state.PhaseLost
}

// tryJoin returns why this node was not taken in, or "". What the state machine
// would refuse is not proposed: a node that has to wait, perhaps for its next
// boot, must not fill the log.
func (d *Daemon) tryJoin(ctx context.Context, told string) string {
	v := d.member.View()
	if !v.Quorum {
		return told
	}
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := d.member.Barrier(wait); err != nil || !d.wantsIn() {
		return told
	}
	cmd := state.Command{By: d.name, At: time.Now().UnixMilli(), Join: &state.Join{
		Node: d.name, Boot: v.Boot, Incarnation: v.Incarnation, Version: d.cfg.Version,
	}}
	out, err := state.Outcome{Refused: state.Rehearse(d.machine.State(), cmd)}, error(nil)
	if out.Refused == nil {
		out, err = d.Propose(wait, cmd)
	}
	switch {
	case err != nil:
		d.log.Debug("joining", "error", err)
	case out.Refused == nil:
		d.log.Info("this node is a member", "boot", v.Boot, "incarnation", v.Incarnation)
		return ""
	case out.Refused.Text != told:
		d.log.Info("not taken in yet", "reason", out.Refused.Text)
		return out.Refused.Text
	}
	return told
}
