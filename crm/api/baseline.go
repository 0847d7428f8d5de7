package api

import (
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/policy"
)

// baseline is what was going on and blocked before a change, so that a wait for
// the change is not about older troubles.
type baseline struct {
	ready   map[string]bool // ids of actions that were about to begin, or in flight
	blocked map[string]bool // blockedKey
}

// keepBaselines is how many changes are remembered; a wait usually follows its
// change at once.
const keepBaselines = 64

// baselines remembers them by the index of the change.
type baselines struct {
	mu    sync.Mutex
	known map[uint64]*baseline
	order []uint64
}

func (b *baselines) put(index uint64, base *baseline) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil {
		b.known = map[uint64]*baseline{}
	}
	b.known[index] = base
	b.order = append(b.order, index)
	if len(b.order) > keepBaselines {
		delete(b.known, b.order[0])
		b.order = b.order[1:]
	}
}

// get is never nil: nothing is known of an old change.
func (b *baselines) get(index uint64) *baseline {
	b.mu.Lock()
	defer b.mu.Unlock()
	if base := b.known[index]; base != nil {
		return base
	}
	return &baseline{}
}

// present takes the baseline for a change that is about to be made.
func (s *Server) present(now time.Time) *baseline {
	base := &baseline{ready: map[string]bool{}, blocked: map[string]bool{}}
	d, err := s.backend.Decision(now)
	if err != nil {
		return base
	}
	for _, a := range d.Ready {
		base.ready[a.ID] = true
	}
	for _, b := range blocked(d) {
		base.blocked[blockedKey(b)] = true
	}
	return base
}

func blockedKey(b policy.Blocked) string { return b.Task + " " + b.Resource + " " + b.Node }
