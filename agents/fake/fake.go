package fake

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// Forever is the delay of an operation that hangs.
const Forever time.Duration = 1<<63 - 1

// State is what a resource is in truth, whatever anyone was told.
type State string

// The states. The zero value is that of a resource never heard of.
const (
	Stopped  State = ""
	Started  State = "started"
	Promoted State = "promoted"
	Broken   State = "broken" // it was started, and then it failed
)

// Answer is what the agent does with one request, instead of behaving well.
type Answer struct {
	Delay  time.Duration // until it takes effect; Forever hangs
	Code   agents.Code   // the zero value is OK
	Reason string        //
	Leaves *State        // the state afterwards; nil: as usual when Code is OK, else unchanged
}

// Agent holds the resources of one node. It is safe for concurrent use.
type Agent struct {
	mu       sync.Mutex
	state    map[string]State
	scripts  map[string][]Answer // by key(resource, action), used up front to back
	always   map[string]Answer   // by key(resource, action)
	history  []string
	watchers map[string]map[*watcher]bool
}

// New gives an agent on which everything is stopped.
func New() *Agent {
	return &Agent{
		state:    map[string]State{},
		scripts:  map[string][]Answer{},
		always:   map[string]Answer{},
		watchers: map[string]map[*watcher]bool{},
	}
}

func key(resource string, action agents.Action) string {
	return string(action) + " " + resource
}

// Script lays down the answers to the next requests of this kind, one each;
// after them the agent behaves as before.
func (a *Agent) Script(resource string, action agents.Action, answers ...Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := key(resource, action)
	a.scripts[k] = append(a.scripts[k], answers...)
}

// Always lays down the answer to all requests of this kind that no script answers.
func (a *Agent) Always(resource string, action agents.Action, answer Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.always[key(resource, action)] = answer
}

// Behave forgets all scripts and standing answers; states remain.
func (a *Agent) Behave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.scripts)
	clear(a.always)
}

// State is what the resource is in truth.
func (a *Agent) State(resource string) State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state[resource]
}

// Set makes the resource what it is behind the agent's back, as an
// administrator would by hand: watchers are not told.
func (a *Agent) Set(resource string, s State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state[resource] = s
}

// History is every operation that ended, one line each, in the order of their ends.
func (a *Agent) History() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var b strings.Builder
	for _, line := range a.history {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

// Run carries one operation out, waiting as long as its answer takes.
func (a *Agent) Run(ctx context.Context, req agents.Request) agents.Result {
	op := a.Begin(req, time.Now())
	limit := min(op.Takes, max(req.Timeout, 0))
	timer := time.NewTimer(limit)
	defer timer.Stop()
	if ctx.Err() != nil {
		return op.Abandon(time.Now(), agents.Cancelled)
	}
	select {
	case <-ctx.Done():
		return op.Abandon(time.Now(), agents.Cancelled)
	case <-timer.C:
		return op.End(time.Now())
	}
}

// Metadata is the same for all types.
func (a *Agent) Metadata(_ context.Context, spec agents.Spec) (*agents.Metadata, error) {
	const advised = 20 * time.Second
	m := &agents.Metadata{
		Name: spec.Type, Version: "1", Short: "a resource that exists only in memory",
		Parameters: []agents.Parameter{{
			Name: "delay", Type: "time", Default: "0s",
			Short: "how long start, stop, promote and demote take, as 1.5s; \"forever\" makes all but stop hang",
		}},
	}
	for _, name := range offered {
		m.Actions = append(m.Actions, agents.ActionDef{Name: string(name), Timeout: advised})
	}
	return m, nil
}
