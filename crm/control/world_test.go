package control

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents/fake"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// world is a whole cluster in one goroutine under virtual time: the real state
// machine, the real controller and the real policy engine; the log is a list,
// hosts are in-memory agents, and the fence device really "kills" a host. The
// seed decides everything.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	now   time.Time
	queue events
	seq   int

	s      *state.State
	index  uint64
	term   uint64
	leader string
	hosts  map[string]*host
	trace  []string

	fabric bool                             // fencing cuts a host off its disks and lets it run
	mutate func(w *world, c *state.Command) // a rule of the state machine switched off, see TestMutants
	mutant string
}

// violation is what fail raises in a world with a mutant.
type violation string

// host is one machine.
type host struct {
	name      string
	up        bool
	leaving   bool // its daemon is about to end, and joins no more
	cut       bool // runs, but nobody hears it and it hears nobody
	silent    time.Time
	boot, inc uint64
	agent     *fake.Agent
	control   *Controller
	begun     map[string]bool
	wake      time.Time
	skew      time.Duration // of its clock
	seen      *state.State  // what its daemon has applied
	fencedIn  uint64        // the last boot of which the log has a receipt
	unplugged bool          // off its disks since a fabric fencing, until it boots
	hosted
}

// clock is the time on a host's wall.
func (w *world) clock(h *host) time.Time { return w.now.Add(h.skew) }

type event struct {
	at  time.Time
	seq int
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

func newWorld(t *testing.T, seed uint64, c *policy.Config, names ...string) *world {
	return newSkewedWorld(t, seed, c, 0, names...)
}

// newSkewedWorld has hosts whose clocks differ by up to skew.
func newSkewedWorld(t *testing.T, seed uint64, c *policy.Config, skew time.Duration, names ...string) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_800_000_000, 0), s: state.New(), term: 1,
		hosts: map[string]*host{},
	}
	for _, name := range names {
		h := &host{name: name}
		if skew > 0 {
			h.skew = time.Duration(w.rng.Int64N(int64(2*skew))) - skew
		}
		w.hosts[name] = h
	}
	for _, name := range names {
		w.bootHost(name)
	}
	w.elect()
	w.apply(state.Command{By: "test", SetConfig: &state.SetConfig{Policy: c}})
	return w
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, event{w.now.Add(d), w.seq, do})
}

func (w *world) log(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%8.3f ", float64(w.now.UnixMilli()-1_800_000_000_000)/1000)+fmt.Sprintf(format, args...))
}

// run lets time pass, checking the invariant after every event.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.queue) > 0 && !w.queue[0].at.After(end) {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.do()
		w.checkNeverTwo()
	}
	w.now = end
}

// checkNeverTwo is promise 1: in truth, not in anybody's opinion.
func (w *world) checkNeverTwo() {
	w.t.Helper()
	for _, rsc := range []string{"a", "b", "c", "d"} {
		var active []string
		for _, name := range sortedKeys(w.hosts) {
			if h := w.hosts[name]; h.up && !h.unplugged && h.agent.State(rsc) != fake.Stopped {
				active = append(active, name)
			}
		}
		if len(active) > 1 {
			w.fail("%s is active on %v", rsc, active)
		}
	}
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	if w.mutant != "" {
		panic(violation(fmt.Sprintf(format, args...)))
	}
	w.t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(w.trace, "\n"))
}

// apply commits a command and tells everyone who can hear.
func (w *world) apply(c state.Command) state.Outcome {
	if c.At == 0 {
		c.At = w.now.UnixMilli()
	}
	if w.mutate != nil {
		w.mutate(w, &c)
	}
	data, err := c.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	w.index++
	var out state.Outcome
	w.s, out = state.Apply(w.s, state.Entry{Index: w.index, Term: w.term, Data: data})
	verdict := "ok"
	if out.Refused != nil {
		verdict = out.Refused.Text
	}
	w.log("log %d: %s: %s", w.index, data[:min(len(data), 200)], verdict)
	s := w.s
	for _, name := range sortedKeys(w.hosts) {
		h := w.hosts[name]
		if h.up && !h.cut {
			w.after(time.Millisecond, func() { w.hear(h, s) })
		}
	}
	return out
}

// hear is a host's daemon seeing a state.
func (w *world) hear(h *host, s *state.State) {
	if !h.up || h.cut {
		return
	}
	h.seen = s
	w.syncHost(h, s)
	for _, target := range sortedKeys(s.Fencing) {
		f := s.Fencing[target]
		key := fmt.Sprintf("%s/%d", f.ID, f.Attempt)
		if f.Executor == h.name && f.Incarnation == h.inc && f.Running && !h.begun[key] {
			h.begun[key] = true
			w.aim(h, *f)
		}
	}
	w.step(h, Changed{State: s})
}

func (w *world) step(h *host, ev Event) {
	for _, e := range h.control.Step(w.clock(h), ev) {
		switch e := e.(type) {
		case Propose:
			w.after(w.millis(1, 40), func() { w.commit(h, e) })
		case WakeAt:
			if at, inc := e.At.Add(-h.skew), h.inc; !at.Equal(h.wake) {
				h.wake = at
				w.after(max(at.Sub(w.now), time.Millisecond), func() {
					if h.up && h.inc == inc {
						w.step(h, Tick{})
					}
				})
			}
		}
	}
}

// commit is what the log makes of a leader's proposal.
func (w *world) commit(h *host, p Propose) {
	if !h.up {
		return
	}
	if h.cut || w.leader != h.name || p.Term != w.term {
		w.step(h, Answered{Tag: p.Tag, Err: "not the leader"})
		return
	}
	w.step(h, Answered{Tag: p.Tag, Outcome: w.apply(p.Command)})
}

// millis is a random time between two numbers of milliseconds.
func (w *world) millis(from, to int) time.Duration {
	return time.Duration(from+w.rng.IntN(to-from+1)) * time.Millisecond
}

func (w *world) killHost(name string) {
	h := w.hosts[name]
	if !h.up {
		return
	}
	w.log("%s dies", name)
	h.up, h.silent = false, w.now
	if w.leader == name {
		w.leader = ""
		w.after(time.Second, w.elect)
	}
	w.after(3*time.Second, w.lookAround)
}

func (w *world) bootHost(name string) {
	h := w.hosts[name]
	if h.up {
		return
	}
	h.up, h.cut, h.unplugged, h.agent = true, false, false, fake.New()
	h.boot++
	w.startDaemon(h)
	w.log("%s boots (%d)", name, h.boot)
	w.watchQuorum(h, h.boot, time.Time{})
	boot := h.boot
	w.after(time.Second, func() { w.joining(h, boot) })
	w.after(100*time.Millisecond, w.elect)
	w.after(300*time.Millisecond, w.lookAround)
}

// startDaemon begins a new incarnation, which knows nothing but what the log
// tells it.
func (w *world) startDaemon(h *host) {
	h.inc++
	h.control, h.begun, h.seen, h.wake = New(DefaultConfig(h.name)), map[string]bool{}, state.New(), time.Time{}
	h.hosted = newHosted()
}

// restartDaemon ends the daemon and what its agents were doing, and nothing
// else.
func (w *world) restartDaemon(name string) {
	h := w.hosts[name]
	if !h.up || h.cut {
		return
	}
	w.log("%s: the daemon restarts", name)
	w.endOrphans(h)
	w.startDaemon(h)
	if w.leader == name {
		w.leader = ""
		w.after(time.Second, w.elect)
	}
	w.after(300*time.Millisecond, func() { w.join(h, h.boot) })
}

// joining is a daemon that joins whenever it is not a member.
func (w *world) joining(h *host, boot uint64) {
	if h.up && h.boot == boot {
		w.join(h, boot)
		w.after(500*time.Millisecond, func() { w.joining(h, boot) })
	}
}

func (w *world) join(h *host, boot uint64) {
	if !h.up || h.boot != boot || h.cut || h.leaving || w.leader == "" {
		return
	}
	if n := w.s.Nodes[h.name]; n != nil {
		joined := n.Phase == state.PhaseMember && n.Incarnation == h.inc
		if joined || n.Fenced && n.Boot == h.boot && w.mutant == "" {
			return
		}
	}
	w.apply(state.Command{At: w.clock(h).UnixMilli(), By: h.name, Join: &state.Join{Node: h.name, Boot: h.boot, Incarnation: h.inc}})
	if n := w.s.Nodes[h.name]; n != nil && n.Phase == state.PhaseMember && n.Boot == h.fencedIn {
		w.fail("%s is a member in boot %d, which was confirmed fenced", h.name, n.Boot)
	}
}

// cutHost takes a host off the network for a while.
func (w *world) cutHost(name string, d time.Duration) {
	h := w.hosts[name]
	if !h.up || h.cut {
		return
	}
	w.log("%s is cut off for %v", name, d)
	h.cut, h.silent = true, w.now
	if w.leader == name {
		w.leader = ""
		w.after(time.Second, w.elect)
	}
	w.after(3*time.Second, w.lookAround)
	boot := h.boot
	w.after(d, func() {
		if h.up && h.boot == boot {
			w.log("%s is back on the network", name)
			h.cut = false
			w.step(h, Follow{})
			w.hear(h, w.s)
			w.elect()
			w.lookAround()
			w.after(w.millis(5, 1000), func() { w.join(h, boot) })
		}
	})
}

// elect gives the leadership to a host that a majority can hear.
func (w *world) elect() {
	if l := w.hosts[w.leader]; l != nil && l.up && !l.cut {
		return
	}
	var able []string
	for _, name := range sortedKeys(w.hosts) {
		if h := w.hosts[name]; h.up && !h.cut {
			able = append(able, name)
		}
	}
	w.leader = ""
	if len(able) <= len(w.hosts)/2 {
		return
	}
	w.term++
	w.leader = able[w.rng.IntN(len(able))]
	w.log("%s leads in term %d", w.leader, w.term)
	l, term := w.hosts[w.leader], w.term
	w.after(5*time.Millisecond, func() {
		if w.leader == l.name && w.term == term && l.up {
			w.step(l, Changed{State: w.s})
			w.step(l, Lead{Term: term})
			w.lookAround()
		}
	})
}

// lookAround is the leader's detector.
func (w *world) lookAround() {
	l := w.hosts[w.leader]
	if l == nil || !l.up || l.cut {
		return
	}
	seen := map[string]Presence{}
	for _, name := range sortedKeys(w.hosts) {
		h := w.hosts[name]
		silent := !h.up || h.cut
		seen[name] = Presence{Boot: h.boot, Lost: silent && w.now.Sub(h.silent) >= 3*time.Second}
		if silent && !seen[name].Lost {
			w.after(h.silent.Add(3*time.Second).Sub(w.now), w.lookAround)
		}
	}
	inc := l.inc
	w.after(w.millis(1, 300), func() { // the detector lags behind the truth
		if w.leader == l.name && l.up && !l.cut && l.inc == inc {
			w.step(l, Members{Nodes: seen})
		}
	})
}
