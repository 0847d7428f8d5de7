package core

import (
	"encoding/binary"
	"errors"
)

// Entry is one committed application entry.
type Entry struct {
	Index, Term uint64
	Data        []byte
}

// entryKind is the first byte of every log entry that we propose.
type entryKind byte

const (
	kindApp     entryKind = 1 // data of the application
	kindCommand entryKind = 2 // a membership command, see Command
)

// envelope is the form of a proposal in the log. Proposer, Incarnation and Seq
// name it uniquely, so that a proposal which was sent twice is applied once;
// Low is the proposer's oldest Seq that it still waits for.
type envelope struct {
	kind        entryKind
	proposer    ID
	incarnation uint64
	seq, low    uint64
	data        []byte
}

var errEnvelope = errors.New("log entry: malformed")

func (e envelope) encode() []byte {
	b := make([]byte, 1, 41+len(e.data))
	b[0] = byte(e.kind)
	for _, v := range []uint64{uint64(e.proposer), e.incarnation, e.seq, e.low} {
		b = binary.AppendUvarint(b, v)
	}
	return append(b, e.data...)
}

func decodeEnvelope(b []byte) (envelope, error) {
	r := reader{b: b}
	e := envelope{kind: entryKind(r.byte()), proposer: ID(r.uvarint()), incarnation: r.uvarint(), seq: r.uvarint(), low: r.uvarint()}
	e.data = r.b
	if r.bad || e.low > e.seq {
		return envelope{}, errEnvelope
	}
	return e, nil
}
