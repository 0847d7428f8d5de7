package identity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

const (
	joinConnectTimeout = 5 * time.Second  // TCP and TLS with one address
	joinAnswerTimeout  = 30 * time.Second // the member asks its leader and commits
)

// JoinAnswer is what a new node gets.
type JoinAnswer struct {
	ID    core.ID     // the new node's raft id
	Peers []core.Peer // the members, the new one included

	// WithholdAuthority keeps the authority's key from the new node: set for a
	// witness and for nodes that are no full members.
	WithholdAuthority bool

	// Identity is filled in by [Join]; an [AdmitFunc] leaves it nil.
	Identity *Identity
}

// Join asks the members that the token names, one after the other, until one of
// them answers. Its error lists what each address said. A [*Refusal] other than
// [Unavailable] ends the search, because all members share one roster.
//
// The caller saves the answer's Identity. Joining again with the same applicant
// after an error is safe: the cluster knows it again by its keys.
func Join(ctx context.Context, t Token, me Applicant) (JoinAnswer, error) {
	if me.nodeKey == nil || me.linkKey == nil {
		return JoinAnswer{}, errors.New("join: the applicant has no keys: make it with NewApplicant")
	}
	var failures []error
	for _, addr := range t.Addresses {
		answer, err := joinAt(ctx, addr, t, me)
		if err == nil {
			return answer, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", addr, err))
		var refusal *Refusal
		if errors.As(err, &refusal) && refusal.Code != Unavailable {
			break
		}
		if ctx.Err() != nil {
			failures = append(failures, ctx.Err())
			break
		}
	}
	return JoinAnswer{}, fmt.Errorf("joining cluster %s: %w", t.Cluster, errors.Join(failures...))
}

// joinAt is the conversation with one member.
func joinAt(ctx context.Context, addr netip.AddrPort, t Token, me Applicant) (JoinAnswer, error) {
	conn, server, err := dialPinned(ctx, addr, t.pin)
	if err != nil {
		return JoinAnswer{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.NetConn().Close() })
	defer stop()
	conn.SetDeadline(time.Now().Add(joinAnswerTimeout))
	request, err := encodeJoin(t, me, conn.ConnectionState())
	if err != nil {
		return JoinAnswer{}, err
	}
	if err := writeDocument(conn, request); err != nil {
		return JoinAnswer{}, fmt.Errorf("sending the request: %w", err)
	}
	data, err := readDocument(conn, maxJoinAnswer)
	if err != nil {
		return JoinAnswer{}, fmt.Errorf("waiting for the answer of %s: %w", server.node, err)
	}
	return decodeReply(data, me, server.ca, server.cluster)
}

// pinnedServer is what the verified certificates say about a member.
type pinnedServer struct {
	ca            *x509.Certificate
	cluster, node string
}

func dialPinned(ctx context.Context, addr netip.AddrPort, pin [pinSize]byte) (*tls.Conn, pinnedServer, error) {
	var server pinnedServer
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{},
		Config: &tls.Config{
			MinVersion:         tls.VersionTLS13,
			NextProtos:         []string{JoinProtocol},
			InsecureSkipVerify: true, // the token's pin decides, in VerifyConnection
			VerifyConnection: func(state tls.ConnectionState) (err error) {
				if err := checkProtocol([]string{JoinProtocol}, state.NegotiatedProtocol); err != nil {
					return err
				}
				server.ca, server.cluster, server.node, err = verifyPinned(state.PeerCertificates, pin)
				return err
			},
		},
	}
	ctx, cancel := context.WithTimeout(ctx, joinConnectTimeout)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return nil, server, fmt.Errorf("connecting: %w", err)
	}
	return conn.(*tls.Conn), server, nil
}
