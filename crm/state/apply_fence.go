package state

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/policy"
)

// fenceBegin starts a fencing, or hands a running one to another executor.
//
// Invariants:
//
//   - A node is fenced in the boot that was lost or named, so that a fresh boot is
//     never shot for an old one; a member that is to be shot (a failed stop, an
//     operator's request) counts as lost from here on and gets no further order.
//   - A node that came back after the decision was made is not meant by it.
//   - One attempt at a time: the next one has the next number.
func (t *transition) fenceBegin(f *FenceBegin) *Refusal {
	n := t.s.Nodes[f.Target]
	switch {
	case n == nil:
		return refuse(NoSuch, "there is no node %s", f.Target)
	case n.Boot != f.Boot:
		return refuse(Stale, "node %s is in boot %d, not %d", f.Target, n.Boot, f.Boot)
	case f.Seen != 0 && n.Joined > f.Seen:
		return refuse(Stale, "fencing of %s: decided at index %d, but the node joined at %d", f.Target, f.Seen, n.Joined)
	case n.Phase == PhaseDown:
		return refuse(Stale, "node %s is down", f.Target)
	case n.Phase == PhaseMember && f.Reason == "":
		return refuse(Invalid, "a member is fenced only for a reason")
	case f.Executor == f.Target:
		return refuse(Invalid, "node %s can not confirm its own fencing", f.Target)
	}
	running := t.s.Fencing[f.Target]
	op := Fencing{ID: fmt.Sprintf("f%d", t.s.Index), Begun: t.c.At, Requested: f.Requested}
	if running != nil {
		if f.Attempt != running.Attempt+1 {
			return refuse(Stale, "attempt %d on node %s is not the next one", f.Attempt, f.Target)
		}
		op = *running
	}
	op.Target, op.Boot, op.Action, op.Reason = f.Target, f.Boot, f.Action, f.Reason
	op.Executor, op.Attempt, op.DelayMS = f.Executor, f.Attempt, f.DelayMS
	op.Running, op.Retry, op.Since = f.Executor != "", 0, t.c.At
	if e := t.s.Nodes[f.Executor]; e != nil {
		op.Incarnation = e.Incarnation
	}
	if n.Phase == PhaseMember && op.Running {
		n = t.node(f.Target) // a member that is about to be shot follows no further orders
		n.Phase, n.Since = PhaseLost, t.c.At
	}
	t.fencings()[f.Target] = &op
	t.touch("nodes")
	if f.Requested != "" {
		t.audit("fencing of %s requested", f.Target)
	}
	return nil
}

// fenceEnd takes the outcome of an attempt.
//
// Invariant: only a receipt for the very boot that is being fenced makes the
// node's resources free; it voids all that this boot was told and said.
func (t *transition) fenceEnd(e *FenceEnd) *Refusal {
	f := t.s.Fencing[e.Target]
	if f == nil || f.ID != e.ID || f.Boot != e.Boot {
		return refuse(Stale, "fencing %s of %s is over", e.ID, e.Target)
	}
	rec := FenceRecord{
		ID: f.ID, Target: f.Target, Boot: f.Boot, Action: f.Action, Executor: e.Executor, Requested: f.Requested,
		Reason: f.Reason, Begun: f.Begun, Ended: t.c.At, Index: t.s.Index, Error: e.Error,
	}
	if e.Receipt == nil {
		if f.Attempt != e.Attempt {
			return refuse(Stale, "attempt %d on %s was given up", e.Attempt, e.Target)
		}
		t.s.FenceLog = bounded(t.s.FenceLog, keepFencings, rec)
		next := *f
		next.Running, next.Retry, next.LastError, next.Since = false, e.Retry, e.Error, t.c.At
		t.fencings()[e.Target] = &next
		t.touch("nodes")
		return nil
	}
	if e.Receipt.Target != f.Target || e.Receipt.Boot != f.Boot {
		return refuse(Invalid, "the receipt is for boot %d of %s, not for boot %d of %s", e.Receipt.Boot, e.Receipt.Target, f.Boot, f.Target)
	}
	rec.OK, rec.Receipt = true, e.Receipt
	t.fenced(rec)
	return nil
}

// fenceConfirm takes a person's word instead of a device's.
func (t *transition) fenceConfirm(c *FenceConfirm) *Refusal {
	n := t.s.Nodes[c.Target]
	switch {
	case n == nil:
		return refuse(NoSuch, "there is no node %s", c.Target)
	case n.Boot != c.Boot:
		return refuse(Stale, "node %s is in boot %d, not %d", c.Target, n.Boot, c.Boot)
	case n.Phase != PhaseLost && len(n.Kept) == 0:
		return refuse(Conflict, "node %s is %s: only a lost node can be confirmed off", c.Target, n.Phase)
	case c.Receipt.Target != c.Target || c.Receipt.Boot != c.Boot:
		return refuse(Invalid, "the receipt is for boot %d of %s", c.Receipt.Boot, c.Receipt.Target)
	}
	receipt := c.Receipt
	t.fenced(FenceRecord{
		ID: fmt.Sprintf("f%d", t.s.Index), Target: c.Target, Boot: c.Boot, Action: policy.TaskOff, Executor: t.c.By,
		Requested: t.c.By, Reason: "confirmed by hand", OK: true, Receipt: &receipt, Begun: t.c.At, Ended: t.c.At, Index: t.s.Index,
	})
	t.audit("%s confirmed that node %s is off", t.c.By, c.Target)
	return nil
}

func (t *transition) fenced(rec FenceRecord) {
	n := t.node(rec.Target)
	t.forgetLife(n)
	n.Phase, n.Since, n.Leaving, n.Fenced = PhaseDown, t.c.At, false, true
	delete(t.fencings(), rec.Target)
	t.s.FenceLog = bounded(t.s.FenceLog, keepFencings, rec)
	t.touch("nodes")
}
