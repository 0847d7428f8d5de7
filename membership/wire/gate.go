package wire

import (
	"net"
	"net/netip"
	"sync"
)

// Limits on callers that have not shown who they are.
const (
	maxGreetings     = 256 // handshakes at a time
	maxGreetingsFrom = 32  // from one address
	maxJoins         = 16  // joins at a time
)

// gate bounds what strangers may keep busy. The zero value is ready.
type gate struct {
	mu    sync.Mutex
	total int
	from  map[netip.Addr]int
	joins int
}

// enter takes a place for a handshake; leave gives it back.
func (g *gate) enter(source netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= maxGreetings || g.from[source] >= maxGreetingsFrom {
		return false
	}
	if g.from == nil {
		g.from = make(map[netip.Addr]int)
	}
	g.total++
	g.from[source]++
	return true
}

func (g *gate) leave(source netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.from[source]--; g.from[source] == 0 {
		delete(g.from, source)
	}
}

// enterJoin takes a place for a join; leaveJoin gives it back.
func (g *gate) enterJoin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.joins >= maxJoins {
		return false
	}
	g.joins++
	return true
}

func (g *gate) leaveJoin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.joins--
}

// sourceOf is the address of a connection's other end.
func sourceOf(c net.Conn) netip.Addr {
	tcp, isTCP := c.RemoteAddr().(*net.TCPAddr)
	if !isTCP {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap()
}
