package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// Result is how a wait ended.
type Result string

// The results.
const (
	Done         Result = "ok"      // all that was to be done is done
	SomeFailed   Result = "failed"  // all is over, and something failed on the way
	HeldBack     Result = "blocked" // what is left can not be done now
	StillWorking Result = "timeout" // it goes on
)

// Event is one line of a wait. Exactly one of Began, Ended, Fence and Final
// says what it is about.
type Event struct {
	At    time.Time  `json:"at"`
	Began *Operation `json:"began,omitempty"`
	Ended *Ended     `json:"ended,omitempty"`
	Fence *FenceNews `json:"fence,omitempty"`
	Final *Final     `json:"final,omitempty"`
}

// Ended is an operation that is over.
type Ended struct {
	Task     string `json:"task"`
	Resource string `json:"resource"`
	Node     string `json:"node"`
	Interval int64  `json:"interval-ms,omitempty"`
	OK       bool   `json:"ok"`
	Result   string `json:"result"`
	Reason   string `json:"reason,omitempty"`
	ExecMS   int64  `json:"exec-ms,omitempty"`
}

// FenceNews is a fencing that began, failed or was confirmed.
type FenceNews struct {
	Target string `json:"target"`
	Text   string `json:"text"`
	OK     bool   `json:"ok"`
	Over   bool   `json:"over"`
}

// Final is the verdict.
type Final struct {
	Result  Result           `json:"result"`
	Index   uint64           `json:"index"`
	Failed  []Ended          `json:"failed,omitempty"`
	Blocked []policy.Blocked `json:"blocked,omitempty"`
	Waiting []string         `json:"waiting,omitempty"` // what goes on, after a timeout
}

// getWait streams what becomes of the change at ?index=, until nothing is left
// to do for it or ?timeout= has passed. ?object= names what the change was
// about: its operations are waited for even when they were under way before.
func (s *Server) getWait(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	index, err := strconv.ParseUint(q.Get("index"), 10, 64)
	if err != nil {
		s.fail(w, r, errorf(BadRequest, "which change? /v1/wait?index=N"))
		return
	}
	limit := maxWait
	if text := q.Get("timeout"); text != "" {
		if limit, err = time.ParseDuration(text); err != nil || limit <= 0 || limit > maxWait {
			s.fail(w, r, errorf(BadRequest, "timeout=%s is no duration such as 90s", text))
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	out := newStream(w)
	s.follow(ctx, newFollower(index, q.Get("object"), s.before.get(index)), func(e Event) error { return out.write(e) })
}

// follow tells what happens until the follower is satisfied or ctx ends.
func (s *Server) follow(ctx context.Context, f *follower, tell func(Event) error) {
	settle := time.NewTicker(time.Second)
	defer settle.Stop()
	for {
		changed := s.backend.Changed()
		now := time.Now()
		st := s.backend.State()
		d, err := s.backend.Decision(now)
		if err != nil {
			d = nil
		}
		for _, e := range f.look(st, d, s.backend.Cluster().Quorum, now) {
			if tell(e) != nil || e.Final != nil {
				return
			}
		}
		select {
		case <-changed:
		case <-settle.C:
		case <-s.ended:
			return
		case <-ctx.Done():
			final := f.final(StillWorking, st, nil)
			_ = tell(Event{At: time.Now().UTC(), Final: final}) // the client may be gone
			return
		}
	}
}

// follower compares states and knows when a change has settled.
type follower struct {
	index  uint64
	object string
	parts  map[string]bool // of the object
	before *baseline

	seen   map[string]bool // operations and records that were told
	fences map[string]bool
	failed []Ended
}

func newFollower(index uint64, object string, before *baseline) *follower {
	return &follower{index: index, object: object, before: before, seen: map[string]bool{}, fences: map[string]bool{}}
}

// look tells what is new, and the verdict when there is one.
func (f *follower) look(s *state.State, d *control.Decision, quorum bool, now time.Time) []Event {
	if s.Index < f.index {
		return nil // this node has not applied the change yet
	}
	if f.parts == nil {
		f.parts = state.Descendants(state.FindResource(s.Config.Policy, f.object))
	}
	var events []Event
	for _, e := range slices.Concat(f.ended(s), f.began(s), f.fencing(s)) {
		e.At = now.UTC()
		events = append(events, e)
	}
	if final := f.settled(s, d, quorum); final != nil {
		events = append(events, Event{At: now.UTC(), Final: final})
	}
	return events
}

func (f *follower) began(s *state.State) []Event {
	var out []Event
	for _, id := range sortedKeys(s.Pending) {
		op := s.Pending[id]
		key := fmt.Sprintf("op %d %s %s", op.Index, op.Node, op.Action.HistoryID)
		if f.mine(op) && !f.seen[key] {
			f.seen[key] = true
			o := operation(op)
			out = append(out, Event{Began: &o})
		}
	}
	return out
}

// mine says whether an operation belongs to the change: it was ordered after
// it, or is about its object.
func (f *follower) mine(op *state.Operation) bool {
	return op.Index > f.index || f.parts[instanceBase(op.Action.Resource)] || f.object == op.Node && f.object != ""
}

// ended finds results of operations that were ordered after the change. The
// history keeps the last one of each kind, which is enough for all but the
// fastest sequences.
func (f *follower) ended(s *state.State) []Event {
	var out []Event
	for _, node := range sortedKeys(s.Nodes) {
		for _, name := range sortedKeys(s.Nodes[node].History) {
			h := s.Nodes[node].History[name]
			for _, id := range sortedKeys(h.Records) {
				rec := h.Records[id]
				key := fmt.Sprintf("done %s %s %d", node, name, rec.CallID)
				if rec.CallID <= int64(f.index) || f.seen[key] || rec.Status == policy.OpPending {
					continue
				}
				f.seen[key] = true
				e := Ended{
					Task: rec.Operation, Resource: name, Node: node, Interval: rec.IntervalMS, OK: !failedRecord(rec),
					Result: render.ResultText(rec.RC), Reason: rec.ExitReason, ExecMS: rec.ExecMS,
				}
				if !e.OK {
					f.failed = append(f.failed, e)
				}
				out = append(out, Event{Ended: &e})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Event) int { return strings.Compare(a.Ended.Resource, b.Ended.Resource) })
	return out
}

func failedRecord(rec policy.OpRecord) bool {
	st := policy.Status{Nodes: []policy.NodeState{{History: []policy.ResourceHistory{{Ops: []policy.OpRecord{rec}}}}}}
	return len(render.Failures(&st)) > 0
}

func (f *follower) fencing(s *state.State) []Event {
	var out []Event
	add := func(key string, n FenceNews) {
		if !f.fences[key] {
			f.fences[key] = true
			out = append(out, Event{Fence: &n})
		}
	}
	for _, target := range sortedKeys(s.Fencing) {
		if x := s.Fencing[target]; x.Running {
			add(fmt.Sprintf("%s %d", x.ID, x.Attempt), FenceNews{Target: target, Text: fmt.Sprintf("fencing %s (%s) by %s, attempt %d", target, x.Action, x.Executor, x.Attempt)})
		}
	}
	for _, x := range s.FenceLog {
		if x.Index <= f.index {
			continue
		}
		n := FenceNews{Target: x.Target, OK: x.OK, Over: true, Text: fmt.Sprintf("%s of %s by %s confirmed in %.1f s", x.Action, x.Target, x.Executor, float64(x.Ended-x.Begun)/1000)}
		if !x.OK {
			n.Text = fmt.Sprintf("%s of %s by %s failed: %s", x.Action, x.Target, x.Executor, x.Error)
		}
		add(fmt.Sprintf("%s %d", x.ID, x.Index), n)
	}
	return out
}

// settled is the verdict once nothing of the change is in flight or about to
// begin. The decision is the one that the controller makes on the same state.
func (f *follower) settled(s *state.State, d *control.Decision, quorum bool) *Final {
	if _, moving := s.Settings.Moves[f.object]; moving {
		return nil
	}
	if d == nil || !quorum || d.Index != s.Index || len(f.waiting(s)) > 0 || f.ready(s, d) {
		return nil
	}
	held := f.held(d)
	switch {
	case len(f.failed) > 0:
		return f.final(SomeFailed, s, held)
	case len(held) > 0:
		return f.final(HeldBack, s, held)
	}
	return f.final(Done, s, nil)
}

func (f *follower) final(r Result, s *state.State, held []policy.Blocked) *Final {
	out := &Final{Result: r, Index: s.Index, Failed: f.failed, Blocked: held}
	if r == StillWorking {
		out.Waiting = f.waiting(s)
	}
	return out
}

// waiting is what is in flight for the change.
func (f *follower) waiting(s *state.State) []string {
	var out []string
	for _, id := range sortedKeys(s.Pending) {
		if op := s.Pending[id]; f.mine(op) {
			out = append(out, render.ActionText(op.Action)+" on "+op.Node)
		}
	}
	for _, target := range sortedKeys(s.Fencing) {
		if x := s.Fencing[target]; x.Running || x.Requested != "" {
			out = append(out, "fencing of "+target)
		}
	}
	return out
}

// ready says whether the decision wants something begun that is not in flight
// for a reason older than the change.
func (f *follower) ready(s *state.State, d *control.Decision) bool {
	old := map[string]bool{}
	for _, op := range s.Pending {
		old[op.Key] = !f.mine(op)
	}
	return slices.ContainsFunc(d.Ready, func(a policy.Action) bool {
		if a.Kind == policy.FenceAction && a.Task == policy.TaskOn {
			return false
		}
		return !old[a.ID] && (!f.before.ready[a.ID] || f.parts[instanceBase(a.Resource)])
	})
}

// held is what the change wanted and can not have: what is blocked for its
// object, or, when it has none, what was not blocked before.
func (f *follower) held(d *control.Decision) []policy.Blocked {
	var out []policy.Blocked
	for _, b := range blocked(d) {
		if f.object == "" && !f.before.blocked[blockedKey(b)] || f.parts[instanceBase(b.Resource)] {
			out = append(out, b)
		}
	}
	return out
}
