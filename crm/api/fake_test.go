package api

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/policy"
)

// fakeDaemon is a Backend whose log is a slice and whose resources obey at
// once, unless they are listed in broken.
type fakeDaemon struct {
	mu      sync.Mutex
	state   *state.State
	changed chan struct{}
	quorum  bool
	heard   time.Time
	broken  map[string]bool
	frozen  bool // nobody carries anything out
}

func newFakeDaemon(t *testing.T, nodes ...string) *fakeDaemon {
	t.Helper()
	f := &fakeDaemon{state: state.New(), changed: make(chan struct{}), quorum: true, broken: map[string]bool{}}
	for i, name := range nodes {
		f.must(t, state.Command{By: name, Join: &state.Join{Node: name, Boot: uint64(i + 1), Incarnation: 1}})
	}
	return f
}

func (f *fakeDaemon) must(t *testing.T, cmd state.Command) {
	t.Helper()
	out, err := f.Propose(t.Context(), cmd)
	if err != nil || out.Refused != nil {
		t.Fatalf("%+v: %v, %v", cmd, out.Refused, err)
	}
}

func (f *fakeDaemon) apply(cmd state.Command) state.Outcome {
	cmd.At = time.Now().UnixMilli()
	data, err := cmd.Encode()
	if err != nil {
		panic(err)
	}
	next, out := state.Apply(f.state, state.Entry{Index: f.state.Index + 1, Term: 1, Data: data})
	f.state = next
	close(f.changed)
	f.changed = make(chan struct{})
	return out
}

// Propose applies a command and lets the resources follow it.
func (f *fakeDaemon) Propose(_ context.Context, cmd state.Command) (state.Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.quorum {
		return state.Outcome{}, core.ErrNoQuorum
	}
	out := f.apply(cmd)
	if !f.frozen {
		f.obey()
	}
	return out, nil
}

// obey carries everything out that the decision wants, one step after the
// other.
func (f *fakeDaemon) obey() {
	for range 50 {
		d, err := control.Decide(f.state, time.Now(), "n1", true)
		if err != nil {
			panic(err)
		}
		i := slices.IndexFunc(d.Ready, func(a policy.Action) bool { return a.Kind == policy.ResourceAction })
		if i < 0 {
			for name, m := range f.state.Settings.Moves {
				f.apply(state.Command{EndMove: &state.EndMove{Resource: name, At: m.At}})
			}
			return
		}
		f.step(d.Ready[i])
	}
}

func (f *fakeDaemon) step(a policy.Action) {
	if a.HistoryID == "" {
		a.HistoryID = a.Resource
	}
	out := f.apply(state.Command{Begin: &state.Begin{Seen: f.state.Index, Ops: []state.Operation{{
		Key: a.ID, Node: a.Node, Action: a, Class: a.Class, Provider: a.Provider, Type: a.Type, Deadline: time.Now().Add(time.Hour).UnixMilli(),
	}}}})
	rec := policy.OpRecord{RC: int64(a.ExpectedRC)}
	switch {
	case f.broken[a.Resource] && a.Task == policy.TaskStart:
		rec.RC, rec.ExitReason = 1, "no licence"
	case a.Task == policy.TaskMonitor && a.IntervalMS == 0:
		rec.RC = 7
	}
	f.apply(state.Command{Result: &state.Result{
		Op: out.Ops[0], Node: a.Node, Incarnation: 1, Resource: a.HistoryID, Record: rec,
	}})
}

func (f *fakeDaemon) Self() string    { return "n1" }
func (f *fakeDaemon) Version() string { return "test" }

func (f *fakeDaemon) State() *state.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *fakeDaemon) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (f *fakeDaemon) Cluster() Cluster {
	c := Cluster{Name: "lab", ID: "id", Self: "n1", Leader: "n1", Term: 1, Quorum: f.quorum}
	for _, name := range sortedKeys(f.State().Nodes) {
		c.Members = append(c.Members, Member{Name: name, Voter: true, State: "up"})
	}
	return c
}

func (f *fakeDaemon) Decision(now time.Time) (*control.Decision, error) {
	return control.Decide(f.State(), now, "n1", f.quorum)
}

func (f *fakeDaemon) CreateToken(_ context.Context, ttl time.Duration) (string, time.Time, error) {
	return "1-lab-token", time.Now().Add(ttl), nil
}

func (f *fakeDaemon) RemoveMember(context.Context, string) error { return nil }
func (f *fakeDaemon) Leave(context.Context) error                { return nil }
func (f *fakeDaemon) Heartbeat(string) time.Time                 { return f.heard }

func (f *fakeDaemon) AgentMetadata(_ context.Context, spec agents.Spec) (*agents.Metadata, error) {
	return &agents.Metadata{Name: spec.Type, Parameters: []agents.Parameter{{Name: "command", Required: true}}}, nil
}

func (f *fakeDaemon) FenceMetadata(_ context.Context, name string) (*agents.Metadata, error) {
	return &agents.Metadata{Name: name, Parameters: []agents.Parameter{{Name: "password", Secret: true}}}, nil
}

func (f *fakeDaemon) AgentNames(context.Context) []string {
	return []string{"holdfast:process", "ocf:heartbeat:Dummy", "stonith:fence_test"}
}

// serve gives a client of a server for the fake.
func serve(t *testing.T, f *fakeDaemon) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(f, hclog.NewNullLogger())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	c := NewClient(socket)
	t.Cleanup(func() {
		c.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

func document(text string) Candidate {
	return Candidate{Documents: []state.Document{{Name: "c.hcl", Text: text}}}
}

const lab = `
options { fencing-enabled = false }
resource "process" "web" {
  command = "/bin/true"
}
resource "process" "db" {
  command = "/bin/true"
  meta { resource-stickiness = 10 }
}
colocation "web-db" {
  resource = web
  with     = db
  score    = INFINITY
}
order "db-web" {
  first = db
  then  = web
}
`

// withLab commits the configuration of most tests.
func withLab(t *testing.T, nodes ...string) (*fakeDaemon, *Client) {
	t.Helper()
	f := newFakeDaemon(t, nodes...)
	c := serve(t, f)
	if _, err := c.Commit(t.Context(), document(lab)); err != nil {
		t.Fatal(err)
	}
	return f, c
}
