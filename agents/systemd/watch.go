package systemd

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// detail is how long the news of a dead main process waits for systemd to say
// how it died. The event is not held back longer than that.
const detail = 20 * time.Millisecond

// Watch tells of changes of the unit: by systemd's own signals, and by a pidfd
// on the main process, which is as quick when systemd is busy.
func (a *Agent) Watch(ctx context.Context, req agents.Request, emit func(agents.Event)) error {
	name, err := unitOf(req.Agent, req.Params)
	if err != nil {
		return fmt.Errorf("watch of %s: %w", req.Resource, err)
	}
	w := &watch{agent: a, resource: req.Resource, emit: emit, log: a.log.With("resource", req.Resource, "unit", name)}
	defer w.main.close()
	for ctx.Err() == nil {
		if err := w.follow(ctx, name); ctx.Err() == nil {
			w.log.Warn("lost sight of the unit; looking again", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(absence):
			}
		}
	}
	return nil
}
