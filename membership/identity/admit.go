package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	joinAskTimeout   = 10 * time.Second // for the request to arrive
	joinAdmitTimeout = 25 * time.Second // for the roster to decide; below joinAnswerTimeout
)

// JoinRequest is what a machine says that wants to become a node. Its form and
// its possession of NodeKey were checked; whether it may join was not: look the
// token up by TokenID, then call Verify.
type JoinRequest struct {
	TokenID   string
	Name      string
	Addresses []string // literal host:port, one per link, 1 to 8
	Cert      []byte   // what the roster keeps of its certificate (see [CertHash])
	LinkKey   []byte   // X25519 public key
	Version   string   // of its program
	Witness   bool
	Remote    string // address that it called from

	nodeKey ed25519.PublicKey
	signed  []byte
	proof   []byte
}

// Verify says whether the joiner knows the secret of the token whose
// [Token.Verifier] is given.
func (r JoinRequest) Verify(verifier []byte) bool {
	return len(verifier) == ed25519.PublicKeySize && ed25519.Verify(verifier, r.signed, r.proof)
}

// AdmitFunc decides on a join: it checks the token ([JoinRequest.Verify]), name
// and version against the roster, records the new member, and answers with its
// ID and Peers. A [*Refusal] is sent as it is; any other error is sent as
// [Unavailable], upon which the joiner tries another member.
//
// It must be idempotent for one token and one r.Cert: a joiner who lost the
// answer asks again, maybe another member, and gets the same id.
type AdmitFunc func(ctx context.Context, r JoinRequest) (JoinAnswer, error)

// ServeJoin holds the member's side of one join on a connection that was
// accepted with [Identity.JoinTLS], and closes it. The returned request names
// the joiner as far as it was understood; the error is for the log, the joiner
// was told already if it could be.
func (id *Identity) ServeJoin(ctx context.Context, conn *tls.Conn, admit AdmitFunc) (JoinRequest, error) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(joinAskTimeout))
	request, err := readJoin(conn)
	if err != nil {
		return request, sendRefusal(conn, err)
	}
	if !id.CanAdmit() {
		return request, sendRefusal(conn, &Refusal{Unavailable, "node " + id.node + " does not hold the cluster authority's key"})
	}
	ctx, cancel := context.WithTimeout(ctx, joinAdmitTimeout)
	defer cancel()
	conn.SetDeadline(time.Now().Add(joinAnswerTimeout))
	answer, err := admit(ctx, request)
	if err != nil {
		return request, sendRefusal(conn, err)
	}
	reply, err := id.reply(request, answer)
	if err != nil {
		return request, sendRefusal(conn, err)
	}
	if err := writeDocument(conn, reply); err != nil {
		return request, fmt.Errorf("answering the join of %s at %s: %w", request.Name, request.Remote, err)
	}
	return request, nil
}

// readJoin reads one request and checks all that needs no roster.
func readJoin(conn *tls.Conn) (JoinRequest, error) {
	request := JoinRequest{Remote: conn.RemoteAddr().String()}
	data, err := readDocument(conn, maxJoinAsk)
	if err != nil {
		return request, &Refusal{BadRequest, err.Error()}
	}
	env, body, err := decodeJoin(data)
	if err != nil {
		return request, &Refusal{BadRequest, err.Error()}
	}
	if body.Protocol != joinVersion {
		code := VersionTooNew
		if body.Protocol < joinVersion {
			code = VersionTooOld
		}
		return request, &Refusal{code, fmt.Sprintf("join protocol %d, this member speaks %d", body.Protocol, joinVersion)}
	}
	if err := body.check(); err != nil {
		return request, &Refusal{BadRequest, err.Error()}
	}
	signed, err := signedText(conn.ConnectionState(), env.Body)
	if err != nil {
		return request, err
	}
	if !ed25519.Verify(body.NodeKey, signed, env.Possession) {
		return request, &Refusal{BadRequest, "the joiner did not prove that it owns its node key"}
	}
	hash, err := CertHash(body.NodeKey)
	if err != nil {
		return request, err
	}
	request.TokenID, request.Name, request.Addresses = body.TokenID, body.Name, body.Addresses
	request.Cert, request.LinkKey = hash, body.LinkKey
	request.Version, request.Witness = body.Version, body.Witness
	request.nodeKey, request.signed, request.proof = body.NodeKey, signed, env.Proof
	return request, nil
}

// reply encodes the answer to an admitted node.
func (id *Identity) reply(request JoinRequest, answer JoinAnswer) ([]byte, error) {
	cert, err := issue(id.ca, id.caKey, id.clusterID, request.Name, request.nodeKey, time.Now())
	if err != nil {
		return nil, err
	}
	reply := joinReply{ID: uint64(answer.ID), ClusterName: id.clusterName, Certificate: cert.Raw}
	if !answer.WithholdAuthority {
		reply.CAKey = seedOf(id.caKey)
	}
	for _, p := range answer.Peers {
		reply.Peers = append(reply.Peers, joinPeer{uint64(p.ID), p.Name, p.Addresses, p.Key, p.Cert})
	}
	data, err := json.Marshal(reply)
	if err == nil && len(data) > maxJoinAnswer {
		err = fmt.Errorf("%d members do not fit into a join answer", len(answer.Peers))
	}
	return data, err
}

// sendRefusal tells the joiner why not and returns the reason.
func sendRefusal(conn *tls.Conn, why error) error {
	var refusal *Refusal
	if !errors.As(why, &refusal) {
		refusal = &Refusal{Unavailable, why.Error()}
	}
	data, err := json.Marshal(joinReply{Refusal: refusal.Code, Reason: printable(refusal.Reason)})
	if err != nil {
		return errors.Join(why, err)
	}
	if err := writeDocument(conn, data); err != nil {
		return fmt.Errorf("%w (and the joiner could not be told: %w)", refusal, err)
	}
	return refusal
}
