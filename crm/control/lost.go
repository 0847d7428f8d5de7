package control

import (
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
)

// markLost turns the detector's word into the state's.
func (t *turn) markLost() {
	c := t.c
	if c.members == nil {
		return // the detector has not spoken yet
	}
	for _, name := range sortedKeys(c.state.Nodes) {
		n := c.state.Nodes[name]
		if n.Phase != state.PhaseMember || name == c.cfg.Self {
			continue
		}
		why := t.gone(n)
		if why == "" {
			continue
		}
		lost := &state.Lost{Node: name, Boot: n.Boot, Seen: c.state.Index}
		if t.propose(fmt.Sprintf("lost %s %d", name, n.Boot), state.Command{Lost: lost}) {
			t.note("node %s (boot %d) is lost: %s", name, n.Boot, why)
		}
	}
}

// gone says why a member counts as lost, or "".
//
// The detector and the log do not move in step, so what the detector says is
// weighed against how long the log has said otherwise. And every member that
// does not follow orders is lost sooner or later: one that the membership does
// not know any more, and one whose machine has booted again and does not join.
func (t *turn) gone(n *state.Node) string {
	c := t.c
	p, known := c.members[n.Name]
	strange := !known || p.Boot != 0 && p.Boot != n.Boot
	if !strange {
		delete(c.since, strangeKey(n))
	}
	switch {
	case !known:
		return t.afterwards(strangeKey(n), c.cfg.StaleLimit, "it was taken out of the membership while it was at work")
	case p.Boot > n.Boot && p.Lost:
		return "it booted again and fell silent before it joined"
	case p.Boot > n.Boot:
		return t.afterwards(strangeKey(n), c.cfg.JoinLimit, "it has booted again and does not join")
	case !p.Lost:
		return ""
	case strange:
		return t.afterwards(strangeKey(n), c.cfg.StaleLimit, "silent on all links since its last boot")
	}
	if _, seen := c.since[upKey(n)]; seen {
		return "silent on all links"
	}
	// It may have returned a moment ago, and the detector be about to notice.
	return t.afterwards(joinKey(n), c.cfg.StaleLimit, "silent on all links")
}

// afterwards gives the reason once a key has held for the limit.
func (t *turn) afterwards(key string, limit time.Duration, why string) string {
	if due := t.c.since.begun(key, t.now).Add(limit); t.now.Before(due) {
		t.wake(due)
		return ""
	}
	return why
}

// expireOperations gives up on answers that are overdue.
func (t *turn) expireOperations() {
	for _, id := range sortedKeys(t.c.state.Pending) {
		op := t.c.state.Pending[id]
		limit := time.Duration(op.Deadline-op.At) * time.Millisecond
		deadline := t.c.since.begun(opKey(id), t.now).Add(limit)
		if t.now.Before(deadline) {
			t.wake(deadline)
			continue
		}
		if t.propose("expire "+id, state.Command{Expire: &state.Expire{Op: id}}) {
			t.note("operation %s on %s was not answered in time", op.Key, op.Node)
		}
	}
}
