package core

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// maxSnapshot bounds what a peer can make us hold while it sends a snapshot.
const maxSnapshot = 512 << 20

// snapshotting is the state of taking our own snapshots.
type snapshotting struct {
	since uint64 // index of the last snapshot or attempt
	bytes uint64 // applied since then
	busy  bool
	index uint64
	term  uint64
	conf  *raftpb.ConfState
	state replicated
	app   bool
}

// store is raft's in-memory log. It gives out a snapshot only if that knows
// the present configuration: a member that is not in a snapshot refuses it.
type store struct {
	*raft.MemoryStorage
	confIndex uint64 // where the present configuration took effect
	wanted    bool   // a newer snapshot is needed
}

// Snapshot implements raft.Storage.
func (s *store) Snapshot() (*raftpb.Snapshot, error) {
	snap, err := s.MemoryStorage.Snapshot()
	if err == nil && snap.GetMetadata().GetIndex() < s.confIndex {
		s.wanted = true
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	return snap, err
}

// maybeSnapshot asks the application for a snapshot when enough was applied
// since the last one.
func (n *Node) maybeSnapshot() {
	s := &n.snap
	due := n.applied-s.since >= n.cfg.SnapshotEntries || s.bytes >= n.cfg.SnapshotBytes || n.log.wanted
	if s.busy || !due || n.applied == 0 {
		return
	}
	n.log.wanted = false
	state := replicated{Roster: n.roster.Clone(), Once: n.once.clone(), Term: n.appliedTerm}
	*s = snapshotting{since: n.applied, busy: true, index: n.applied, term: n.appliedTerm, conf: n.conf, state: state, app: n.hasApp}
	n.emit(TakeSnapshot{Index: n.applied})
}

func (o *once) clone() once {
	c := once{Proposers: slices.Clone(o.Proposers)}
	for i := range c.Proposers {
		c.Proposers[i].Done = slices.Clone(c.Proposers[i].Done)
	}
	return c
}

// snapshotTaken writes the snapshot to disk. If the application could not
// make one, the log just stays longer and we ask again later.
func (n *Node) snapshotTaken(in SnapshotTaken) {
	s := &n.snap
	if !s.busy || in.Index != s.index {
		return
	}
	if in.Err != nil || n.installing() {
		s.busy = false
		return
	}
	data, err := encodeSnapshot(s.state, in.Data, s.app)
	if err != nil {
		n.fatal(err)
		return
	}
	snap := &raftpb.Snapshot{
		Data:     data,
		Metadata: &raftpb.SnapshotMetadata{Index: new(s.index), Term: new(s.term), ConfState: s.conf},
	}
	n.enqueue(&write{at: n.now, own: true, w: Write{Snapshot: snap}})
}

// installing says whether a snapshot from the leader is on its way to disk. It
// is newer than any of our own, and one of those written behind it would lead
// back to a log that is no longer there.
func (n *Node) installing() bool {
	return slices.ContainsFunc(n.writes, func(w *write) bool { return w.w.Install })
}

// compact shortens the in-memory log behind our own snapshot, once that is on disk.
func (n *Node) compact(s *raftpb.Snapshot) error {
	n.snap.busy = false
	m := s.GetMetadata()
	if _, err := n.log.CreateSnapshot(m.GetIndex(), m.GetConfState(), s.GetData()); errors.Is(err, raft.ErrSnapOutOfDate) {
		return nil
	} else if err != nil {
		return err
	}
	first, err := n.log.FirstIndex()
	if err != nil || m.GetIndex() < first+n.cfg.KeepEntries {
		return err
	}
	return n.log.Compact(m.GetIndex() - n.cfg.KeepEntries)
}

// sending is a snapshot on its way to one peer, one unanswered piece at a time.
type sending struct {
	to     ID
	id     uint64
	data   []byte
	offset int
	size   int       // of the unanswered piece
	at     time.Time // when that was first sent
	tried  time.Time // and last
}

func (n *Node) sendSnapshot(m *raftpb.Message) {
	data, err := proto.Marshal(m)
	if err != nil || len(data) > maxSnapshot {
		n.rn.ReportSnapshot(m.GetTo(), raft.SnapshotFailure)
		return
	}
	n.dropSending(ID(m.GetTo()))
	n.lastSeq++
	s := &sending{to: ID(m.GetTo()), id: n.lastSeq, data: data, at: n.now}
	n.sending = append(n.sending, s)
	n.sendChunk(s)
}

func (n *Node) dropSending(to ID) {
	n.sending = slices.DeleteFunc(n.sending, func(s *sending) bool { return s.to == to })
}

func (n *Node) sendChunk(s *sending) {
	s.size, s.tried = min(n.cfg.SnapshotChunk, len(s.data)-s.offset), n.now
	b := []byte{msgChunk}
	for _, v := range []uint64{s.id, uint64(len(s.data)), uint64(s.offset)} {
		b = binary.AppendUvarint(b, v)
	}
	n.emit(SendMessage{To: s.to, Payload: append(b, s.data[s.offset:s.offset+s.size]...)})
}

// receiving is a snapshot that arrives in pieces.
type receiving struct {
	from ID
	id   uint64
	data []byte
}

func (n *Node) chunk(from ID, body []byte) {
	r := reader{b: body}
	id, total, offset := r.uvarint(), r.uvarint(), r.uvarint()
	if r.bad || total > maxSnapshot || offset+uint64(len(r.b)) > total || len(r.b) == 0 {
		return
	}
	in := &n.receive
	if in.from != from || in.id != id {
		if offset != 0 {
			return
		}
		*in = receiving{from: from, id: id}
	}
	if offset == uint64(len(in.data)) {
		in.data = append(in.data, r.b...)
	}
	have := uint64(len(in.data))
	ack := binary.AppendUvarint([]byte{msgChunkAck}, id)
	n.emit(SendMessage{To: from, Payload: binary.AppendUvarint(ack, have)})
	if have == total && offset+uint64(len(r.b)) == total {
		data := in.data
		in.data = nil
		n.arrived(from, data)
	}
}

// arrived steps a complete snapshot. It is looked into first: raft would
// accept anything.
func (n *Node) arrived(from ID, data []byte) {
	m := &raftpb.Message{}
	if err := proto.Unmarshal(data, m); err != nil || m.GetType() != raftpb.MsgSnap || m.GetFrom() != uint64(from) || m.GetTo() != uint64(n.self.ID) {
		return
	}
	if _, _, _, err := decodeSnapshot(m.GetSnapshot().GetData()); err != nil {
		if errors.Is(err, ErrSnapshotNewer) {
			n.fatal(err)
		}
		return
	}
	_ = n.rn.Step(m)
}

func (n *Node) chunkAck(from ID, body []byte) {
	r := reader{b: body}
	id, have := r.uvarint(), r.uvarint()
	i := slices.IndexFunc(n.sending, func(s *sending) bool { return s.to == from && s.id == id })
	if r.bad || i < 0 {
		return
	}
	s := n.sending[i]
	if have != uint64(s.offset+s.size) {
		return
	}
	s.offset, s.at = s.offset+s.size, n.now
	if s.offset == len(s.data) {
		n.dropSending(from)
		n.rn.ReportSnapshot(uint64(from), raft.SnapshotFinish)
		return
	}
	n.sendChunk(s)
}

// tickSnapshots repeats unanswered pieces and gives up on peers that are away.
func (n *Node) tickSnapshots() {
	n.maybeSnapshot()
	for _, s := range slices.Clone(n.sending) {
		switch {
		case n.now.Sub(s.at) >= n.cfg.SnapshotWait || n.roster.Member(s.to) == nil:
			n.dropSending(s.to)
			n.rn.ReportSnapshot(uint64(s.to), raft.SnapshotFailure)
		case n.now.Sub(s.tried) >= n.cfg.SnapshotWait/4:
			n.sendChunk(s)
		}
	}
}
