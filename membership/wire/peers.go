package wire

import (
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// hash is the roster's name for a certificate.
type hash [32]byte

// peer is one member as this node talks to it. It is replaced, never changed.
type peer struct {
	info  core.Peer
	addrs []netip.AddrPort // per link; invalid where the address is unusable
	pair  *pair
	out   *outbox
}

// addr returns the peer's address on a link.
func (p *peer) addr(link int) (netip.AddrPort, bool) {
	if link < 0 || link >= len(p.addrs) || !p.addrs[link].IsValid() {
		return netip.AddrPort{}, false
	}
	return p.addrs[link], true
}

// pair is what is kept about one peer as long as the process lives, even while
// it is no member: nonces must not repeat and replays not be forgotten.
type pair struct {
	sealer *sealer
	opener *opener
	links  [MaxLinks]linkMeter

	// The newest run of the peer that was heard, and when, in nanoseconds since
	// the Net began.
	heard   atomic.Uint64
	heardAt atomic.Int64
}

// lately is how long a sender goes by the run of its peer that it heard last.
// After that the peer may have started anew and not be able to say so: the
// packets of this side must reach it all the same.
const lately = 3 * time.Second

// hear notes that a datagram of a run was authenticated.
func (p *pair) hear(mark uint64, at time.Duration) {
	p.heard.Store(mark)
	p.heardAt.Store(int64(at))
}

// heardLately returns the mark of the peer's run, or zero.
func (p *pair) heardLately(now time.Duration) uint64 {
	if now-time.Duration(p.heardAt.Load()) > lately {
		return 0
	}
	return p.heard.Load()
}

// pairID tells pairs apart. A new key of the peer makes a new pair.
type pairID struct {
	self, peer core.ID
	key        [32]byte
}

// table is the present set of peers. It is immutable.
type table struct {
	self   core.ID
	byID   map[core.ID]*peer
	byCert map[hash]*peer
}

// SetPeers replaces the set of peers. Connections and datagrams of nodes that
// are not in it, or whose certificate changed, are cut off before it returns.
// self gives this node's id; self among peers is ignored.
func (n *Net) SetPeers(self core.Peer, peers []core.Peer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.checkOwnAddresses(self)
	old := n.table.Load()
	t := &table{self: self.ID, byID: make(map[core.ID]*peer), byCert: make(map[hash]*peer)}
	for _, info := range peers {
		if info.ID == self.ID {
			continue
		}
		p, err := n.newPeer(self.ID, info.Clone())
		if err != nil {
			n.log.Error("a member can not be talked to", "peer", info.Name, "why", err)
			continue
		}
		if before := old.byID[info.ID]; before != nil {
			p.out = before.out
		} else {
			p.out = newOutbox(n, info.ID)
		}
		t.byID[info.ID] = p
		t.byCert[hash(info.Cert)] = p
	}
	n.table.Store(t)
	n.cutOff(old, t)
	if n.handler != nil {
		n.startOutboxes(t)
	}
}

// cutOff closes what the new table no longer allows. n.mu is held.
func (n *Net) cutOff(old, now *table) {
	for id, p := range old.byID {
		if now.byID[id] == nil {
			p.out.cancel()
			n.log.Info("peer removed", "peer", p.info.Name)
		}
	}
	for c := range n.conns {
		if c.known && now.byCert[c.peer] == nil {
			c.Conn.Close()
		}
	}
}

// startOutboxes lets new peers' streams run. n.mu is held.
func (n *Net) startOutboxes(t *table) {
	for _, p := range t.byID {
		if out := p.out; !out.started {
			out.started = true
			n.spawnLocked(out.run)
		}
	}
}

func (n *Net) newPeer(self core.ID, info core.Peer) (*peer, error) {
	if len(info.Cert) != len(hash{}) || len(info.Key) != 32 {
		return nil, fmt.Errorf("certificate hash of %d bytes and key of %d bytes, expected 32 and 32", len(info.Cert), len(info.Key))
	}
	p := &peer{info: info}
	for link, a := range info.Addresses {
		ap, err := netip.ParseAddrPort(a)
		if err != nil || link >= MaxLinks {
			n.log.Error("a link of a member can not be used", "peer", info.Name, "link", link, "address", a)
			ap = netip.AddrPort{}
		}
		p.addrs = append(p.addrs, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
	}
	var err error
	p.pair, err = n.pairWith(self, info)
	return p, err
}

// pairWith returns the kept pair or makes it. n.mu is held.
func (n *Net) pairWith(self core.ID, info core.Peer) (*pair, error) {
	id := pairID{self: self, peer: info.ID, key: [32]byte(info.Key)}
	if p := n.pairs[id]; p != nil {
		return p, nil
	}
	secret, err := n.identity.Load().SharedSecret(info.Key)
	if err != nil {
		return nil, err
	}
	key, err := newPairKey(secret, n.identity.Load().ClusterID())
	if err != nil {
		return nil, err
	}
	s, err := newSealer(key, n.cluster, run{self, info.ID, n.config.Boot, n.config.Incarnation, n.salt})
	if err != nil {
		return nil, err
	}
	p := &pair{sealer: s, opener: &opener{key: key, from: info.ID, to: self, self: markOf(n.salt)}}
	n.pairs[id] = p
	return p, nil
}

// checkOwnAddresses warns when the roster moved this node elsewhere: sockets
// stay where Listen bound them.
func (n *Net) checkOwnAddresses(self core.Peer) {
	bound := n.Addresses()
	if len(self.Addresses) == 0 || slices.Equal(bound, self.Addresses) {
		return
	}
	n.log.Warn("the cluster knows this node under other addresses than it listens on; they take effect at the next start",
		"cluster", self.Addresses, "here", bound)
}

// PeerByCert returns the member that a certificate hash belongs to (see
// identity.CertHash), as an API server needs it to know who is calling.
func (n *Net) PeerByCert(certHash []byte) (core.Peer, bool) {
	if len(certHash) != len(hash{}) {
		return core.Peer{}, false
	}
	p := n.table.Load().byCert[hash(certHash)]
	if p == nil {
		return core.Peer{}, false
	}
	return p.info.Clone(), true
}
