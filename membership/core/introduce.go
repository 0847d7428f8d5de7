package core

import (
	"encoding/json"
	"slices"
	"time"
)

// A member that was away while others joined, or changed their keys, does not
// know them, and refuses them: also the leader, if it is one of these, and then
// it would never catch up. So whoever hears a member whose log is older than
// the present roster tells it the present peers. They count as introduced:
// packets are exchanged with them until the own log has caught up and decides.

const introducePause = time.Second // between two introductions for one member

// introduction is the message, in JSON.
type introduction struct {
	Index uint64 // of the log entry that changed the roster last
	Peers []Peer
}

// introduce tells a member that lags behind the present roster about its peers.
// Only a voter's word counts, see introduced.
func (n *Node) introduce(to ID, applied uint64) {
	if applied >= n.rosterIndex || n.roster.Member(to) == nil {
		return
	}
	if last, ok := n.introducedAt[to]; ok && n.now.Sub(last) < introducePause {
		return
	}
	n.introducedAt[to] = n.now
	peers := n.roster.Peers(to)
	b, err := json.Marshal(introduction{Index: n.rosterIndex, Peers: peers})
	if err != nil {
		n.fatal(err)
		return
	}
	n.emit(SendMessage{To: to, Payload: append([]byte{msgPeers}, b...)})
}

// introduced takes an introduction from a voter. What we removed ourselves
// stays out.
func (n *Node) introduced(from ID, body []byte) {
	var in introduction
	m := n.roster.Member(from)
	if m == nil || m.Role != Voter || json.Unmarshal(body, &in) != nil || in.Index <= n.applied || len(in.Peers) > MaxMembers {
		return
	}
	in.Peers = slices.DeleteFunc(in.Peers, func(p Peer) bool {
		return p.ID == n.self.ID || p.ID == 0 || CheckPeer(p) != nil || n.roster.IsRevoked(p.Cert)
	})
	n.guests = in
	n.peersChanged()
}

// dropGuests forgets the introduction once our own log has come as far.
func (n *Node) dropGuests() {
	if n.guests.Index != 0 && n.applied >= n.guests.Index {
		n.guests = introduction{}
		n.peersChanged()
	}
}

// knows says whether packets from this member are welcome.
func (n *Node) knows(id ID) bool {
	return n.roster.Member(id) != nil || slices.ContainsFunc(n.guests.Peers, func(p Peer) bool { return p.ID == id })
}
