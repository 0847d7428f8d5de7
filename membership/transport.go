package membership

import (
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// Transport carries packets between members. The wire package implements it
// on UDP and TLS, memnet in memory.
type Transport interface {
	// SetPeers replaces the set of peers. Peers not in it are cut off at once.
	SetPeers(self core.Peer, peers []core.Peer)
	// SendDatagram sends payload (under 1400 bytes) over one link, fire and
	// forget, authenticated and encrypted. It never blocks.
	SendDatagram(to core.ID, link int, payload []byte)
	// SendMessage sends payload over any link that is up, in order for each
	// peer while a stream lives. The queue is bounded: a message is dropped
	// when it overflows or the peer is away. It never blocks.
	SendMessage(to core.ID, payload []byte)
	// Start begins to deliver to h.
	Start(h Handler) error
	// Close stops delivery; h is not called after it returned.
	Close() error
}

// Handler receives what a Transport delivers. A Handler from this package also
// has MessagesLost(to core.ID), for a transport that can tell. The methods are called from the
// transport's goroutines and must not block. They own the payload.
type Handler = interface {
	// Datagram delivers one datagram; boot is the sender's boot number as the
	// sealed packet states it (0: it states none), at is when it was read from
	// the socket.
	Datagram(from core.ID, boot uint64, link int, payload []byte, at time.Time)
	// Message delivers one message.
	Message(from core.ID, payload []byte)
}
