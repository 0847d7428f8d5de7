package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/membership/identity"
)

// greetingTimeout bounds a handshake that somebody else began.
const greetingTimeout = 5 * time.Second

// acceptOn is the accepting loop of one link.
func (n *Net) acceptOn(link int, l net.Listener) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			n.complaints.about(n.links[link].local.Addr(), "accept", "can not accept connections", "link", link, "why", err)
			if !rest(n.ctx, 100*time.Millisecond) { // out of file descriptors, most likely
				return
			}
			continue
		}
		source := sourceOf(conn)
		if !n.gate.enter(source) {
			conn.Close()
			n.complaints.about(source, "crowd", "refused a connection: too many handshakes at a time", "source", source)
			continue
		}
		c := n.track(conn)
		if c == nil || !n.spawn(func(ctx context.Context) { n.greet(ctx, link, c) }) {
			n.gate.leave(source)
		}
	}
}

// greet holds the handshake and passes the connection to who speaks its protocol.
func (n *Net) greet(ctx context.Context, link int, c *trackedConn) {
	source := sourceOf(c)
	var wanted string // server name that the caller asked for
	conn := tls.Server(c, &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			wanted = hello.ServerName
			return n.serverConfig(hello.SupportedProtos), nil
		},
	})
	c.SetDeadline(time.Now().Add(greetingTimeout))
	err := conn.HandshakeContext(ctx)
	n.gate.leave(source)
	if err == nil {
		c.SetDeadline(time.Time{})
		err = n.dispatch(ctx, link, conn, c)
	}
	if err != nil {
		c.Close()
		n.logRefused(c, wanted, err)
	}
}

// serverConfig answers a caller that offers protocols.
func (n *Net) serverConfig(protocols []string) *tls.Config {
	id := n.identity.Load()
	if slices.Contains(protocols, identity.JoinProtocol) {
		return id.JoinTLS()
	}
	return id.ServerTLS(n.protocols(), func(node string, certHash []byte) error {
		if n.table.Load().byCert[hash(certHash)] == nil {
			return fmt.Errorf("node %s: %w: it was removed, or its key was replaced", node, errNoMember)
		}
		return nil
	})
}

// dispatch hands over an authenticated connection. It returns an error if
// nobody took it.
func (n *Net) dispatch(ctx context.Context, link int, conn *tls.Conn, c *trackedConn) error {
	state := conn.ConnectionState()
	if state.NegotiatedProtocol == identity.JoinProtocol {
		return n.serveJoin(ctx, conn)
	}
	h, err := certHashOf(state)
	if err != nil {
		return err
	}
	p, err := c.identify(h)
	if err != nil {
		return err
	}
	if state.NegotiatedProtocol == PeerProtocol {
		n.receiveMessages(link, conn, c, p)
		return nil
	}
	return n.offer(state.NegotiatedProtocol, conn)
}

func (n *Net) serveJoin(ctx context.Context, conn *tls.Conn) error {
	if !n.gate.enterJoin() {
		return errors.New("too many joins at a time")
	}
	defer n.gate.leaveJoin()
	admit := func(context.Context, identity.JoinRequest) (identity.JoinAnswer, error) {
		return identity.JoinAnswer{}, &identity.Refusal{Code: identity.Unavailable, Reason: "this member is starting or stopping"}
	}
	if f := n.admit.Load(); f != nil {
		admit = *f
	}
	request, err := n.identity.Load().ServeJoin(ctx, conn, admit)
	if err != nil {
		return err
	}
	n.log.Info("a node joined", "node", request.Name, "source", request.Remote)
	return nil
}

// logRefused says once in a while who was turned away, and why.
func (n *Net) logRefused(c *trackedConn, wanted string, err error) {
	if n.ctx.Err() != nil {
		return
	}
	source := sourceOf(c)
	if errors.Is(err, io.EOF) {
		n.log.Debug("a caller hung up during the handshake", "source", source)
		return
	}
	id := n.identity.Load()
	if cluster := identity.ClusterOfServerName(wanted); cluster != "" && cluster != id.ClusterID() {
		err = fmt.Errorf("the caller belongs to cluster %s, this is cluster %s (%s): %w", cluster, id.ClusterID(), id.ClusterName(), err)
	}
	n.complaints.about(source, "greet "+err.Error(), "refused a connection", "source", c.RemoteAddr().String(), "why", err)
}

// certHashOf returns the roster's name of the other side's certificate.
func certHashOf(state tls.ConnectionState) (hash, error) {
	sum, err := identity.CertHashOf(state)
	if err != nil {
		return hash{}, err
	}
	return hash(sum), nil
}
