package storage

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// metadata heads every segment.
var metadata = []byte("holdfast")

// stateMark is a field that HardState does not have: number 15, value 1. The
// checksum of the etcd log does not cover a record's type, and a state reads
// as an entry without complaint; the mark tells them apart.
var stateMark = []byte{15 << 3, 1}

// marked returns a copy of s with the mark.
func marked(s *raftpb.HardState) *raftpb.HardState {
	m := &raftpb.HardState{Term: new(s.GetTerm()), Vote: new(s.GetVote()), Commit: new(s.GetCommit())}
	m.ProtoReflect().SetUnknown(stateMark)
	return m
}

// meaning follows what the records of a log say. The checksum covers a
// record's content but not its type, and the etcd log panics on content that
// does not fit the type; so what the records say is checked as well.
type meaning struct {
	entries      bool   // one was seen
	last         uint64 // index of the last entry
	term, commit uint64
}

// take follows one record; it returns what is wrong with it.
func (m *meaning) take(rec *walpb.Record) error {
	switch rec.GetType() {
	case wal.EntryType:
		e := &raftpb.Entry{}
		if err := content(rec, e, nil); err != nil {
			return err
		}
		return m.entry(e)
	case wal.StateType:
		s := &raftpb.HardState{}
		if err := content(rec, s, stateMark); err != nil {
			return err
		}
		return m.state(s)
	case wal.SnapshotType:
		s := &walpb.Snapshot{}
		if err := content(rec, s, nil); err != nil {
			return err
		}
		// A snapshot from the leader may leave a gap behind the last entry.
		m.last = max(m.last, s.GetIndex())
		return nil
	case wal.MetadataType:
		if !bytes.Equal(rec.GetData(), metadata) {
			return errors.New("the head of the file is not ours")
		}
		return nil
	case wal.CrcType:
		return nil
	}
	return fmt.Errorf("record of unknown type %d", rec.GetType())
}

func content(rec *walpb.Record, m proto.Message, unknown []byte) error {
	if err := proto.Unmarshal(rec.GetData(), m); err != nil || !bytes.Equal(m.ProtoReflect().GetUnknown(), unknown) {
		return errors.New("a record's content does not fit its type")
	}
	return nil
}

func (m *meaning) entry(e *raftpb.Entry) error {
	i := e.GetIndex()
	if _, ok := raftpb.EntryType_name[int32(e.GetType())]; !ok || e.GetTerm() == 0 {
		return errors.New("an entry has no valid type or term")
	}
	if m.entries && i > m.last+1 {
		return fmt.Errorf("entry %d follows %d", i, m.last)
	}
	if i <= m.commit {
		return fmt.Errorf("entry %d is written again after it was committed", i)
	}
	m.entries, m.last = true, i
	return nil
}

func (m *meaning) state(s *raftpb.HardState) error {
	if s.GetTerm() < m.term || s.GetCommit() < m.commit {
		return fmt.Errorf("term %d and commit index %d come after %d and %d", s.GetTerm(), s.GetCommit(), m.term, m.commit)
	}
	m.term, m.commit = s.GetTerm(), s.GetCommit()
	return nil
}
