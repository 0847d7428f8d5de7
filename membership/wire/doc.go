// Package wire carries packets between the nodes of one cluster: datagrams on
// every link, ordered messages on whichever link works, and connections for
// other protocols, all on one port.
//
//	           link 0 ┌ UDP  sealed datagrams, one per link and beat
//	node ── port ─────┤ TCP  TLS 1.3, by ALPN:
//	           link 1 │        holdfast-peer/1   messages, one stream per direction
//	             …    │        holdfast-join/1   new machines (package identity)
//	                  └        http/1.1, …       whoever called Net.Listener
//
// [Listen] binds a TCP listener and a UDP socket to this node's own address on
// each link and sends from them, so a packet of link 1 never travels on link 0.
// [Net.SetPeers] says who may talk; it takes effect at once, also on open
// connections. Nothing is sent to and accepted from anyone else.
//
// Messages are delivered at most once, in order while a stream lives, and
// dropped when the peer is away or the queue overflows: raft sends again. The
// stream takes the first link in order that answers, leaves a link that stops
// making progress within a second, and returns to a better one later.
//
// Datagrams are sealed with AES-256-GCM under a key that belongs to one pair of
// nodes, one direction and one run of the sending daemon (datagram.go). Forged,
// replayed, truncated and foreign ones are dropped, counted, and named in a
// rate-limited log line.
//
// What it never does: decide who is a member or who is alive, resolve names, or
// keep a message for a peer that is away.
package wire
