package core

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// edges are the six directions of three nodes.
var edges = [][2]ID{{1, 2}, {2, 1}, {1, 3}, {3, 1}, {2, 3}, {3, 2}}

// both returns the pairs that hear each other in a topology.
func both(cut map[[2]ID]bool) [][2]ID {
	var pairs [][2]ID
	for _, p := range [][2]ID{{1, 2}, {1, 3}, {2, 3}} {
		if !cut[p] && !cut[[2]ID{p[1], p[0]}] {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// Of three nodes every direction may be cut or not: 64 topologies, each with
// each of the three nodes leading at first. Wherever two nodes hear each
// other, a leader works within two seconds; where nobody is cut off from all,
// nobody is declared lost by a leader who could have let the hub lead; and
// after the cuts heal, all are up again.
func TestAllTopologiesOfThree(t *testing.T) {
	for mask := range 1 << len(edges) {
		for first := ID(1); first <= 3; first++ {
			t.Run(fmt.Sprintf("cut %06b leader %d", mask, first), func(t *testing.T) { topology(t, mask, first) })
		}
	}
}

func topology(t *testing.T, mask int, first ID) {
	w := newWorld(t, uint64(mask)*3+uint64(first))
	w.found(3)
	w.run(500 * time.Millisecond)
	w.runUntil(3*time.Second, "the chosen leader", func() bool {
		l := w.leader()
		if l != nil && l.id != first {
			l.step(Transfer{Key: 1 << 40, To: first})
			w.run(time.Second)
		}
		return l != nil && l.id == first
	})
	for i, e := range edges {
		w.cut[e] = mask&(1<<i) != 0
	}
	for _, h := range w.hosts {
		h.events = nil
	}
	pairs := both(w.cut)
	w.run(2 * time.Second)
	if len(pairs) > 0 {
		mustWork(w)
	}
	w.run(4 * time.Second)
	if len(pairs) >= 2 {
		w.nobodyLost()
	}
	if len(pairs) > 0 {
		mustWork(w)
	}
	clear(w.cut)
	w.runUntil(5*time.Second, "all up again", func() bool {
		for _, h := range w.hosts {
			if slices.ContainsFunc(h.node.View().Members, func(m MemberView) bool { return m.State != Up }) {
				return false
			}
		}
		return w.leader() != nil
	})
	mustWork(w)
}

// mustWork commits something through the present leader.
func mustWork(w *world) {
	w.t.Helper()
	l := w.leader()
	if l == nil {
		w.fail("no leader")
	}
	w.made++
	data := fmt.Sprintf("v%d", w.made)
	l.say(data)
	w.runUntil(300*time.Millisecond, "a commit", func() bool { return w.acked[data] })
}

func (w *world) nobodyLost() {
	w.t.Helper()
	for _, h := range w.hosts {
		for _, e := range h.events {
			if e.Kind == Lost {
				w.fail("%s: %v, though a hub hears everybody", h.self.Name, e)
			}
		}
	}
}

// A leader that dies is replaced within 1.2 s, or within 2 s where votes split,
// and declared lost a failure timeout after its last packet.
func TestLeaderDeath(t *testing.T) {
	var worst, worstLost time.Duration
	split := 0
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t, seed)
			w.found(3)
			w.run(time.Second)
			dead := w.leader()
			dead.crash()
			start := w.now
			took := w.runUntil(2*time.Second, "a new leader", func() bool { return w.leader() != nil })
			worst = max(worst, took)
			if took > 1200*time.Millisecond {
				split++
			}
			w.runUntil(1500*time.Millisecond, "lost", func() bool {
				return slices.ContainsFunc(w.leader().events, func(e Event) bool { return e.Kind == Lost && e.Peer == dead.id })
			})
			worstLost = max(worstLost, w.now.Sub(start))
		})
	}
	t.Logf("new leader within %v, lost within %v of the death (failure timeout %v)", worst, worstLost, simConfig().FailureTimeout)
	if worstLost > max(worst, simConfig().FailureTimeout)+250*time.Millisecond {
		t.Errorf("lost only after %v", worstLost)
	}
	if split > 3 {
		t.Errorf("%d of 30 elections took more than 1.2 s", split)
	}
}

// A daemon that restarts within the failure timeout is never lost; the others
// see the same boot and a new incarnation. A reboot shows as a new boot.
func TestRestartIsNoDeath(t *testing.T) {
	w := newWorld(t, 3)
	w.found(3)
	w.run(time.Second)
	h := w.hosts[2]
	for _, o := range w.hosts {
		o.events = nil
	}
	h.crash()
	w.run(600 * time.Millisecond)
	h.start(false)
	w.run(2 * time.Second)
	w.nobodyLost()
	mv := w.hosts[0].node.View().Members[2]
	if mv.State != Up || mv.Boot != 1 || mv.Incarnation != 2 {
		t.Errorf("after a restart: %+v", mv)
	}
	h.crash()
	h.start(true)
	w.run(2 * time.Second)
	if mv := w.hosts[0].node.View().Members[2]; mv.State != Up || mv.Boot != 2 || mv.Incarnation != 3 {
		t.Errorf("after a reboot: %+v", mv)
	}
}

// A leader whose disk hangs hands over after a second; if that fails, it falls
// silent after two, and the others elect without it.
func TestHungDiskMovesTheLeader(t *testing.T) {
	for _, transfer := range []bool{true, false} {
		t.Run(fmt.Sprint("transfer possible ", transfer), func(t *testing.T) {
			w := newWorld(t, 11)
			w.found(3)
			w.run(time.Second)
			old := w.leader()
			old.hang = w.now.Add(time.Minute)
			if !transfer {
				old.node.handover = w.now.Add(time.Hour)
			}
			old.say("hangs")
			w.runUntil(4*time.Second, "another leader", func() bool { l := w.leader(); return l != nil && l != old })
			mustWork(w)
		})
	}
}

// A removed member is told so, its certificate is barred, and the rest goes on.
func TestRemove(t *testing.T) {
	w := newWorld(t, 5)
	w.found(3)
	for _, victim := range []ID{w.leader().id, 0} {
		if victim == 0 { // then a follower
			victim = w.hosts[slices.IndexFunc(w.hosts, func(h *machine) bool { return h.node != nil && h != w.leader() })].id
		}
		h := w.hosts[victim-1]
		w.command(Command{Remove: &Remove{Name: h.self.Name}})
		w.runUntil(5*time.Second, "the farewell", func() bool { return h.left != nil })
		w.run(2 * time.Second)
		r := w.leader().node.Roster()
		if r.Member(victim) != nil || !r.IsRevoked(h.self.Cert) {
			t.Errorf("after removing %d:\n%v", victim, r)
		}
		mustWork(w)
	}
}

// A member that was away while the log was compacted catches up by snapshot,
// in pieces, also over a bad network.
func TestCatchUpBySnapshot(t *testing.T) {
	w := newWorld(t, 6)
	w.found(3)
	h := w.hosts[slices.IndexFunc(w.hosts, func(h *machine) bool { return h != w.leader() })]
	h.crash()
	for range 200 {
		w.leader().say(fmt.Sprintf("v%d", w.made))
		w.made++
		w.run(5 * time.Millisecond)
	}
	w.run(time.Second)
	w.loss, w.dup, w.slow = 0.1, 0.1, 20*time.Millisecond
	before := h.disk.Snapshot.GetMetadata().GetIndex()
	h.start(true)
	w.runUntil(20*time.Second, "equal logs", w.calm)
	if after := h.disk.Snapshot.GetMetadata().GetIndex(); after <= before {
		t.Errorf("snapshot stayed at %d", after)
	}
}

// A node that was admitted but never starts is no loss; it can be removed.
func TestAdmittedButNeverStarted(t *testing.T) {
	w := newWorld(t, 9)
	w.found(3)
	w.admit(4)
	w.run(5 * time.Second)
	w.nobodyLost()
	if m := w.leader().node.roster.Named("d"); m == nil || m.Role != Learner {
		t.Errorf("%v", w.leader().node.roster)
	}
	w.command(Command{Remove: &Remove{Name: "d"}})
	w.runUntil(2*time.Second, "its removal", func() bool { return w.leader().node.roster.Named("d") == nil })
	mustWork(w)
}

// While one member is away another one joins and comes to lead. The first does
// not know it, yet catches up: a member that it knows introduces them.
func TestReturnUnderAnUnknownLeader(t *testing.T) {
	w := newWorld(t, 8)
	w.found(3)
	away := w.hosts[slices.IndexFunc(w.hosts, func(h *machine) bool { return h != w.leader() })]
	away.crash()
	fresh := w.join(4)
	w.runUntil(5*time.Second, "a fourth voter", func() bool { return w.voters() == 4 })
	w.run(time.Second)
	w.leader().step(Transfer{Key: 1 << 40, To: fresh.id})
	w.runUntil(2*time.Second, "the new one leads", func() bool { return w.leader() == fresh })
	mustWork(w)
	away.start(true)
	took := w.runUntil(3*time.Second, "equal logs", w.calm)
	if l := w.leader(); l != fresh || took > 900*time.Millisecond {
		t.Errorf("caught up after %v under %s", took, l.self.Name)
	}
	if len(away.node.guests.Peers) != 0 {
		w.run(100 * time.Millisecond)
		if len(away.node.guests.Peers) != 0 {
			t.Errorf("still has guests: %v", away.node.guests)
		}
	}
}
