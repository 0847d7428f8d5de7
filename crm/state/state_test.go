package state

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/policy"
)

// history applies commands one after the other, as the log does.
type history struct {
	t     *testing.T
	s     *State
	index uint64
	term  uint64
}

func begin(t *testing.T) *history { return &history{t: t, s: New(), term: 1} }

func (h *history) apply(c Command) Outcome {
	h.t.Helper()
	h.index++
	if c.At == 0 {
		c.At = int64(h.index) * 1000
	}
	data, err := c.Encode()
	if err != nil {
		h.t.Fatal(err)
	}
	var out Outcome
	h.s, out = Apply(h.s, Entry{Index: h.index, Term: h.term, Data: data})
	return out
}

func (h *history) must(c Command) Outcome {
	h.t.Helper()
	out := h.apply(c)
	if out.Refused != nil {
		h.t.Fatalf("refused: %v", out.Refused)
	}
	return out
}

func (h *history) refused(kind Kind, words string, c Command) {
	h.t.Helper()
	before := h.s
	out := h.apply(c)
	if out.Refused == nil || out.Refused.Kind != kind || !strings.Contains(out.Refused.Text, words) {
		h.t.Fatalf("want a refusal of kind %s with %q, got %+v", kind, words, out.Refused)
	}
	after := *h.s
	after.Index, after.Term, after.Clock = before.Index, before.Term, before.Clock
	if diff := cmp.Diff(before, &after); diff != "" {
		h.t.Fatalf("a refused command changed the state:\n%s", diff)
	}
}

func (h *history) join(node string, boot, incarnation uint64) {
	h.t.Helper()
	h.must(Command{By: node, Join: &Join{Node: node, Boot: boot, Incarnation: incarnation}})
}

func order(key, node, rsc, task string, expected int) Operation {
	return Operation{Key: key, Node: node, Class: "ocf", Provider: "test", Type: "Dummy", Action: policy.Action{
		ID: key, Kind: policy.ResourceAction, Task: task, Resource: rsc, HistoryID: rsc, Node: node, ExpectedRC: expected,
	}}
}

func (h *history) begin(op Operation) string {
	h.t.Helper()
	return h.must(Command{Begin: &Begin{Seen: h.index, Ops: []Operation{op}}}).Ops[0]
}

func (h *history) result(op, node, rsc string, rc int64) {
	h.t.Helper()
	h.must(Command{Result: &Result{Op: op, Node: node, Incarnation: h.s.Nodes[node].Incarnation, Resource: rsc, Record: policy.OpRecord{RC: rc}}})
}

func receipt(node string, boot uint64) *fencing.Receipt {
	return &fencing.Receipt{OpID: "x", Action: fencing.Off, Target: node, Boot: boot, Class: fencing.Power, Proof: "test"}
}

func (h *history) phase(node string, want Phase) {
	h.t.Helper()
	if got := h.s.Nodes[node].Phase; got != want {
		h.t.Fatalf("node %s is %s, want %s", node, got, want)
	}
}

func TestConfigurationOnAStaleBaseIsRefused(t *testing.T) {
	h := begin(t)
	h.must(Command{By: "root@n1", SetConfig: &SetConfig{Base: 0, Policy: &policy.Config{}, Documents: []Document{{Name: "a", Text: "1"}}}})
	h.refused(Stale, "version 1 by root@n1 is in force", Command{By: "root@n2", SetConfig: &SetConfig{Base: 0, Policy: &policy.Config{}}})
	out := h.must(Command{By: "root@n2", SetConfig: &SetConfig{Base: 1, Policy: &policy.Config{}}})
	if out.Version != 2 || len(h.s.Versions) != 1 || h.s.Versions[0].Documents[0].Text != "1" {
		t.Fatalf("version %d, kept %+v", out.Version, h.s.Versions)
	}
}

func TestALostNodeStaysUncleanUntilItsBootIsConfirmedOff(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.join("n2", 4, 9)
	h.result(h.begin(order("a_start_0@n2", "n2", "a", policy.TaskStart, 0)), "n2", "a", 0)
	h.must(Command{Lost: &Lost{Node: "n2", Boot: 4}})
	h.phase("n2", PhaseLost)

	h.must(Command{FenceBegin: &FenceBegin{Target: "n2", Boot: 4, Action: "reboot", Reason: "lost", Executor: "n1", Attempt: 1}})
	f := h.s.Fencing["n2"]
	h.refused(Conflict, "is being fenced", Command{Join: &Join{Node: "n2", Boot: 5, Incarnation: 10}})
	h.refused(Invalid, "the receipt is for boot 3", Command{FenceEnd: &FenceEnd{ID: f.ID, Attempt: 1, Target: "n2", Boot: 4, Receipt: receipt("n2", 3)}})
	h.phase("n2", PhaseLost)

	end := Command{FenceEnd: &FenceEnd{ID: f.ID, Attempt: 1, Target: "n2", Boot: 4, Executor: "n1", Receipt: receipt("n2", 4)}}
	h.must(end)
	h.phase("n2", PhaseDown)
	if len(h.s.Nodes["n2"].History) != 0 {
		t.Fatalf("the history of a fenced boot is still there: %+v", h.s.Nodes["n2"].History)
	}
	h.refused(Stale, "is over", end)
	h.refused(Conflict, "must boot again", Command{Join: &Join{Node: "n2", Boot: 4, Incarnation: 9}})
	h.join("n2", 5, 10)
	h.phase("n2", PhaseMember)
}

func TestALostNodeMayReturnWhileNobodyShoots(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.join("n2", 1, 1)
	h.must(Command{Lost: &Lost{Node: "n2", Boot: 1}})
	h.must(Command{FenceBegin: &FenceBegin{Target: "n2", Boot: 1, Action: "off", Reason: "lost", Executor: "n1", Attempt: 1}})
	h.must(Command{FenceEnd: &FenceEnd{ID: h.s.Fencing["n2"].ID, Attempt: 1, Target: "n2", Boot: 1, Error: "no answer", Retry: 99}})
	h.join("n2", 1, 1)
	h.phase("n2", PhaseMember)
	if h.s.Fencing["n2"] != nil {
		t.Fatal("the fencing is still open")
	}
}

func TestAnOrderRestsOnWhatItsDecisionSaw(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.join("n2", 1, 1)
	seen := h.index
	h.must(Command{Lost: &Lost{Node: "n2", Boot: 1}})
	h.refused(Stale, "nodes changed", Command{Begin: &Begin{Seen: seen, Ops: []Operation{order("a_start_0@n1", "n1", "a", policy.TaskStart, 0)}}})

	probe := h.begin(order("a_monitor_0@n1", "n1", "a", policy.TaskMonitor, 7))
	seen = h.index
	h.refused(Conflict, "in flight", Command{Begin: &Begin{Seen: seen, Ops: []Operation{order("a_start_0@n1", "n1", "a", policy.TaskStart, 0)}}})
	h.result(probe, "n1", "a", 7)
	h.refused(Stale, "rsc:a changed", Command{Begin: &Begin{Seen: seen, Ops: []Operation{order("a_start_0@n1", "n1", "a", policy.TaskStart, 0)}}})
	h.refused(Stale, "not a member", Command{Begin: &Begin{Seen: h.index, Ops: []Operation{order("a_start_0@n2", "n2", "a", policy.TaskStart, 0)}}})
	h.begin(order("a_start_0@n1", "n1", "a", policy.TaskStart, 0))
}

func TestAControllersCommandOfAnotherTermIsRefused(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.term = 2
	h.refused(Stale, "decided in term 1", Command{Term: 1, Lost: &Lost{Node: "n1", Boot: 1}})
}

func TestARestartedDaemonIsANewExecutorInTheSameLife(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.result(h.begin(order("a_start_0@n1", "n1", "a", policy.TaskStart, 0)), "n1", "a", 0)
	mon := order("a_monitor_10000@n1", "n1", "a", policy.TaskMonitor, 0)
	mon.Action.IntervalMS = 10000
	h.result(h.begin(mon), "n1", "a", 0)
	h.result(h.begin(order("b_monitor_0@n1", "n1", "b", policy.TaskMonitor, 7)), "n1", "b", 7)
	half := h.begin(order("b_start_0@n1", "n1", "b", policy.TaskStart, 0))

	h.join("n1", 1, 2)
	if len(h.s.Pending) != 0 {
		t.Fatalf("orders of the old daemon are still in flight: %v", h.s.Pending)
	}
	a := h.s.Nodes["n1"].History["a"]
	if _, ok := a.Records["a_last_0"]; !ok || len(a.Records) != 1 {
		t.Fatalf("want the start and no recurring monitor, have %v", sortedKeys(a.Records))
	}
	if h.s.Nodes["n1"].History["b"] != nil {
		t.Fatal("b was being started: nobody knows how far that got, and yet its history is there")
	}
	h.refused(Stale, "not the daemon", Command{Result: &Result{Op: half, Node: "n1", Incarnation: 1, Resource: "b"}})
	h.refused(Stale, "joined as boot 1 incarnation 2", Command{Join: &Join{Node: "n1", Boot: 1, Incarnation: 1}})

	h.join("n1", 2, 3)
	if len(h.s.Nodes["n1"].History) != 0 {
		t.Fatal("the history of an earlier boot is still there")
	}
}

func TestFailuresAreCountedAndCleanedUp(t *testing.T) {
	h := begin(t)
	h.must(Command{SetConfig: &SetConfig{Policy: &policy.Config{Resources: []policy.Resource{{ID: "a", Kind: policy.Primitive}}}}})
	h.join("n1", 1, 1)
	start := h.begin(order("a_start_0@n1", "n1", "a", policy.TaskStart, 0))
	startIndex := h.index
	h.result(start, "n1", "a", 0)
	mon := order("a_monitor_10000@n1", "n1", "a", policy.TaskMonitor, 0)
	mon.Action.IntervalMS, mon.Action.Digest = 10000, "of its parameters"
	id := h.begin(mon)
	monIndex := h.index
	h.result(id, "n1", "a", 0)

	bad := policy.OpRecord{Operation: "monitor", IntervalMS: 10000, RC: 7, TransitionID: int64(monIndex)}
	h.must(Command{Result: &Result{Node: "n1", Incarnation: 1, Resource: "a", Record: bad}})
	if f := h.s.Nodes["n1"].Failures["a#monitor_10000"]; f.Count != 1 {
		t.Fatalf("fail count %d, want 1", f.Count)
	}
	if r := h.s.Nodes["n1"].History["a"].Records["a_monitor_10000"]; r.Digest != "of its parameters" {
		t.Fatalf("the record of a repeated monitor has the digest %q: its failures would be forgiven", r.Digest)
	}
	late := bad
	late.TransitionID = int64(startIndex)
	h.refused(Stale, "an operation came between", Command{Result: &Result{Node: "n1", Incarnation: 1, Resource: "a", Record: late}})

	h.result(h.begin(order("a_stop_0@n1", "n1", "a", policy.TaskStop, 0)), "n1", "a", 0)
	h.refused(Stale, "an operation came between", Command{Result: &Result{Node: "n1", Incarnation: 1, Resource: "a", Record: bad}})
	h.result(h.begin(order("a_start_0@n1", "n1", "a", policy.TaskStart, 0)), "n1", "a", 1)
	if f := h.s.Nodes["n1"].Failures["a#start_0"]; f.Count != infinity {
		t.Fatalf("a failed start counts %d, want infinity", f.Count)
	}
	h.must(Command{Cleanup: &Cleanup{Resource: "a"}})
	if len(h.s.Nodes["n1"].Failures) != 0 {
		t.Fatalf("failures left: %v", h.s.Nodes["n1"].Failures)
	}
	h.refused(NoSuch, "no resource nope", Command{Cleanup: &Cleanup{Resource: "nope"}})
}

func TestAnUnansweredOperationCountsAsTimedOut(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	id := h.begin(order("a_stop_0@n1", "n1", "a", policy.TaskStop, 0))
	h.must(Command{Expire: &Expire{Op: id}})
	rec := h.s.Nodes["n1"].History["a"].Records["a_last_0"]
	if rec.Status != policy.OpTimeout || !failed(rec) {
		t.Fatalf("record %+v", rec)
	}
	h.refused(Stale, "is not in flight", Command{Result: &Result{Op: id, Node: "n1", Incarnation: 1, Resource: "a"}})
}

func TestANodeLeavesOnlyWhenNothingIsInFlight(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.must(Command{Leave: &Leave{Node: "n1", Reason: "reboot"}})
	id := h.begin(order("a_stop_0@n1", "n1", "a", policy.TaskStop, 0))
	h.refused(Conflict, "in flight", Command{Left: &Left{Node: "n1", Boot: 1}})
	h.result(id, "n1", "a", 0)
	h.must(Command{Left: &Left{Node: "n1", Boot: 1}})
	h.phase("n1", PhaseDown)
	h.join("n1", 1, 2)
}

func TestSettingsLieOverTheConfiguration(t *testing.T) {
	h := begin(t)
	h.must(Command{SetConfig: &SetConfig{Policy: &policy.Config{
		Nodes:     []policy.Node{{ID: "n1", Name: "n1"}},
		Resources: []policy.Resource{{ID: "g", Kind: policy.Group, Children: []policy.Resource{{ID: "a", Kind: policy.Primitive}}}},
	}}})
	yes, stopped := true, "Stopped"
	h.must(Command{SetNode: &SetNode{Node: "n1", Standby: &yes}})
	h.must(Command{SetResource: &SetResource{Resource: "a", TargetRole: &stopped}})
	h.must(Command{StartMove: &Move{Resource: "g", Node: "n1", Until: 1 << 40}})
	h.refused(NoSuch, "no resource x", Command{SetResource: &SetResource{Resource: "x", TargetRole: &stopped}})
	h.refused(NoSuch, "no node x", Command{SetNode: &SetNode{Node: "x", Standby: &yes}})

	c := h.s.Effective(timeOf(h.s))
	if p := c.Nodes[0].Attributes[0].Pairs[0]; p.Name != "standby" || p.Value != "true" {
		t.Errorf("node attribute %+v", p)
	}
	if p := c.Resources[0].Children[0].Meta[0].Pairs[0]; p.Name != "target-role" || p.Value != "Stopped" {
		t.Errorf("meta %+v", p)
	}
	if l := c.Constraints[0].Location; l.Resource != "g" || l.Score != "INFINITY" {
		t.Errorf("constraint %+v", l)
	}
	if len(h.s.Config.Policy.Constraints) != 0 || h.s.Config.Policy.Resources[0].Children[0].Meta != nil {
		t.Error("the configuration itself was changed")
	}
}

func TestASnapshotOfALaterFormatIsRefused(t *testing.T) {
	for text, words := range map[string]string{
		`{"format":2,"state":{}}`: "format 2",
		`{"format":0}`:            "format 0",
		`nonsense`:                "can not be read",
		`{"format":1,"x":1}`:      "can not be read",
	} {
		if _, err := Restore([]byte(text)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: got %v, want %q", text, err, words)
		}
	}
}

// A node came back between the decision and its arrival in the log.
func TestAReturnedNodeIsNotMeantByAnOlderDecision(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.join("n2", 4, 9)
	h.must(Command{Lost: &Lost{Node: "n2", Boot: 4}})
	decided := h.index
	h.join("n2", 4, 9)
	h.refused(Stale, "but the node joined at", Command{Term: 1, FenceBegin: &FenceBegin{
		Target: "n2", Boot: 4, Action: "reboot", Reason: "lost", Executor: "n1", Attempt: 1, Seen: decided,
	}})
	h.refused(Stale, "but the node joined at", Command{Term: 1, Lost: &Lost{Node: "n2", Boot: 4, Seen: decided}})
	h.phase("n2", PhaseMember)
}

// An operator asked for a fencing that can not be done; the node boots by itself.
func TestARequestToFenceEndsWithTheBootThatWasMeant(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.join("n2", 4, 9)
	h.must(Command{FenceBegin: &FenceBegin{Target: "n2", Boot: 4, Action: "reboot", Reason: "asked", Requested: "root", Attempt: 1}})
	h.refused(Conflict, "is being fenced", Command{Join: &Join{Node: "n2", Boot: 4, Incarnation: 10}})
	h.must(Command{FenceBegin: &FenceBegin{Target: "n2", Boot: 4, Action: "reboot", Reason: "asked", Executor: "n1", Attempt: 2}})
	h.refused(Conflict, "is being fenced", Command{Join: &Join{Node: "n2", Boot: 5, Incarnation: 11}})
	h.must(Command{FenceEnd: &FenceEnd{ID: h.s.Fencing["n2"].ID, Attempt: 2, Target: "n2", Boot: 4, Error: "no device"}})
	h.refused(Conflict, "is being fenced", Command{Join: &Join{Node: "n2", Boot: 4, Incarnation: 10}})
	h.join("n2", 5, 11)
	if len(h.s.Fencing) != 0 {
		t.Fatalf("still to be fenced: %+v", h.s.Fencing["n2"])
	}
}

func TestANodeThatLeavesWhileItsFencingIsAskedForMayComeBack(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.join("n2", 4, 9)
	h.must(Command{Leave: &Leave{Node: "n2"}})
	h.must(Command{FenceBegin: &FenceBegin{Target: "n2", Boot: 4, Action: "reboot", Reason: "asked", Requested: "root", Attempt: 1}})
	h.must(Command{Left: &Left{Node: "n2", Boot: 4}})
	if len(h.s.Fencing) != 0 {
		t.Fatalf("down, and still to be fenced: %+v", h.s.Fencing["n2"])
	}
	h.join("n2", 4, 9)
}

func TestWhatANodeKeptRunningIsKnownUntilItIsBackOrOff(t *testing.T) {
	h := begin(t)
	h.join("n2", 4, 9)
	leave := func() {
		h.must(Command{Leave: &Leave{Node: "n2"}})
		h.must(Command{Left: &Left{Node: "n2", Boot: 4, Kept: []Kept{{Resource: "a"}}}})
		if len(h.s.Nodes["n2"].Kept) != 1 {
			t.Fatalf("%+v", h.s.Nodes["n2"])
		}
	}
	leave()
	h.join("n2", 4, 9)
	if len(h.s.Nodes["n2"].Kept) != 0 {
		t.Fatalf("%+v", h.s.Nodes["n2"])
	}
	leave()
	h.must(Command{FenceConfirm: &FenceConfirm{Target: "n2", Boot: 4, Receipt: *receipt("n2", 4)}})
	if len(h.s.Nodes["n2"].Kept) != 0 || !h.s.Nodes["n2"].Fenced {
		t.Fatalf("%+v", h.s.Nodes["n2"])
	}
}

func TestARefusedOrderHoldsBackNoOther(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.join("n2", 1, 1)
	h.begin(order("a_start_0@n1", "n1", "a", policy.TaskStart, 0))
	out := h.must(Command{Begin: &Begin{Seen: h.index, Ops: []Operation{
		order("a_start_0@n2", "n2", "a", policy.TaskStart, 0),
		order("b_start_0@n2", "n2", "b", policy.TaskStart, 0),
	}}})
	if len(out.Ops) != 1 || h.s.Pending[out.Ops[0]].Action.Resource != "b" {
		t.Fatalf("began %v", out.Ops)
	}
	h.refused(Conflict, "is in flight on n1", Command{Begin: &Begin{Seen: h.index, Ops: []Operation{order("a_start_0@n2", "n2", "a", policy.TaskStart, 0)}}})
}

func TestTopicsOfGoneResourcesDoNotPileUp(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.result(h.begin(order("a_start_0@n1", "n1", "a", policy.TaskStart, 0)), "n1", "a", 0)
	old := h.index - 1
	h.must(Command{SetConfig: &SetConfig{Policy: &policy.Config{}}})
	if len(h.s.Changed) != 2 {
		t.Fatalf("%v", h.s.Changed)
	}
	h.refused(Stale, "config changed", Command{Begin: &Begin{Seen: old, Ops: []Operation{order("a_stop_0@n1", "n1", "a", policy.TaskStop, 0)}}})
}

// What a watch noticed is said once. Forgetting the failure must not make the
// resource count as running.
func TestCleaningUpANoticeLooksAgain(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	h.result(h.begin(order("a_start_0@n1", "n1", "a", policy.TaskStart, 0)), "n1", "a", 0)
	began := h.s.Nodes["n1"].History["a"].Records["a_last_0"].TransitionID
	h.must(Command{Result: &Result{Node: "n1", Incarnation: 1, Resource: "a", Record: policy.OpRecord{RC: 7, TransitionID: began}}})
	h.must(Command{Cleanup: &Cleanup{}})
	if left := h.s.Nodes["n1"].History["a"]; left != nil {
		t.Fatalf("it counts as known: %+v", left)
	}
}

func TestASnapshotWithoutAConfigurationIsRefused(t *testing.T) {
	for _, text := range []string{`{"format":1,"state":null}`, `{"format":1,"state":{"config":{"policy":null}}}`} {
		if _, err := Restore([]byte(text)); err == nil {
			t.Fatalf("%s was taken", text)
		}
	}
}

func TestARehearsalChangesNothing(t *testing.T) {
	h := begin(t)
	h.join("n1", 2, 1)
	before, err := h.s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if r := Rehearse(h.s, Command{Join: &Join{Node: "n1", Boot: 1, Incarnation: 9}}); r == nil || r.Kind != Stale {
		t.Fatalf("%v", r)
	}
	if r := Rehearse(h.s, Command{Join: &Join{Node: "n1", Boot: 3, Incarnation: 9}}); r != nil {
		t.Fatalf("%v", r)
	}
	if after, _ := h.s.Snapshot(); string(after) != string(before) {
		t.Fatalf("it changed the state:\n%s", after)
	}
}

func TestForgottenIsNotStopped(t *testing.T) {
	h := begin(t)
	h.join("n2", 4, 9)
	h.result(h.begin(order("a_start_0@n2", "n2", "a", policy.TaskStart, 0)), "n2", "a", 0)
	h.must(Command{Leave: &Leave{Node: "n2"}})
	decided := h.index
	h.must(Command{Cleanup: &Cleanup{Forget: true}})
	h.refused(Stale, "rsc:a changed at", Command{Left: &Left{Node: "n2", Boot: 4, Seen: decided}})
	h.must(Command{Left: &Left{Node: "n2", Boot: 4, Seen: h.index}})
}
