// Package control is the designated controller: the part of the leader that
// makes the cluster become what policy decides.
//
//	Lead, Follow, Changed, Members, Answered, Tick ──▶ Step ──▶ Propose, WakeAt, Decided, Note
//
// It is a value machine: events and time in, effects out; no I/O, no goroutine,
// no clock. Everything that it orders is a proposal to the replicated log, so an
// order exists only once a majority has it, and a leader that was deposed can
// order nothing: its term no longer commits.
//
// There is no global transition. On every change the whole plan is decided
// again, and each action is ordered whose own predecessors are done and that is
// not in flight. What is in flight is part of the state, so the new decision
// keeps it, awaits it or reverses it; a slow start of one resource never delays
// the recovery of another.
//
// It never
//
//   - orders an operation to a node that is not a member;
//   - starts a resource that needs protection where no working fence device could
//     make the node let go of it;
//   - begins a second fencing attempt while the first one's executor is alive.
package control
