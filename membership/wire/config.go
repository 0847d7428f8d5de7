package wire

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

// Limits of the wire. They are part of the protocol, not settings.
const (
	// MaxLinks is the number of links that a node may have.
	MaxLinks = 8
	// MaxDatagram is the payload of one datagram in bytes. Beats stay below
	// 1400, so that they travel unfragmented; the rest is room to grow.
	MaxDatagram = 8 << 10
	// MaxMessage is the size of one message in bytes.
	MaxMessage = 64 << 20
	// MaxQueue bounds the messages waiting for one peer, in bytes.
	MaxQueue = 64 << 20
)

// PeerProtocol is the ALPN name of message streams.
const PeerProtocol = "holdfast-peer/1"

// Config is what [Listen] needs.
type Config struct {
	// Self is this node; its Addresses say where to listen. Port 0 picks a free
	// port (see [Net.Addresses]).
	Self core.Peer
	// Identity proves who this node is.
	Identity *identity.Identity
	// Boot and Incarnation number the boots of the machine and the starts of
	// the daemon. The owner persists them before Listen; the pair must grow with
	// each start, or peers refuse this node's datagrams as replayed.
	Boot, Incarnation uint64
	// Logger receives connects, losses and refused strangers. Nil: silence.
	Logger hclog.Logger
	// Timing holds the stream's patience; the zero value means DefaultTiming.
	Timing Timing
}

// Timing is how long a stream waits for what. All are durations of wall time
// on this node's monotonic clock.
type Timing struct {
	Beat       time.Duration // a quiet stream shows signs of life that often
	Stall      time.Duration // without any for so long, the stream leaves its link
	Dial       time.Duration // to connect and shake hands on one link
	Stagger    time.Duration // head start of a link before the next one is tried as well
	BackoffMin time.Duration // pause after the first failure on all links
	BackoffMax time.Duration // and at most
	Quiet      time.Duration // a stream without messages for so long is closed
	Return     time.Duration // how often a stream looks whether a better link works again
}

// DefaultTiming suits a LAN and a metropolitan network.
func DefaultTiming() Timing {
	return Timing{
		Beat:       250 * time.Millisecond,
		Stall:      time.Second, // below raft's election timeout plus detection
		Dial:       2 * time.Second,
		Stagger:    200 * time.Millisecond,
		BackoffMin: 50 * time.Millisecond,
		BackoffMax: time.Second,
		Quiet:      10 * time.Second,
		Return:     10 * time.Second,
	}
}

// validate reports every problem at once.
func (c *Config) validate() error {
	var problems []error
	if c.Identity == nil {
		problems = append(problems, errors.New("no identity"))
	}
	if n := len(c.Self.Addresses); n == 0 || n > MaxLinks {
		problems = append(problems, fmt.Errorf("%d addresses, a node has 1 to %d links", n, MaxLinks))
	}
	for link, a := range c.Self.Addresses {
		if _, err := netip.ParseAddrPort(a); err != nil {
			problems = append(problems, fmt.Errorf("link %d: %q is not a literal address:port", link, a))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("wire: node %s: %w", c.Self.Name, err)
	}
	return nil
}

// hostOf returns the address without port as a TCP dial source, or nil when it
// names no particular one.
func hostOf(ap netip.AddrPort) net.Addr {
	if !ap.IsValid() || ap.Addr().IsUnspecified() {
		return nil
	}
	return &net.TCPAddr{IP: ap.Addr().AsSlice(), Zone: ap.Addr().Zone()}
}
