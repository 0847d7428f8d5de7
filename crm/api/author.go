package api

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

type authorKey struct{}

// withAuthor notes who is at the other end of a connection: the user of a unix
// socket's peer, "root@n1", or the node that a certificate names.
func (s *Server) withAuthor(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, authorKey{}, s.peer(conn))
}

func author(ctx context.Context) string {
	who, ok := ctx.Value(authorKey{}).(string)
	if !ok {
		return "somebody"
	}
	return who
}

func (s *Server) peer(conn net.Conn) string {
	switch c := conn.(type) {
	case *net.UnixConn:
		uid, err := peerUID(c)
		if err != nil {
			s.log.Warn("who calls at the control socket is not known", "error", err)
			return "somebody@" + s.backend.Self()
		}
		return userName(uid) + "@" + s.backend.Self()
	case *tls.Conn:
		if certs := c.ConnectionState().PeerCertificates; len(certs) > 0 {
			return certs[0].Subject.CommonName
		}
	}
	return "somebody"
}

func peerUID(c *net.UnixConn) (uint32, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("peer of the control socket: %w", err)
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, fmt.Errorf("peer of the control socket: %w", err)
	}
	if credErr != nil {
		return 0, fmt.Errorf("peer of the control socket: %w", credErr)
	}
	return cred.Uid, nil
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "uid" + id
}
