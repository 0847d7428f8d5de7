package control

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// longestRetry bounds the pause that an executor may ask for after a failed
// attempt, whatever its clock says.
const longestRetry = time.Minute

// fence begins what the plan or an operator demands, hands it to another
// executor when the first one is gone, and tries again after a failure.
func (t *turn) fence(d *Decision) {
	asked := map[string]policy.Action{}
	for _, a := range d.Ready {
		if a.Kind == policy.FenceAction && a.Task != policy.TaskOn {
			asked[a.Node] = a
		}
	}
	for _, target := range sortedKeys(t.c.state.Fencing) {
		if _, ok := asked[target]; !ok {
			f := t.c.state.Fencing[target]
			asked[target] = policy.Action{
				Kind: policy.FenceAction, Task: f.Action, Node: target, FenceDelayMS: f.DelayMS,
				Reasons: []policy.Reason{{Text: f.Reason}},
			}
		}
	}
	for _, target := range sortedKeys(asked) {
		t.fenceOne(d, asked[target])
	}
}

func (t *turn) fenceOne(d *Decision, a policy.Action) {
	s := t.c.state
	n := s.Nodes[a.Node]
	if n == nil || n.Phase == state.PhaseDown {
		return
	}
	attempt := 1
	if f := s.Fencing[a.Node]; f != nil {
		if f.Running && t.executorAlive(f) {
			return
		}
		pause := min(max(time.Duration(f.Retry-f.Since)*time.Millisecond, 0), longestRetry)
		if retry := t.c.since.begun(fenceKey(f), t.now).Add(pause); !f.Running && t.now.Before(retry) {
			t.wake(retry)
			return
		}
		attempt = f.Attempt + 1
	}
	executor := t.executor(d, a.Node, attempt)
	if executor == "" {
		t.note("node %s must be fenced, and no other node is here to do it", a.Node)
		return
	}
	begin := &state.FenceBegin{
		Target: a.Node, Boot: n.Boot, Action: a.Task, Reason: reasons(a.Reasons), Executor: executor,
		Attempt: attempt, DelayMS: a.FenceDelayMS, Seen: s.Index,
	}
	if t.propose(fmt.Sprintf("fence %s %d %d", a.Node, n.Boot, attempt), state.Command{FenceBegin: begin}) {
		t.note("fence %s (boot %d) by %s, attempt %d: %s", a.Node, n.Boot, executor, attempt, begin.Reason)
	}
}

// executorAlive says whether the daemon that was told to fence is still the same
// and within its bounds.
func (t *turn) executorAlive(f *state.Fencing) bool {
	e := t.c.state.Nodes[f.Executor]
	if e == nil || e.Phase != state.PhaseMember || e.Incarnation != f.Incarnation {
		return false
	}
	limit := t.c.since.begun(fenceKey(f), t.now).Add(t.c.cfg.FenceHangLimit)
	if t.now.Before(limit) {
		t.wake(limit)
		return true
	}
	return false
}

// executor picks who fences: nodes on which a device for the target runs come
// first, then this node, then the others; each further attempt takes the next.
func (t *turn) executor(d *Decision, target string, attempt int) string {
	s := t.c.state
	var order []string
	add := func(node string) {
		n := s.Nodes[node]
		if node != target && n != nil && n.Phase == state.PhaseMember && !slices.Contains(order, node) {
			order = append(order, node)
		}
	}
	for _, p := range d.Plan.Current {
		r := state.FindResource(s.Config.Policy, p.Resource)
		if r != nil && r.Class == "stonith" && p.Role != policy.RoleStopped && !p.Failed && CanTarget(r, target) {
			add(p.Node)
		}
	}
	add(t.c.cfg.Self)
	for _, name := range sortedKeys(s.Nodes) {
		add(name)
	}
	if len(order) == 0 {
		return ""
	}
	return order[(attempt-1)%len(order)]
}
