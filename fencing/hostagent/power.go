package hostagent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Power switches hosts. Off and On return when it is done; a host that is off
// or on already is no error, a host that does not exist is.
type Power interface {
	Off(ctx context.Context, host string) error
	On(ctx context.Context, host string) error
	Status(ctx context.Context, host string) (on bool, err error)
	List(ctx context.Context) ([]string, error)
}

// Memory is a Power over hosts that are only a name and a state.
type Memory struct {
	mu   sync.Mutex
	on   map[string]bool
	offs map[string]int
}

// NewMemory returns hosts that are on.
func NewMemory(hosts ...string) *Memory {
	m := &Memory{on: map[string]bool{}, offs: map[string]int{}}
	for _, h := range hosts {
		m.on[h] = true
	}
	return m
}

// Off switches a host off.
func (m *Memory) Off(_ context.Context, host string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.on[host] {
		m.offs[host]++
	}
	return m.set(host, false)
}

// On switches a host on.
func (m *Memory) On(_ context.Context, host string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.set(host, true)
}

func (m *Memory) set(host string, on bool) error {
	if _, known := m.on[host]; !known {
		return fmt.Errorf("there is no host %q", host)
	}
	m.on[host] = on
	return nil
}

// Status tells whether a host is on.
func (m *Memory) Status(_ context.Context, host string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	on, known := m.on[host]
	if !known {
		return false, fmt.Errorf("there is no host %q", host)
	}
	return on, nil
}

// List returns the names of all hosts, sorted.
func (m *Memory) List(context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.on)), nil
}

// Offs counts how often a host that was on was switched off.
func (m *Memory) Offs(host string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.offs[host]
}
