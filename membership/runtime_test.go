package membership_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-ha/holdfast/membership"
	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/memnet"
	"github.com/holdfast-ha/holdfast/membership/storage"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T, net *memnet.Network)) {
	synctest.Test(t, func(t *testing.T) { f(t, memnet.New(nil)) })
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func propose(t *testing.T, m *membership.Member, data string) membership.Outcome {
	t.Helper()
	out, err := m.Propose(within(t, 5*time.Second), []byte(data))
	if err != nil {
		t.Fatalf("propose %q: %v", data, err)
	}
	return out
}

func closeAll(t *testing.T, hosts []*host) {
	t.Helper()
	for _, h := range hosts {
		if err := h.member.Close(); err != nil {
			t.Error(err)
		}
	}
}

// leading waits for a leader among hosts and returns it first, the others after it.
func leading(t *testing.T, hosts []*host) []*host {
	t.Helper()
	v := until(t, hosts[0].member, "a leader", func(v core.View) bool { return v.LeaderName != "" })
	out := make([]*host, 1, len(hosts))
	for _, h := range hosts {
		if h.member.View().Self == v.Leader {
			out[0] = h
		} else {
			out = append(out, h)
		}
	}
	until(t, out[0].member, "its leadership", func(v core.View) bool { return v.Leading })
	return out
}

func TestAloneAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, net *memnet.Network) {
		hosts := grow(t, net, 1)
		start := time.Now()
		if out := propose(t, hosts[0].member, "x"); out.Value != 1 {
			t.Errorf("%+v", out)
		}
		if took := time.Since(start); took > 200*time.Millisecond {
			t.Errorf("a single member took %v to work", took)
		}
		closeAll(t, hosts)
	})
}

func TestRestartKeepsEverything(t *testing.T) {
	bubble(t, func(t *testing.T, net *memnet.Network) {
		first := newHost(t, net)
		first.snapped = 7
		if err := membership.Bootstrap(first.dir, membership.Init{ClusterName: "test", Self: peer("a", 1)}); err != nil {
			t.Fatal(err)
		}
		want := 0
		for life := uint64(1); life <= 3; life++ {
			m := first.start()
			for range 10 {
				want++
				if out := propose(t, m, fmt.Sprint("line ", want)); out.Value != want {
					t.Fatalf("start %d: line %d applied as %v", life, want, out.Value)
				}
			}
			if v := m.View(); v.Boot != 1 || v.Incarnation != life {
				t.Errorf("start %d shows as boot %d incarnation %d", life, v.Boot, v.Incarnation)
			}
			closeAll(t, []*host{first})
		}
		os.RemoveAll(first.runDir) // as a reboot does
		m := first.start()
		if v := m.View(); v.Boot != 2 || v.Incarnation != 4 {
			t.Errorf("a reboot shows as boot %d incarnation %d", v.Boot, v.Incarnation)
		}
		if err := m.Barrier(within(t, time.Second)); err != nil || len(first.app.all()) != want {
			t.Errorf("%v, %d lines", err, len(first.app.all()))
		}
		closeAll(t, []*host{first})
	})
}

func TestLeaderLossIsSurvived(t *testing.T) {
	bubble(t, func(t *testing.T, net *memnet.Network) {
		hosts := leading(t, grow(t, net, 3))
		propose(t, hosts[1].member, "before")
		lost := hosts[0].member.View().Self
		term := hosts[0].member.View().Term
		net.Isolate(lost)
		_, err := hosts[0].member.ProposeAsLeader(within(t, 20*time.Second), term, []byte("cut off"))
		if !errors.Is(err, core.ErrNotLeader) && !errors.Is(err, core.ErrOutcomeUnknown) {
			t.Errorf("the isolated leader proposes: %v", err)
		}
		propose(t, hosts[1].member, "after")
		for _, h := range hosts[1:] {
			if h.member.View().Leading {
				until(t, h.member, "the verdict", func(v core.View) bool { return v.Members[lost-1].State == core.StateLost })
			}
		}
		// Cut off from a majority, a member says so, soon and with certainty.
		start := time.Now()
		if _, err := hosts[0].member.Propose(within(t, time.Minute), []byte("never")); !errors.Is(err, core.ErrNoQuorum) {
			t.Errorf("the isolated member proposes: %v", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v to say so", took)
		}
		if err := hosts[0].member.Barrier(within(t, time.Second)); err == nil {
			t.Error("the isolated member reads")
		}
		net.Rejoin(lost)
		until(t, hosts[0].member, "quorum again", func(v core.View) bool { return v.Quorum })
		if err := hosts[0].member.Barrier(within(t, 5*time.Second)); err != nil {
			t.Error(err)
		}
		if got := strings.Join(hosts[0].app.all(), ","); got != "before,after" {
			t.Errorf("the returned member has %q", got)
		}
		closeAll(t, hosts)
	})
}

func TestProposeAsLeader(t *testing.T) {
	bubble(t, func(t *testing.T, net *memnet.Network) {
		hosts := leading(t, grow(t, net, 3))
		term := hosts[0].member.View().Term
		ctx := within(t, 20*time.Second)
		if _, err := hosts[0].member.ProposeAsLeader(ctx, term, []byte("x")); err != nil {
			t.Error(err)
		}
		for name, err := range map[string]error{
			"another term": second(hosts[0].member.ProposeAsLeader(ctx, term+1, []byte("x"))),
			"a follower":   second(hosts[1].member.ProposeAsLeader(ctx, term, []byte("x"))),
			"term 0":       second(hosts[0].member.ProposeAsLeader(ctx, 0, []byte("x"))),
		} {
			if !errors.Is(err, core.ErrNotLeader) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := hosts[1].member.TransferLeadership(ctx); !errors.Is(err, core.ErrNotLeader) {
			t.Errorf("a follower hands over: %v", err)
		}
		if err := hosts[0].member.TransferLeadership(ctx); err != nil {
			t.Error(err)
		}
		until(t, hosts[0].member, "another leader", func(v core.View) bool { return v.Leader != 0 && v.Leader != v.Self })
		if _, err := hosts[0].member.Propose(ctx, bytes.Repeat([]byte("x"), core.MaxData+1)); !errors.Is(err, core.ErrTooLarge) {
			t.Errorf("a huge proposal: %v", err)
		}
		closeAll(t, hosts)
	})
}

func second[T any](_ T, err error) error { return err }

func TestEventsTellTheStory(t *testing.T) {
	bubble(t, func(t *testing.T, net *memnet.Network) {
		hosts := leading(t, grow(t, net, 3))
		victim := hosts[2].member.View().Self
		if err := hosts[2].member.Close(); err != nil {
			t.Fatal(err)
		}
		expect(t, hosts[0].member, core.Lost, victim)
		hosts[2].start()
		back := expect(t, hosts[0].member, core.Back, victim)
		if back.Boot != 1 || back.Incarnation != 2 {
			t.Errorf("%v", back)
		}
		closeAll(t, hosts)
		for range hosts[0].member.Events() {
		}
	})
}

func expect(t *testing.T, m *membership.Member, kind core.EventKind, peer core.ID) core.Event {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case e := <-m.Events():
			if e.Kind == kind && e.Peer == peer {
				return e
			}
		case <-timeout:
			t.Fatalf("no %v of %d", kind, peer)
		}
	}
}

func TestTokens(t *testing.T) {
	bubble(t, func(t *testing.T, net *memnet.Network) {
		hosts := grow(t, net, 1)
		m, ctx := hosts[0].member, within(t, time.Hour)
		hash := tokenHash("secret")
		if err := m.AddToken(ctx, "early", hash, time.Minute); err != nil {
			t.Fatal(err)
		}
		req := membership.JoinRequest{Token: "early", Hash: hash, Peer: peer("b", 2)}
		wrong := func(change func(*membership.JoinRequest)) membership.JoinRequest {
			r := req
			change(&r)
			return r
		}
		refuse := func(what string, r membership.JoinRequest, want error) {
			t.Helper()
			if _, err := m.Admit(ctx, r); !errors.Is(err, want) {
				t.Errorf("%s: %v", what, err)
			}
		}
		refuse("unknown token", wrong(func(r *membership.JoinRequest) { r.Token = "x" }), core.ErrTokenUnknown)
		refuse("wrong secret", wrong(func(r *membership.JoinRequest) { r.Hash = tokenHash("x") }), core.ErrTokenSecret)
		refuse("taken name", wrong(func(r *membership.JoinRequest) { r.Peer.Name = "a" }), core.ErrNameTaken)
		refuse("taken key", wrong(func(r *membership.JoinRequest) { r.Peer.Cert = peer("a", 1).Cert }), core.ErrCertTaken)
		if _, err := m.Admit(ctx, wrong(func(r *membership.JoinRequest) { r.Peer = core.Peer{} })); err == nil || strings.Count(err.Error(), "\n") < 2 {
			t.Errorf("an empty peer: %v", err)
		}
		first, err := m.Admit(ctx, req)
		if err != nil || first.Self.ID != 2 || len(first.Members) != 1 || first.ClusterName != "test" {
			t.Fatalf("%+v, %v", first, err)
		}
		again, err := m.Admit(ctx, req)
		if err != nil || again.Self.ID != 2 {
			t.Errorf("asked again: %+v, %v", again, err)
		}
		refuse("used token", wrong(func(r *membership.JoinRequest) { r.Peer = peer("c", 3) }), core.ErrTokenUsed)
		late, hash := "late", tokenHash("another secret")
		if err := m.AddToken(ctx, late, hash, time.Minute); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Minute)
		refuse("expired token", membership.JoinRequest{Token: late, Hash: hash, Peer: peer("c", 3)}, core.ErrTokenExpired)
		if err := m.RevokeToken(ctx, late); err != nil {
			t.Error(err)
		}
		refuse("revoked token", membership.JoinRequest{Token: late, Hash: hash, Peer: peer("c", 3)}, core.ErrTokenUnknown)
		closeAll(t, hosts)
	})
}

func TestLeaveAndRejoin(t *testing.T) {
	bubble(t, func(t *testing.T, net *memnet.Network) {
		hosts := leading(t, grow(t, net, 3))
		gone := hosts[2]
		if err := gone.member.Leave(within(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
		<-gone.member.Done()
		if err := gone.member.Err(); !errors.Is(err, core.ErrRemoved) {
			t.Errorf("after leaving: %v", err)
		}
		if _, err := gone.member.Propose(within(t, time.Second), nil); !errors.Is(err, membership.ErrClosed) {
			t.Errorf("proposes after leaving: %v", err)
		}
		// Its own files are useless now; with new ones and a new key it may come back.
		if err := membership.Bootstrap(gone.dir, membership.Init{ClusterName: "x", Self: peer("c", 9)}); !errors.Is(err, membership.ErrExists) {
			t.Errorf("a new cluster over old files: %v", err)
		}
		back := newHost(t, net)
		back.join(hosts[0].member, peer(gone.name(), 9))
		v := until(t, hosts[0].member, "three voters", func(v core.View) bool { return voters(v) == 3 })
		if id := v.Members[2].ID; id != 4 {
			t.Errorf("the returned member has id %d", id)
		}
		// The leader itself may leave; the others go on.
		if err := hosts[0].member.Leave(within(t, 20*time.Second)); err != nil {
			t.Fatal(err)
		}
		propose(t, hosts[1].member, "after")
		closeAll(t, append(hosts, back))
	})
}

func (h *host) name() string { return h.member.View().SelfName }

func TestRemovalsThatWouldStopTheCluster(t *testing.T) {
	bubble(t, func(t *testing.T, net *memnet.Network) {
		hosts := leading(t, grow(t, net, 3))
		ctx := within(t, time.Minute)
		if err := hosts[2].member.Close(); err != nil {
			t.Fatal(err)
		}
		until(t, hosts[0].member, "the loss", func(v core.View) bool { return v.Members[hosts[2].id()-1].State == core.StateLost })
		if err := hosts[0].member.RemoveMember(ctx, hosts[1].name()); err == nil || !strings.Contains(err.Error(), "bring them back") {
			t.Errorf("removing the last but one: %v", err)
		}
		if err := hosts[0].member.RemoveMember(ctx, "nobody"); !errors.Is(err, core.ErrNoMember) {
			t.Errorf("removing nobody: %v", err)
		}
		for _, h := range []*host{hosts[2], hosts[1]} {
			if err := hosts[0].member.RemoveMember(ctx, h.name()); err != nil {
				t.Fatal(err)
			}
		}
		if err := hosts[0].member.Leave(ctx); !errors.Is(err, core.ErrLastVoter) && err == nil {
			t.Errorf("the last one leaves: %v", err)
		}
		propose(t, hosts[0].member, "alone")
		closeAll(t, hosts)
	})
}

func (h *host) id() core.ID { return h.member.View().Self }

// New addresses reach every member, and the node's own files.
func TestUpdateMember(t *testing.T) {
	bubble(t, func(t *testing.T, net *memnet.Network) {
		hosts := leading(t, grow(t, net, 3))
		p := peer(hosts[1].name(), 7)
		p.ID, p.Addresses = hosts[1].id(), []string{"new:1"}
		if err := hosts[0].member.UpdateMember(within(t, 5*time.Second), p); err != nil {
			t.Fatal(err)
		}
		for _, h := range hosts {
			if err := h.member.Barrier(within(t, 5*time.Second)); err != nil {
				t.Fatal(err)
			}
			if got := h.member.View().Members[p.ID-1].Addresses; fmt.Sprint(got) != "[new:1]" {
				t.Errorf("%s sees %v", h.name(), got)
			}
		}
		if err := hosts[0].member.SetFailureTimeout(time.Millisecond); err == nil {
			t.Error("a failure timeout of a millisecond is accepted")
		}
		closeAll(t, hosts)
		if self, err := membership.Self(hosts[1].dir); err != nil || fmt.Sprint(self) != fmt.Sprint(p) {
			t.Errorf("its files say %v, %v", self, err)
		}
	})
}

// A member that was away long enough is brought up to date by a snapshot.
func TestCatchUpFromDisk(t *testing.T) {
	bubble(t, func(t *testing.T, net *memnet.Network) {
		hosts := leading(t, grow(t, net, 3))
		away := hosts[2]
		if err := away.member.Close(); err != nil {
			t.Fatal(err)
		}
		for _, h := range hosts[:2] { // restart with short logs
			if err := h.member.Close(); err != nil {
				t.Fatal(err)
			}
			h.snapped = 10
			h.start()
		}
		for i := range 50 {
			propose(t, hosts[0].member, fmt.Sprint("line ", i))
		}
		away.start()
		if err := away.member.Barrier(within(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
		if n := len(away.app.all()); n != 50 {
			t.Errorf("it has %d lines of 50", n)
		}
		closeAll(t, hosts)
		// And what it got is on its disk.
		m := away.start()
		if _, err := m.Roster(within(t, time.Second)); err != nil { // waits for its first step
			t.Fatal(err)
		}
		if n := len(away.app.all()); n < 40 {
			t.Errorf("after a restart alone it has %d lines", n)
		}
		closeAll(t, hosts)
	})
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	err := membership.Config{Timing: core.Config{Quorum: "two-node"}}.Validate()
	for _, word := range []string{"Dir", "RunDir", "Transport", "App", "Logger", "failure timeout", "two-node"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not name %s: %v", word, err)
		}
	}
	if err := membership.Bootstrap(t.TempDir(), membership.Init{ClusterName: "x", Self: peer("a", 1), Quorum: "witness"}); err == nil || !strings.Contains(err.Error(), "later version") {
		t.Errorf("a witness: %v", err)
	}
	bubble(t, func(t *testing.T, net *memnet.Network) {
		h := newHost(t, net)
		cfg := membership.DefaultConfig()
		cfg.Dir, cfg.RunDir, cfg.App, cfg.Transport = h.dir, h.runDir, &ledger{}, net.Transport()
		if _, err := membership.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "crm cluster init") {
			t.Errorf("an empty folder: %v", err)
		}
		if err := membership.Bootstrap(h.dir, membership.Init{ClusterName: "x", Self: peer("a", 1)}); err != nil {
			t.Fatal(err)
		}
		cfg.Name = "other"
		if _, err := membership.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), `"other"`) {
			t.Errorf("another name: %v", err)
		}
		cfg.Name = "a"
		logs, _ := filepath.Glob(filepath.Join(h.dir, "log", "*.wal"))
		if err := os.Truncate(logs[0], 100); err != nil {
			t.Fatal(err)
		}
		if _, err := membership.Open(t.Context(), cfg); !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("a damaged log: %v", err)
		}
	})
}
