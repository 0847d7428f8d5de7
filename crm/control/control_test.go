package control

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/fake"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

func primitive(id string, meta ...string) policy.Resource {
	r := policy.Resource{ID: id, Kind: policy.Primitive, Class: "holdfast", Type: "fake"}
	r.Operations.List = []policy.Op{{ID: id + "-monitor", Name: "monitor", Interval: "10s"}}
	if len(meta) > 0 {
		set := policy.NVSet{ID: id + "-meta"}
		for i := 0; i < len(meta); i += 2 {
			set.Pairs = append(set.Pairs, policy.Pair{Name: meta[i], Value: meta[i+1]})
		}
		r.Meta = []policy.NVSet{set}
	}
	return r
}

func device(id string) policy.Resource {
	return policy.Resource{ID: id, Kind: policy.Primitive, Class: "stonith", Type: "fence_test", Params: []policy.NVSet{{
		ID: id + "-params", Pairs: []policy.Pair{{Name: "pcmk_host_list", Value: "n1 n2 n3"}},
	}}}
}

// cluster is three nodes, one fence device, a group of a and b, and c, d alone.
func cluster() *policy.Config {
	return &policy.Config{
		ResourceDefaults: []policy.NVSet{{ID: "defaults", Pairs: []policy.Pair{{Name: "resource-stickiness", Value: "100"}}}},
		Resources: []policy.Resource{
			device("fence"),
			{ID: "g", Kind: policy.Group, Children: []policy.Resource{primitive("a"), primitive("b")}},
			primitive("c"), primitive("d"),
		},
	}
}

func three(t *testing.T, seed uint64, c *policy.Config) *world {
	w := newWorld(t, seed, c, "n1", "n2", "n3")
	w.run(20 * time.Second)
	return w
}

// on is where a resource runs in truth.
func (w *world) on(rsc string) string {
	for _, name := range sortedKeys(w.hosts) {
		if h := w.hosts[name]; h.up && h.agent.State(rsc) == fake.Started {
			return name
		}
	}
	return ""
}

func (w *world) wantRunning(names ...string) {
	w.t.Helper()
	for _, rsc := range names {
		if w.on(rsc) == "" {
			w.fail("%s runs nowhere", rsc)
		}
	}
}

func TestAClusterStartsItsResources(t *testing.T) {
	w := three(t, 1, cluster())
	w.wantRunning("a", "b", "c", "d")
	if w.on("a") != w.on("b") {
		w.fail("the group is apart: a on %s, b on %s", w.on("a"), w.on("b"))
	}
	if len(w.s.Pending) != 0 {
		w.fail("still in flight: %v", sortedKeys(w.s.Pending))
	}
	index := w.index
	w.run(5 * time.Minute)
	if w.index != index {
		w.fail("a cluster at rest wrote %d entries", w.index-index)
	}
}

func TestALostNodeIsFencedBeforeAnythingStartsElsewhere(t *testing.T) {
	w := three(t, 2, cluster())
	victim := w.on("a")
	w.killHost(victim)
	w.run(40 * time.Second)
	w.wantRunning("a", "b", "c", "d")
	if w.on("a") == victim {
		w.fail("a went back to %s although stickiness holds it", victim)
	}
	fenced, started := -1, -1
	for i, line := range w.trace {
		if strings.Contains(line, `"receipt"`) && strings.HasSuffix(line, ": ok") && fenced < 0 {
			fenced = i
		}
		if strings.Contains(line, "start a ->") && !strings.Contains(line, victim+":") && started < 0 {
			started = i
		}
	}
	if fenced < 0 || started < fenced {
		w.fail("fenced at line %d, started elsewhere at line %d", fenced, started)
	}
	if w.s.Nodes[victim].Phase != state.PhaseMember {
		w.fail("%s did not come back", victim)
	}
}

func TestWithoutAFenceDeviceNothingProtectedStarts(t *testing.T) {
	c := cluster()
	c.Resources = c.Resources[1:]
	c.Resources = append(c.Resources, primitive("free", "requires", "nothing"))
	w := three(t, 3, c)
	if on := w.on("a") + w.on("c"); on != "" {
		w.fail("protected resources started on %s", on)
	}
	w.wantRunning("free")
	d, err := Decide(w.s, w.now, w.leader, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Gated) == 0 || !strings.Contains(d.Gated[0].Reasons[0].Text, "add a fence block with targets = [n") {
		t.Fatalf("the decision does not say why: %+v", d.Gated)
	}
	c.Options = []policy.NVSet{{ID: "options", Pairs: []policy.Pair{{Name: "fencing-enabled", Value: "false"}}}}
	w.apply(state.Command{By: "test", SetConfig: &state.SetConfig{Base: 1, Policy: c}})
	w.run(20 * time.Second)
	w.wantRunning("a", "b", "c", "d")
}

func TestASlowStartDelaysNobodyElsesRecovery(t *testing.T) {
	w := newWorld(t, 4, cluster(), "n1", "n2", "n3")
	for _, h := range w.hosts {
		h.agent.Always("c", agents.Start, fake.Answer{Delay: 15 * time.Second})
	}
	w.run(8 * time.Second)
	if w.on("c") != "" {
		w.fail("c is not slow")
	}
	where := w.on("d")
	ev, ok := w.hosts[where].agent.Break("d", "killed by signal 9", w.now)
	if !ok {
		w.fail("d does not run")
	}
	n := w.s.Nodes[where]
	rec := n.History["d"].Records["d_monitor_10000"]
	rec.RC, rec.ExitReason = 7, ev.Reason
	w.apply(state.Command{By: where, Result: &state.Result{Node: where, Incarnation: n.Incarnation, Resource: "d", Record: rec}})
	w.run(time.Second)
	w.wantRunning("d")
	if w.on("c") != "" {
		w.fail("c was not slow enough for the test to mean anything")
	}
	w.run(20 * time.Second)
	w.wantRunning("c")
}

func TestAFailedStopLeadsToFencing(t *testing.T) {
	w := three(t, 5, cluster())
	where := w.on("d")
	boot := w.hosts[where].boot
	w.hosts[where].agent.Always("d", agents.Stop, fake.Answer{Code: agents.ErrGeneric, Reason: "device busy"})
	yes := true
	w.apply(state.Command{By: "test", SetNode: &state.SetNode{Node: where, Standby: &yes}})
	w.run(time.Minute)
	if w.hosts[where].boot == boot {
		w.fail("%s was not fenced", where)
	}
	w.wantRunning("a", "b", "c", "d")
	if w.on("d") == where {
		w.fail("d is on %s, which is in standby", where)
	}
}

func TestANodeDrainsBeforeItLeaves(t *testing.T) {
	w := three(t, 6, cluster())
	leaver := w.on("a")
	w.hosts[leaver].leaving = true
	w.apply(state.Command{By: leaver, Leave: &state.Leave{Node: leaver, Reason: "reboot"}})
	w.run(10 * time.Second)
	if w.s.Nodes[leaver].Phase != state.PhaseDown {
		w.fail("%s is %s", leaver, w.s.Nodes[leaver].Phase)
	}
	if len(w.s.FenceLog) != 0 {
		w.fail("somebody was fenced: %+v", w.s.FenceLog)
	}
	w.wantRunning("a", "b", "c", "d")
}

func TestAMoveEndsWhenItHasArrived(t *testing.T) {
	w := three(t, 7, cluster())
	from := w.on("g-none") + w.on("a")
	to := "n1"
	if from == "n1" {
		to = "n2"
	}
	w.apply(state.Command{By: "test", StartMove: &state.Move{Resource: "g", Node: to, Until: w.now.Add(time.Minute).Unix()}})
	w.run(20 * time.Second)
	if w.on("a") != to || w.on("b") != to {
		w.fail("a on %s, b on %s, want %s", w.on("a"), w.on("b"), to)
	}
	if len(w.s.Settings.Moves) != 0 {
		w.fail("the move is still there: %+v", w.s.Settings.Moves)
	}
}

// What a node was not allowed to stop goes on running there when its daemon
// leaves. Managed again, it must not start a second time elsewhere.
func TestWhatALeavingNodeKeepsRunningStartsNowhereElse(t *testing.T) {
	w := three(t, 8, cluster())
	leaver := w.on("c")
	w.hosts[leaver].leaving = true
	no, asConfigured := "false", ""
	w.apply(state.Command{By: "test", SetResource: &state.SetResource{Resource: "c", Managed: &no}})
	w.apply(state.Command{By: leaver, Leave: &state.Leave{Node: leaver, Reason: "upgrade"}})
	w.run(10 * time.Second)
	if w.s.Nodes[leaver].Phase != state.PhaseDown || len(w.s.FenceLog) != 0 {
		w.fail("%s did not leave: %+v", leaver, w.s.Nodes[leaver])
	}
	w.apply(state.Command{By: "test", SetResource: &state.SetResource{Resource: "c", Managed: &asConfigured}})
	w.run(10 * time.Second) // the world looks that c is not active twice
	d, err := Decide(w.s, w.now, w.leader, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Gated) != 1 || !strings.Contains(d.Gated[0].Reasons[0].Text, "c still ran on "+leaver) {
		w.fail("the decision does not say why: %+v", d.Gated)
	}
	w.hosts[leaver].leaving = false
	w.run(10 * time.Second)
	if len(w.s.Nodes[leaver].Kept) != 0 {
		w.fail("%+v", w.s.Nodes[leaver])
	}
	w.wantRunning("a", "b", "c", "d")
}

// What is forgotten is not stopped: a node is looked at again before it may go.
func TestANodeDoesNotLeaveWithWhatWasForgotten(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := three(t, 13, cluster())
		leaver := w.on("c")
		h := w.hosts[leaver]
		if restart { // in the middle of a start; the new daemon leaves at once
			h.agent.Script("c", agents.Start, fake.Answer{Delay: 5 * time.Second})
			h.agent.Set("c", fake.Stopped)
			w.notice(h, "c", 7)
			w.run(2 * time.Second)
			h.inc++
			h.agent.Set("c", fake.Started)
			h.control, h.begun, h.seen, h.hosted = New(DefaultConfig(leaver)), map[string]bool{}, state.New(), newHosted()
			w.join(h, h.boot)
		} else {
			w.apply(state.Command{By: "test", Cleanup: &state.Cleanup{Forget: true}})
		}
		h.leaving = true
		w.apply(state.Command{By: leaver, Leave: &state.Leave{Node: leaver, Reason: "test"}})
		w.run(20 * time.Second) // the world looks that c is not active twice
		if w.s.Nodes[leaver].Phase != state.PhaseDown || h.agent.State("c") != fake.Stopped {
			w.fail("%s is %s, c there %q", leaver, w.s.Nodes[leaver].Phase, h.agent.State("c"))
		}
		w.wantRunning("a", "b", "c", "d")
	}
}

// A node boots again so fast that it is heard, and then falls silent before it
// has joined. What ran there in the earlier boot must be recovered.
func TestANodeThatDiesBeforeItsNewBootJoinedIsLost(t *testing.T) {
	w := three(t, 9, cluster())
	victim := w.on("c")
	if w.leader == victim {
		t.Fatal("the leader is the victim")
	}
	h := w.hosts[victim]
	w.killHost(victim)
	w.bootHost(victim)
	h.leaving = true // it comes up, and never gets as far as joining
	w.run(2 * time.Second)
	w.killHost(victim)
	w.run(30 * time.Second)
	w.wantRunning("a", "b", "c", "d")
}

func TestAMemberThatTheMembershipDoesNotKnowIsLost(t *testing.T) {
	w := three(t, 10, cluster())
	l := w.hosts[w.leader]
	victim := "n1"
	if w.leader == victim {
		victim = "n2"
	}
	seen := map[string]Presence{}
	for name, h := range w.hosts {
		if name != victim {
			seen[name] = Presence{Boot: h.boot}
		}
	}
	w.step(l, Members{Nodes: seen})
	w.run(10 * time.Second)
	if len(w.s.FenceLog) == 0 || w.s.FenceLog[len(w.s.FenceLog)-1].Target != victim {
		w.fail("%s, which was removed while at work, was not fenced: %+v", victim, w.s.Nodes[victim])
	}
}

// A node that dies soon after it joined is lost as soon as the detector says so.
func TestANodeThatDiesSoonAfterItJoinedIsLostAtOnce(t *testing.T) {
	w := three(t, 12, cluster())
	victim := w.on("c")
	if w.leader == victim {
		t.Fatal("the leader is the victim")
	}
	w.killHost(victim)
	for w.s.Nodes[victim].Boot == 1 || w.s.Nodes[victim].Phase != state.PhaseMember {
		w.run(100 * time.Millisecond)
	}
	w.run(500 * time.Millisecond)
	w.killHost(victim)
	w.run(3500 * time.Millisecond) // the failure timeout, and how long the detector lags
	if w.s.Nodes[victim].Phase == state.PhaseMember {
		w.fail("%s still counts as a member", victim)
	}
}

// steady is a leader's controller on a state with an operation in flight.
func steady(t *testing.T, at time.Time) (*Controller, *world) {
	w := three(t, 11, cluster())
	where := w.on("d")
	n := w.s.Nodes[where]
	w.apply(state.Command{Term: w.term, Begin: &state.Begin{Seen: w.index, Ops: []state.Operation{{
		Key: "d_stop_0@" + where, Node: where, Class: "holdfast", Type: "fake", Deadline: w.now.Add(35 * time.Second).UnixMilli(),
		Action: policy.Action{Task: policy.TaskStop, Resource: "d", HistoryID: "d", Node: where, TimeoutMS: 20000},
	}}}})
	if n == nil || len(w.s.Pending) != 1 {
		w.fail("no operation is in flight")
	}
	c := New(DefaultConfig(w.leader))
	c.Step(at, Changed{State: w.s})
	return c, w
}

// The clocks of two nodes differ by a day. A new leader neither gives up on what
// is in flight nor waits a day for it.
func TestAWrongClockExpiresNothing(t *testing.T) {
	for _, skew := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		at := time.Unix(1_800_000_000, 0).Add(skew)
		c, w := steady(t, at)
		expires := func(at time.Time) bool {
			for _, e := range c.Step(at, Tick{}) {
				if p, ok := e.(Propose); ok && p.Command.Expire != nil {
					return true
				}
			}
			return false
		}
		c.Step(at, Lead{Term: w.term})
		if expires(at.Add(30 * time.Second)) {
			t.Fatalf("skew %v: it expires too soon", skew)
		}
		if !expires(at.Add(36 * time.Second)) {
			t.Fatalf("skew %v: it does not expire", skew)
		}
	}
}

// Every refusal is an entry of the log and wakes the controller: it must not
// answer each with the same proposal.
func TestARefusedProposalIsNotRepeatedAtOnce(t *testing.T) {
	w := three(t, 12, cluster())
	w.hosts[w.on("d")].agent.Behave()
	c := New(DefaultConfig(w.leader))
	s := *w.s
	s.Nodes = map[string]*state.Node{}
	for name, n := range w.s.Nodes {
		own := *n
		own.History = map[string]*state.ResourceHistory{}
		s.Nodes[name] = &own
	}
	now, proposals := w.now, 0
	c.Step(now, Changed{State: &s})
	effects := c.Step(now, Lead{Term: w.term})
	for range 100 {
		for _, e := range effects {
			if p, ok := e.(Propose); ok {
				proposals++
				next := s
				next.Index++
				s = next
				no := state.Outcome{Index: s.Index, Refused: &state.Refusal{Kind: state.Conflict}}
				c.Step(now, Answered{Tag: p.Tag, Outcome: no})
			}
		}
		now = now.Add(10 * time.Millisecond)
		effects = c.Step(now, Changed{State: &s})
	}
	if proposals < 2 || proposals > 5 {
		t.Fatalf("%d proposals in a second", proposals)
	}
}

// A migration under way is given up. What replaces it waits for both halves; the
// state machine would refuse it.
func TestNothingChangesAResourceWhileItMigrates(t *testing.T) {
	f := flying{here: map[string]bool{}, changing: map[string][]string{}}
	f.add(policy.Action{Task: policy.TaskMigrateTo, Resource: "vm", Node: "n1"})
	for node, want := range map[string]bool{"n1": true, "n2": true} {
		if got := f.conflicts(policy.Action{Task: policy.TaskStop, Resource: "vm", Node: node}); got != want {
			t.Errorf("a stop on %s: conflict %v", node, got)
		}
	}
	if f.conflicts(policy.Action{Task: policy.TaskMigrateFrom, Resource: "vm", Node: "n2"}) {
		t.Error("the other half of the migration conflicts")
	}
}
