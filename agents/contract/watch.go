package contract

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// watched is a running Watch, and what it has told so far.
type watched struct {
	events chan agents.Event
	ended  chan error
	cancel context.CancelFunc
}

// watch starts watching; it ends with the test at the latest.
func (s Subject) watch(t *testing.T, req agents.Request) *watched {
	t.Helper()
	w, ok := s.Agent.(agents.Watcher)
	if !ok {
		t.Skip("left out: this agent does not watch")
	}
	ctx, cancel := context.WithCancel(context.Background())
	run := &watched{events: make(chan agents.Event, 256), ended: make(chan error, 1), cancel: cancel}
	go func() {
		run.ended <- w.Watch(ctx, req, func(e agents.Event) {
			select {
			case run.events <- e:
			default: // a flood; the reader has enough to judge by
			}
		})
	}()
	t.Cleanup(func() { run.end(t) })
	return run
}

// end cancels the watch and expects it to return soon.
func (w *watched) end(t *testing.T) {
	t.Helper()
	w.cancel()
	select {
	case err := <-w.ended:
		w.ended <- nil // so that ending twice is fine
		if err != nil {
			t.Errorf("watch ended with: %v", err)
		}
	case <-time.After(Grace):
		t.Errorf("watch did not return within %s of being told to", Grace)
	}
}

// drain forgets what was told so far; what is told before a break proves nothing.
func (w *watched) drain() {
	for {
		select {
		case <-w.events:
		default:
			return
		}
	}
}

// tells says whether an event from after the break comes in time.
func (w *watched) tells(t *testing.T, resource string, began time.Time, within time.Duration) bool {
	t.Helper()
	limit := time.After(within)
	for {
		select {
		case e := <-w.events:
			if e.Resource != resource || e.At.IsZero() || e.Reason == "" {
				t.Errorf("the event is incomplete: %+v", e)
			}
			if !e.At.Before(began) {
				return true
			}
		case err := <-w.ended:
			w.ended <- nil
			t.Fatalf("watch ended by itself: %v", err)
		case <-limit:
			return false
		}
	}
}

// watchNotices breaks the resource right after the watch began, when it may
// not be established yet: a watcher looks once when it is, and leaves no gap.
// Then again, after a recovery, with the same watch.
func watchNotices(t *testing.T, s Subject) {
	if s.Break == nil {
		t.Skip("left out: this subject has no way to break")
	}
	req := s.fresh(t)
	s.must(t, req, agents.Start, agents.OK)
	w := s.watch(t, req)
	for round := 1; round <= 3; round++ {
		w.drain()
		began := time.Now()
		s.Break(t, req)
		if !w.tells(t, req.Resource, began, s.EventWithin) {
			t.Fatalf("break %d of %s was not noticed within %s", round, req.Resource, s.EventWithin)
		}
		s.must(t, req, agents.Stop, agents.OK)
		s.must(t, req, agents.Start, agents.OK)
	}
}

// watchEnds: a watch of a stopped resource waits for it, and returns when told.
func watchEnds(t *testing.T, s Subject) {
	req := s.fresh(t)
	w := s.watch(t, req)
	select {
	case err := <-w.ended:
		w.ended <- nil
		t.Fatalf("watch of a stopped resource ended by itself: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	w.end(t)
}
