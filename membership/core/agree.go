package core

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// The first byte of every message between members.
const (
	msgRaft     = 1 // a raft message
	msgChunk    = 2 // a piece of a snapshot
	msgChunkAck = 3 // the answer to it
	msgFarewell = 4 // the leader tells a removed member that it is out
	msgPeers    = 5 // an introduction
)

// write is one Ready on its way: first to disk, then its answers go out, then
// its committed entries are applied. Rule R0 follows from this order: whatever
// takes effect, the commit index behind it is on disk.
type write struct {
	seq       uint64
	at        time.Time
	toDisk    bool
	done      bool
	w         Write
	own       bool // our own snapshot, not from raft's Ready
	responses []*raftpb.Message
	apply     *raftpb.Message
}

// drain takes everything that raft has ready.
func (n *Node) drain() {
	for !n.dead {
		n.softState() // may propose again what the old leader had
		if !n.rn.HasReady() {
			return
		}
		rd := n.rn.Ready()
		n.readStates(rd.ReadStates)
		w := &write{at: n.now, w: Write{HardState: rd.HardState, Entries: rd.Entries}}
		if !raft.IsEmptySnap(rd.Snapshot) {
			w.w.Snapshot, w.w.Install = rd.Snapshot, true
		}
		for _, m := range rd.Messages {
			switch m.GetTo() {
			case raft.LocalAppendThread:
				w.responses = m.GetResponses()
			case raft.LocalApplyThread:
				w.apply = m
			default:
				n.sendRaft(m)
			}
		}
		n.enqueue(w)
	}
}

// enqueue starts a write. One without anything for the disk still waits for
// those before it, because its answers and entries rest on them.
func (n *Node) enqueue(w *write) {
	w.toDisk = w.w.Snapshot != nil || len(w.w.Entries) > 0 || !raft.IsEmptyHardState(w.w.HardState)
	if !w.toDisk && len(w.responses) == 0 && w.apply == nil {
		return
	}
	n.writes = append(n.writes, w)
	if w.toDisk {
		n.lastSeq++
		w.seq = n.lastSeq
		n.emit(Persist{Seq: w.seq, Write: w.w})
		return
	}
	w.done = true
	n.finishWrites()
}

func (n *Node) persisted(in Persisted) {
	if in.Err != nil {
		// A failed fsync may have dropped the data and will not say so twice:
		// whoever tries again acknowledges what is lost.
		n.fatal(fmt.Errorf("write to stable storage failed, this node stops: %w; repair the disk, then start it again", in.Err))
		return
	}
	for _, w := range n.writes {
		if w.toDisk && w.seq == in.Seq {
			w.done = true
		}
	}
	n.finishWrites()
}

// finishWrites goes on with all writes that are durable, in order.
func (n *Node) finishWrites() {
	for len(n.writes) > 0 && n.writes[0].done && !n.dead {
		w := n.writes[0]
		n.writes = n.writes[1:]
		if err := n.finish(w); err != nil {
			n.fatal(err)
		}
	}
}

func (n *Node) finish(w *write) error {
	if w.own {
		return n.compact(w.w.Snapshot)
	}
	if w.w.HardState != nil {
		if err := n.log.SetHardState(w.w.HardState); err != nil {
			return err
		}
	}
	if w.w.Snapshot != nil {
		if err := n.install(w.w.Snapshot); err != nil {
			return err
		}
	}
	if err := n.log.Append(w.w.Entries); err != nil {
		return err
	}
	if err := n.deliver(w.responses); err != nil {
		return err
	}
	if w.apply == nil {
		return nil
	}
	for _, e := range w.apply.GetEntries() {
		if err := n.applyEntry(e); err != nil {
			return err
		}
	}
	n.maybeSnapshot()
	return n.deliver(w.apply.GetResponses())
}

// install takes over a snapshot from the leader.
func (n *Node) install(s *raftpb.Snapshot) error {
	if err := n.log.ApplySnapshot(s); errors.Is(err, raft.ErrSnapOutOfDate) {
		return nil
	} else if err != nil {
		return err
	}
	if err := n.restore(s); err != nil {
		return err
	}
	n.peersChanged()
	n.settleProposals()
	n.serveReads()
	if n.roster.Member(n.self.ID) == nil {
		return fmt.Errorf("member %d (%s): %w", n.self.ID, n.self.Name, ErrRemoved)
	}
	return nil
}

func (n *Node) deliver(ms []*raftpb.Message) error {
	for _, m := range ms {
		if m.GetTo() != uint64(n.self.ID) {
			n.sendRaft(m)
			continue
		}
		if err := n.rn.Step(m); err != nil && !errors.Is(err, raft.ErrProposalDropped) {
			return fmt.Errorf("raft: %w", err)
		}
	}
	return nil
}

// sendRaft sends one raft message. A leader whose disk hangs falls silent, so
// that the others elect without it.
func (n *Node) sendRaft(m *raftpb.Message) {
	if n.role == raft.StateLeader && n.DiskAge() > n.cfg.DiskSilence {
		return
	}
	if m.GetType() == raftpb.MsgSnap {
		n.sendSnapshot(m)
		return
	}
	b, err := proto.MarshalOptions{}.MarshalAppend([]byte{msgRaft}, m)
	if err != nil {
		n.fatal(fmt.Errorf("raft message to %d: %w", m.GetTo(), err))
		return
	}
	if link := n.det.upLink(ID(m.GetTo())); link >= 0 && isBeat(m) && len(b) <= maxBeat {
		b[0] = datagramRaft
		n.emit(SendDatagram{To: ID(m.GetTo()), Link: link, Payload: b})
		return
	}
	n.emit(SendMessage{To: ID(m.GetTo()), Payload: b})
}

// maxBeat keeps a raft heartbeat in one unfragmented packet.
const maxBeat = 1200

// isBeat tells the messages by which a leader keeps its place. They are sent
// all the time, may be lost, and mean the same in any order; as datagrams they
// leave the streams, with their handshakes and system calls, to what must
// arrive.
func isBeat(m *raftpb.Message) bool {
	return m.GetType() == raftpb.MsgHeartbeat || m.GetType() == raftpb.MsgHeartbeatResp
}

// message takes what another member sent. Nothing is accepted from a sender
// that is neither in the roster nor introduced.
func (n *Node) message(in Message) {
	if !n.knows(in.From) || len(in.Payload) == 0 {
		return
	}
	body := in.Payload[1:]
	switch in.Payload[0] {
	case msgRaft:
		n.raftMessage(in.From, body)
	case msgChunk:
		n.chunk(in.From, body)
	case msgChunkAck:
		n.chunkAck(in.From, body)
	case msgPeers:
		n.introduced(in.From, body)
	case msgFarewell:
		if in.From == n.leader || n.leader == 0 {
			n.fatal(fmt.Errorf("member %d (%s): %w", n.self.ID, n.self.Name, ErrRemoved))
		}
	}
}

func (n *Node) raftMessage(from ID, body []byte) {
	m := &raftpb.Message{}
	if err := proto.Unmarshal(body, m); err != nil || m.GetFrom() != uint64(from) || m.GetTo() != uint64(n.self.ID) || !fromPeer(m.GetType()) {
		return
	}
	// Errors mean "not for me, or not now": a dropped proposal, an unknown
	// peer. The sender tries again.
	_ = n.rn.Step(m)
}

// fromPeer says whether a message of this type may come from another member.
// Snapshots come in pieces, see chunk.
func fromPeer(t raftpb.MessageType) bool {
	switch t {
	case raftpb.MsgApp, raftpb.MsgAppResp, raftpb.MsgVote, raftpb.MsgVoteResp, raftpb.MsgHeartbeat, raftpb.MsgHeartbeatResp,
		raftpb.MsgPreVote, raftpb.MsgPreVoteResp, raftpb.MsgProp, raftpb.MsgReadIndex, raftpb.MsgReadIndexResp,
		raftpb.MsgTransferLeader, raftpb.MsgTimeoutNow:
		return true
	}
	return false
}

// softState notes changes of term, leader and role.
func (n *Node) softState() {
	s := n.rn.BasicStatus()
	term, leader := s.HardState.GetTerm(), ID(s.SoftState.Lead)
	n.role = s.SoftState.RaftState
	if term == n.term && leader == n.leader {
		return
	}
	n.term, n.leader = term, leader
	n.notify([]Event{{Kind: LeaderChange, Term: term, Leader: leader}})
	n.retryAtOnce()
}
