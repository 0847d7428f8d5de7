// Package agents starts, stops and watches one resource on this node.
//
// An [Agent] is the one thing in the house that touches a resource: it mounts
// the file system, adds the address, starts the unit. It knows nothing of the
// cluster: no other node, no quorum, no policy. It is told what to do by a
// [Request], does it, and answers with a [Result] in the vocabulary of the OCF
// resource agent API 1.1 (result codes, roles), because that is what the
// policy engine's history speaks.
//
//	Request ──▶ Agent.Run ──▶ Result
//	Request ──▶ Watcher.Watch ──▶ Event, Event, …   (something changed: look again)
//
// Promises, checked by one contract suite (package contract) for each class:
//
//   - start of a started resource, and stop of a stopped one, succeed;
//   - a stop of what never existed succeeds;
//   - Run returns by the request's timeout, also when the work hangs, and what
//     it started for that work is gone by then or named in the reason;
//   - monitor tells the truth: it looks, it does not remember;
//   - an agent killed half way leaves a state from which stop succeeds.
//
// What it never does: decide. An agent does not retry, fail over or fence.
package agents
