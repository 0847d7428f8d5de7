package state

import "github.com/holdfast-ha/holdfast/policy"

// join makes a node a member.
//
// Invariants:
//
//   - While a fencing of the node is under way it may not join: the shot could
//     hit the fresh boot, and the confirmation would speak of the wrong life.
//   - What an operator wants shot may not escape by joining again. That is about
//     the boot that was meant: a later one ends the request, unless a shot is under
//     way.
//   - A higher boot proves that all earlier ones are over; a lower one, or a lower
//     incarnation of the same boot, is a voice from the past.
//   - A lost node may come back in the same boot as long as nobody has begun to
//     fence it: nothing that it ran was recovered elsewhere.
func (t *transition) join(j *Join) *Refusal {
	if j.Node == "" || j.Boot == 0 || j.Incarnation == 0 {
		return refuse(Invalid, "a join needs node, boot and incarnation")
	}
	if f := t.s.Fencing[j.Node]; f != nil && (f.Running || f.Requested != "" && j.Boot <= f.Boot) {
		return refuse(Conflict, "node %s is being fenced (%s): it may join when that has ended", j.Node, f.Reason)
	}
	if n := t.s.Nodes[j.Node]; n != nil {
		if j.Boot < n.Boot || j.Boot == n.Boot && j.Incarnation < n.Incarnation {
			return refuse(Stale, "node %s joined as boot %d incarnation %d already; this is boot %d incarnation %d",
				j.Node, n.Boot, n.Incarnation, j.Boot, j.Incarnation)
		}
		if n.Phase == PhaseDown && j.Boot == n.Boot && n.Fenced {
			return refuse(Conflict, "boot %d of node %s was confirmed off: it must boot again before it may join", j.Boot, j.Node)
		}
		if n.Phase == PhaseMember && j.Boot == n.Boot && j.Incarnation == n.Incarnation {
			return nil // said twice
		}
	}
	n := t.addNode(j.Node)
	t.forgetUncertain(n)
	t.dropPending(j.Node)
	if j.Boot != n.Boot {
		t.forgetLife(n)
		t.endUntilReboot(j.Node)
	} else {
		dropRecurring(n) // the new daemon starts them again, and by that looks at each resource
	}
	if t.s.Fencing[j.Node] != nil {
		delete(t.fencings(), j.Node) // between two attempts: there is nobody left to fence
	}
	if n.Phase != PhaseMember {
		n.Since = t.c.At
	}
	n.Phase, n.Boot, n.Incarnation, n.Version = PhaseMember, j.Boot, j.Incarnation, j.Version
	n.Joined, n.Leaving, n.LeaveReason, n.Kept = t.s.Index, false, "", nil // what was kept is found by the probes
	t.touch("nodes")
	return nil
}

// lost marks a member as unclean. From here on only a confirmed fencing, a
// higher boot, or its return before any shot, makes it clean.
func (t *transition) lost(l *Lost) *Refusal {
	n := t.s.Nodes[l.Node]
	switch {
	case n == nil:
		return refuse(NoSuch, "there is no node %s", l.Node)
	case n.Boot != l.Boot:
		return refuse(Stale, "node %s is in boot %d, not %d", l.Node, n.Boot, l.Boot)
	case l.Seen != 0 && n.Joined > l.Seen:
		return refuse(Stale, "loss of %s: found at index %d, but the node joined at %d", l.Node, l.Seen, n.Joined)
	case n.Phase != PhaseMember:
		return nil
	}
	n = t.node(l.Node)
	n.Phase, n.Since = PhaseLost, t.c.At
	t.touch("nodes")
	return nil
}

func (t *transition) leave(l *Leave) *Refusal {
	n := t.s.Nodes[l.Node]
	if n == nil {
		return refuse(NoSuch, "there is no node %s", l.Node)
	}
	if n.Phase == PhaseDown {
		return nil
	}
	if n.Leaving == !l.Cancel {
		return nil
	}
	n = t.node(l.Node)
	n.Leaving, n.LeaveReason = !l.Cancel, l.Reason
	t.touch("nodes")
	if l.Cancel {
		t.audit("node %s stays after all", l.Node)
	} else {
		t.audit("node %s leaves: %s", l.Node, l.Reason)
	}
	return nil
}

// left takes a drained node out. It is refused while the node has operations in
// flight: they could start something after everyone believes it is empty; and
// when anything has changed since it was found empty, for what is known of the
// node may have been forgotten, and forgotten is not stopped. A fencing that was asked for and not begun has nothing left to do.
func (t *transition) left(l *Left) *Refusal {
	n := t.s.Nodes[l.Node]
	switch {
	case n == nil:
		return refuse(NoSuch, "there is no node %s", l.Node)
	case n.Boot != l.Boot || n.Phase != PhaseMember || !n.Leaving:
		return refuse(Stale, "node %s is not leaving any more", l.Node)
	}
	for _, op := range t.s.Pending {
		if op.Node == l.Node {
			return refuse(Conflict, "node %s still has operation %s in flight", l.Node, op.Key)
		}
	}
	for _, topic := range sortedKeys(t.s.Changed) {
		if l.Seen != 0 && t.s.Changed[topic] > l.Seen {
			return refuse(Stale, "leave of %s: found empty at index %d, but %s changed at %d", l.Node, l.Seen, topic, t.s.Changed[topic])
		}
	}
	n = t.node(l.Node)
	t.forgetLife(n)
	n.Phase, n.Since, n.Leaving, n.LeaveReason, n.Kept = PhaseDown, t.c.At, false, "", l.Kept
	if t.s.Fencing[l.Node] != nil {
		delete(t.fencings(), l.Node)
	}
	t.touch("nodes")
	return nil
}

func (t *transition) forget(f *Forget) *Refusal {
	n := t.s.Nodes[f.Node]
	if n == nil {
		return nil
	}
	if n.Phase != PhaseDown {
		return refuse(Conflict, "node %s is %s: stop it first, or fence it", f.Node, n.Phase)
	}
	if t.once("nodes") {
		t.s.Nodes = clone(t.s.Nodes)
	}
	delete(t.s.Nodes, f.Node)
	if _, ok := t.s.Settings.Nodes[f.Node]; ok {
		t.s.Settings.Nodes = clone(t.s.Settings.Nodes)
		delete(t.s.Settings.Nodes, f.Node)
	}
	t.touch("nodes")
	t.audit("node %s removed", f.Node)
	return nil
}

// forgetUncertain drops what is known of resources that had an operation in
// flight when the daemon ended: nobody can say how far it got, so they are
// probed again, and nothing of them starts anywhere before that has answered.
func (t *transition) forgetUncertain(n *Node) {
	for _, id := range sortedKeys(t.s.Pending) {
		op := t.s.Pending[id]
		if op.Node == n.Name && changes(op.Action.Task) {
			delete(n.History, op.Action.HistoryID)
			t.touch("rsc:" + op.Action.HistoryID)
		}
	}
}

// forgetLife drops what belonged to a boot that is over.
func (t *transition) forgetLife(n *Node) {
	for name := range n.History {
		t.touch("rsc:" + name)
	}
	n.History, n.Attributes, n.Failures = map[string]*ResourceHistory{}, map[string]string{}, map[string]Failure{}
	n.Fenced, n.Kept = false, nil
	t.dropPending(n.Name)
}

func (t *transition) endUntilReboot(node string) {
	set, ok := t.s.Settings.Nodes[node]
	if !ok || !set.StandbyReboot {
		return
	}
	t.s.Settings.Nodes = clone(t.s.Settings.Nodes)
	set.Standby, set.StandbyReboot = false, false
	t.s.Settings.Nodes[node] = set
}

// dropRecurring forgets the recurring monitors of a daemon that is gone.
func dropRecurring(n *Node) {
	for name, h := range n.History {
		own := *h
		own.Records = map[string]policy.OpRecord{}
		for id, r := range h.Records {
			if r.IntervalMS == 0 {
				own.Records[id] = r
			}
		}
		n.History[name] = &own
	}
}
