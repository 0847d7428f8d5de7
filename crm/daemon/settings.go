package daemon

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// runSettings applies what the configuration says about the daemon itself: the
// failure timeout, and the drop-ins of the units that the cluster manages. It
// looks when the configuration has changed, so a commit costs at most one reload
// of systemd.
func (d *Daemon) runSettings(ctx context.Context) {
	done := int64(-1)
	for {
		changed := d.machine.bell.wait()
		s := d.machine.State()
		if s.Config.Version != done {
			done = s.Config.Version
			d.applyTimeout(s)
			d.applyDropIns(ctx, s)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (d *Daemon) applyTimeout(s *state.State) {
	t := time.Duration(s.Config.Cluster.FailureTimeoutMS) * time.Millisecond
	if t <= 0 {
		t = d.defaults.FailureTimeout
	}
	if err := d.member.SetFailureTimeout(t); err != nil {
		d.log.Error("failure-timeout", "error", err)
		return
	}
	d.failureTimeout.Store(int64(t))
}

// applyDropIns keeps systemd from restarting, or ending early, what the cluster
// manages.
func (d *Daemon) applyDropIns(ctx context.Context, s *state.State) {
	units := managedUnits(s.Config.Policy.Resources)
	if len(units) == 0 && !d.hadUnits {
		return
	}
	d.hadUnits = len(units) > 0
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := d.agents.systemd.Sync(ctx, units); err != nil {
		d.log.Warn("the managed units' drop-ins could not be written: systemd may restart a unit by itself", "error", err)
		return
	}
	warnings, err := d.agents.systemd.Warnings(ctx, units)
	if err != nil {
		d.log.Debug("nobody can say whether the managed units are started by something else", "error", err)
	}
	for _, w := range warnings {
		d.log.Warn(w)
	}
}

func managedUnits(list []policy.Resource) []string {
	var units []string
	for i := range list {
		if list[i].Class == "systemd" {
			units = append(units, list[i].Type)
		}
		units = append(units, managedUnits(list[i].Children)...)
	}
	slices.SortFunc(units, strings.Compare)
	return slices.Compact(units)
}
