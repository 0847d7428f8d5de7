package systemd

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/agents"
)

// watch is one Watch in progress.
type watch struct {
	agent    *Agent
	resource string
	emit     func(agents.Event)
	log      hclog.Logger

	seen bool // last is real
	last snapshot
	main process // the main process that we hold a pidfd of
}

// follow reports changes until ctx ends or systemd cannot be asked.
func (w *watch) follow(ctx context.Context, name string) error {
	u, err := w.agent.find(ctx, name)
	if err != nil {
		return err
	}
	sub, err := w.agent.subscribe(ctx, u)
	if err != nil {
		return err
	}
	defer w.agent.unsubscribe(sub)
	// Looks go on beside this loop: while systemd is away for a moment, one
	// takes as long, and the end of the main process is to be told all the same.
	ctx, cancel := context.WithCancel(ctx)
	answers := make(chan answer, 1)
	var looking sync.WaitGroup
	defer looking.Wait()
	defer cancel()
	asking := false
	sub.poke() // look once: what happened before we listened was not told to us
	var overdue <-chan time.Time
	for {
		dirty := sub.dirty
		if asking {
			dirty = nil // one look at a time; the token stays for the next
		}
		select {
		case <-ctx.Done():
			return nil
		case <-dirty:
			asking = true
			looking.Go(func() {
				s, err := w.agent.look(ctx, u)
				answers <- answer{s, err}
			})
		case got := <-answers:
			asking = false
			if got.err != nil {
				return got.err
			}
			if w.compare(u, got.snapshot) {
				overdue = nil
			}
		case <-w.main.ended():
			w.main.reported()
			overdue = time.After(detail)
		case <-overdue:
			overdue = nil
			w.tell("main process %d of %s has ended", w.main.pid, u.name)
		}
	}
}

// answer is what came of a look.
type answer struct {
	snapshot
	err error
}

// compare emits what changed, and follows the main process. It says whether
// there was something to tell.
func (w *watch) compare(u unit, now snapshot) bool {
	before, first := w.last, !w.seen
	w.last, w.seen = now, true
	pid := 0
	if now.up() || now.moving() {
		pid = now.MainPID
	}
	w.main.follow(pid)
	switch {
	case first:
		if now.up() {
			return false
		}
		w.tell("%s is %s%s", u.name, now, after(": ", now.failure()))
	case before.up() && !now.up(), !before.down() && now.down(), !now.up() && now.Invocation != before.Invocation:
		w.tell("%s is now %s%s", u.name, now, after(": ", now.failure()))
	case !before.up() && now.up():
		w.tell("%s was started", u.name)
	case now.Restarts > before.Restarts:
		w.tell("systemd restarted %s by itself", u.name)
	case before.MainPID != 0 && now.up() && now.MainPID != before.MainPID:
		w.tell("main process %d of %s was replaced by %d", before.MainPID, u.name, now.MainPID)
	default:
		return false
	}
	return true
}

// after is text with something before it, or nothing at all.
func after(lead, text string) string {
	if text == "" {
		return ""
	}
	return lead + text
}

func (w *watch) tell(format string, args ...any) {
	e := agents.Event{Resource: w.resource, At: time.Now(), Reason: fmt.Sprintf(format, args...)}
	w.log.Debug("event", "reason", e.Reason)
	w.emit(e)
}
