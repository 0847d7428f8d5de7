package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/fake"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// node is one node with its executor, its agent and a log of its own.
type node struct {
	t     *testing.T
	agent *fake.Agent
	exec  *Executor

	mu      sync.Mutex
	s       *state.State
	index   uint64
	down    bool // the log takes nothing
	reports []string
}

func newNode(t *testing.T, incarnation uint64, agent *fake.Agent, s *state.State) *node {
	n := &node{t: t, agent: agent, s: s, index: s.Index}
	n.exec = New(Config{
		Node: "n1", Incarnation: incarnation, Report: n.report, Logger: hclog.NewNullLogger(),
		Agents: func(agents.Spec) (agents.Agent, error) { return agent, nil },
		Secret: func(name string) (string, error) { return "value of " + name, nil },
	})
	n.apply(state.Command{Join: &state.Join{Node: "n1", Boot: 1, Incarnation: incarnation}})
	n.sync()
	t.Cleanup(n.exec.Close)
	return n
}

func (n *node) apply(c state.Command) state.Outcome {
	n.mu.Lock()
	defer n.mu.Unlock()
	c.At = time.Now().UnixMilli()
	data, err := c.Encode()
	if err != nil {
		n.t.Error(err)
	}
	n.index++
	var out state.Outcome
	n.s, out = state.Apply(n.s, state.Entry{Index: n.index, Term: 1, Data: data})
	return out
}

func (n *node) report(_ context.Context, r state.Result) (uint64, error) {
	n.mu.Lock()
	down := n.down
	n.mu.Unlock()
	if down {
		return 0, errors.New("no quorum")
	}
	out := n.apply(state.Command{Result: &r})
	n.mu.Lock()
	line := fmt.Sprintf("%s rc %d", r.Resource, r.Record.RC)
	if r.Op == "" {
		line = "noticed " + line
	}
	if out.Refused != nil {
		line += " void"
	}
	n.reports = append(n.reports, line)
	n.mu.Unlock()
	n.sync()
	return out.Index, nil
}

func (n *node) sync() {
	n.mu.Lock()
	s := n.s
	n.mu.Unlock()
	n.exec.Sync(s)
}

// order begins an operation and tells the executor.
func (n *node) order(rsc, task string, intervalMS int64, expected int) string {
	n.t.Helper()
	key := fmt.Sprintf("%s_%s_%d@n1", rsc, task, intervalMS)
	out := n.apply(state.Command{Begin: &state.Begin{Seen: n.index, Ops: []state.Operation{{
		Key: key, Node: "n1", Class: "holdfast", Type: "fake", Action: policy.Action{
			ID: key, Task: task, Resource: rsc, HistoryID: rsc, Node: "n1", IntervalMS: intervalMS, ExpectedRC: expected, TimeoutMS: 30000,
		},
	}}}})
	if out.Refused != nil {
		n.t.Fatal(out.Refused)
	}
	n.sync()
	return out.Ops[0]
}

func (n *node) want(lines ...string) {
	n.t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if got, want := strings.Join(n.reports, "\n"), strings.Join(lines, "\n"); got != want {
		n.t.Fatalf("reports:\n%s\nwant:\n%s", got, want)
	}
}

func TestAnOrderIsCarriedOutOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, 1, fake.New(), state.New())
		n.order("a", policy.TaskStart, 0, 0)
		for range 5 {
			n.sync()
		}
		n.want("a rc 0")
		if got := n.agent.History(); strings.Count(got, "start a") != 1 {
			t.Fatalf("agent ran:\n%s", got)
		}
	})
}

func TestOrdersOfAnotherLifeAreVoid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, 1, fake.New(), state.New())
		n.mu.Lock()
		s := *n.s
		s.Pending = map[string]*state.Operation{}
		for id, op := range map[string]state.Operation{
			"incarnation": {Index: 99, Incarnation: 2},
			"joined":      {Index: s.Nodes["n1"].Joined, Incarnation: 1},
			"elsewhere":   {Index: 99, Incarnation: 1, Node: "n2"},
		} {
			op.ID, op.Action = id, policy.Action{Task: policy.TaskStart, Resource: id, HistoryID: id}
			if op.Node == "" {
				op.Node = "n1"
			}
			s.Pending[id] = &op
		}
		n.mu.Unlock()
		n.exec.Sync(&s)
		synctest.Wait()
		if got := n.agent.History(); got != "" {
			t.Fatalf("void orders were carried out:\n%s", got)
		}
	})
}

func TestAnOlderTermIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, 1, fake.New(), state.New())
		order := func(id string, index, term uint64) {
			s := *n.s
			s.Pending = map[string]*state.Operation{id: {
				ID: id, Index: index, Term: term, Node: "n1", Incarnation: 1, Action: policy.Action{Task: policy.TaskStart, Resource: id, HistoryID: id},
			}}
			n.exec.Sync(&s)
			synctest.Wait()
		}
		order("new", 50, 7)
		order("old", 51, 6)
		if got := n.agent.History(); !strings.Contains(got, "start new") || strings.Contains(got, "start old") {
			t.Fatalf("agent ran:\n%s", got)
		}
	})
}

func TestASlowResourceDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, 1, fake.New(), state.New())
		n.agent.Script("slow", agents.Start, fake.Answer{Delay: 20 * time.Second})
		n.order("slow", policy.TaskStart, 0, 0)
		n.order("fast", policy.TaskStart, 0, 0)
		n.want("fast rc 0")
		time.Sleep(21 * time.Second)
		n.want("fast rc 0", "slow rc 0")
	})
}

func TestAMonitorReportsChangesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, 1, fake.New(), state.New())
		n.order("a", policy.TaskStart, 0, 0)
		synctest.Wait()
		n.order("a", policy.TaskMonitor, 10000, 0)
		time.Sleep(time.Minute)
		n.want("a rc 0", "a rc 0")
		n.agent.Break("a", "killed by signal 9", time.Now())
		n.want("a rc 0", "a rc 0", "noticed a rc 1")
		time.Sleep(time.Minute)
		n.want("a rc 0", "a rc 0", "noticed a rc 1")
		if f := n.s.Nodes["n1"].Failures["a#monitor_10000"]; f.Count != 1 {
			t.Fatalf("fail count %d", f.Count)
		}
	})
}

func TestAWatchIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, 1, fake.New(), state.New())
		n.order("a", policy.TaskStart, 0, 0)
		synctest.Wait()
		n.agent.Break("a", "killed by signal 9", time.Now())
		n.want("a rc 0", "noticed a rc 1")
	})
}

func TestStoppingEndsMonitorsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, 1, fake.New(), state.New())
		n.order("a", policy.TaskStart, 0, 0)
		synctest.Wait()
		n.order("a", policy.TaskMonitor, 1000, 0)
		synctest.Wait()
		n.agent.Script("a", agents.Stop, fake.Answer{Delay: 10 * time.Second})
		n.order("a", policy.TaskStop, 0, 0)
		time.Sleep(time.Minute)
		n.want("a rc 0", "a rc 0", "a rc 0")
		if got := n.agent.History(); !strings.HasSuffix(strings.TrimSpace(got), "stop a -> ok") {
			t.Fatalf("something ran after the stop:\n%s", got)
		}
	})
}

func TestResultsWaitForTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, 1, fake.New(), state.New())
		n.order("a", policy.TaskStart, 0, 0)
		n.mu.Lock()
		n.down = true
		n.mu.Unlock()
		time.Sleep(10 * time.Second)
		n.mu.Lock()
		n.down = false
		n.mu.Unlock()
		time.Sleep(2 * time.Second)
		n.want("a rc 0")
		if len(n.s.Pending) != 0 {
			t.Fatalf("still in flight: %v", n.s.Pending)
		}
	})
}

func TestARestartedDaemonAdoptsWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		agent := fake.New()
		first := newNode(t, 1, agent, state.New())
		first.order("a", policy.TaskStart, 0, 0)
		first.order("b", policy.TaskStart, 0, 0)
		synctest.Wait()
		first.exec.Close()
		agent.Set("b", fake.Stopped) // it ended while nobody looked

		second := newNode(t, 2, agent, first.s)
		second.want("noticed b rc 7")
		if strings.Count(agent.History(), "start a") != 1 {
			t.Fatalf("agent ran:\n%s", agent.History())
		}
		agent.Break("a", "killed by signal 9", time.Now())
		second.want("noticed b rc 7", "noticed a rc 1")
	})
}

func TestAStopTakesDownWhatWasStarted(t *testing.T) {
	e := New(Config{})
	started := &state.Operation{Action: policy.Action{Params: map[string]string{"ip": "10.0.0.1"}}}
	e.care["a"] = &care{basis: started}
	stop := &state.Operation{Action: policy.Action{Task: policy.TaskStop, HistoryID: "a", Params: map[string]string{"ip": "10.0.0.2"}}}
	if got := e.asStarted(stop).Action.Params["ip"]; got != "10.0.0.1" {
		t.Fatalf("the stop is for %s", got)
	}
	if stop.Action.Params["ip"] != "10.0.0.2" {
		t.Fatal("the order itself was changed")
	}
}

func TestEndingWithoutAMajorityIsToldLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, 1, fake.New(), state.New())
		n.order("a", policy.TaskStart, 0, 0)
		synctest.Wait()
		n.mu.Lock()
		n.down = true
		n.mu.Unlock()
		res := n.exec.End(t.Context(), policy.Action{Task: policy.TaskStop, Resource: "a", TimeoutMS: 1000, Class: "holdfast", Type: "fake"})
		if res.Code != agents.OK || n.agent.State("a") != fake.Stopped {
			t.Fatalf("result %v, state %q", res, n.agent.State("a"))
		}
		n.mu.Lock()
		n.down = false
		n.mu.Unlock()
		time.Sleep(2 * time.Second)
		n.want("a rc 0", "noticed a rc 7")
	})
}

func TestSecretsAreRevealedToTheAgentOnly(t *testing.T) {
	e := New(Config{Secret: func(name string) (string, error) { return "value of " + name, nil }})
	got, err := e.reveal(map[string]string{"password": "secret:ipmi", "ip": "10.0.0.1"})
	if err != nil || got["password"] != "value of ipmi" || got["ip"] != "10.0.0.1" {
		t.Fatalf("%v, %v", got, err)
	}
}

// A node that was out of touch for a moment may see the orders of two leaders in
// one state. Neither is void: both are in the log, and the later leader counts on
// the earlier one's.
func TestOrdersOfTwoLeadersInOneState(t *testing.T) {
	for range 20 { // a map has no order
		synctest.Test(t, func(t *testing.T) {
			n := newNode(t, 1, fake.New(), state.New())
			n.down = true // this state is made up, so its log takes no answers
			s := *n.s
			s.Pending = map[string]*state.Operation{}
			for id, term := range map[string]uint64{"10.0": 5, "20.0": 6} {
				s.Pending[id] = &state.Operation{
					ID: id, Index: term * 10, Term: term, Node: "n1", Incarnation: 1,
					Action: policy.Action{Task: policy.TaskStop, Resource: id, HistoryID: id, TimeoutMS: 1000},
				}
			}
			n.exec.Sync(&s)
			synctest.Wait()
			if got := n.agent.History(); strings.Count(got, "stop") != 2 {
				t.Fatalf("agent ran:\n%s", got)
			}
		})
	}
}

func TestAnOrderThatBecomesVoidWhileItWaitsIsNotCarriedOut(t *testing.T) {
	for what, c := range map[string][]state.Command{
		"expired":           nil,
		"lost and returned": {{Lost: &state.Lost{Node: "n1", Boot: 1}}, {Join: &state.Join{Node: "n1", Boot: 1, Incarnation: 1}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newNode(t, 1, fake.New(), state.New())
			n.order("a", policy.TaskStart, 0, 0)
			synctest.Wait()
			n.order("a", policy.TaskMonitor, 10000, 0)
			synctest.Wait()
			n.agent.Script("a", agents.Monitor, fake.Answer{Delay: 20 * time.Second})
			time.Sleep(11 * time.Second) // the second monitor is under way
			op := n.order("a", policy.TaskPromote, 0, 0)
			if c == nil {
				n.apply(state.Command{Expire: &state.Expire{Op: op}})
			}
			for _, cmd := range c {
				n.apply(cmd)
				n.sync()
			}
			n.sync()
			time.Sleep(time.Minute)
			if got := n.agent.History(); strings.Contains(got, "promote") {
				t.Fatalf("%s: agent ran:\n%s", what, got)
			}
		})
	}
}

func TestWhatAProbeFindsIsLookedAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		agent := fake.New()
		agent.Set("a", fake.Started)
		n := newNode(t, 1, agent, state.New())
		n.order("a", policy.TaskMonitor, 0, 7)
		n.want("a rc 0")
		agent.Break("a", "killed by signal 9", time.Now())
		n.want("a rc 0", "noticed a rc 1")

		agent.Set("b", fake.Started)
		n.order("b", policy.TaskMonitor, 0, 7)
		synctest.Wait()
		n.exec.End(t.Context(), policy.Action{Task: policy.TaskStop, Resource: "b", TimeoutMS: 1000, Class: "holdfast", Type: "fake"})
		n.want("a rc 0", "noticed a rc 1", "b rc 0", "noticed b rc 7")
	})
}

// A demoted resource runs: whoever took it for stopped would start it elsewhere.
func TestADemoteWithoutAMajorityIsNoStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, 1, fake.New(), state.New())
		n.order("a", policy.TaskStart, 0, 0)
		synctest.Wait()
		n.order("a", policy.TaskPromote, 0, 0)
		synctest.Wait()
		res := n.exec.End(t.Context(), policy.Action{Task: policy.TaskDemote, Resource: "a", TimeoutMS: 1000, Class: "holdfast", Type: "fake"})
		if res.Code != agents.OK || n.agent.State("a") != fake.Started {
			t.Fatalf("result %v, state %q", res, n.agent.State("a"))
		}
		n.want("a rc 0", "a rc 0", "noticed a rc 0")
		if got := n.s.Nodes["n1"].Failures["a#asyncmon_0"]; got.Count != 1 {
			t.Fatalf("the cluster does not know: %+v", n.s.Nodes["n1"])
		}
		n.agent.Break("a", "killed by signal 9", time.Now())
		n.want("a rc 0", "a rc 0", "noticed a rc 0", "noticed a rc 1")
	})
}

func TestAFencedNodeThatLivesEndsWhatItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, 1, fake.New(), state.New())
		for _, rsc := range []string{"a", "b"} {
			n.order(rsc, policy.TaskStart, 0, 0)
			synctest.Wait()
		}
		n.agent.Script("c", agents.Start, fake.Answer{Delay: 5 * time.Second})
		n.order("c", policy.TaskStart, 0, 0)
		synctest.Wait()
		n.apply(state.Command{Lost: &state.Lost{Node: "n1", Boot: 1}})
		n.sync()
		if res := n.exec.EndAll(t.Context()); len(res) != 2 {
			t.Fatalf("%v", res)
		}
		time.Sleep(10 * time.Second)
		if res := n.exec.EndAll(t.Context()); len(res) != 1 {
			t.Fatalf("%v", res)
		}
		if res := n.exec.EndAll(t.Context()); len(res) != 0 {
			t.Fatalf("%v", res)
		}
		want := "start a -> ok\nstart b -> ok\nstop b -> ok\nstop a -> ok\nstart c -> ok\nstop c -> ok\n"
		if got := n.agent.History(); got != want {
			t.Fatalf("agent ran:\n%s", got)
		}
	})
}
