// Package memnet is a network in memory: a membership.Transport for tests, the
// demo and simulations that run several members in one process.
//
// Links can be cut one way or both, lose packets and delay them. Random
// choices come from the caller's source. It seals nothing: who is reachable is
// decided by SetPeers and cuts alone, and its datagrams state no boot number (0).
package memnet

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/membership"
	"github.com/holdfast-ha/holdfast/membership/core"
)

// queueLength is how many packets wait for one slow receiver before more are
// dropped.
const queueLength = 4096

// Network joins transports. The zero value is not usable; see New.
type Network struct {
	mu    sync.Mutex
	rand  *rand.Rand
	loss  float64
	delay time.Duration
	nodes map[core.ID]*Transport
	cuts  map[path]bool
}

// path is one direction of one link; link -1 stands for all of them.
type path struct {
	from, to core.ID
	link     int
}

// New returns a network without loss and delay. r decides which packets are
// lost, once Loss is set; it may be nil until then.
func New(r *rand.Rand) *Network {
	return &Network{rand: r, nodes: map[core.ID]*Transport{}, cuts: map[path]bool{}}
}

// Loss sets the share of packets that are lost, 0 to 1, and Delay how long the
// others take.
func (n *Network) Loss(share float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.loss = share
}

// Delay sets how long packets take.
func (n *Network) Delay(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = d
}

// Cut stops packets from one member to another on one link, or on all of them
// when link is -1; messages stop only when all links are cut.
func (n *Network) Cut(from, to core.ID, link int) { n.setCut(from, to, link, true) }

// Heal undoes a Cut.
func (n *Network) Heal(from, to core.ID, link int) { n.setCut(from, to, link, false) }

func (n *Network) setCut(from, to core.ID, link int, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[path{from, to, link}] = cut
}

// Isolate cuts a member off from all others, both ways; Rejoin undoes it.
func (n *Network) Isolate(id core.ID) { n.isolate(id, true) }

// Rejoin undoes Isolate.
func (n *Network) Rejoin(id core.ID) { n.isolate(id, false) }

func (n *Network) isolate(id core.ID, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for other := range n.nodes {
		n.cuts[path{id, other, -1}] = cut
		n.cuts[path{other, id, -1}] = cut
	}
}

// Transport returns a new transport for one start of one member. It replaces
// an earlier one with the same id.
func (n *Network) Transport() *Transport {
	return &Transport{net: n, in: make(chan packet, queueLength), stop: make(chan struct{})}
}

// packet is a datagram (link ≥ 0) or a message (link -1) on its way.
type packet struct {
	from    core.ID
	link    int
	payload []byte
	due     time.Time
}

// Transport is one member's access to a Network.
type Transport struct {
	net  *Network
	in   chan packet
	stop chan struct{}
	done sync.WaitGroup

	// Guarded by net.mu.
	self   core.Peer
	peers  map[core.ID]core.Peer
	closed bool
}

var _ membership.Transport = (*Transport)(nil)

// SetPeers implements membership.Transport.
func (t *Transport) SetPeers(self core.Peer, peers []core.Peer) {
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	t.self, t.peers = self, map[core.ID]core.Peer{}
	for _, p := range peers {
		t.peers[p.ID] = p
	}
	if !t.closed {
		t.net.nodes[self.ID] = t
	}
}

// SendDatagram implements membership.Transport.
func (t *Transport) SendDatagram(to core.ID, link int, payload []byte) { t.send(to, link, payload) }

// SendMessage implements membership.Transport.
func (t *Transport) SendMessage(to core.ID, payload []byte) { t.send(to, -1, payload) }

func (t *Transport) send(to core.ID, link int, payload []byte) {
	n := t.net
	n.mu.Lock()
	defer n.mu.Unlock()
	dest := n.nodes[to]
	if dest == nil || dest == t || t.closed || dest.closed || !t.passes(dest, link) {
		return
	}
	if link >= 0 && n.loss > 0 && n.rand.Float64() < n.loss {
		return
	}
	select {
	case dest.in <- packet{from: t.self.ID, link: link, payload: payload, due: time.Now().Add(n.delay)}:
	default:
	}
}

// passes says whether both ends know each other and the way is not cut.
func (t *Transport) passes(dest *Transport, link int) bool {
	_, known := t.peers[dest.self.ID]
	_, knows := dest.peers[t.self.ID]
	if !known || !knows {
		return false
	}
	cut := func(link int) bool { return t.net.cuts[path{t.self.ID, dest.self.ID, link}] }
	if cut(-1) {
		return false
	}
	if link >= 0 {
		return !cut(link)
	}
	for i := range max(1, min(len(t.self.Addresses), len(dest.self.Addresses))) {
		if !cut(i) {
			return true
		}
	}
	return false
}

// Start implements membership.Transport.
func (t *Transport) Start(h membership.Handler) error {
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	if t.closed {
		return errors.New("memnet: transport is closed")
	}
	t.done.Add(1)
	go t.deliver(h)
	return nil
}

func (t *Transport) deliver(h membership.Handler) {
	defer t.done.Done()
	for {
		select {
		case <-t.stop:
			return
		case p := <-t.in:
			if !t.wait(p.due) {
				return
			}
			if p.link < 0 {
				h.Message(p.from, p.payload)
			} else {
				h.Datagram(p.from, 0, p.link, p.payload, time.Now())
			}
		}
	}
}

// wait returns at the given time, or false when the transport is closed.
func (t *Transport) wait(due time.Time) bool {
	d := time.Until(due)
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.stop:
		return false
	}
}

// Close implements membership.Transport.
func (t *Transport) Close() error {
	t.net.mu.Lock()
	if t.closed {
		t.net.mu.Unlock()
		return nil
	}
	t.closed = true
	if t.net.nodes[t.self.ID] == t {
		delete(t.net.nodes, t.self.ID)
	}
	close(t.stop)
	t.net.mu.Unlock()
	t.done.Wait()
	return nil
}
