// Package core holds the deciding part of membership: who is here, who leads,
// and in what order things happened.
//
// It is pure: no I/O, no clock, no goroutine, no package state, no logging.
// Node is one member as a value machine: Step takes an input and the time and
// returns what to do. The runtime in package membership carries that out; a
// simulator can do the same with virtual time, and then one seed gives one run.
//
//	       Tick, Datagram, Message, Propose, Read, Persisted, …
//	                             │
//	┌────────────────────────────▼─────────────────────────────┐
//	│ Node   Detector   heartbeats, matrix, suspect, lost      │
//	│        raft       one log, one leader: the DC            │
//	│        Roster     members, tokens, revocations           │
//	│        once       each proposal is applied at most once  │
//	└────────────────────────────┬─────────────────────────────┘
//	                             ▼
//	SendDatagram, SendMessage, SetPeers, Persist, Apply, Notify, Fatal, …
//
// Detection (detector.go, verdict.go). Members send each other a heartbeat per
// link every 100 ms, each with the sender's row of the connectivity matrix. A
// link is up after two answered heartbeats and down after five missing ones. A
// member is suspect after 0.8 s without proof of both directions; the leader
// declares it lost after the failure timeout if no live member still hears it.
// The rule for a member that only some hear is told at judge. A member whose
// own ticks stopped for more than 300 ms distrusts what it did not hear, and
// waits one full window before it accuses anyone.
//
// Agreement (agree.go, apply.go, propose.go). raft with PreVote and CheckQuorum
// and asynchronous storage writes: while a write hangs, time goes on, messages
// that do not rest on it go out, and the age of the write is known. What does
// rest on it waits: acknowledgements and votes, and every committed entry until
// the commit index behind it is on disk (rule R0 of the design).
//
// Disk. A leader whose write is older than a second hands over; after two
// seconds it falls silent, so that the others elect without it. A follower with
// a hanging disk does not stand for election. A failed write is final.
//
// Roster (roster.go, command.go, lead.go). Commands change the roster, and the
// leader moves the raft configuration after it, one change at a time: a new
// member becomes a learner, and a voter once it has caught up. A removed one
// leaves the configuration first, because its vote may be needed for that, and
// is barred from then on.
//
// Limits of this version: majority quorum only and up to seven members. With
// exactly two voters, as while growing from one to three, the loss of either
// stops the cluster until it is back: automatic take-over by fencing, half
// splits, the witness and leases come with a later version, and configuration
// that asks for them is refused.
package core
