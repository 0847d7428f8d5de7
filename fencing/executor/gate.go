package executor

import (
	"context"
	"sync"
)

// gate lets a bounded number of runs of one device through, first come first
// served.
type gate struct {
	mu      sync.Mutex
	inside  int
	waiters []waiter
}

type waiter struct {
	limit int
	in    chan struct{}
}

// enter waits for a place; limit is how many may be inside, -1 for any number.
// On success leave must be called.
func (g *gate) enter(ctx context.Context, limit int) error {
	g.mu.Lock()
	if limit < 0 || len(g.waiters) == 0 && g.inside < limit {
		g.inside++
		g.mu.Unlock()
		return nil
	}
	w := waiter{limit: limit, in: make(chan struct{})}
	g.waiters = append(g.waiters, w)
	g.mu.Unlock()
	select {
	case <-w.in:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	for i := range g.waiters {
		if g.waiters[i].in == w.in {
			g.waiters = append(g.waiters[:i:i], g.waiters[i+1:]...)
			break
		}
	}
	g.mu.Unlock()
	select {
	case <-w.in: // let in at the same moment
		g.leave()
	default:
	}
	return ctx.Err()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	for len(g.waiters) > 0 && g.inside < g.waiters[0].limit {
		g.inside++
		close(g.waiters[0].in)
		g.waiters = g.waiters[1:]
	}
}
