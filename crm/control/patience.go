package control

import (
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
)

// patience says since when something is as it is, as this node has seen it.
//
// Invariant: how long an executor may take, or a device, is measured by one
// clock, this node's, and never by comparing the times of two nodes. What the log
// carries of other clocks counts only as a difference of two times of one clock.
// So a clock that is wrong, or jumps, expires no operation and delays no fencing.
// It is kept while following too: a new leader does not begin to count anew.
type patience map[string]time.Time

// observe notes what is new and forgets what is over.
func (p patience) observe(now time.Time, s *state.State) {
	here := map[string]bool{}
	note := func(key string) {
		here[key] = true
		if _, ok := p[key]; !ok {
			p[key] = now
		}
	}
	for id := range s.Pending {
		note(opKey(id))
	}
	for _, f := range s.Fencing {
		note(fenceKey(f))
	}
	for _, n := range s.Nodes {
		if n.Phase == state.PhaseMember {
			note(joinKey(n))
			for _, key := range []string{strangeKey(n), upKey(n)} {
				if _, ok := p[key]; ok {
					here[key] = true
				}
			}
		}
	}
	for key := range p {
		if !here[key] {
			delete(p, key)
		}
	}
}

// noteUp notes which members the detector finds up in the boot in which they
// joined, also while this node follows: it may lead in a moment.
func (p patience) noteUp(now time.Time, s *state.State, members map[string]Presence) {
	for name, n := range s.Nodes {
		if m, known := members[name]; known && n.Phase == state.PhaseMember && m.Boot == n.Boot && !m.Lost {
			p.begun(upKey(n), now)
		}
	}
}

// begun is since when a key holds; it begins now if it is new.
func (p patience) begun(key string, now time.Time) time.Time {
	if at, ok := p[key]; ok {
		return at
	}
	p[key] = now
	return now
}

func opKey(id string) string { return "op " + id }

func fenceKey(f *state.Fencing) string {
	return fmt.Sprintf("fence %s %d %t", f.ID, f.Attempt, f.Running)
}

func joinKey(n *state.Node) string { return fmt.Sprintf("join %s %d", n.Name, n.Joined) }

// strangeKey is for a member of which the detector says something else than the
// log: nothing at all, or another boot.
func strangeKey(n *state.Node) string { return fmt.Sprintf("strange %s %d", n.Name, n.Joined) }

// upKey is for a member that the detector has found up since it joined: from then
// on the detector's word about it is never one of before.
func upKey(n *state.Node) string { return fmt.Sprintf("up %s %d", n.Name, n.Joined) }
