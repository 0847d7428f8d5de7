package core

import (
	"encoding/binary"
	"errors"
	"time"
)

// Heartbeat is what every member tells every other one on every link. The
// boot number travels in the sealed packet's header, and here again.
type Heartbeat struct {
	Boot        uint64
	Incarnation uint64
	Seq         uint64        // grows by one per round of heartbeats
	Echo        uint64        // the receiver's last Seq that arrived on this link, 0 for none
	EchoDelay   time.Duration // how long ago that was, for the round-trip time
	Term        uint64        // raft term
	Applied     uint64        // index of the last applied log entry
	DiskAge     time.Duration // age of the oldest unfinished write, 0 for none
	Settled     bool          // the sender has watched long enough for Row to be evidence
	Row         []Sight       // the sender's row of the connectivity matrix
}

// Sight is one cell of the connectivity matrix: what one member sees of
// another one.
type Sight struct {
	ID    ID
	Hears bool // packets went both ways within the suspect timeout
	Lost  bool // the sender, as leader, declared this member lost
}

// The first byte of a datagram.
const (
	heartbeatVersion = 1
	datagramRaft     = 2 // a raft heartbeat, or the answer to one
)

var errHeartbeat = errors.New("heartbeat: malformed")

// AppendBinary appends the encoding of h to b.
func (h *Heartbeat) AppendBinary(b []byte) []byte {
	b = append(b, heartbeatVersion)
	for _, v := range []uint64{
		h.Boot, h.Incarnation, h.Seq, h.Echo, micros(h.EchoDelay), h.Term, h.Applied, micros(h.DiskAge), bit(h.Settled, 1), uint64(len(h.Row)),
	} {
		b = binary.AppendUvarint(b, v)
	}
	for _, s := range h.Row {
		b = binary.AppendUvarint(b, uint64(s.ID))
		b = append(b, byte(bit(s.Hears, 1)|bit(s.Lost, 2)))
	}
	return b
}

// DecodeHeartbeat reads what AppendBinary wrote. It accepts bytes behind the
// row, where a later version may add fields.
func DecodeHeartbeat(b []byte) (Heartbeat, error) {
	var h Heartbeat
	if len(b) == 0 || b[0] != heartbeatVersion {
		return h, errHeartbeat
	}
	r := reader{b: b[1:]}
	h.Boot, h.Incarnation, h.Seq, h.Echo = r.uvarint(), r.uvarint(), r.uvarint(), r.uvarint()
	h.EchoDelay, h.Term, h.Applied, h.DiskAge = duration(r.uvarint()), r.uvarint(), r.uvarint(), duration(r.uvarint())
	h.Settled = r.uvarint()&1 != 0
	n := r.uvarint()
	if r.bad || n > uint64(len(r.b))/2 {
		return Heartbeat{}, errHeartbeat
	}
	for range n {
		s := Sight{ID: ID(r.uvarint())}
		flags := r.byte()
		s.Hears, s.Lost = flags&1 != 0, flags&2 != 0
		h.Row = append(h.Row, s)
	}
	if r.bad {
		return Heartbeat{}, errHeartbeat
	}
	return h, nil
}

// reader takes values off the front of b; after the first failure bad is set
// and everything reads as zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

// micros rounds up, so that a write which has just begun is not reported as none.
func micros(d time.Duration) uint64 {
	if d <= 0 {
		return 0
	}
	return uint64((d + time.Microsecond - 1) / time.Microsecond)
}

// duration caps what a peer may claim at an hour.
func duration(us uint64) time.Duration {
	return time.Duration(min(us, uint64(time.Hour/time.Microsecond))) * time.Microsecond
}

func bit(on bool, v uint64) uint64 {
	if on {
		return v
	}
	return 0
}
