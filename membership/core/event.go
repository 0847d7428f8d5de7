package core

import (
	"fmt"
	"time"
)

// EventKind says what happened.
type EventKind int

// The kinds of Event.
const (
	LinkUp       EventKind = iota + 1 // packets go both ways on one link
	LinkDown                          // they stopped to
	Suspect                           // silence on all links; place nothing new there
	Lost                              // the leader declares the member gone: fence it
	Partial                           // the leader cannot reach a member that others still hear
	Back                              // a member is heard (again), or runs a new incarnation
	LeaderChange                      // Term and Leader changed
	Removed                           // Peer left the cluster for good
)

func (k EventKind) String() string {
	names := [...]string{"?", "link-up", "link-down", "suspect", "lost", "partial", "back", "leader", "removed"}
	if k < 0 || int(k) >= len(names) {
		k = 0
	}
	return names[k]
}

// Event is one observation. Boot and Incarnation are those that were last
// heard from Peer, zero if this member never heard it: then a Lost event means
// "never seen since this leader watches".
type Event struct {
	Kind        EventKind
	Peer        ID
	Boot        uint64
	Incarnation uint64
	Link        int           // for LinkUp and LinkDown
	RTT         time.Duration // for LinkUp
	Term        uint64        // for LeaderChange
	Leader      ID            // for LeaderChange, 0 for nobody
	Reason      string        // for Suspect, Lost, Partial and Back
}

func (e Event) String() string {
	switch e.Kind {
	case LinkUp:
		return fmt.Sprintf("link-up %d/%d", e.Peer, e.Link)
	case LinkDown:
		return fmt.Sprintf("link-down %d/%d", e.Peer, e.Link)
	case LeaderChange:
		return fmt.Sprintf("leader %d term %d", e.Leader, e.Term)
	case Removed:
		return fmt.Sprintf("removed %d", e.Peer)
	}
	return fmt.Sprintf("%v %d boot %d incarnation %d: %s", e.Kind, e.Peer, e.Boot, e.Incarnation, e.Reason)
}
