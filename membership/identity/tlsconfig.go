package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
)

// JoinProtocol is the ALPN name of the join conversation.
const JoinProtocol = "holdfast-join/1"

// serverNameSuffix ends the TLS server name "CLUSTERID.holdfast" that a node
// asks for, so that the other side can say which cluster the caller meant.
const serverNameSuffix = ".holdfast"

// ErrOtherCluster is wrapped when the other side proves to be a node of
// another cluster.
var ErrOtherCluster = errors.New("the other side belongs to another cluster")

// Roster says whether the owner of a certificate is welcome at this moment.
// node is the name in the certificate, hash what [CertHash] returns for it. An
// error says why not. It is called during handshakes and must not block.
type Roster func(node string, hash []byte) error

// ServerTLS returns the configuration for accepting connections of other nodes:
// TLS 1.3, a client certificate of this cluster that roster welcomes, and one of
// the ALPN protocols.
func (id *Identity) ServerTLS(protocols []string, roster Roster) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{id.tlsCertificate()},
		NextProtos:             protocols,
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true, // each connection shows its certificate again
		VerifyConnection:       id.verifier(protocols, roster),
	}
}

// ClientTLS returns the configuration for connecting to another node of this
// cluster, which roster must welcome.
func (id *Identity) ClientTLS(protocol string, roster Roster) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		Certificates:       []tls.Certificate{id.tlsCertificate()},
		NextProtos:         []string{protocol},
		ServerName:         id.clusterID + serverNameSuffix,
		InsecureSkipVerify: true, // names are not host names here; VerifyConnection checks the chain
		VerifyConnection:   id.verifier([]string{protocol}, roster),
	}
}

// JoinTLS returns the configuration for accepting a joiner, who has no
// certificate yet.
func (id *Identity) JoinTLS() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{id.tlsCertificate()},
		NextProtos:             []string{JoinProtocol},
		SessionTicketsDisabled: true,
	}
}

// ClusterOfServerName returns the cluster id that a caller asked for by TLS
// server name, or "" when it asked for none.
func ClusterOfServerName(serverName string) string {
	cluster, found := strings.CutSuffix(serverName, serverNameSuffix)
	if !found || checkClusterID(cluster) != nil {
		return ""
	}
	return cluster
}

// verifier is the whole decision about the other side of a connection.
func (id *Identity) verifier(protocols []string, roster Roster) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		if err := checkProtocol(protocols, state.NegotiatedProtocol); err != nil {
			return err
		}
		if len(state.PeerCertificates) == 0 {
			return errors.New("the other side showed no certificate")
		}
		node, hash, err := id.verifyNode(state.PeerCertificates[0])
		if err != nil {
			return err
		}
		return roster(node, hash)
	}
}

func checkProtocol(offered []string, negotiated string) error {
	for _, p := range offered {
		if p == negotiated {
			return nil
		}
	}
	return fmt.Errorf("the other side speaks none of %s", strings.Join(offered, ", "))
}

// verifyNode checks that cert belongs to a node of this cluster and returns the
// node's name and key hash.
func (id *Identity) verifyNode(cert *x509.Certificate) (node string, hash []byte, err error) {
	cluster, node, err := certificateOf(cert)
	if err != nil {
		return "", nil, err
	}
	if cluster != id.clusterID {
		return "", nil, fmt.Errorf("%w: it is node %s of cluster %s, this is node %s of cluster %s (%s)",
			ErrOtherCluster, node, cluster, id.node, id.clusterID, id.clusterName)
	}
	if err := signedBy(cert, id.ca); err != nil {
		return "", nil, fmt.Errorf("the certificate of node %s was not signed by the authority of cluster %s: %w", node, id.clusterName, err)
	}
	key, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok {
		return "", nil, fmt.Errorf("the certificate of node %s has a %T, not an ed25519 key", node, cert.PublicKey)
	}
	hash, err = CertHash(key)
	return node, hash, err
}

// ExplainRefusal turns the TLS alert by which the other side ended a connection
// into words. Other errors come back unchanged.
func ExplainRefusal(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return err
	}
	if strings.Contains(op.Err.Error(), "no application protocol") {
		return fmt.Errorf("the other side does not offer this protocol: it is starting, or runs another version (%w)", err)
	}
	return fmt.Errorf("the other side refused this node's certificate: it was removed from the cluster, belongs to another one, "+
		"or the other side does not know it yet; its log names the reason (%w)", err)
}

// verifyPinned checks the server of a join: a node certificate signed by the
// authority that has the token's pin.
func verifyPinned(certs []*x509.Certificate, pin [pinSize]byte) (ca *x509.Certificate, cluster, node string, err error) {
	if len(certs) < 2 {
		return nil, "", "", errors.New("the other side did not show its cluster authority: it is not a Holdfast member")
	}
	leaf, ca := certs[0], certs[1]
	if got := pinOf(ca); !bytes.Equal(got[:], pin[:]) {
		return nil, "", "", fmt.Errorf("%w than the token's: check the address", ErrOtherCluster)
	}
	if err := signedBy(leaf, ca); err != nil {
		return nil, "", "", fmt.Errorf("the other side's certificate was not signed by its cluster authority: %w", err)
	}
	cluster, node, err = certificateOf(leaf)
	return ca, cluster, node, err
}

// CertHashOf returns the [CertHash] of the other side of an accepted connection.
// The chain was verified during the handshake.
func CertHashOf(state tls.ConnectionState) ([]byte, error) {
	if len(state.PeerCertificates) == 0 {
		return nil, errors.New("the other side showed no certificate")
	}
	key, ok := state.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the certificate has a %T, not an ed25519 key", state.PeerCertificates[0].PublicKey)
	}
	return CertHash(key)
}
