package wire

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/holdfast-ha/holdfast/membership/identity"
)

// backlog is how many connections wait for Accept, per protocol.
const backlog = 128

// Listener accepts connections of one ALPN protocol on all links. Each is a
// *tls.Conn of a present member, its handshake done.
type Listener struct {
	n        *Net
	protocol string
	conns    chan net.Conn
	done     chan struct{}
	once     sync.Once
}

// Listener registers a protocol, "http/1.1" for instance. It panics for a
// protocol of the wire itself or one that is taken: that is a programming
// error. Closing the listener frees the protocol.
func (n *Net) Listener(protocol string) net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	if protocol == PeerProtocol || protocol == identity.JoinProtocol || protocol == "" || n.listeners[protocol] != nil {
		panic(fmt.Sprintf("wire: protocol %q is taken", protocol))
	}
	l := &Listener{n: n, protocol: protocol, conns: make(chan net.Conn, backlog), done: make(chan struct{})}
	if n.closed {
		l.once.Do(func() { close(l.done) })
		return l
	}
	n.listeners[protocol] = l
	return l
}

// Accept waits for the next connection. After Close of the listener or the Net
// it returns net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Addr is the address of the first link.
func (l *Listener) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(l.n.links[0].local)
}

// Close stops accepting. Connections that were accepted live on.
func (l *Listener) Close() error {
	l.n.mu.Lock()
	if l.n.listeners[l.protocol] == l {
		delete(l.n.listeners, l.protocol)
	}
	l.n.mu.Unlock()
	l.shut()
	return nil
}

// shut ends Accept and closes what nobody accepted. The protocol is no longer
// registered, so nothing new arrives.
func (l *Listener) shut() {
	l.once.Do(func() { close(l.done) })
	for {
		select {
		case c := <-l.conns:
			c.(*tls.Conn).NetConn().Close()
		default:
			return
		}
	}
}

// protocols lists what callers may speak, sorted.
func (n *Net) protocols() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := []string{PeerProtocol}
	for p := range n.listeners {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// offer gives a connection to the listener of its protocol.
func (n *Net) offer(protocol string, conn *tls.Conn) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.listeners[protocol]
	if l == nil {
		return fmt.Errorf("nobody serves protocol %q any more", protocol)
	}
	select {
	case l.conns <- conn:
		return nil
	default:
		return errors.New("too many connections wait to be served")
	}
}
