package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

// The HTTP API shares the port, and knows who is calling.
func TestHTTPOverTheSharedPort(t *testing.T) {
	nodes := cluster(t, 2, 2)
	n1, n2 := nodes[0], nodes[1]
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hash, err := identity.CertHashOf(*r.TLS)
		if err != nil {
			t.Error(err)
		}
		caller, _ := n1.PeerByCert(hash)
		io.WriteString(w, "hello "+caller.Name)
	})}
	l := n1.Listener("http/1.1")
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return n2.Dial(ctx, 1, "http/1.1")
		},
	}}
	for range 3 {
		answer, err := client.Get("https://n1/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || string(body) != "hello n2" {
			t.Errorf("got %q, %v", body, err)
		}
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := next(t, served, "the server's end"); !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	if _, err := n2.Dial(context.Background(), 1, "http/1.1"); err == nil || !strings.Contains(err.Error(), "does not offer this protocol") {
		t.Errorf("after the server closed: %v", err)
	}
	n1.Listener("http/1.1").Close() // free again
}

// Without a certificate of a member nobody gets in, whatever it speaks.
func TestStrangersStayOutside(t *testing.T) {
	n1 := cluster(t, 1, 1)[0]
	n1.Listener("http/1.1")
	for _, protocols := range [][]string{{"http/1.1"}, {PeerProtocol}, {"h2"}, nil} {
		conn, err := tls.Dial("tcp", n1.Addresses()[0], &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
		if err == nil {
			_, err = conn.Read(make([]byte, 1))
			conn.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "remote error") {
			t.Errorf("%v: got %v", protocols, err)
		}
	}
	plain, err := net.Dial("tcp", n1.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(plain, "GET / HTTP/1.1\r\nHost: n1\r\n\r\n")
	awaitCut(t, plain, "a connection without TLS")
	plain.Close()
	n1.log.await(t, "refused a connection", "first record does not look like a TLS handshake")
}

func TestDialNamesEveryLink(t *testing.T) {
	nodes := cluster(t, 2, 2)
	n1, n2 := nodes[0], nodes[1]
	if err := n2.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := n1.Dial(context.Background(), 2, "http/1.1")
	for _, want := range []string{"connecting to n2", "link 0, " + n2.peer.Addresses[0], "link 1, " + n2.peer.Addresses[1], "refused"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := n1.Dial(ctx, 2, "http/1.1"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A renewed certificate is shown without a restart; other keys are refused.
func TestRenewedCertificateIsShown(t *testing.T) {
	nodes := cluster(t, 2, 1)
	n1, n2 := nodes[0], nodes[1]
	renewed, err := n1.id.Renew(time.Now().AddDate(5, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := n1.UseIdentity(renewed); err != nil {
		t.Fatal(err)
	}
	n1.Listener("test/1")
	conn, err := n2.Dial(context.Background(), 1, "test/1")
	if err != nil {
		t.Fatal(err)
	}
	shown := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	if !shown.NotAfter.Equal(renewed.NotAfter()) {
		t.Errorf("the certificate shown expires %v, the renewed one %v", shown.NotAfter, renewed.NotAfter())
	}
	if err := n1.UseIdentity(founder(t, "prod", "n1")); err == nil {
		t.Error("other keys were taken")
	}
}

// A member that answers at another one's address is not taken for it.
func TestDialFindsAnotherMember(t *testing.T) {
	nodes := cluster(t, 3, 1)
	n1, n2, n3 := nodes[0], nodes[1], nodes[2]
	moved := n2.peer.Clone()
	moved.Addresses = n3.peer.Addresses
	n1.SetPeers(n1.peer, []core.Peer{moved, n3.peer})
	if _, err := n1.Dial(context.Background(), 2, PeerProtocol); err == nil || !strings.Contains(err.Error(), "node n3 answers there, not n2") {
		t.Errorf("got %v", err)
	}
}

func TestJoinsNeedADecider(t *testing.T) {
	n1 := cluster(t, 1, 1)[0]
	token, err := n1.id.NewToken(n1.Addresses())
	if err != nil {
		t.Fatal(err)
	}
	me, err := identity.NewApplicant(t.TempDir(), "n2", []string{"127.0.0.1:7400"}, "test")
	if err != nil {
		t.Fatal(err)
	}
	_, err = identity.Join(context.Background(), token, me)
	var refusal *identity.Refusal
	if !errors.As(err, &refusal) || refusal.Code != identity.Unavailable {
		t.Errorf("got %v", err)
	}
	n1.log.await(t, "refused a connection", "unavailable")
}

func TestProtocolIsTakenOnce(t *testing.T) {
	n1 := cluster(t, 1, 1)[0]
	n1.Listener("test/1")
	for _, taken := range []string{"test/1", PeerProtocol, identity.JoinProtocol, ""} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was given twice", taken)
				}
			}()
			n1.Listener(taken)
		}()
	}
}

func TestCloseEndsEverything(t *testing.T) {
	nodes := cluster(t, 2, 2)
	n1, n2 := nodes[0], nodes[1]
	talk(t, n1, n2, "hello")
	l := n1.Listener("test/1")
	waiting, err := n2.Dial(context.Background(), 1, "test/1") // nobody accepts it
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		l2 := n1.Listener("test/2")
		_, err := l2.Accept()
		ended <- err
	}()
	for range 2 {
		if err := n1.Close(); err != nil {
			t.Error(err)
		}
	}
	awaitCut(t, waiting, "a connection that nobody accepted")
	if err := next(t, ended, "the end of Accept"); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	n1.SendMessage(2, []byte("x"))
	n1.SendDatagram(2, 0, []byte("x"))
	n1.SetPeers(n1.peer, nil)
	if err := n1.Start(n1.ear); err == nil {
		t.Error("started after close")
	}
	if _, err := n1.Dial(context.Background(), 2, "test/1"); err == nil {
		t.Error("dialled after close")
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestListenNamesAllProblems(t *testing.T) {
	_, err := Listen(Config{Self: core.Peer{Name: "n1", Addresses: []string{"host:1", "10.0.0.1"}}})
	for _, want := range []string{"node n1", "no identity", `link 0: "host:1"`, `link 1: "10.0.0.1"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	n1 := cluster(t, 1, 1)[0]
	_, err = Listen(Config{Self: n1.peer, Identity: n1.id})
	if err == nil || !strings.Contains(err.Error(), "is crm already running here?") || !strings.Contains(err.Error(), n1.Addresses()[0]) {
		t.Errorf("port in use: %v", err)
	}
	if err := n1.Start(n1.ear); err == nil {
		t.Error("started twice")
	}
}

// A node starts although the address of one link is not up.
func TestAbsentAddressDoesNotStopTheNode(t *testing.T) {
	id := founder(t, "prod", "n1")
	book := newLogBook()
	n, err := Listen(Config{
		Self:     core.Peer{ID: 1, Name: "n1", Addresses: []string{"127.0.0.1:0", "192.0.2.1:0", "[::1]:0"}},
		Identity: id, Logger: logger(book),
	})
	if err != nil {
		t.Fatal(err)
	}
	book.await(t, "no interface has the address of this link", "192.0.2.1")
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
