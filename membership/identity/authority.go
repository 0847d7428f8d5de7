package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"regexp"
	"time"
)

// uriScheme marks the certificate's URI name: holdfast://CLUSTERID/NODENAME.
const uriScheme = "holdfast"

// nodeLifetime is how long a node certificate says it is valid.
const nodeLifetime = 10 * 365 * 24 * time.Hour

// backdate lets a machine whose clock is behind show the certificate to others'
// tools without "not yet valid"; this package itself does not look at clocks.
const backdate = 24 * time.Hour

// noExpiry is RFC 5280's "no well-defined expiration date" (section 4.1.2.5).
var noExpiry = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// namePattern admits what is safe in a certificate, an URI and a file name.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$`)

// CheckName says why a cluster or node name can not be used, or nil. what is
// "cluster name" or "node name".
func CheckName(what, name string) error {
	if namePattern.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%s %q: use 1 to 64 letters, digits, dots, dashes or underscores, a letter or digit first and last", what, name)
}

// CertHash is the SHA-256 of a public key's SubjectPublicKeyInfo: what the
// roster keeps of a node certificate. A renewed certificate keeps it.
func CertHash(key ed25519.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("hashing a public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return sum[:], nil
}

// newClusterID returns 128 random bits in hex.
func newClusterID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func checkClusterID(id string) error {
	if b, err := hex.DecodeString(id); err != nil || len(b) != 16 {
		return fmt.Errorf("cluster id %q is not 32 hexadecimal digits", id)
	}
	return nil
}

func newSerial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] &= 0x7f // a positive number of at most 20 octets, as RFC 5280 wants
	b[15] |= 1
	return new(big.Int).SetBytes(b[:])
}

func nodeURI(clusterID, node string) *url.URL {
	return &url.URL{Scheme: uriScheme, Host: clusterID, Path: "/" + node}
}

// newAuthority makes the certificate authority of a new cluster.
func newAuthority(clusterID, clusterName string, now time.Time) (*x509.Certificate, ed25519.PrivateKey, error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making the cluster authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: "Holdfast cluster " + clusterName},
		NotBefore:             now.Add(-backdate),
		NotAfter:              noExpiry,
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
		URIs:                  []*url.URL{{Scheme: uriScheme, Host: clusterID}},
	}
	// A common name is limited to 64 characters.
	if len(template.Subject.CommonName) > 64 {
		template.Subject.CommonName = template.Subject.CommonName[:64]
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pub, key)
	if err != nil {
		return nil, nil, fmt.Errorf("making the cluster authority: %w", err)
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("making the cluster authority: %w", err)
	}
	return ca, key, nil
}

// issue signs a node certificate.
func issue(ca *x509.Certificate, caKey ed25519.PrivateKey, clusterID, node string, key ed25519.PublicKey, now time.Time) (*x509.Certificate, error) {
	if caKey == nil {
		return nil, errors.New("this node does not hold the cluster authority's key: ask a full member")
	}
	if err := CheckName("node name", node); err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: node},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(nodeLifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		URIs:                  []*url.URL{nodeURI(clusterID, node)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key, caKey)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of node %s: %w", node, err)
	}
	return x509.ParseCertificate(der)
}

// certificateOf reads who a node certificate was made for. It checks no
// signature.
func certificateOf(cert *x509.Certificate) (clusterID, node string, err error) {
	for _, u := range cert.URIs {
		if u.Scheme != uriScheme || len(u.Path) < 2 {
			continue
		}
		clusterID, node = u.Host, u.Path[1:]
		if err := checkClusterID(clusterID); err != nil {
			return "", "", err
		}
		if err := CheckName("node name", node); err != nil {
			return "", "", err
		}
		if cert.Subject.CommonName != node {
			return "", "", fmt.Errorf("certificate names node %q and %q", cert.Subject.CommonName, node)
		}
		return clusterID, node, nil
	}
	return "", "", errors.New("not a Holdfast node certificate")
}

// authorityMatches says whether key is the private key of the authority.
func authorityMatches(ca *x509.Certificate, key ed25519.PrivateKey) bool {
	pub, ok := ca.PublicKey.(ed25519.PublicKey)
	return ok && bytes.Equal(pub, key.Public().(ed25519.PublicKey))
}

// signedBy checks the chain leaf <- ca, without looking at a clock.
func signedBy(leaf, ca *x509.Certificate) error {
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots:       roots,
		CurrentTime: leaf.NotBefore,
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return err
}
