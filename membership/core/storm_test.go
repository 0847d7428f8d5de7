package core

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// chaos does one random thing.
func (w *world) chaos() {
	h := w.hosts[w.rand.IntN(len(w.hosts))]
	other := w.hosts[w.rand.IntN(len(w.hosts))]
	back := time.Duration(w.rand.Int64N(int64(3 * time.Second)))
	switch w.rand.IntN(8) {
	case 0, 1:
		if h.node != nil {
			h.crash()
			reboot := w.rand.IntN(2) == 0
			w.after(back, func() { h.start(reboot) })
		}
	case 2:
		pair := [2]ID{h.id, other.id} // one way
		w.cut[pair] = true
		w.after(back, func() { delete(w.cut, pair) })
	case 3:
		for _, o := range w.hosts {
			w.cut[[2]ID{h.id, o.id}], w.cut[[2]ID{o.id, h.id}] = true, true
		}
		w.after(back, func() {
			for _, o := range w.hosts {
				delete(w.cut, [2]ID{h.id, o.id})
				delete(w.cut, [2]ID{o.id, h.id})
			}
		})
	case 4:
		h.paused = true
		w.after(back, func() { h.paused = false })
	case 5:
		h.hang = w.now.Add(back)
	case 6:
		w.loss, w.dup = 0.3*w.rand.Float64(), 0.2*w.rand.Float64()
		w.after(back, func() { w.loss, w.dup = 0, 0 })
	case 7:
		w.slow = 200 * time.Millisecond
		w.after(back, func() { w.slow = 5 * time.Millisecond })
	}
}

func (w *world) client() {
	h := w.hosts[w.rand.IntN(len(w.hosts))]
	if h.node == nil || h.paused {
		return
	}
	w.made++
	h.say(fmt.Sprintf("v%d", w.made))
}

// storm runs a cluster through faults and load, heals everything, and checks
// that nothing that was acknowledged is lost and that all agree.
func storm(t *testing.T, seed uint64, members int, d time.Duration) *world {
	w := newWorld(t, seed)
	w.found(members)
	for at := time.Duration(0); at < d; at += 20 * time.Millisecond {
		w.after(at, w.client)
	}
	for at := time.Duration(0); at < d; at += 700 * time.Millisecond {
		w.after(at, w.chaos)
	}
	w.run(d + 4*time.Second) // the last fault heals after 3 s
	w.settle()
	return w
}

// settle waits until the healed cluster agrees, and checks that nothing that
// was acknowledged is lost.
func (w *world) settle() {
	w.runUntil(10*time.Second, "one leader and equal logs after the storm", w.calm)
	for data := range w.acked {
		for _, h := range w.members() {
			if !slices.Contains(h.app, data) {
				w.fail("%s lost %q, which was acknowledged", h.self.Name, data)
			}
		}
	}
}

// calm says whether all members agree on the leader and have equal logs.
// Machines that were removed do not count; nobody else may have stopped.
func (w *world) calm() bool {
	l := w.leader()
	if l == nil {
		return false
	}
	for _, h := range w.members() {
		if h.left != nil {
			w.fail("%s stopped: %v", h.self.Name, h.left)
		}
		if h.node == nil || h.node.leader != l.id || !slices.Equal(h.app, l.app) {
			return false
		}
	}
	return true
}

// members returns the machines that are in the leader's roster.
func (w *world) members() []*machine {
	l := w.leader()
	return slices.DeleteFunc(slices.Clone(w.hosts), func(h *machine) bool {
		return l != nil && l.node.roster.Member(h.id) == nil
	})
}

// churn takes a member out and another one in, whatever else goes on.
func (w *world) churn() {
	l := w.leader()
	if l == nil {
		return
	}
	ms := w.members()
	victim := ms[w.rand.IntN(len(ms))]
	if len(ms) >= 3 && l.node.CheckRemoval(victim.self.Name) == nil {
		l.propose(Propose{Command: &Command{Remove: &Remove{Name: victim.self.Name}}})
	}
	w.run(time.Second)
	if l = w.leader(); l == nil || len(w.members()) >= 5 {
		return
	}
	n := len(w.hosts) + 1
	token := Token{ID: fmt.Sprint("t", n), Hash: make([]byte, 32), Expires: w.now.Add(time.Hour), UsesLeft: 1}
	p := testPeer(n)
	p.Name = fmt.Sprint("n", n)
	l.propose(Propose{Command: &Command{CreateToken: &CreateToken{Now: w.now, Token: token}}})
	key := l.propose(Propose{Command: &Command{Admit: &Admit{Now: w.now, Token: token.ID, Hash: token.Hash, Peer: p}}})
	life := l.life
	w.run(time.Second)
	if m, ok := l.answer[key].Value.(Member); ok && l.life == life && l.node != nil {
		h := w.machine(m.Peer)
		h.seed = l.node.Roster()
		h.start(true)
	}
}

// Members come and go while everything else goes wrong.
func TestStormWithChurn(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { churned(t, seed, 20*time.Second) })
	}
}

func churned(t *testing.T, seed uint64, d time.Duration) {
	w := newWorld(t, seed)
	w.found(3)
	for at := time.Duration(0); at < d; at += 20 * time.Millisecond {
		w.after(at, w.client)
	}
	for at := time.Duration(0); at < d; at += 900 * time.Millisecond {
		w.after(at, w.chaos)
	}
	for end := w.now.Add(d); w.now.Before(end); {
		w.churn()
		w.run(time.Second)
	}
	w.run(4 * time.Second)
	w.settle()
}

func TestStorm(t *testing.T) {
	for _, members := range []int{3, 5} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("%d members seed %d", members, seed), func(t *testing.T) {
				w := storm(t, seed, members, 20*time.Second)
				if len(w.acked) < 100 {
					t.Errorf("only %d of %d proposals were acknowledged", len(w.acked), w.made)
				}
			})
		}
	}
}

func TestSameSeedSameRun(t *testing.T) {
	a := storm(t, 7, 3, 5*time.Second).trace.Sum64()
	b := storm(t, 7, 3, 5*time.Second).trace.Sum64()
	if a != b {
		t.Errorf("two runs of one seed differ: %x and %x", a, b)
	}
}

// The power fails everywhere at once, while writes are under way. Whatever was
// acknowledged is there afterwards, in whatever order the machines return.
func TestPowerLossOfAll(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t, seed)
			w.found(3)
			for range 3 {
				for range 30 {
					w.client()
					w.run(time.Duration(w.rand.Int64N(int64(10 * time.Millisecond))))
				}
				for _, h := range w.hosts {
					h.crash()
				}
				for _, i := range w.rand.Perm(3) {
					w.hosts[i].start(true)
					w.run(time.Duration(w.rand.Int64N(int64(2 * time.Second))))
				}
				w.settle()
			}
		})
	}
}
