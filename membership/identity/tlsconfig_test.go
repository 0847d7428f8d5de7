package identity

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// handshake connects the two configurations in memory and reads one byte, by
// which the client learns whether the server took its certificate.
func handshake(t *testing.T, server, client *tls.Config) (serverErr, clientErr error) {
	t.Helper()
	a, b := net.Pipe()
	done := make(chan error, 1)
	go func() {
		conn := tls.Server(a, server)
		err := conn.Handshake()
		if err == nil {
			_, err = conn.Write([]byte{1})
		}
		a.Close()
		done <- err
	}()
	conn := tls.Client(b, client)
	if clientErr = conn.Handshake(); clientErr == nil {
		_, clientErr = conn.Read(make([]byte, 1))
	}
	b.Close()
	return <-done, clientErr
}

func member(t *testing.T, first *Identity, name string) *Identity {
	t.Helper()
	answer, err := join(t, token(t, first, first.openDoor(t, func(context.Context, JoinRequest) (JoinAnswer, error) {
		return JoinAnswer{ID: 2}, nil
	})), applicant(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return answer.Identity
}

func welcome(string, []byte) error { return nil }

func only(ids ...*Identity) Roster {
	return func(node string, hash []byte) error {
		for _, id := range ids {
			if bytes.Equal(hash, id.CertHash()) {
				return nil
			}
		}
		return fmt.Errorf("node %s is not a member", node)
	}
}

func TestMutualTLS(t *testing.T) {
	n1 := create(t, "prod", "n1")
	n2 := member(t, n1, "n2")
	twin := create(t, "prod", "n2") // another cluster of the same name
	const p = "x/1"
	bare := n2.ClientTLS(p, welcome)
	bare.Certificates = nil
	old := n2.ClientTLS(p, welcome)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	lost := n2.ClientTLS("y/1", welcome)
	// A foreign node that asks for the right cluster and does not care who answers.
	intruder := twin.ClientTLS(p, welcome)
	intruder.VerifyConnection = nil
	for _, test := range []struct {
		name               string
		server, client     *tls.Config
		wantServer, wantUs string
	}{
		{"members", n1.ServerTLS([]string{p}, only(n2)), n2.ClientTLS(p, only(n1)), "", ""},
		{"removed", n1.ServerTLS([]string{p}, only()), n2.ClientTLS(p, only(n1)), "node n2 is not a member", "refused this node's certificate"},
		{"another answers", n1.ServerTLS([]string{p}, only(n2)), n2.ClientTLS(p, only(n2)), "bad certificate", "node n1 is not a member"},
		{"another cluster", n1.ServerTLS([]string{p}, welcome), twin.ClientTLS(p, welcome), "bad certificate", "it is node n1 of cluster " + n1.ClusterID()},
		{"intruder", n1.ServerTLS([]string{p}, welcome), intruder, "it is node n2 of cluster " + twin.ClusterID(), "refused this node's certificate"},
		{"no certificate", n1.ServerTLS([]string{p}, welcome), bare, "didn't provide a certificate", "refused"},
		{"TLS 1.2", n1.ServerTLS([]string{p}, welcome), old, "version", "version"},
		{"no common protocol", n1.ServerTLS([]string{p}, welcome), lost, "unsupported application protocols", "does not offer this protocol"},
	} {
		t.Run(test.name, func(t *testing.T) {
			serverErr, clientErr := handshake(t, test.server, test.client)
			check(t, "server", serverErr, test.wantServer)
			check(t, "client", ExplainRefusal(clientErr), test.wantUs)
		})
	}
}

func check(t *testing.T, side string, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: got %v, want %q", side, err, want)
	}
}

func TestForeignClusterIsASentinel(t *testing.T) {
	a, b := create(t, "prod", "n1"), create(t, "prod", "n2")
	if _, _, err := a.verifyNode(b.cert); !errors.Is(err, ErrOtherCluster) {
		t.Errorf("got %v", err)
	}
}

// A certificate that names this cluster, but was signed by another authority.
func TestForgedClusterName(t *testing.T) {
	a, b := create(t, "prod", "n1"), create(t, "prod", "n2")
	forged, err := issue(b.ca, b.caKey, a.clusterID, "n2", b.cert.PublicKey.(ed25519.PublicKey), someDay)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.verifyNode(forged); err == nil || !strings.Contains(err.Error(), "not signed by the authority") {
		t.Errorf("got %v", err)
	}
}

// A clock that is decades off, or a certificate long expired, splits nothing.
func TestClocksDoNotMatter(t *testing.T) {
	id, err := Create("prod", "n1", someDay.AddDate(-60, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := id.verifyNode(id.cert); err != nil {
		t.Error(err)
	}
}

func TestServerNameTellsTheCluster(t *testing.T) {
	id := create(t, "prod", "n1")
	name := id.ClientTLS("x", welcome).ServerName
	if got := ClusterOfServerName(name); got != id.ClusterID() {
		t.Errorf("%s says %q", name, got)
	}
	for _, bad := range []string{"", "example.org", "abc.holdfast", strings.Repeat("z", 32) + ".holdfast"} {
		if got := ClusterOfServerName(bad); got != "" {
			t.Errorf("%s says %q", bad, got)
		}
	}
}
