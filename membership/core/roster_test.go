package core

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"
)

// A roster's life as a story: each command with its answer, then the roster.
func TestRosterStory(t *testing.T) {
	now := time.Unix(1_700_000_000, 0).UTC()
	r := &Roster{ClusterID: "id", ClusterName: "story", NextID: 2, Members: []Member{{Peer: testPeer(1), Role: Voter}}}
	r.Members[0].ID = 1
	var out strings.Builder
	index := uint64(1)
	do := func(what string, c Command) {
		index++
		v, err := r.apply(c, index)
		fmt.Fprintf(&out, "> %s\n", what)
		if m, ok := v.(Member); ok {
			fmt.Fprintf(&out, "admitted as %d\n", m.ID)
		}
		if err != nil {
			fmt.Fprintf(&out, "error: %v\n", err)
		}
	}
	conf := func(what string, voters, learners []uint64) {
		index++
		gone := r.setConf(&raftpb.ConfState{Voters: voters, Learners: learners}, index)
		fmt.Fprintf(&out, "> %s\n", what)
		for _, m := range gone {
			fmt.Fprintf(&out, "gone: %s\n", m.Name)
		}
		out.WriteString(r.String())
	}
	hash := bytes.Repeat([]byte{7}, 32)
	token := func(id string, uses int) Command {
		return Command{CreateToken: &CreateToken{Now: now, Token: Token{ID: id, Hash: hash, Expires: now.Add(time.Hour), UsesLeft: uses}}}
	}
	admit := func(id string, n int, at time.Duration, h []byte) Command {
		return Command{Admit: &Admit{Now: now.Add(at), Token: id, Hash: h, Peer: testPeer(n)}}
	}
	do("token t1 for one use", token("t1", 1))
	do("token t1 again", token("t1", 1))
	do("token t2 for nine uses", token("t2", 9))
	do("a token without a hash", Command{CreateToken: &CreateToken{Now: now, Token: Token{ID: "t3", UsesLeft: 1}}})
	do("admit b with t1", admit("t1", 2, 0, hash))
	do("admit b with t1 once more, its answer was lost", admit("t1", 2, 0, hash))
	do("admit c with t1", admit("t1", 3, 0, hash))
	do("admit c with t2 and a wrong secret", admit("t2", 3, 0, bytes.Repeat([]byte{8}, 32)))
	do("admit c with t2 two hours later", admit("t2", 3, 2*time.Hour, hash))
	do("admit c with t9", admit("t9", 3, 0, hash))
	do("admit c with t2", admit("t2", 3, 0, hash))
	do("admit a peer without anything", Command{Admit: &Admit{Now: now, Token: "t2", Hash: hash}})
	conf("b and c are learners", []uint64{1}, []uint64{2, 3})
	conf("b is a voter", []uint64{1, 2}, []uint64{3})
	do("remove nobody", Command{Remove: &Remove{Name: "x"}})
	do("remove b", Command{Remove: &Remove{Name: "b"}})
	do("remove a, the last voter", Command{Remove: &Remove{Name: "a"}})
	conf("c is a voter; b leaves, but still votes", []uint64{1, 2, 3}, nil)
	conf("b is out", []uint64{1, 3}, nil)
	do("admit b again with its old key", admit("t2", 2, 0, hash))
	do("update c", Command{Update: &Update{Peer: func() Peer { p := testPeer(3); p.ID, p.Addresses = 3, []string{"y:1", "z:1"}; return p }()}})
	do("update c with a's certificate", Command{Update: &Update{Peer: func() Peer { p := testPeer(3); p.ID, p.Cert = 3, testPeer(1).Cert; return p }()}})
	for n := 4; n <= 9; n++ {
		do(fmt.Sprintf("admit %s", testPeer(n).Name), admit("t2", n, 0, hash))
	}
	do("revoke t2", Command{RevokeToken: &RevokeToken{ID: "t2"}})
	do("a command that says nothing", Command{})
	conf("in the end", []uint64{1, 3}, nil)
	const file = "testdata/roster.txt"
	if *rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != out.String() {
		t.Errorf("%v; got:\n%s", err, out.String())
	}
}

// The table of applied proposals against a dumb twin that remembers all.
func TestOnceAgainstTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o once
		type name struct {
			id       ID
			inc, seq uint64
		}
		done, low, inc := map[name]bool{}, map[ID]uint64{}, map[ID]uint64{}
		for range rapid.IntRange(1, 200).Draw(t, "n") {
			e := envelope{
				proposer: ID(rapid.IntRange(1, 3).Draw(t, "id")), incarnation: uint64(rapid.IntRange(1, 3).Draw(t, "inc")),
				seq: uint64(rapid.IntRange(1, 12).Draw(t, "seq")),
			}
			e.low = uint64(rapid.IntRange(0, int(e.seq)).Draw(t, "low"))
			if e.incarnation > inc[e.proposer] {
				inc[e.proposer], low[e.proposer] = e.incarnation, 0
			}
			k := name{e.proposer, e.incarnation, e.seq}
			if e.incarnation == inc[e.proposer] {
				low[e.proposer] = max(low[e.proposer], e.low)
			}
			want := e.incarnation == inc[e.proposer] && !done[k] && e.seq >= low[e.proposer]
			if got := o.first(e); got != want {
				t.Fatalf("%+v: first = %v, want %v", e, got, want)
			}
			done[k] = done[k] || want
			for _, p := range o.Proposers {
				if len(p.Done) > 12 {
					t.Fatalf("the table grows: %+v", p)
				}
			}
		}
	})
}

func TestNewerSnapshotIsRefused(t *testing.T) {
	b, err := FirstSnapshot("id", "x", testPeer(1))
	if err != nil {
		t.Fatal(err)
	}
	if r, app, hasApp, err := decodeSnapshot(b); err != nil || hasApp || len(app) != 0 || r.Roster.ClusterName != "x" {
		t.Errorf("%+v %v %v %v", r, app, hasApp, err)
	}
	b[len(snapshotMagic)+1]++
	if _, _, _, err := decodeSnapshot(b); !errors.Is(err, ErrSnapshotNewer) || !strings.Contains(err.Error(), "install the newer version") {
		t.Errorf("format 2: %v", err)
	}
}

func FuzzSnapshot(f *testing.F) {
	b, _ := FirstSnapshot("id", "x", testPeer(1))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) { _, _, _, _ = decodeSnapshot(b) })
}

func FuzzEnvelope(f *testing.F) {
	f.Add(envelope{kind: kindApp, proposer: 1, incarnation: 2, seq: 3, low: 1, data: []byte("x")}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEnvelope(b)
		if err == nil {
			if again, err := decodeEnvelope(e.encode()); err != nil || again.seq != e.seq || !bytes.Equal(again.data, e.data) {
				t.Errorf("%+v became %+v, %v", e, again, err)
			}
		}
	})
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte(`{"Remove":{"Name":"a"}}`))
	f.Add([]byte(`{"Admit":{"Token":"t","Peer":{"Name":"b"}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &Roster{NextID: 2, Members: []Member{{Peer: testPeer(1), Role: Voter}}}
		if c, err := decodeCommand(b); err == nil {
			_, _ = r.apply(c, 1)
		}
	})
}

// Whatever a member sends, this one may stop itself, but never panics.
func FuzzMessage(f *testing.F) {
	f.Add(byte(msgRaft), []byte{8, 3, 16, 1, 24, 2, 32, 5})
	f.Add(byte(msgChunk), []byte{1, 5, 0, 1, 2, 3})
	f.Add(byte(msgChunkAck), []byte{1, 5})
	f.Add(byte(msgPeers), []byte(`{"Index":9,"Peers":[{"ID":3}]}`))
	data, _ := FirstSnapshot("id", "x", testPeer(1))
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		first := testPeer(1)
		first.ID = 1
		n, err := New(time.Unix(0, 0), Options{Config: DefaultConfig(), Self: first, Boot: 1, Incarnation: 1, Stored: Stored{
			Snapshot: &raftpb.Snapshot{Data: data, Metadata: &raftpb.SnapshotMetadata{Index: new(uint64(1)), Term: new(uint64(1)), ConfState: &raftpb.ConfState{Voters: []uint64{1}}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		p := testPeer(2)
		p.ID = 2
		n.roster.Members = append(n.roster.Members, Member{Peer: p, Role: Voter})
		n.Step(time.Unix(1, 0), Tick{})
		n.Step(time.Unix(1, 0), Message{From: 2, Payload: append([]byte{kind}, b...)})
		n.Step(time.Unix(2, 0), Tick{})
	})
}
