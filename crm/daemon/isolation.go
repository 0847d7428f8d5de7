package daemon

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// runIsolation watches for the loss of the majority. When it has lasted for the
// failure timeout, this node ends what its no-quorum-policy wants ended. It does
// so on a private copy of the state: nothing that it finds out alone is agreed,
// and the executor tells the log when there is one again.
func (d *Daemon) runIsolation(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	var since time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			d.endIfFenced(ctx)
			if d.member.View().Quorum || !d.joined() {
				since = time.Time{}
				continue
			}
			if since.IsZero() {
				since = now
			}
			if now.Sub(since) >= time.Duration(d.failureTimeout.Load()) {
				d.log.Warn("no majority: ending what the no-quorum-policy wants ended", "for", now.Sub(since).Round(time.Millisecond))
				d.isolated(ctx)
				since = time.Time{}
			}
		}
	}
}

// endIfFenced ends all that runs here once this very boot was fenced: a device
// that cuts a machine off its disks lets it run, and an address that is still up
// here would be up twice. What was under way when it was fenced is found by the
// next look, so this goes on for as long as there is anything.
func (d *Daemon) endIfFenced(ctx context.Context) {
	n := d.machine.State().Nodes[d.name]
	if n == nil || !n.Fenced || n.Phase != state.PhaseDown || n.Boot != d.member.View().Boot {
		return
	}
	results := d.exec.EndAll(ctx)
	for _, name := range slices.Sorted(maps.Keys(results)) {
		d.log.Error("this boot was fenced and goes on: ended what runs here; boot this machine again", "resource", name, "result", results[name].String())
	}
}

// isolated runs until there is a majority again.
func (d *Daemon) isolated(ctx context.Context) {
	s := d.machine.State()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil && !d.member.View().Quorum {
		actions, err := control.Isolated(s, time.Now(), d.name)
		if err != nil {
			d.log.Error("no decision without a majority", "error", err)
		}
		s = d.endAll(ctx, s, actions)
		if len(actions) > 0 {
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// endAll runs stops and demotes of independent resources side by side.
func (d *Daemon) endAll(ctx context.Context, s *state.State, actions []policy.Action) *state.State {
	type ended struct {
		action policy.Action
		result agents.Result
	}
	results := make(chan ended, len(actions))
	for _, a := range actions {
		go func() { results <- ended{a, d.exec.End(ctx, a)} }()
	}
	for range actions {
		e := <-results
		d.log.Info("ended without a majority", "resource", e.action.Resource, "action", e.action.Task, "result", e.result.String())
		s = state.Ended(s, d.name, e.action, e.result.Status == agents.Done && e.result.Code == agents.OK, time.Now().UnixMilli())
	}
	return s
}
