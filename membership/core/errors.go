package core

import "errors"

// Errors that end a wait. Callers branch on them.
var (
	// ErrNoQuorum: no leader could be found; the proposal was never made.
	ErrNoQuorum = errors.New("no quorum: this node sees no leader; check `crm status` on the other nodes and the network between them")
	// ErrNotLeader: this member does not lead in the given term; the proposal
	// is not and never will be applied.
	ErrNotLeader = errors.New("this node is not the leader in that term")
	// ErrOutcomeUnknown: the proposal may or may not be applied.
	ErrOutcomeUnknown = errors.New("outcome unknown: the change may still take effect; look at the state before trying again")
	// ErrTooLarge: the proposal exceeds MaxData.
	ErrTooLarge = errors.New("proposal is too large")
	// ErrBusy: too many proposals of this member are under way.
	ErrBusy = errors.New("too many proposals under way on this node; try again")
	// ErrRemoved: this member was removed from the cluster. It is also what
	// stops a member after Leave.
	ErrRemoved = errors.New("this node was removed from the cluster; to return, join it again as a new member")
	// ErrNoTarget: no other voter can take the leadership.
	ErrNoTarget = errors.New("no other voter is up and caught up to take the leadership")
)
