package identity

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"unicode/utf8"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// The join conversation is one request and one answer, each a JSON document
// behind its length in four bytes.
const (
	joinVersion   = 1
	maxJoinAsk    = 64 << 10 // bytes
	maxJoinAnswer = 4 << 20  // bytes: some thousand members
	maxLinks      = 8
	maxVersion    = 64 // characters of a program version
	maxReason     = 1000
)

// joinEnvelope carries the request as the bytes that were signed.
type joinEnvelope struct {
	Body       []byte `json:"body"`       // a joinBody
	Proof      []byte `json:"proof"`      // by the token's signing key
	Possession []byte `json:"possession"` // by the node key
}

type joinBody struct {
	Protocol  int      `json:"protocol"`
	TokenID   string   `json:"token"`
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	NodeKey   []byte   `json:"node_key"`
	LinkKey   []byte   `json:"link_key"`
	Version   string   `json:"version"`
	Witness   bool     `json:"witness,omitempty"`
}

type joinReply struct {
	Refusal     RefusalCode `json:"refusal,omitempty"`
	Reason      string      `json:"reason,omitempty"`
	ID          uint64      `json:"id,omitempty"`
	ClusterName string      `json:"cluster_name,omitempty"`
	Certificate []byte      `json:"certificate,omitempty"`
	CAKey       []byte      `json:"ca_key,omitempty"` // ed25519 seed
	Peers       []joinPeer  `json:"peers,omitempty"`
}

type joinPeer struct {
	ID        uint64   `json:"id"`
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	Key       []byte   `json:"key"`
	Cert      []byte   `json:"cert"`
}

// signedText binds a signature to this conversation: the exporter is known to
// both ends of one TLS connection and to nobody else, so a proof can neither be
// replayed nor passed on by a member in the middle.
func signedText(state tls.ConnectionState, body []byte) ([]byte, error) {
	exported, err := state.ExportKeyingMaterial("EXPORTER-holdfast-join", nil, 32)
	if err != nil {
		return nil, fmt.Errorf("binding the join to its connection: %w", err)
	}
	text := append([]byte("holdfast join 1\n"), exported...)
	return append(text, body...), nil
}

// encodeJoin returns the signed request of me.
func encodeJoin(t Token, me Applicant, state tls.ConnectionState) ([]byte, error) {
	body, err := json.Marshal(joinBody{
		Protocol:  joinVersion,
		TokenID:   t.ID,
		Name:      me.Name,
		Addresses: me.Addresses,
		NodeKey:   me.nodeKey.Public().(ed25519.PublicKey),
		LinkKey:   me.linkKey.PublicKey().Bytes(),
		Version:   me.Version,
		Witness:   me.Witness,
	})
	if err != nil {
		return nil, err
	}
	text, err := signedText(state, body)
	if err != nil {
		return nil, err
	}
	return json.Marshal(joinEnvelope{
		Body:       body,
		Proof:      ed25519.Sign(t.signingKey(), text),
		Possession: ed25519.Sign(me.nodeKey, text),
	})
}

// decodeJoin reads a request. It does not check signatures.
func decodeJoin(data []byte) (joinEnvelope, joinBody, error) {
	var env joinEnvelope
	var body joinBody
	if err := json.Unmarshal(data, &env); err != nil {
		return env, body, fmt.Errorf("join request: %w", err)
	}
	if err := json.Unmarshal(env.Body, &body); err != nil {
		return env, body, fmt.Errorf("join request: %w", err)
	}
	return env, body, nil
}

// check says what is wrong with a request of this protocol version.
func (b joinBody) check() error {
	if err := CheckName("node name", b.Name); err != nil {
		return err
	}
	if len(b.Addresses) == 0 || len(b.Addresses) > maxLinks {
		return fmt.Errorf("%d addresses, a node has 1 to %d links", len(b.Addresses), maxLinks)
	}
	for _, a := range b.Addresses {
		ap, err := netip.ParseAddrPort(a)
		if err != nil || ap.Port() == 0 || ap.Addr().IsUnspecified() || ap.Addr().IsMulticast() {
			return fmt.Errorf("%.100q is not a literal address:port that others could connect to", a)
		}
	}
	if len(b.NodeKey) != ed25519.PublicKeySize || len(b.LinkKey) != 32 {
		return fmt.Errorf("keys of %d and %d bytes, expected %d and 32", len(b.NodeKey), len(b.LinkKey), ed25519.PublicKeySize)
	}
	if len(b.Version) > maxVersion || !utf8.ValidString(b.Version) {
		return errors.New("program version is too long")
	}
	return nil
}

// decodeReply reads an answer; ca and cluster come from the verified server.
func decodeReply(data []byte, me Applicant, ca *x509.Certificate, cluster string) (JoinAnswer, error) {
	var r joinReply
	if err := json.Unmarshal(data, &r); err != nil {
		return JoinAnswer{}, fmt.Errorf("join answer: %w", err)
	}
	if r.Refusal != "" {
		return JoinAnswer{}, &Refusal{Code: r.Refusal, Reason: printable(r.Reason)}
	}
	cert, err := x509.ParseCertificate(r.Certificate)
	if err != nil {
		return JoinAnswer{}, fmt.Errorf("join answer: certificate: %w", err)
	}
	id := &Identity{
		clusterID: cluster, clusterName: r.ClusterName, node: me.Name,
		cert: cert, nodeKey: me.nodeKey, linkKey: me.linkKey, ca: ca,
	}
	if len(r.CAKey) != 0 {
		if len(r.CAKey) != ed25519.SeedSize {
			return JoinAnswer{}, fmt.Errorf("join answer: authority key of %d bytes, expected %d", len(r.CAKey), ed25519.SeedSize)
		}
		id.caKey = ed25519.NewKeyFromSeed(r.CAKey)
	}
	if err := id.check(); err != nil {
		return JoinAnswer{}, fmt.Errorf("join answer: %w", err)
	}
	answer := JoinAnswer{ID: core.ID(r.ID), Identity: id}
	if r.ID == 0 {
		return JoinAnswer{}, errors.New("join answer: no raft id")
	}
	for _, p := range r.Peers {
		if p.ID == 0 || len(p.Key) != 32 || len(p.Cert) != 32 || len(p.Addresses) > maxLinks || CheckName("node name", p.Name) != nil {
			return JoinAnswer{}, fmt.Errorf("join answer: member %d makes no sense", p.ID)
		}
		answer.Peers = append(answer.Peers, core.Peer{ID: core.ID(p.ID), Name: p.Name, Addresses: p.Addresses, Key: p.Key, Cert: p.Cert})
	}
	return answer, nil
}

// printable bounds a text of the other side and removes control characters, so
// that it can be shown on a terminal.
func printable(s string) string {
	out := make([]rune, 0, min(len(s), maxReason))
	for _, r := range s {
		if len(out) == maxReason {
			break
		}
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			r = ' '
		}
		out = append(out, r)
	}
	return string(out)
}

func writeDocument(w io.Writer, data []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...))
	return err
}

func readDocument(r io.Reader, limit int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if int64(n) > int64(limit) {
		return nil, fmt.Errorf("the other side announces %d bytes, more than %d", n, limit)
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(data) < int(n) {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}

// seedOf returns a copy of the authority key's seed, or nil.
func seedOf(key ed25519.PrivateKey) []byte {
	if key == nil {
		return nil
	}
	return key.Seed()
}
