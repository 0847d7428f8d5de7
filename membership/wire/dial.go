package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

// Dial connects to a member with an ALPN protocol that it listens for, on the
// first link in order that works. The connection is cut when that member is
// removed. Its error says what happened on each link.
func (n *Net) Dial(ctx context.Context, to core.ID, protocol string) (net.Conn, error) {
	conn, _, err := n.connect(ctx, to, protocol, MaxLinks)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// attempt is the outcome of connecting on one link.
type attempt struct {
	conn *tls.Conn
	link int
	err  error
}

// connect tries the first links (at most count) in order. Each gets a head
// start before the next is tried as well; a failure passes the turn at once.
func (n *Net) connect(ctx context.Context, to core.ID, protocol string, count int) (*tls.Conn, int, error) {
	p := n.table.Load().byID[to]
	if p == nil {
		return nil, 0, fmt.Errorf("connecting to peer %d: it is not a member", to)
	}
	var links []int
	for link := range min(count, len(n.links)) {
		if _, has := p.addr(link); has {
			links = append(links, link)
		}
	}
	conn, link, err := n.race(ctx, p, protocol, links)
	if err != nil {
		return nil, 0, fmt.Errorf("connecting to %s: %w", p.info.Name, err)
	}
	return conn, link, nil
}

// race runs the attempts of one connect. Whoever comes second hangs up.
func (n *Net) race(ctx context.Context, p *peer, protocol string, links []int) (*tls.Conn, int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan attempt)
	turn := time.NewTicker(n.timing.Stagger)
	defer turn.Stop()
	failures := make([]error, len(n.links))
	running := 0
	for len(links) > 0 || running > 0 {
		if len(links) > 0 {
			link := links[0]
			links = links[1:]
			running++
			if !n.spawn(func(context.Context) { n.try(ctx, p, link, protocol, results) }) {
				return nil, 0, net.ErrClosed
			}
		}
		select {
		case r := <-results:
			running--
			if r.err == nil {
				return r.conn, r.link, nil
			}
			failures[r.link] = r.err
		case <-turn.C:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
	if err := errors.Join(failures...); err != nil {
		return nil, 0, err
	}
	return nil, 0, errors.New("no link in common")
}

// try is one runner of the race.
func (n *Net) try(ctx context.Context, p *peer, link int, protocol string, results chan<- attempt) {
	conn, err := n.dialLink(ctx, p, link, protocol)
	select {
	case results <- attempt{conn, link, err}:
	case <-ctx.Done():
		if conn != nil {
			conn.NetConn().Close()
		}
	}
}

// dialLink connects on one link, from this node's address there.
func (n *Net) dialLink(ctx context.Context, p *peer, link int, protocol string) (_ *tls.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, n.timing.Dial)
	defer cancel()
	addr, _ := p.addr(link)
	defer func() {
		if err != nil {
			err = fmt.Errorf("link %d, %s: %w", link, addr, identity.ExplainRefusal(err))
		}
	}()
	dialer := net.Dialer{LocalAddr: hostOf(n.links[link].local)}
	raw, err := dialer.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return nil, err
	}
	c := n.track(raw)
	if c == nil {
		return nil, net.ErrClosed
	}
	conn := tls.Client(c, n.identity.Load().ClientTLS(protocol, func(node string, certHash []byte) error {
		if !bytes.Equal(certHash, p.info.Cert) {
			return fmt.Errorf("node %s answers there, not %s", node, p.info.Name)
		}
		return nil
	}))
	if err := n.finishDial(ctx, conn, c, p, protocol); err != nil {
		c.Close()
		return nil, err
	}
	return conn, nil
}

// finishDial shakes hands. On a message stream it also waits until the other
// side begins to read, because only then has it accepted this node's
// certificate.
func (n *Net) finishDial(ctx context.Context, conn *tls.Conn, c *trackedConn, p *peer, protocol string) error {
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	if _, err := c.identify(hash(p.info.Cert)); err != nil {
		return err
	}
	if protocol != PeerProtocol {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { c.Conn.Close() })
	var life [1]byte
	_, err := conn.Read(life[:])
	if !stop() && err == nil {
		err = ctx.Err()
	}
	return err
}
