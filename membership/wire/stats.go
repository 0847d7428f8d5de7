package wire

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// Stats is a picture of the traffic since the daemon started.
type Stats struct {
	Peers []PeerStats // by id
	// Strays are packets that belong to no peer, by reason.
	Strays []Drop
}

// PeerStats is the traffic with one peer.
type PeerStats struct {
	ID     core.ID
	Name   string
	Links  []LinkStats // in link order
	Stream StreamStats
}

// LinkStats counts datagrams of one link with one peer. Drops of received
// packets are counted at the peer that the packet named; a forged one may name
// anybody.
type LinkStats struct {
	Link         int
	Local        string // host:port
	Remote       string
	Sent         uint64
	Received     uint64
	LastReceived time.Time // zero: never
	Dropped      []Drop
}

// StreamStats is the message stream to one peer.
type StreamStats struct {
	Connected bool
	Link      int       // that it uses, when connected
	Since     time.Time // connected, or not
	Sent      uint64    // messages handed to the kernel
	Received  uint64
	Queued    int // bytes waiting
	Dropped   []Drop
	LastError string // of the last failure; "" if none
}

// Drop is how often something was dropped for one reason.
type Drop struct {
	Reason Reason
	Count  uint64
}

// meter counts drops by reason.
type meter struct {
	drops [reasons]atomic.Uint64
}

func (m *meter) drop(why Reason) { m.drops[why].Add(1) }

// dropped lists the reasons that occurred, in their order.
func (m *meter) dropped() []Drop {
	var out []Drop
	for why := range m.drops {
		if count := m.drops[why].Load(); count > 0 {
			out = append(out, Drop{Reason(why), count})
		}
	}
	return out
}

type linkMeter struct {
	meter
	sent, received atomic.Uint64
	last           atomic.Int64 // Unix nanoseconds
}

// Stats counts what happened so far.
func (n *Net) Stats() Stats {
	t := n.table.Load()
	s := Stats{Strays: n.strays.dropped()}
	for _, p := range t.byID {
		ps := PeerStats{ID: p.info.ID, Name: p.info.Name, Stream: p.out.stats()}
		for link := range min(len(n.links), len(p.addrs)) {
			m := &p.pair.links[link]
			ls := LinkStats{
				Link: link, Local: n.links[link].local.String(), Remote: p.info.Addresses[link],
				Sent: m.sent.Load(), Received: m.received.Load(), Dropped: m.dropped(),
			}
			if last := m.last.Load(); last != 0 {
				ls.LastReceived = time.Unix(0, last)
			}
			ps.Links = append(ps.Links, ls)
		}
		s.Peers = append(s.Peers, ps)
	}
	slices.SortFunc(s.Peers, func(a, b PeerStats) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return s
}
