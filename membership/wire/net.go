package wire

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

// Handler receives what arrives. Its methods are called from several goroutines,
// own the payload, and must not block. It is an alias, so that an interface
// declared by the consumer in the same words is the same type.
type Handler = interface {
	// Datagram delivers one authenticated datagram; boot is the sender's, at is
	// when it was read from the socket.
	Datagram(from core.ID, boot uint64, link int, payload []byte, at time.Time)
	// Message delivers one message.
	Message(from core.ID, payload []byte)
}

// LossHandler may be implemented by a Handler that wants to know that one or
// more messages to a peer were lost since the last call, as raft does for its
// flow control and for snapshots.
type LossHandler interface {
	MessagesLost(to core.ID)
}

// Net is this node's end of all links.
type Net struct {
	config  Config
	timing  Timing
	log     hclog.Logger
	cluster [clusterSize]byte
	salt    [saltSize]byte // of this run
	began   time.Time
	links   []*linkSocket

	complaints complaints
	gate       gate
	strays     meter // datagrams without a known sender, sends without a known peer

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	identity atomic.Pointer[identity.Identity]
	table    atomic.Pointer[table]
	admit    atomic.Pointer[identity.AdmitFunc]

	mu        sync.Mutex
	closed    bool
	handler   Handler // nil before Start
	losses    LossHandler
	pairs     map[pairID]*pair
	conns     map[*trackedConn]struct{}
	inbound   map[core.ID]incoming
	listeners map[string]*Listener
}

// Listen binds the node's links. Nothing is delivered before Start, and nobody
// is let in before SetPeers.
func Listen(config Config) (*Net, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	if config.Logger == nil {
		config.Logger = hclog.NewNullLogger()
	}
	if config.Timing == (Timing{}) {
		config.Timing = DefaultTiming()
	}
	n := &Net{
		config: config, timing: config.Timing, log: config.Logger, salt: newSalt(), began: time.Now(),
		pairs:     make(map[pairID]*pair),
		conns:     make(map[*trackedConn]struct{}),
		inbound:   make(map[core.ID]incoming),
		listeners: make(map[string]*Listener),
	}
	if _, err := hex.Decode(n.cluster[:], []byte(config.Identity.ClusterID()[:2*clusterSize])); err != nil {
		return nil, fmt.Errorf("wire: cluster id: %w", err)
	}
	n.identity.Store(config.Identity)
	n.complaints.log = config.Logger
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.table.Store(&table{self: config.Self.ID})
	for link, address := range config.Self.Addresses {
		l, err := bindLink(address)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("wire: link %d at %s: %w", link, address, err), n.Close())
		}
		n.links = append(n.links, l)
		if !isHere(l.local.Addr()) {
			n.log.Warn("no interface has the address of this link now; it will work when one has", "link", link, "address", address)
		}
	}
	return n, nil
}

// Addresses are the bound host:port per link.
func (n *Net) Addresses() []string {
	var out []string
	for _, l := range n.links {
		out = append(out, l.local.String())
	}
	return out
}

// UseIdentity shows a renewed certificate from the next connection on. Its keys
// must be the same: peers know this node by them.
func (n *Net) UseIdentity(id *identity.Identity) error {
	old := n.identity.Load()
	if id.ClusterID() != old.ClusterID() || !bytes.Equal(id.CertHash(), old.CertHash()) || !bytes.Equal(id.LinkKey(), old.LinkKey()) {
		return fmt.Errorf("wire: %v can not replace %v while it runs: its keys differ", id, old)
	}
	n.identity.Store(id)
	return nil
}

// HandleJoins lets admit decide about machines that want to join. Before that,
// and with nil, they are told to try another member.
func (n *Net) HandleJoins(admit identity.AdmitFunc) {
	if admit == nil {
		n.admit.Store(nil)
		return
	}
	n.admit.Store(&admit)
}

// Start begins to deliver to h.
func (n *Net) Start(h Handler) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return errors.New("wire: start after close")
	}
	if n.handler != nil {
		return errors.New("wire: started twice")
	}
	n.handler = h
	n.losses, _ = h.(LossHandler)
	for link, l := range n.links {
		n.spawnLocked(func(context.Context) { n.acceptOn(link, l.tcp) })
		n.spawnLocked(func(context.Context) { n.readDatagrams(link, l.udp) })
	}
	n.startOutboxes(n.table.Load())
	return nil
}

// Close ends all connections and waits until nothing is delivered any more.
func (n *Net) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		n.wg.Wait()
		return nil
	}
	n.closed = true
	n.cancel()
	var errs []error
	for _, l := range n.links {
		errs = append(errs, l.close())
	}
	for c := range n.conns {
		c.Conn.Close()
	}
	listeners := n.listeners
	n.listeners = nil
	n.mu.Unlock()
	for _, l := range listeners {
		l.shut()
	}
	n.wg.Wait()
	return errors.Join(errs...)
}

// spawnLocked runs f until it returns; Close waits for it. n.mu is held.
func (n *Net) spawnLocked(f func(context.Context)) {
	if n.closed {
		return
	}
	n.wg.Add(1)
	go func() {
		defer n.wg.Done()
		f(n.ctx)
	}()
}

// spawn is spawnLocked for callers without the lock. It reports whether f runs.
func (n *Net) spawn(f func(context.Context)) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.spawnLocked(f)
	return !n.closed
}

// rest waits. It reports false when ctx ended first.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// trackedConn is an open TCP connection, known to the Net so that it can be cut.
type trackedConn struct {
	net.Conn
	n *Net

	// Guarded by n.mu.
	known bool // whether peer is set: the handshake is over
	peer  hash
}

// track registers a new connection. It returns nil, and closes the connection,
// after Close.
func (n *Net) track(c net.Conn) *trackedConn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		c.Close()
		return nil
	}
	t := &trackedConn{Conn: c, n: n}
	n.conns[t] = struct{}{}
	return t
}

// Close closes and forgets the connection.
func (t *trackedConn) Close() error {
	t.n.mu.Lock()
	delete(t.n.conns, t)
	t.n.mu.Unlock()
	return t.Conn.Close()
}

// identify notes whose connection it is, if that peer is still a member: the
// set may have changed since the handshake looked.
func (t *trackedConn) identify(h hash) (*peer, error) {
	t.n.mu.Lock()
	defer t.n.mu.Unlock()
	p := t.n.table.Load().byCert[h]
	if p == nil {
		return nil, errNoMember
	}
	t.known, t.peer = true, h
	return p, nil
}

var errNoMember = errors.New("its certificate belongs to no present member")
