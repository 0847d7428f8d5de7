package state

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// Noticed is the operation under which a watch's finding is recorded.
const Noticed = "asyncmon"

// begin orders operations.
//
// Invariants:
//
//   - An order rests on what its decision saw: if configuration, membership or the
//     resource's own history changed after that, it is refused and decided again.
//     So no start slips in between the loss of a node and its fencing.
//   - Each order of a batch stands for itself: one that is refused holds back no
//     other. The whole is refused only if nothing of it begins.
//   - One operation at a time per resource and node, and at most one that changes
//     a resource anywhere.
//   - The order is for the daemon that is a member now, and for no other.
func (t *transition) begin(b *Begin) *Refusal {
	var first *Refusal
	for i := range b.Ops {
		if r := t.mayBegin(b, &b.Ops[i]); r != nil {
			if first == nil {
				first = r
			}
			continue
		}
		op := b.Ops[i]
		op.ID = fmt.Sprintf("%d.%d", t.s.Index, i)
		op.Index, op.Term, op.At = t.s.Index, t.s.Term, t.c.At
		op.Incarnation = t.s.Nodes[op.Node].Incarnation
		t.pending()[op.ID] = &op
		t.out.Ops = append(t.out.Ops, op.ID)
	}
	if len(t.out.Ops) == 0 && first != nil {
		return first
	}
	return nil
}

func (t *transition) mayBegin(b *Begin, op *Operation) *Refusal {
	n := t.s.Nodes[op.Node]
	name := op.Action.HistoryID
	switch {
	case op.Key == "" || name == "" || op.Action.Task == "":
		return refuse(Invalid, "an operation needs key, resource and task")
	case n == nil || n.Phase != PhaseMember:
		return refuse(Stale, "%s: node %s is not a member", op.Key, op.Node)
	}
	for _, topic := range []string{"config", "nodes", "rsc:" + name} {
		if t.s.Changed[topic] > b.Seen {
			return refuse(Stale, "%s: decided at index %d, but %s changed at %d", op.Key, b.Seen, topic, t.s.Changed[topic])
		}
	}
	for _, other := range t.s.Pending {
		same := other.Action.HistoryID == name && other.Node == op.Node
		twin := other.Action.Resource == op.Action.Resource && changes(other.Action.Task) && changes(op.Action.Task) &&
			!migration(other.Action.Task)
		if same || twin && other.Node != op.Node {
			return refuse(Conflict, "%s: operation %s is in flight on %s", op.Key, other.Key, other.Node)
		}
	}
	return nil
}

// changes says whether a task can make a resource run or cease to run.
func changes(task string) bool {
	switch task {
	case policy.TaskMonitor, policy.TaskCancel, policy.TaskNotify:
		return false
	}
	return true
}

func migration(task string) bool {
	return task == policy.TaskMigrateTo || task == policy.TaskMigrateFrom
}

// result writes what an operation came to into its node's history.
//
// Invariant: a result counts only for the operation that it answers, or, when a
// watch or a recurring monitor speaks, for the very start or monitor that is
// still the last word; so a late voice never overwrites newer truth.
func (t *transition) result(r *Result) *Refusal {
	n := t.s.Nodes[r.Node]
	if n == nil || n.Incarnation != r.Incarnation {
		return refuse(Stale, "result of %s on %s: not the daemon that is a member", r.Resource, r.Node)
	}
	rec := r.Record
	rec.CallID = int64(t.s.Index)
	if rec.LastChange == 0 {
		rec.LastChange = t.c.At / 1000
	}
	rec.Decider, rec.MagicOK = "holdfast", true
	if r.Op == "" {
		return t.noticed(n, r, rec)
	}
	op := t.s.Pending[r.Op]
	if op == nil || op.Node != r.Node {
		return refuse(Stale, "result of %s on %s: operation %s is not in flight", r.Resource, r.Node, r.Op)
	}
	delete(t.pending(), r.Op)
	rec.TransitionID = int64(op.Index)
	t.record(t.node(r.Node), op, rec)
	return nil
}

// noticed takes what a recurring monitor or a watch reports.
func (t *transition) noticed(n *Node, r *Result, rec policy.OpRecord) *Refusal {
	h := n.History[r.Resource]
	if h == nil || n.Phase == PhaseDown {
		return refuse(Stale, "notice of %s on %s: nothing is known of it there", r.Resource, r.Node)
	}
	if rec.IntervalMS == 0 {
		rec.Operation = Noticed
	}
	basis := h.Records[r.Resource+"_last_0"]
	if rec.IntervalMS > 0 {
		basis = h.Records[recordID(r.Resource, rec)]
	}
	if basis.TransitionID == 0 || basis.TransitionID != rec.TransitionID {
		return refuse(Stale, "notice of %s on %s: an operation came between", r.Resource, r.Node)
	}
	if rec.IntervalMS > 0 { // the same operation once more: with other parameters it would count as redefined, and its failures as forgiven
		rec.Digest, rec.RestartDigest, rec.RestartParams = basis.Digest, basis.RestartDigest, basis.RestartParams
	}
	t.write(t.node(r.Node), r.Resource, h.Class, h.Provider, h.Type, rec)
	return nil
}

// record stores the result of an ordered operation.
func (t *transition) record(n *Node, op *Operation, rec policy.OpRecord) {
	name := op.Action.HistoryID
	switch op.Action.Task {
	case policy.TaskCancel:
		t.drop(n, name, func(r policy.OpRecord) bool { return r.IntervalMS == op.Action.IntervalMS && r.IntervalMS > 0 })
		return
	case policy.TaskDelete:
		t.dropHistory(n, name)
		return
	}
	rec.Operation, rec.IntervalMS = op.Action.Task, op.Action.IntervalMS
	rec.Key = fmt.Sprintf("%s_%s_%d", name, rec.Operation, rec.IntervalMS)
	rec.ExpectedRC = int64(op.Action.ExpectedRC)
	rec.Digest, rec.RestartDigest, rec.RestartParams = op.Action.Digest, op.Action.RestartDigest, op.Action.RestartParams
	rec.MigrateSource, rec.MigrateTarget = op.Action.MigrateSource, op.Action.MigrateTarget
	switch op.Action.Task {
	case policy.TaskNotify:
		return // it leaves no trace in the history
	case policy.TaskStop, policy.TaskStart, policy.TaskDemote, policy.TaskPromote, policy.TaskMigrateTo, policy.TaskMigrateFrom:
		t.drop(n, name, func(r policy.OpRecord) bool { return r.IntervalMS > 0 || r.ID == name+"_"+Noticed+"_0" })
	case policy.TaskReload:
		if rec.Status == policy.OpDone && rec.RC == 0 {
			rec.Operation = policy.TaskStart // the resource runs with these parameters as if started with them
			rec.Key = name + "_start_0"
		}
	}
	t.write(n, name, op.Class, op.Provider, op.Type, rec)
	t.remember(n, name, op, rec)
}

// remember keeps the operation by which a resource runs, and drops it when the
// resource has stopped.
func (t *transition) remember(n *Node, name string, op *Operation, rec policy.OpRecord) {
	h := *n.History[name]
	ok := !failed(rec)
	switch op.Action.Task {
	case policy.TaskStart, policy.TaskPromote, policy.TaskDemote, policy.TaskMigrateFrom, policy.TaskReload:
		if ok {
			last := op.Action
			last.Reasons, last.After = nil, nil
			h.Last = &last
		}
	case policy.TaskMonitor:
		if ok && (rec.RC == 0 || rec.RC == 8) && h.Last == nil {
			last := op.Action
			last.Reasons, last.After = nil, nil
			h.Last = &last
		}
	case policy.TaskStop:
		if ok {
			h.Last = nil
		}
	}
	n.History[name] = &h
}

// write stores a record and, when it is a failure, counts it.
func (t *transition) write(n *Node, name, class, provider, typ string, rec policy.OpRecord) {
	h := &ResourceHistory{Class: class, Provider: provider, Type: typ, Records: map[string]policy.OpRecord{}}
	if old := n.History[name]; old != nil {
		h.Records, h.Last = clone(old.Records), old.Last
	}
	rec.OnNode = n.Name
	rec.Key = fmt.Sprintf("%s_%s_%d", name, rec.Operation, rec.IntervalMS)
	rec.ID = recordID(name, rec)
	if last, ok := h.Records[rec.ID]; ok && last.RC == rec.RC && last.Status == rec.Status && last.Operation == rec.Operation {
		if rec.IntervalMS > 0 {
			rec.LastChange = last.LastChange // the result did not change, only its repetition
		}
	}
	h.Records[rec.ID] = rec
	if failed(rec) {
		bad := rec
		bad.ID = name + "_last_failure_0"
		h.Records[bad.ID] = bad
		t.countFailure(n, name, rec)
	}
	n.History[name] = h
	t.touch("rsc:" + name)
}

// recordID is under what a record is kept: the last one-off operation, and one
// per recurring operation.
func recordID(name string, rec policy.OpRecord) string {
	if rec.IntervalMS > 0 || rec.Operation == Noticed {
		return fmt.Sprintf("%s_%s_%d", name, rec.Operation, rec.IntervalMS)
	}
	return name + "_last_0"
}

// failed says whether a record is a failure. A probe that finds something, or
// nothing, is an answer and no failure.
func failed(r policy.OpRecord) bool {
	if r.Status == policy.OpPending || r.Status == policy.OpCancelled {
		return false
	}
	if r.Operation == policy.TaskMonitor && r.IntervalMS == 0 {
		switch r.RC {
		case 0, 7, 8, 190, 191:
			return r.Status != policy.OpDone
		}
		return true
	}
	if r.Status != policy.OpDone {
		return true
	}
	switch r.RC {
	case 190:
		return r.ExpectedRC != 0
	case 191:
		return r.ExpectedRC != 8
	}
	return r.RC != r.ExpectedRC
}

// infinity is the fail count that bans a node at once.
const infinity = 1000000

// countFailure raises the fail count. A failed start (unless the option
// start-failure-is-fatal is false) and a failed stop count as infinity. Probes
// do not count: they are asked of nodes that need not be able to run anything.
func (t *transition) countFailure(n *Node, name string, r policy.OpRecord) {
	if r.Operation == policy.TaskMonitor && r.IntervalMS == 0 {
		return
	}
	key := fmt.Sprintf("%s#%s_%d", name, r.Operation, r.IntervalMS)
	f := n.Failures[key]
	switch {
	case r.Operation == policy.TaskStop, r.Operation == policy.TaskStart && t.startFailureIsFatal():
		f.Count = infinity
	case f.Count < infinity:
		f.Count++
	}
	f.Last, f.Reason = t.c.At/1000, r.ExitReason
	n.Failures[key] = f
}

func (t *transition) startFailureIsFatal() bool {
	switch strings.ToLower(Option(t.s.Config.Policy, "start-failure-is-fatal")) {
	case "false", "off", "no", "n", "0":
		return false
	}
	return true
}

// expire ends an operation that was never answered. It counts as timed out, so
// that policy decides; a late answer is void.
func (t *transition) expire(e *Expire) *Refusal {
	op := t.s.Pending[e.Op]
	if op == nil {
		return refuse(Stale, "operation %s is not in flight", e.Op)
	}
	delete(t.pending(), e.Op)
	rec := policy.OpRecord{
		RC: 1, Status: policy.OpTimeout, TransitionID: int64(op.Index), CallID: int64(t.s.Index),
		LastChange: t.c.At / 1000, Decider: "holdfast", MagicOK: true,
		ExitReason: "the node's executor did not answer in time",
	}
	t.record(t.node(op.Node), op, rec)
	return nil
}

func (t *transition) drop(n *Node, name string, which func(policy.OpRecord) bool) {
	old := n.History[name]
	if old == nil {
		return
	}
	h := *old
	h.Records = map[string]policy.OpRecord{}
	for id, r := range old.Records {
		if !which(r) {
			h.Records[id] = r
		}
	}
	n.History[name] = &h
	t.touch("rsc:" + name)
}

func (t *transition) dropHistory(n *Node, name string) {
	delete(n.History, name)
	t.dropFailures(n, name, "")
	t.touch("rsc:" + name)
}

func (t *transition) dropFailures(n *Node, name, operation string) bool {
	found := false
	for key := range n.Failures {
		rsc, op, _ := strings.Cut(key, "#")
		if rsc == name && (operation == "" || op == operation) {
			delete(n.Failures, key)
			found = true
		}
	}
	return found
}

// Option is the plain value of a cluster option: the first one without a rule,
// highest score first as the engine reads them; "" when it is not set.
func Option(c *policy.Config, name string) string {
	best, value := -infinity-1, ""
	for _, set := range c.Options {
		if len(set.Rules) > 0 {
			continue
		}
		score, _ := strconv.Atoi(set.Score)
		for _, p := range set.Pairs {
			if p.Name == name && !p.NoValue && score >= best {
				best, value = score, p.Value
				break
			}
		}
	}
	return value
}

// Ended is the state as if a stop or demote on a node had just ended, well or
// not. It is for a node without a majority that goes on alone; nobody else ever
// sees it.
func Ended(s *State, node string, a policy.Action, ok bool, at int64) *State {
	next := *s
	t := &transition{s: &next, c: &Command{At: at}}
	n := t.node(node)
	name := a.HistoryID
	if name == "" {
		name = a.Resource
	}
	if n == nil || n.History[name] == nil {
		return s
	}
	rec := policy.OpRecord{CallID: int64(s.Index) + at, TransitionID: int64(s.Index) + at, LastChange: at / 1000, Decider: "holdfast", MagicOK: true}
	if !ok {
		rec.RC, rec.Status = 1, policy.OpError
	}
	h := n.History[name]
	t.record(n, &Operation{Node: node, Action: a, Class: h.Class, Provider: h.Provider, Type: h.Type}, rec)
	return &next
}
