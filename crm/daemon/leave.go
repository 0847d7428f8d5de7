package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

// leave drains this node: it hands leadership on, asks the controller to move
// its resources away, and waits until it runs nothing. Without a majority, or
// past the limit, it stops by itself what it can; what still runs then is for
// the others to fence.
func (d *Daemon) leave() {
	d.leaving.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), d.cfg.DrainLimit)
	defer cancel()
	n := d.machine.State().Nodes[d.name]
	if n == nil || n.Phase != state.PhaseMember {
		return
	}
	if d.member.View().Leading {
		wait, cancel := context.WithTimeout(ctx, 3*time.Second)
		if err := d.member.TransferLeadership(wait); err != nil {
			d.log.Info("leadership stays here while the node drains", "reason", err)
		}
		cancel()
	}
	d.log.Info("draining", "limit", d.cfg.DrainLimit)
	started := time.Now()
	var alone time.Time // since when there is no majority
	for !d.left() {
		changed := d.machine.bell.wait()
		switch {
		case d.member.View().Quorum:
			alone = time.Time{}
			d.askToLeave(ctx)
		case alone.IsZero():
			alone = time.Now()
		case time.Since(alone) >= time.Duration(d.failureTimeout.Load()):
			d.log.Warn("no majority to hand the resources to: stopping them here")
			d.stopAll(ctx)
			return
		}
		select {
		case <-changed:
		case <-time.After(time.Second):
		case <-d.member.Done():
			return
		case <-ctx.Done():
			d.log.Error("the node is not drained within the limit: the others will fence it if something still runs")
			return
		}
	}
	d.log.Info("drained", "took", time.Since(started).Round(time.Millisecond))
}

// askToLeave says once that this node wants to go, and again when it was taken
// back. Saying it at each change would be a change itself.
func (d *Daemon) askToLeave(ctx context.Context) {
	if n := d.machine.State().Nodes[d.name]; n == nil || n.Leaving || n.Phase != state.PhaseMember {
		return
	}
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := d.Propose(wait, state.Command{By: d.name, Leave: &state.Leave{Node: d.name, Reason: "the daemon is stopped"}})
	if err == nil && out.Refused != nil {
		err = out.Refused
	}
	if err != nil {
		d.log.Debug("asking to leave", "error", err)
	}
}

func (d *Daemon) left() bool {
	n := d.machine.State().Nodes[d.name]
	return n == nil || n.Phase == state.PhaseDown
}

// stopAll ends everything that runs here, in order, as if this node were in
// standby and alone.
func (d *Daemon) stopAll(ctx context.Context) {
	s := state.AllStopped(d.machine.State())
	for ctx.Err() == nil {
		actions, err := control.Isolated(s, time.Now(), d.name)
		if err != nil || len(actions) == 0 {
			return
		}
		s = d.endAll(ctx, s, actions)
	}
}

// forgetCluster removes this node's files of a cluster that it was removed from.
// They are kept aside, in case someone wants to know.
func (d *Daemon) forgetCluster() error {
	d.log.Warn("this node was removed from the cluster")
	old := filepath.Join(d.cfg.StateDir, "membership")
	return errors.Join(
		os.RemoveAll(old+".removed"),
		os.Rename(old, old+".removed"),
		identity.Remove(d.cfg.StateDir),
	)
}
