package core

import (
	"time"

	"go.etcd.io/raft/v3/raftpb"
)

// Input is one thing that happens to a Node.
type Input interface{ input() }

// The inputs of Node.Step.
type (
	// Tick lets time pass; due every Config.Tick.
	Tick struct{}
	// Datagram is a heartbeat that arrived. At is when it was read from the
	// socket, Boot what the sealed packet says about its sender, 0 if nothing.
	Datagram struct {
		From    ID
		Boot    uint64
		Link    int
		Payload []byte
		At      time.Time
	}
	// Message is an ordered message that arrived.
	Message struct {
		From    ID
		Payload []byte
	}
	// Propose asks for an application entry or a membership command. Key is
	// chosen by the caller: 1, 2, 3, … within one incarnation.
	Propose struct {
		Key     uint64
		Data    []byte   // application data, or
		Command *Command // a membership command
		// LeaderTerm, if not zero, binds the proposal to this member leading
		// in exactly that term: it is never forwarded nor sent again.
		LeaderTerm uint64
	}
	// Abandon ends the wait for a proposal, a read or a transfer.
	Abandon struct{ Key uint64 }
	// Read asks for a linearizable read point. Key as for Propose.
	Read struct{ Key uint64 }
	// Transfer asks the leader to hand over, to To or to the best voter.
	Transfer struct {
		Key uint64
		To  ID
	}
	// Persisted reports that write Seq is on stable storage, or failed.
	Persisted struct {
		Seq uint64
		Err error
	}
	// Dropped reports that messages to a member were lost on the way out.
	Dropped struct{ To ID }
	// SnapshotTaken brings the application's snapshot at the index that a
	// TakeSnapshot effect named.
	SnapshotTaken struct {
		Index uint64
		Data  []byte
		Err   error
	}
)

func (Tick) input()          {}
func (Datagram) input()      {}
func (Message) input()       {}
func (Propose) input()       {}
func (Abandon) input()       {}
func (Read) input()          {}
func (Transfer) input()      {}
func (Persisted) input()     {}
func (Dropped) input()       {}
func (SnapshotTaken) input() {}

// Effect is one thing that the owner of a Node has to do. Effects are carried
// out in the order in which Step returned them.
type Effect interface{ effect() }

// The effects of Node.Step.
type (
	// SetPeers gives the transport a new set of peers.
	SetPeers struct {
		Self  Peer
		Peers []Peer
	}
	// SendDatagram sends a heartbeat.
	SendDatagram struct {
		To      ID
		Link    int
		Payload []byte
	}
	// SendMessage sends an ordered message.
	SendMessage struct {
		To      ID
		Payload []byte
	}
	// Persist writes to stable storage, in order, and is answered by Persisted
	// once everything in it is durable.
	Persist struct {
		Seq   uint64
		Write Write
	}
	// Apply hands a committed entry to the application. If Key is not zero,
	// this member proposed it, and the caller waits for the application's
	// answer.
	Apply struct {
		Entry Entry
		Key   uint64
	}
	// Restore replaces the application's state by a snapshot.
	Restore struct{ Data []byte }
	// TakeSnapshot asks the application for a snapshot of its state as it is
	// after the Apply effects so far; answered by SnapshotTaken before the
	// next entry is applied.
	TakeSnapshot struct{ Index uint64 }
	// Resolved ends a wait: of a membership command (Value is its answer), of
	// a read, a transfer, or of a proposal that failed. A wait for application
	// data that succeeds ends with its Apply instead.
	Resolved struct {
		Key         uint64
		Index, Term uint64
		Value       any
		Err         error
	}
	// Notify tells about an event.
	Notify struct{ Event Event }
	// Fatal says that this member must stop now; nothing follows it.
	Fatal struct{ Err error }
)

func (SetPeers) effect()     {}
func (SendDatagram) effect() {}
func (SendMessage) effect()  {}
func (Persist) effect()      {}
func (Apply) effect()        {}
func (Restore) effect()      {}
func (TakeSnapshot) effect() {}
func (Resolved) effect()     {}
func (Notify) effect()       {}
func (Fatal) effect()        {}

// Write is one write to stable storage: a snapshot (received from the leader,
// or our own), then entries, then the hard state. All of it is fsynced.
type Write struct {
	Snapshot  *raftpb.Snapshot
	HardState *raftpb.HardState
	Entries   []*raftpb.Entry
	// Install says that the log restarts behind Snapshot, which came from the
	// leader; otherwise the snapshot is our own and the log goes on.
	Install bool
}

// Stored is what stable storage holds at the start.
type Stored struct {
	Snapshot  *raftpb.Snapshot // nil for none
	HardState *raftpb.HardState
	Entries   []*raftpb.Entry // behind the snapshot
}
