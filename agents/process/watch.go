package process

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// Watch tells when the main process ends, within milliseconds, unless stop
// ended it. It goes on with the process that is started next.
func (a *Agent) Watch(ctx context.Context, req agents.Request, emit func(agents.Event)) error {
	if req.Resource == "" {
		return fmt.Errorf("watch a process: the request names no resource")
	}
	s, _ := a.settings(req) // the pid file's place is right in any case
	var told identity
	for {
		started := a.nextStart(s.pidfile) // before the look, so that no start is missed
		f, err := look(s.pidfile, false)
		if err != nil {
			a.log.Warn("watch cannot look", "resource", req.Resource, "error", err)
			if !wait(ctx, started, time.Second) {
				return nil
			}
			continue
		}
		if f.alive && !a.await(ctx, s.pidfile, f.main) {
			return nil
		}
		if f.main.pid != 0 && f.main != told && !a.isEnding(s.pidfile, f.main) && ctx.Err() == nil {
			emit(agents.Event{Resource: req.Resource, At: time.Now(), Reason: a.epitaph(s.pidfile, f.main)})
		}
		told = f.main
		if !f.alive && !wait(ctx, started, 0) {
			return nil
		}
	}
}

// wait blocks until a start, or for a time unless that is 0; false if ctx is over.
func wait(ctx context.Context, started <-chan struct{}, limit time.Duration) bool {
	var tick <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		tick = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-started:
	case <-tick:
	}
	return true
}
