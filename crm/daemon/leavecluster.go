package daemon

import (
	"context"
	"errors"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/membership/core"
)

// Leave drains this node and takes it out of the cluster. The membership ends
// with it, and by that the daemon.
func (d *Daemon) Leave(ctx context.Context) error {
	v := d.member.View()
	if !v.Quorum {
		return core.ErrNoQuorum
	}
	d.leave()
	if !d.left() {
		d.leaving.Store(false)
		return errors.New("this node could not be drained, so it stays a member: see 'crm status' for what still runs")
	}
	if len(v.Members) == 1 {
		d.dissolved <- struct{}{}
		return nil
	}
	out, err := d.Propose(ctx, state.Command{By: d.name, Forget: &state.Forget{Node: d.name}})
	if err == nil && out.Refused != nil {
		err = out.Refused
	}
	if err == nil {
		err = d.member.Leave(ctx)
	}
	if err != nil {
		d.leaving.Store(false) // it is still a member: let it join again
	}
	return err
}
