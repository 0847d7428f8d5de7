package core

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// Options is what a Node needs to start.
type Options struct {
	Config      Config
	Self        Peer   // own record as this node knows it
	Boot        uint64 // number of this host's boot
	Incarnation uint64 // number of this daemon's start, never repeated
	Stored      Stored
	// Seed is the roster to go by until the log brings one: what the join
	// answer said. Ignored when Stored has a snapshot.
	Seed *Roster
}

// Node is one member as a value machine: detector, agreement and roster. Step
// takes an input and the time, and returns what to do. Equal inputs give equal
// effects, except for raft's election jitter, which comes from crypto/rand.
type Node struct {
	cfg  Config
	self Peer
	boot uint64
	inc  uint64

	rn  *raft.RawNode
	log *store
	det *Detector

	// Replicated state, all as of applied.
	roster      *Roster
	once        once
	conf        *raftpb.ConfState
	applied     uint64
	appliedTerm uint64
	hasApp      bool   // the application has state
	rosterIndex uint64 // where the roster last changed

	// Agreement as last seen.
	role   raft.StateType
	term   uint64
	leader ID

	now      time.Time
	nextTick time.Time
	writes   []*write // under way, oldest first
	lastSeq  uint64

	proposals []*proposal // by key
	reads     []*read
	confAt    time.Time // when a configuration change was last proposed
	handover  time.Time // when leadership was last offered to someone
	parting   []parting

	guests       introduction // peers that the own log does not know yet
	introducedAt map[ID]time.Time

	snap    snapshotting
	sending []*sending // snapshots on their way, by peer
	receive receiving

	changes uint64
	dead    bool
	out     []Effect
}

// New builds a Node from what is on disk. The first Step brings its first
// effects.
func New(now time.Time, o Options) (*Node, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, fmt.Errorf("membership configuration: %w", err)
	}
	n := &Node{
		cfg: o.Config, self: o.Self.Clone(), boot: o.Boot, inc: o.Incarnation, now: now, nextTick: now,
		log: &store{MemoryStorage: raft.NewMemoryStorage()}, roster: &Roster{}, conf: &raftpb.ConfState{},
		det: NewDetector(o.Config, o.Self.ID, o.Boot, o.Incarnation), introducedAt: map[ID]time.Time{},
	}
	if o.Seed != nil {
		n.roster = o.Seed.Clone()
	}
	if err := n.load(o.Stored); err != nil {
		return nil, err
	}
	if n.roster.Member(n.self.ID) == nil && o.Stored.Snapshot != nil {
		return nil, fmt.Errorf("member %d (%s): %w", n.self.ID, n.self.Name, ErrRemoved)
	}
	rn, err := raft.NewRawNode(n.raftConfig())
	if err != nil {
		return nil, fmt.Errorf("raft: %w", err)
	}
	n.rn = rn
	n.term = rn.BasicStatus().HardState.GetTerm()
	n.peersChanged()
	return n, nil
}

func (n *Node) raftConfig() *raft.Config {
	return &raft.Config{
		ID: uint64(n.self.ID), ElectionTick: n.cfg.ElectionTicks, HeartbeatTick: n.cfg.HeartbeatTicks,
		Storage: n.log, Applied: n.applied, AsyncStorageWrites: true,
		MaxSizePerMsg: 1 << 20, MaxCommittedSizePerReady: 16 << 20, MaxUncommittedEntriesSize: 256 << 20, MaxInflightMsgs: 256,
		CheckQuorum: true, PreVote: true, StepDownOnRemoval: true, Logger: quiet{},
	}
}

// load fills the in-memory log from stable storage.
func (n *Node) load(s Stored) error {
	if s.Snapshot != nil {
		if err := n.log.ApplySnapshot(s.Snapshot); err != nil {
			return fmt.Errorf("snapshot at index %d: %w", s.Snapshot.GetMetadata().GetIndex(), err)
		}
		if err := n.restore(s.Snapshot); err != nil {
			return err
		}
	}
	if s.HardState != nil {
		if err := n.log.SetHardState(s.HardState); err != nil {
			return err
		}
	}
	last := n.applied
	for _, e := range s.Entries {
		if e.GetIndex() != last+1 {
			return fmt.Errorf("log: entry %d follows %d", e.GetIndex(), last)
		}
		last = e.GetIndex()
	}
	if c := s.HardState.GetCommit(); c > last || (c < n.applied && c != 0) {
		return fmt.Errorf("log: commit index %d lies outside of what is on disk (%d to %d): the log lost its end; remove this node from the cluster and join it again", c, n.applied, last)
	}
	return n.log.Append(s.Entries)
}

// restore replaces the replicated state by a snapshot's.
func (n *Node) restore(s *raftpb.Snapshot) error {
	r, app, hasApp, err := decodeSnapshot(s.GetData())
	if err != nil {
		return fmt.Errorf("index %d: %w", s.GetMetadata().GetIndex(), err)
	}
	n.roster, n.once, n.hasApp = r.Roster, r.Once, hasApp
	n.conf = s.GetMetadata().GetConfState()
	n.applied, n.appliedTerm = s.GetMetadata().GetIndex(), s.GetMetadata().GetTerm()
	n.log.confIndex, n.rosterIndex = n.applied, n.applied
	n.snap.since, n.snap.bytes, n.snap.busy = n.applied, 0, false
	if hasApp {
		n.emit(Restore{Data: app})
	}
	return nil
}

// Step takes one input at the given time and returns what to do about it.
// After a Fatal effect it returns nothing any more.
func (n *Node) Step(now time.Time, in Input) (out []Effect) {
	if n.dead {
		return nil
	}
	defer func() {
		// raft panics when its log contradicts itself, for example because
		// acknowledged entries vanished from the disk. Stop, do not guess.
		if p := recover(); p != nil {
			n.fatal(fmt.Errorf("agreement contradicts itself: %v; remove this node from the cluster and join it again", p))
			out = n.takeEffects()
		}
	}()
	if now.After(n.now) {
		n.now = now
	}
	n.dispatch(in)
	n.drain()
	return n.takeEffects()
}

func (n *Node) dispatch(in Input) {
	switch in := in.(type) {
	case Tick:
		n.tick()
	case Datagram:
		n.datagram(in)
	case Message:
		n.message(in)
	case Propose:
		n.propose(in)
	case Abandon:
		n.abandon(in.Key)
	case Read:
		n.read(in.Key)
	case Transfer:
		n.transfer(in)
	case Persisted:
		n.persisted(in)
	case SnapshotTaken:
		n.snapshotTaken(in)
	case Dropped:
		n.rn.ReportUnreachable(uint64(in.To))
	}
}

// tick is the heartbeat of everything that waits.
func (n *Node) tick() {
	n.detect()
	n.tickRaft()
	n.retryProposals()
	n.retryReads()
	n.lead()
	n.tickSnapshots()
	n.endFarewells()
	n.dropGuests()
}

// tickRaft moves raft's clock, by one tick however late we are: ticks that a
// pause swallowed are no silence of the leader. A member whose disk hangs does
// not stand for election.
func (n *Node) tickRaft() {
	if n.now.Before(n.nextTick) {
		return
	}
	n.nextTick = n.nextTick.Add(n.cfg.Tick)
	if n.nextTick.Before(n.now) {
		n.nextTick = n.now.Add(n.cfg.Tick)
	}
	if n.role != raft.StateLeader && n.DiskAge() > n.cfg.DiskTransfer {
		return
	}
	n.rn.Tick()
	if n.role == raft.StateFollower && n.leader == 0 && n.soleVoter() {
		_ = n.rn.Campaign() // alone, there is nobody to wait for
	}
}

func (n *Node) soleVoter() bool {
	return len(n.conf.GetVoters()) == 1 && len(n.conf.GetVotersOutgoing()) == 0 && n.conf.GetVoters()[0] == uint64(n.self.ID)
}

func (n *Node) detect() {
	beats, events := n.det.Tick(n.now, Own{Leading: n.role == raft.StateLeader, Term: n.term, Applied: n.applied, DiskAge: n.DiskAge()})
	for _, b := range beats {
		n.emit(SendDatagram(b))
	}
	n.notify(events)
}

func (n *Node) datagram(in Datagram) {
	if len(in.Payload) > 0 && in.Payload[0] == datagramRaft {
		if n.knows(in.From) {
			n.raftMessage(in.From, in.Payload[1:])
		}
		return
	}
	h, err := DecodeHeartbeat(in.Payload)
	if err != nil || (in.Boot != 0 && h.Boot != in.Boot) {
		return
	}
	n.notify(n.det.Receive(in.At, in.From, in.Link, h))
	n.introduce(in.From, h.Applied)
}

func (n *Node) notify(events []Event) {
	for _, e := range events {
		n.changes++
		n.emit(Notify{e})
	}
}

// DiskAge is the age of the oldest write that is still under way, 0 for none.
func (n *Node) DiskAge() time.Duration {
	for _, w := range n.writes {
		if w.toDisk {
			return n.now.Sub(w.at)
		}
	}
	return 0
}

func (n *Node) emit(e Effect) { n.out = append(n.out, e) }

func (n *Node) takeEffects() []Effect {
	out := n.out
	n.out = nil
	return out
}

func (n *Node) fatal(err error) {
	n.dead = true
	n.emit(Fatal{err})
}

// peersChanged tells detector and transport whom to talk to.
func (n *Node) peersChanged() {
	selfVoter := false
	var watched []Watched
	for _, m := range n.roster.Members {
		if m.ID == n.self.ID {
			n.self = m.Peer.Clone()
			selfVoter = m.Role == Voter
			continue
		}
		watched = append(watched, Watched{ID: m.ID, Links: len(m.Addresses), Voter: m.Role == Voter})
	}
	for _, p := range n.guests.Peers {
		if n.roster.Member(p.ID) == nil {
			watched = append(watched, Watched{ID: p.ID, Links: len(p.Addresses), Voter: true})
		}
	}
	for i := range watched {
		watched[i].Links = min(watched[i].Links, max(1, len(n.self.Addresses)))
	}
	n.det.SetPeers(n.now, selfVoter, watched)
	n.changes++
	peers := n.roster.Peers(n.self.ID)
	for _, g := range n.guests.Peers { // newer than our own record, if there is one
		peers = append(slices.DeleteFunc(peers, func(p Peer) bool { return p.ID == g.ID }), g.Clone())
	}
	for _, p := range n.parting {
		peers = append(peers, p.peer.Clone())
	}
	n.emit(SetPeers{Self: n.self.Clone(), Peers: peers})
}

// quiet drops raft's log lines: what matters reaches the owner as events, and
// this package does not log. Panics stay panics, Step turns them into Fatal.
type quiet struct{}

func (quiet) Debug(...any)            {}
func (quiet) Debugf(string, ...any)   {}
func (quiet) Info(...any)             {}
func (quiet) Infof(string, ...any)    {}
func (quiet) Warning(...any)          {}
func (quiet) Warningf(string, ...any) {}
func (quiet) Error(...any)            {}
func (quiet) Errorf(string, ...any)   {}
func (quiet) Fatal(v ...any)          { panic(errors.New(fmt.Sprint(v...))) }
func (quiet) Fatalf(f string, v ...any) {
	panic(fmt.Errorf(f, v...))
}
func (quiet) Panic(v ...any) { panic(errors.New(fmt.Sprint(v...))) }
func (quiet) Panicf(f string, v ...any) {
	panic(fmt.Errorf(f, v...))
}
