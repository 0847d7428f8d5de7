package identity

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Identity is one node of one cluster: its certificate and keys. It is immutable
// once made and may be shared between goroutines.
type Identity struct {
	clusterID   string
	clusterName string
	node        string
	cert        *x509.Certificate
	nodeKey     ed25519.PrivateKey
	linkKey     *ecdh.PrivateKey
	ca          *x509.Certificate
	caKey       ed25519.PrivateKey // nil: this node admits nobody
}

// Create makes a new cluster and the identity of its first node. now only dates
// the certificates.
func Create(clusterName, node string, now time.Time) (*Identity, error) {
	if err := CheckName("cluster name", clusterName); err != nil {
		return nil, err
	}
	id := &Identity{clusterID: newClusterID(), clusterName: clusterName, node: node}
	var err error
	if id.ca, id.caKey, err = newAuthority(id.clusterID, clusterName, now); err != nil {
		return nil, err
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the node key: %w", err)
	}
	id.nodeKey = key
	if id.linkKey, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
		return nil, fmt.Errorf("making the link key: %w", err)
	}
	if id.cert, err = issue(id.ca, id.caKey, id.clusterID, node, pub, now); err != nil {
		return nil, err
	}
	return id, nil
}

// ClusterID is 128 random bits in hex, made by [Create] and never changed.
func (id *Identity) ClusterID() string { return id.clusterID }

// ClusterName is the name that the operator gave the cluster.
func (id *Identity) ClusterName() string { return id.clusterName }

// Node is the name of this node.
func (id *Identity) Node() string { return id.node }

// NotAfter is when this node's certificate says it expires. Nothing stops then;
// a tool should suggest [Identity.Renew] some months before.
func (id *Identity) NotAfter() time.Time { return id.cert.NotAfter }

// CanAdmit says whether this node holds the authority's key, so that it may
// answer joins and renew certificates.
func (id *Identity) CanAdmit() bool { return id.caKey != nil }

// CertHash is what the roster keeps of this node's certificate (see [CertHash]).
func (id *Identity) CertHash() []byte {
	hash, err := CertHash(id.nodeKey.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err) // unreachable: an ed25519 key always marshals
	}
	return hash
}

// LinkKey is this node's X25519 public key, 32 bytes.
func (id *Identity) LinkKey() []byte { return id.linkKey.PublicKey().Bytes() }

// SharedSecret is the X25519 agreement with another node's public key, 32 bytes.
// It is input for a key derivation, never itself a key.
func (id *Identity) SharedSecret(theirs []byte) ([]byte, error) {
	pub, err := ecdh.X25519().NewPublicKey(theirs)
	if err != nil {
		return nil, fmt.Errorf("link key of %d bytes: %w", len(theirs), err)
	}
	return id.linkKey.ECDH(pub)
}

// Renew returns the same identity with a fresh certificate for the same key, so
// the roster stays as it is.
func (id *Identity) Renew(now time.Time) (*Identity, error) {
	cert, err := issue(id.ca, id.caKey, id.clusterID, id.node, id.nodeKey.Public().(ed25519.PublicKey), now)
	if err != nil {
		return nil, err
	}
	renewed := *id
	renewed.cert = cert
	return &renewed, nil
}

// String names node and cluster; it never shows a key.
func (id *Identity) String() string {
	return fmt.Sprintf("node %s of cluster %s (%s)", id.node, id.clusterName, id.clusterID)
}

// GoString is String, so that %#v shows no key either.
func (id *Identity) GoString() string { return id.String() }

// tlsCertificate is what the node shows: its certificate and the authority's.
// The latter is there for a joiner, who knows only its hash.
func (id *Identity) tlsCertificate() tls.Certificate {
	return tls.Certificate{
		Certificate: [][]byte{id.cert.Raw, id.ca.Raw},
		PrivateKey:  id.nodeKey,
		Leaf:        id.cert,
	}
}

// check finds out whether the parts fit together.
func (id *Identity) check() error {
	if err := checkClusterID(id.clusterID); err != nil {
		return err
	}
	if err := CheckName("cluster name", id.clusterName); err != nil {
		return err
	}
	pub, ok := id.cert.PublicKey.(ed25519.PublicKey)
	if !ok || !bytes.Equal(pub, id.nodeKey.Public().(ed25519.PublicKey)) {
		return errors.New("the node certificate does not belong to the node key")
	}
	if err := signedBy(id.cert, id.ca); err != nil {
		return fmt.Errorf("the node certificate was not signed by the cluster authority: %w", err)
	}
	cluster, node, err := certificateOf(id.cert)
	if err != nil {
		return err
	}
	if cluster != id.clusterID || node != id.node {
		return fmt.Errorf("the certificate is for node %s of cluster %s, expected node %s of cluster %s", node, cluster, id.node, id.clusterID)
	}
	if id.caKey != nil && !authorityMatches(id.ca, id.caKey) {
		return errors.New("the authority's key does not belong to its certificate")
	}
	return nil
}
