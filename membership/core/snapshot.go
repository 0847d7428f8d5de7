package core

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// SnapshotFormat is the version of the snapshot format that this program
// writes, and the newest that it reads.
const SnapshotFormat = 1

const snapshotMagic = "HFSNAP"

// ErrSnapshotNewer is returned for a snapshot that a newer program wrote.
var ErrSnapshotNewer = errors.New("snapshot was written by a newer version")

// replicated is the membership's part of a snapshot.
type replicated struct {
	Roster *Roster
	Once   once
	Term   uint64 // term of the last applied entry
}

// encodeSnapshot lays out magic, format, the length of the membership's part,
// that part as JSON, and the application's part. hasApp tells an application
// that has no entries yet from one whose snapshot is empty.
func encodeSnapshot(r replicated, app []byte, hasApp bool) ([]byte, error) {
	head, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("snapshot: encode membership: %w", err)
	}
	b := make([]byte, 0, len(snapshotMagic)+11+len(head)+len(app))
	b = append(b, snapshotMagic...)
	b = binary.BigEndian.AppendUint16(b, SnapshotFormat)
	b = binary.BigEndian.AppendUint64(b, uint64(len(head)))
	b = append(b, head...)
	b = append(b, byte(bit(hasApp, 1)))
	return append(b, app...), nil
}

func decodeSnapshot(b []byte) (r replicated, app []byte, hasApp bool, err error) {
	b, ok := bytes.CutPrefix(b, []byte(snapshotMagic))
	if !ok || len(b) < 10 {
		return r, nil, false, errors.New("snapshot: not one of ours")
	}
	if f := binary.BigEndian.Uint16(b); f > SnapshotFormat {
		return r, nil, false, fmt.Errorf("%w: it has format %d, this program reads up to %d; install the newer version on this node", ErrSnapshotNewer, f, SnapshotFormat)
	}
	n := binary.BigEndian.Uint64(b[2:])
	b = b[10:]
	if n >= uint64(len(b)) {
		return r, nil, false, errors.New("snapshot: cut short")
	}
	if err := json.Unmarshal(b[:n], &r); err != nil {
		return r, nil, false, fmt.Errorf("snapshot: membership part: %w", err)
	}
	if r.Roster == nil {
		return r, nil, false, errors.New("snapshot: has no roster")
	}
	return r, b[n+1:], b[n] == 1, nil
}

// FirstSnapshot returns the snapshot with which a new cluster begins: a roster
// of one voter at log index 1 and no application state.
func FirstSnapshot(clusterID, clusterName string, first Peer) ([]byte, error) {
	if err := CheckPeer(first); err != nil {
		return nil, err
	}
	m := Member{Peer: first.Clone(), Role: Voter, Joined: 1}
	m.ID = 1
	r := replicated{Roster: &Roster{ClusterID: clusterID, ClusterName: clusterName, NextID: 2, Members: []Member{m}}, Term: 1}
	return encodeSnapshot(r, nil, false)
}
