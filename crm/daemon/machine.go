package daemon

import (
	"sync"
	"sync/atomic"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/membership/core"
)

// machine is the replicated state machine as the log feeds it. Readers take the
// present state without a lock, because a state never changes.
type machine struct {
	current atomic.Pointer[state.State]
	bell    bell
}

func newMachine() *machine {
	m := &machine{}
	m.current.Store(state.New())
	return m
}

// State is the present state.
func (m *machine) State() *state.State { return m.current.Load() }

// Apply carries out one committed entry.
func (m *machine) Apply(e core.Entry) any {
	next, out := state.Apply(m.current.Load(), state.Entry{Index: e.Index, Term: e.Term, Data: e.Data})
	m.current.Store(next)
	m.bell.ring()
	return out
}

// Snapshot renders the present state.
func (m *machine) Snapshot() ([]byte, error) { return m.current.Load().Snapshot() }

// Restore replaces the state.
func (m *machine) Restore(b []byte) error {
	s, err := state.Restore(b)
	if err != nil {
		return err
	}
	m.current.Store(s)
	m.bell.ring()
	return nil
}

// bell wakes everyone who waits for a change. A waiter takes the channel before
// it looks, so that it never misses one.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}
