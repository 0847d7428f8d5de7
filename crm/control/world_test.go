package control

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/fake"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/fencing"
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
}

// host is one machine.
type host struct {
	name      string
	up        bool
	cut       bool // runs, but nobody hears it and it hears nobody
	silent    time.Time
	boot, inc uint64
	agent     *fake.Agent
	control   *Controller
	begun     map[string]bool
	wake      time.Time
}

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
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_800_000_000, 0), s: state.New(), term: 1,
		hosts: map[string]*host{},
	}
	for _, name := range names {
		w.hosts[name] = &host{name: name, control: New(DefaultConfig(name)), begun: map[string]bool{}}
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
			if h := w.hosts[name]; h.up && h.agent.State(rsc) != fake.Stopped {
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
	w.t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(w.trace, "\n"))
}

// apply commits a command and tells everyone who can hear.
func (w *world) apply(c state.Command) state.Outcome {
	c.At = w.now.UnixMilli()
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
	n := s.Nodes[h.name]
	if n != nil && n.Phase == state.PhaseMember && n.Incarnation == h.inc {
		for _, id := range sortedKeys(s.Pending) {
			if op := s.Pending[id]; op.Node == h.name && op.Incarnation == h.inc && !h.begun[id] {
				h.begun[id] = true
				w.carryOut(h, op)
			}
		}
	}
	for _, target := range sortedKeys(s.Fencing) {
		f := s.Fencing[target]
		key := fmt.Sprintf("%s/%d", f.ID, f.Attempt)
		if f.Executor == h.name && f.Incarnation == h.inc && f.Running && !h.begun[key] {
			h.begun[key] = true
			w.shoot(h, *f)
		}
	}
	w.step(h, Changed{State: s})
}

func (w *world) step(h *host, ev Event) {
	for _, e := range h.control.Step(w.now, ev) {
		switch e := e.(type) {
		case Propose:
			w.after(2*time.Millisecond, func() { w.commit(h, e) })
		case WakeAt:
			if at := e.At; !at.Equal(h.wake) {
				h.wake = at
				w.after(max(at.Sub(w.now), time.Millisecond), func() {
					if h.up {
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

// carryOut runs an order on a host's agent.
func (w *world) carryOut(h *host, op *state.Operation) {
	boot, inc := h.boot, h.inc
	if op.Action.Task == policy.TaskCancel {
		w.answer(h, boot, op, policy.OpRecord{})
		return
	}
	req := agents.Request{
		Resource: op.Action.HistoryID, Action: agents.Action(op.Action.Task), Timeout: time.Duration(op.Action.TimeoutMS) * time.Millisecond,
		Interval: time.Duration(op.Action.IntervalMS) * time.Millisecond,
	}
	run := h.agent.Begin(req, w.now)
	w.after(min(run.Takes, req.Timeout), func() {
		if !h.up || h.boot != boot {
			return
		}
		if h.inc != inc {
			run.Abandon(w.now, agents.Cancelled) // the next daemon has ended it before it joined
			return
		}
		res := run.End(w.now)
		rec := policy.OpRecord{RC: int64(res.Code), ExitReason: res.Reason}
		if res.Status != agents.Done {
			rec.Status = policy.OpTimeout
		}
		w.log("%s: %s %s -> %s", h.name, op.Action.Task, op.Action.HistoryID, res)
		w.answer(h, boot, op, rec)
	})
}

// answer brings a result to the log, as soon as the host can reach it.
func (w *world) answer(h *host, boot uint64, op *state.Operation, rec policy.OpRecord) {
	w.after(time.Millisecond, func() {
		switch {
		case !h.up || h.boot != boot:
		case h.cut || w.leader == "":
			w.after(100*time.Millisecond, func() { w.answer(h, boot, op, rec) })
		default:
			w.apply(state.Command{By: h.name, Result: &state.Result{
				Op: op.ID, Node: h.name, Incarnation: op.Incarnation, Resource: op.Action.HistoryID, Record: rec,
			}})
		}
	})
}

// shoot is a fence device at work: the host dies some time before the device
// says so, and sometimes the device says no.
func (w *world) shoot(h *host, f state.Fencing) {
	boot := h.boot
	target := w.hosts[f.Target]
	fails := w.rng.IntN(4) == 0
	w.after(time.Duration(w.rng.IntN(2000))*time.Millisecond, func() {
		if !fails && target.up && target.boot == f.Boot {
			w.killHost(f.Target)
		}
		w.after(time.Duration(w.rng.IntN(1000))*time.Millisecond, func() { w.shotDone(h, boot, f, fails) })
	})
}

func (w *world) shotDone(h *host, boot uint64, f state.Fencing, failed bool) {
	switch {
	case !h.up || h.boot != boot:
		return // the executor died: the next controller hands the fencing on
	case h.cut || w.leader == "":
		w.after(100*time.Millisecond, func() { w.shotDone(h, boot, f, failed) })
		return
	}
	end := &state.FenceEnd{ID: f.ID, Attempt: f.Attempt, Target: f.Target, Boot: f.Boot, Executor: h.name}
	if failed {
		end.Error, end.Retry = "the device says no", w.now.Add(time.Second).UnixMilli()
	} else {
		end.Receipt = &fencing.Receipt{OpID: fencing.OpID(f.ID), Action: fencing.Off, Target: f.Target, Boot: f.Boot, Class: fencing.Power, At: w.now}
	}
	w.apply(state.Command{By: h.name, FenceEnd: end})
	if !failed && !w.hosts[f.Target].up {
		w.after(5*time.Second, func() { w.bootHost(f.Target) })
	}
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
	h.up, h.cut, h.agent, h.begun = true, false, fake.New(), map[string]bool{}
	h.boot++
	h.inc++
	h.control = New(DefaultConfig(name))
	w.log("%s boots (%d)", name, h.boot)
	w.after(time.Second, func() { w.join(h, h.boot) })
	w.after(100*time.Millisecond, w.elect)
	w.after(300*time.Millisecond, w.lookAround)
}

// restartDaemon ends the daemon and what its agents were doing, and nothing
// else.
func (w *world) restartDaemon(name string) {
	h := w.hosts[name]
	if !h.up || h.cut {
		return
	}
	w.log("%s: the daemon restarts", name)
	h.inc++
	h.begun, h.control = map[string]bool{}, New(DefaultConfig(name))
	if w.leader == name {
		w.leader = ""
		w.after(time.Second, w.elect)
	}
	w.after(300*time.Millisecond, func() { w.join(h, h.boot) })
}

func (w *world) join(h *host, boot uint64) {
	if !h.up || h.boot != boot {
		return
	}
	if n := w.s.Nodes[h.name]; n != nil && n.Phase == state.PhaseMember && n.Incarnation == h.inc {
		return
	}
	if !h.cut && w.leader != "" {
		w.apply(state.Command{By: h.name, Join: &state.Join{Node: h.name, Boot: h.boot, Incarnation: h.inc}})
	}
	w.after(500*time.Millisecond, func() { w.join(h, boot) })
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
			w.after(time.Second, func() { w.join(h, boot) })
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
	for name, h := range w.hosts {
		silent := !h.up || h.cut
		seen[name] = Presence{Boot: h.boot, Lost: silent && w.now.Sub(h.silent) >= 3*time.Second}
		if silent && !seen[name].Lost {
			w.after(h.silent.Add(3*time.Second).Sub(w.now), w.lookAround)
		}
	}
	w.step(l, Members{Nodes: seen})
}
