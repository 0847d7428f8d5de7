package core

// ID is a member's raft id. It is given out once, at admission, and never
// reused: a machine that was removed and joins again gets a new one. Zero
// means "nobody".
type ID uint64

// Peer is what a member must know about another one (or itself) to exchange
// packets with it.
type Peer struct {
	ID   ID
	Name string
	// Addresses holds one host:port per link, in link order: link 0 of every
	// member talks to link 0 of every other member.
	Addresses []string
	// Key is the X25519 public key that seals datagrams, 32 bytes.
	Key []byte
	// Cert is the SHA-256 of the node certificate's public key, 32 bytes.
	Cert []byte
}

// Clone returns a copy that shares no memory with p.
func (p Peer) Clone() Peer {
	p.Addresses = append([]string(nil), p.Addresses...)
	p.Key = append([]byte(nil), p.Key...)
	p.Cert = append([]byte(nil), p.Cert...)
	return p
}
