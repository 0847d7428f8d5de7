// Package state is the replicated state of a cluster: one value, changed only
// by commands that went through the agreed log.
//
//	Apply(state, entry) ──▶ new state, result        (pure; the same on every node)
//	state.Input(now)    ──▶ policy.Input             (what the engine decides on)
//
// A State is immutable once made: Apply copies what it changes and shares the
// rest, so any goroutine may keep a pointer and read it without a lock, and a
// decision looks at one instant.
//
// It promises:
//
//   - equal logs give equal states, byte for byte in a snapshot;
//   - time enters with commands and is never read;
//   - a command whose premise has passed (a configuration made on an older
//     base, an order decided before something changed under it, a result of an
//     operation that is void) changes nothing and says so;
//   - a node's operations and history are bound to its boot and to the
//     incarnation of its daemon: what an earlier life was told or said is void.
//
// It never does I/O, and it decodes no HCL: the proposer sends text and decoded
// form together, because a decoder of another version must not give another
// state.
package state
