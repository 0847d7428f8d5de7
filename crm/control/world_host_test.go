package control

import (
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/fake"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// hosted is what a daemon knows by itself of what it runs; it ends with it.
type hosted struct {
	lanes   map[string]*hostLane
	open    []*fake.Operation
	basis   map[string]uint64 // by which order a resource runs
	adopted bool
	alone   bool      // it ends things without a majority
	mute    time.Time // its answers do not get through before
}

// hostLane does one thing after the other.
type hostLane struct {
	queue []func(done func())
	busy  bool
}

func newHosted() hosted {
	return hosted{lanes: map[string]*hostLane{}, basis: map[string]uint64{}}
}

func (h *host) enqueue(rsc string, f func(done func())) {
	l := h.lanes[rsc]
	if l == nil {
		l = &hostLane{}
		h.lanes[rsc] = l
	}
	l.queue = append(l.queue, f)
	if !l.busy {
		l.next()
	}
}

func (l *hostLane) next() {
	l.busy = len(l.queue) > 0
	if l.busy {
		f := l.queue[0]
		l.queue = l.queue[1:]
		f(l.next)
	}
}

// syncHost is the executor taking on what a state orders.
func (w *world) syncHost(h *host, s *state.State) {
	n := s.Nodes[h.name]
	if n == nil || n.Phase != state.PhaseMember || n.Incarnation != h.inc {
		return
	}
	for _, id := range sortedKeys(s.Pending) {
		op := s.Pending[id]
		if op.Node == h.name && op.Incarnation == h.inc && !h.begun[id] {
			h.begun[id] = true
			w.carryOut(h, op)
		}
	}
	if !h.adopted && n.Incarnation == h.inc {
		h.adopted = true
		w.adopt(h, n)
	}
}

// adopt looks after what an earlier daemon left running.
func (w *world) adopt(h *host, n *state.Node) {
	for _, rsc := range sortedKeys(n.History) {
		last := n.History[rsc].Records[rsc+"_last_0"]
		if n.History[rsc].Last == nil || last.Status != policy.OpDone || h.basis[rsc] != 0 {
			continue
		}
		h.basis[rsc] = uint64(last.TransitionID)
		if rsc != "fence" && h.agent.State(rsc) != fake.Started {
			w.notice(h, rsc, 7)
		}
	}
}

// begin runs something on a host's agent, and end hears what came of it while
// the daemon lives.
func (w *world) begin(h *host, a policy.Action, end func(agents.Result)) {
	boot, inc := h.boot, h.inc
	req := agents.Request{
		Resource: historyName(a), Action: agents.Action(a.Task), Timeout: time.Duration(a.TimeoutMS) * time.Millisecond,
		Interval: time.Duration(a.IntervalMS) * time.Millisecond,
	}
	run := h.agent.Begin(req, w.now)
	h.open = append(h.open, run)
	w.after(min(run.Takes, req.Timeout), func() {
		if !h.up || h.boot != boot || h.inc != inc {
			return
		}
		h.open = slices.DeleteFunc(h.open, func(o *fake.Operation) bool { return o == run })
		res := run.End(w.now)
		w.log("%s: %s %s -> %s", h.name, a.Task, req.Resource, res)
		end(res)
	})
}

// endOrphans is what a new daemon does with the calls that the old one left under
// way: they end, and nobody knows how far they got.
func (w *world) endOrphans(h *host) {
	for _, run := range h.open {
		if w.rng.IntN(2) == 0 {
			run.End(w.now)
		} else {
			run.Abandon(w.now, agents.Cancelled)
		}
	}
}

// carryOut runs an order in its resource's lane.
func (w *world) carryOut(h *host, op *state.Operation) {
	boot, rsc := h.boot, op.Action.HistoryID
	h.enqueue(rsc, func(done func()) {
		if h.seen.Pending[op.ID] == nil {
			done()
			return // it became void while it waited
		}
		if op.Action.Task == policy.TaskCancel {
			w.answer(h, boot, op, policy.OpRecord{})
			done()
			return
		}
		w.begin(h, op.Action, func(res agents.Result) {
			rec := policy.OpRecord{RC: int64(res.Code), ExitReason: res.Reason}
			if res.Status != agents.Done {
				rec.Status = policy.OpTimeout
				if rec.RC == 0 {
					rec.RC = 1
				}
			}
			switch {
			case op.Action.Task == policy.TaskStop:
				delete(h.basis, rsc)
			case op.Action.IntervalMS == 0 && rec.Status == policy.OpDone && rec.RC == 0:
				h.basis[rsc] = op.Index
			}
			w.answer(h, boot, op, rec)
			done()
		})
	})
}

// answer brings a result to the log, as soon as the host can reach it.
func (w *world) answer(h *host, boot uint64, op *state.Operation, rec policy.OpRecord) {
	w.tell(h, boot, h.inc, &state.Result{Op: op.ID, Node: h.name, Incarnation: op.Incarnation, Resource: op.Action.HistoryID, Record: rec})
}

// notice tells that a resource is not as it was left.
func (w *world) notice(h *host, rsc string, rc int64) {
	rec := policy.OpRecord{RC: rc, TransitionID: int64(h.basis[rsc])}
	w.tell(h, h.boot, h.inc, &state.Result{Node: h.name, Incarnation: h.inc, Resource: rsc, Record: rec})
}

func (w *world) tell(h *host, boot, inc uint64, r *state.Result) {
	w.after(time.Millisecond, func() {
		switch {
		case !h.up || h.boot != boot || h.inc != inc:
		case h.cut || w.leader == "" || w.now.Before(h.mute):
			w.after(100*time.Millisecond, func() { w.tell(h, boot, inc, r) })
		default:
			w.apply(state.Command{At: w.clock(h).UnixMilli(), By: h.name, Result: r})
		}
	})
}

// breakResource kills what runs on a host, and its watch sees it.
func (w *world) breakResource(h *host, rsc string) {
	if h.up && h.agent.State(rsc) == fake.Started && h.basis[rsc] != 0 {
		w.log("%s: %s breaks", h.name, rsc)
		h.agent.Set(rsc, fake.Stopped)
		w.notice(h, rsc, 7)
	}
}

// watchQuorum lets a host that has had no majority for three seconds end what
// its configuration wants ended then.
func (w *world) watchQuorum(h *host, boot uint64, since time.Time) {
	if !h.up || h.boot != boot {
		return
	}
	switch {
	case !h.cut && w.leader != "":
		since = time.Time{}
	case since.IsZero():
		since = w.now
	case w.now.Sub(since) >= 3*time.Second && !h.alone:
		n := h.seen.Nodes[h.name]
		if n != nil && n.Phase == state.PhaseMember && n.Incarnation == h.inc {
			w.log("%s is alone", h.name)
			h.alone = true
			w.endAlone(h, h.inc, h.seen)
		}
	}
	w.after(500*time.Millisecond, func() { w.watchQuorum(h, boot, since) })
}

// endAlone ends things on a private copy of the state until there is a majority.
func (w *world) endAlone(h *host, inc uint64, s *state.State) {
	if !h.up || h.inc != inc {
		return
	}
	if !h.cut && w.leader != "" {
		h.alone = false
		return
	}
	actions, err := Isolated(s, w.clock(h), h.name)
	if err != nil {
		w.t.Fatal(err)
	}
	left := len(actions)
	if left == 0 {
		w.after(500*time.Millisecond, func() { w.endAlone(h, inc, s) })
		return
	}
	for _, a := range actions {
		h.enqueue(historyName(a), func(done func()) {
			w.begin(h, a, func(res agents.Result) {
				ok := res.Status == agents.Done && res.Code == agents.OK
				s = state.Ended(s, h.name, a, ok, w.clock(h).UnixMilli())
				if rsc := historyName(a); h.basis[rsc] != 0 && rsc != "fence" {
					rc := int64(7)
					if !ok {
						rc = 1
					}
					w.notice(h, rsc, rc)
					delete(h.basis, rsc)
				}
				done()
				if left--; left == 0 {
					w.after(time.Millisecond, func() { w.endAlone(h, inc, s) })
				}
			})
		})
	}
}
