package hostagent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Mood is how a device misbehaves towards one host. The zero value is good
// behaviour.
type Mood struct {
	Slow   Span `json:"slow,omitzero"`    // waits before it does anything
	Late   Span `json:"late,omitzero"`    // does it at once, answers later
	Hang   bool `json:"hang,omitempty"`   // never answers, until the mood changes
	Refuse bool `json:"refuse,omitempty"` // says no
	Lie    bool `json:"lie,omitempty"`    // says done, and does nothing; its status agrees with the lie
}

// Span is a time.Duration that reads and writes as "2s".
type Span time.Duration

// MarshalText writes the span as time.Duration does.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads what time.ParseDuration takes.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = Span(d)
	return err
}

// Moody is a Power that misbehaves as told. Without moods it is the Power that
// it wraps.
type Moody struct {
	Power

	mu       sync.Mutex
	moods    map[string]Mood
	pretends map[string]bool // host: the state that a lie claims
	changed  chan struct{}   // closed at the next change of mood
}

var _ Power = (*Moody)(nil)

// AllHosts is the name that sets the mood towards every host that has none of
// its own.
const AllHosts = "*"

// SetMood sets the mood towards a host, or towards [AllHosts]. Requests that
// hang are let go, with an error. The zero Mood ends all lies about the host.
func (m *Moody) SetMood(host string, mood Mood) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.moods == nil {
		m.moods = map[string]Mood{}
	}
	m.moods[host] = mood
	if !mood.Lie {
		if host == AllHosts {
			clear(m.pretends)
		}
		delete(m.pretends, host)
	}
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// mood returns the mood towards a host, and a channel that is closed when any
// mood changes.
func (m *Moody) mood(host string) (Mood, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	mood, own := m.moods[host]
	if !own {
		mood = m.moods[AllHosts]
	}
	return mood, m.changed
}

// begin acts out what comes before an answer.
func (m *Moody) begin(ctx context.Context, host string) (Mood, error) {
	mood, changed := m.mood(host)
	if mood.Hang {
		select {
		case <-changed:
			return mood, errors.New("the device hung")
		case <-ctx.Done():
			return mood, ctx.Err()
		}
	}
	if err := pause(ctx, mood.Slow); err != nil {
		return mood, err
	}
	if mood.Refuse {
		return mood, fmt.Errorf("the device refuses to touch %s", host)
	}
	return mood, nil
}

func pause(ctx context.Context, d Span) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(time.Duration(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Off switches a host off, or behaves as the mood is.
func (m *Moody) Off(ctx context.Context, host string) error {
	return m.set(ctx, host, false, m.Power.Off)
}

// On switches a host on, or behaves as the mood is.
func (m *Moody) On(ctx context.Context, host string) error {
	return m.set(ctx, host, true, m.Power.On)
}

func (m *Moody) set(ctx context.Context, host string, on bool, do func(context.Context, string) error) error {
	mood, err := m.begin(ctx, host)
	if err != nil {
		return err
	}
	if mood.Lie {
		m.pretend(host, on)
	} else if err := do(ctx, host); err != nil {
		return err
	}
	return pause(ctx, mood.Late)
}

func (m *Moody) pretend(host string, on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pretends == nil {
		m.pretends = map[string]bool{}
	}
	m.pretends[host] = on
}

// Status tells whether a host is on, or what the last lie about it said.
func (m *Moody) Status(ctx context.Context, host string) (bool, error) {
	mood, err := m.begin(ctx, host)
	if err != nil {
		return false, err
	}
	m.mu.Lock()
	claim, lied := m.pretends[host]
	m.mu.Unlock()
	if mood.Lie && lied {
		return claim, nil
	}
	return m.Power.Status(ctx, host)
}

// List returns the hosts; the mood towards [AllHosts] counts.
func (m *Moody) List(ctx context.Context) ([]string, error) {
	if _, err := m.begin(ctx, AllHosts); err != nil {
		return nil, err
	}
	return m.Power.List(ctx)
}
