package state

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/policy"
)

func timeOf(s *State) time.Time { return time.UnixMilli(s.Clock) }

// anyCommand draws commands that mostly make sense over three nodes and three
// resources.
func anyCommand(t *rapid.T, s *State) Command {
	node := rapid.SampledFrom([]string{"n1", "n2", "n3"}).Draw(t, "node")
	rsc := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "resource")
	boot, incarnation := uint64(1), uint64(1)
	if n := s.Nodes[node]; n != nil {
		boot, incarnation = n.Boot, n.Incarnation
	}
	c := Command{At: s.Clock + int64(rapid.IntRange(0, 500).Draw(t, "later"))}
	switch rapid.IntRange(0, 12).Draw(t, "what") {
	case 0:
		c.Join = &Join{Node: node, Boot: boot + uint64(rapid.IntRange(0, 1).Draw(t, "boots")), Incarnation: incarnation + 1}
	case 1:
		c.Lost = &Lost{Node: node, Boot: boot}
	case 2, 3, 4:
		task := rapid.SampledFrom([]string{"start", "stop", "monitor", "promote"}).Draw(t, "task")
		op := order(fmt.Sprintf("%s_%s_0@%s", rsc, task, node), node, rsc, task, 0)
		c.Begin = &Begin{Seen: s.Index - min(s.Index, uint64(rapid.IntRange(0, 2).Draw(t, "behind"))), Ops: []Operation{op}}
	case 5, 6, 7:
		r := &Result{Node: node, Incarnation: incarnation, Resource: rsc, Record: policy.OpRecord{RC: int64(rapid.SampledFrom([]int{0, 0, 1, 7}).Draw(t, "rc"))}}
		for _, id := range sortedKeys(s.Pending) {
			if s.Pending[id].Node == node {
				r.Op, r.Resource = id, s.Pending[id].Action.HistoryID
			}
		}
		c.Result = r
	case 8:
		c.FenceBegin = &FenceBegin{Target: node, Boot: boot, Action: "off", Reason: "test", Executor: "n1", Attempt: 1}
	case 9:
		e := &FenceEnd{Target: node, Boot: boot, Attempt: 1}
		if f := s.Fencing[node]; f != nil {
			e.ID = f.ID
		}
		if rapid.Bool().Draw(t, "confirmed") {
			e.Receipt = receipt(node, boot)
		}
		c.FenceEnd = e
	case 10:
		c.Cleanup = &Cleanup{Node: node}
	case 11:
		c.SetConfig = &SetConfig{Base: s.Config.Version, Policy: &policy.Config{}}
	case 12:
		c.Leave = &Leave{Node: node}
	}
	return c
}

// TestApply checks on random histories what every state must keep.
func TestApply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		for i := range rapid.IntRange(1, 60).Draw(t, "length") {
			cmd := anyCommand(t, s)
			data, err := cmd.Encode()
			if err != nil {
				t.Fatal(err)
			}
			before := snapshotOf(t, s)
			next, out := Apply(s, Entry{Index: uint64(i + 1), Term: 1, Data: data})
			if !bytes.Equal(before, snapshotOf(t, s)) {
				t.Fatalf("Apply changed the state that it was given: %s", data)
			}
			checkInvariants(t, next)
			if cmd.Begin != nil && out.Refused == nil {
				checkBegun(t, s, cmd.Begin)
			}
			if restored, err := Restore(snapshotOf(t, next)); err != nil || !bytes.Equal(snapshotOf(t, restored), snapshotOf(t, next)) {
				t.Fatalf("a restored snapshot is another state (%v)", err)
			}
			s = next
		}
	})
}

func snapshotOf(t *rapid.T, s *State) []byte {
	b, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func checkInvariants(t *rapid.T, s *State) {
	changing := map[string]string{}
	for id, op := range s.Pending {
		n := s.Nodes[op.Node]
		if n.Phase == PhaseDown {
			t.Fatalf("operation %s is in flight on %s, which is down", id, op.Node)
		}
		if op.Incarnation != n.Incarnation || op.Index <= n.Joined {
			t.Fatalf("operation %s of incarnation %d is in flight, and the member is incarnation %d", id, op.Incarnation, n.Incarnation)
		}
		if changes(op.Action.Task) {
			if other := changing[op.Action.Resource]; other != "" {
				t.Fatalf("%s is being changed on %s and on %s", op.Action.Resource, other, op.Node)
			}
			changing[op.Action.Resource] = op.Node
		}
	}
	for name, n := range s.Nodes {
		if n.Phase == PhaseDown && len(n.History) > 0 {
			t.Fatalf("node %s is down and has a history", name)
		}
		if f := s.Fencing[name]; f != nil && (f.Boot != n.Boot || n.Phase == PhaseDown) {
			t.Fatalf("node %s (%s, boot %d) has a fencing of boot %d", name, n.Phase, n.Boot, f.Boot)
		}
	}
}

// checkBegun: an accepted order goes to a member, and rests on a decision that
// had seen every loss of a node.
func checkBegun(t *rapid.T, before *State, b *Begin) {
	for _, op := range b.Ops {
		if before.Nodes[op.Node].Phase != PhaseMember {
			t.Fatalf("an order went to %s, which is %s", op.Node, before.Nodes[op.Node].Phase)
		}
	}
	if before.Changed["nodes"] > b.Seen {
		t.Fatalf("an order decided at %d was accepted, and a node changed at %d", b.Seen, before.Changed["nodes"])
	}
}

func FuzzDecodeCommand(f *testing.F) {
	f.Add([]byte(`{"at":1,"join":{"node":"n1","boot":1,"incarnation":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New()
		next, _ := Apply(s, Entry{Index: 1, Term: 1, Data: data})
		if _, err := next.Snapshot(); err != nil {
			t.Fatal(err)
		}
	})
}
