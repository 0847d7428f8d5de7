package fake

import (
	"context"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// watcher is one call of Watch: the events that wait for it.
type watcher struct {
	events chan agents.Event
}

// Break makes a started resource fail at the time now and tells its watchers.
// It gives the event for who delivers events himself, and false if the
// resource did not run.
func (a *Agent) Break(resource, reason string, now time.Time) (agents.Event, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.state[resource]; s != Started && s != Promoted {
		return agents.Event{}, false
	}
	a.state[resource] = Broken
	e := agents.Event{Resource: resource, At: now, Reason: reason}
	for w := range a.watchers[resource] {
		select {
		case w.events <- e:
		default: // it has events waiting, and one look serves for all
		}
	}
	return e, true
}

// Watch tells of breaks until ctx ends. A resource found broken at the outset
// is told of at once.
func (a *Agent) Watch(ctx context.Context, req agents.Request, emit func(agents.Event)) error {
	w := a.join(req.Resource)
	defer a.leave(req.Resource, w)
	if a.State(req.Resource) == Broken {
		emit(agents.Event{Resource: req.Resource, At: time.Now(), Reason: "found broken when the watch began"})
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.events:
			emit(e)
		}
	}
}

func (a *Agent) join(resource string) *watcher {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := &watcher{events: make(chan agents.Event, 16)}
	if a.watchers[resource] == nil {
		a.watchers[resource] = map[*watcher]bool{}
	}
	a.watchers[resource][w] = true
	return w
}

func (a *Agent) leave(resource string, w *watcher) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.watchers[resource], w)
}
