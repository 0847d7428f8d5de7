package identity

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// door serves joins of one member on the loopback, or does with each
// connection what do says. It returns its address.
func door(t *testing.T, config *tls.Config, do func(*tls.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer c.Close()
				conn := tls.Server(c, config)
				if conn.Handshake() == nil {
					do(conn)
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); work.Wait() })
	return l.Addr().String()
}

func (id *Identity) openDoor(t *testing.T, admit AdmitFunc) string {
	return door(t, id.JoinTLS(), func(c *tls.Conn) { id.ServeJoin(context.Background(), c, admit) })
}

func applicant(t testing.TB, name string) Applicant {
	t.Helper()
	me, err := NewApplicant(t.TempDir(), name, []string{"10.0.0.12:7400", "10.1.0.12:7400"}, "0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	return me
}

func join(t *testing.T, tok Token, me Applicant) (JoinAnswer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return Join(ctx, tok, me)
}

func TestJoin(t *testing.T) {
	first := create(t, "prod", "n1")
	var verifier []byte
	n1 := core.Peer{ID: 1, Name: "n1", Addresses: []string{"10.0.0.11:7400"}, Key: first.LinkKey(), Cert: first.CertHash()}
	address := first.openDoor(t, func(_ context.Context, r JoinRequest) (JoinAnswer, error) {
		if !r.Verify(verifier) {
			return JoinAnswer{}, &Refusal{Code: WrongToken}
		}
		me := core.Peer{ID: 7, Name: r.Name, Addresses: r.Addresses, Key: r.LinkKey, Cert: r.Cert}
		return JoinAnswer{ID: 7, Peers: []core.Peer{n1, me}, WithholdAuthority: r.Witness}, nil
	})
	tok := token(t, first, address)
	verifier = tok.Verifier()

	me := applicant(t, "n2")
	answer, err := join(t, tok, me)
	if err != nil {
		t.Fatal(err)
	}
	id := answer.Identity
	if id.ClusterID() != first.ClusterID() || id.ClusterName() != "prod" || id.Node() != "n2" || !id.CanAdmit() || answer.ID != 7 {
		t.Errorf("got %v, id %d", id, answer.ID)
	}
	self := core.Peer{ID: 7, Name: "n2", Addresses: me.Addresses, Key: id.LinkKey(), Cert: id.CertHash()}
	if diff := cmp.Diff([]core.Peer{n1, self}, answer.Peers); diff != "" {
		t.Errorf("peers (-want +got):\n%s", diff)
	}
	dir := t.TempDir()
	if err := id.Save(dir); err != nil {
		t.Fatal(err)
	}
	if again, err := Load(dir); err != nil || again.String() != id.String() {
		t.Errorf("loaded %v: %v", again, err)
	}

	witness := applicant(t, "w1")
	witness.Witness = true
	answer, err = join(t, tok, witness)
	if err != nil || answer.Identity.CanAdmit() {
		t.Errorf("witness: %v, %v", answer.Identity, err)
	}
}

// A second joiner is admitted by the one that came before, so the first member
// may be gone.
func TestAnyMemberAdmits(t *testing.T) {
	first := create(t, "prod", "n1")
	admit := func(context.Context, JoinRequest) (JoinAnswer, error) { return JoinAnswer{ID: 2}, nil }
	second, err := join(t, token(t, first, first.openDoor(t, admit)), applicant(t, "n2"))
	if err != nil {
		t.Fatal(err)
	}
	third, err := join(t, token(t, second.Identity, second.Identity.openDoor(t, admit)), applicant(t, "n3"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := first.verifyNode(third.Identity.cert); err != nil {
		t.Errorf("the first member does not accept the third: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	first := create(t, "prod", "n1")
	for _, code := range []RefusalCode{WrongToken, TokenUsed, TokenExpired, NameTaken, AddressTaken, VersionTooNew, VersionTooOld, ClusterFull} {
		asked := 0
		admit := func(context.Context, JoinRequest) (JoinAnswer, error) {
			asked++
			return JoinAnswer{}, &Refusal{code, "because\x1b[31m"}
		}
		address := first.openDoor(t, admit)
		_, err := join(t, token(t, first, address, address), applicant(t, "n2"))
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Code != code || refusal.Reason != "because [31m" || advice[code] == "" {
			t.Errorf("%s: got %v", code, err)
		}
		if asked != 1 {
			t.Errorf("%s: asked %d times", code, asked)
		}
	}
}

// Addresses that do not answer, or can not decide, are passed over, and each is
// reported when none is left.
func TestJoinTriesEveryAddress(t *testing.T) {
	first, foreign := create(t, "prod", "n1"), create(t, "test", "x1")
	busy := first.openDoor(t, func(context.Context, JoinRequest) (JoinAnswer, error) {
		return JoinAnswer{}, errors.New("no leader")
	})
	stranger := foreign.openDoor(t, nil)
	mute := door(t, first.JoinTLS(), func(*tls.Conn) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := l.Addr().String()
	l.Close()
	good := first.openDoor(t, func(context.Context, JoinRequest) (JoinAnswer, error) { return JoinAnswer{ID: 2}, nil })

	if _, err := join(t, token(t, first, dead, stranger, mute, busy, good), applicant(t, "n2")); err != nil {
		t.Errorf("with one good address: %v", err)
	}
	_, err = join(t, token(t, first, dead, stranger, mute, busy), applicant(t, "n2"))
	if err == nil {
		t.Fatal("joined nobody")
	}
	for _, want := range []string{
		dead + ": connecting", "refused",
		stranger + ": connecting: the other side belongs to another cluster than the token's",
		mute + ": waiting for the answer of n1",
		busy + ": join refused: unavailable: no leader",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
}

// Who reads the roster, or the wire, or has another token, can not join.
func TestProofNeedsTheSecret(t *testing.T) {
	first := create(t, "prod", "n1")
	var requests []JoinRequest
	address := first.openDoor(t, func(_ context.Context, r JoinRequest) (JoinAnswer, error) {
		requests = append(requests, r)
		return JoinAnswer{ID: 2}, nil
	})
	right, wrong := token(t, first, address), token(t, first, address)
	wrong.ID = right.ID
	for _, tok := range []Token{right, right, wrong} {
		if _, err := join(t, tok, applicant(t, "n2")); err != nil {
			t.Fatal(err)
		}
	}
	if !requests[0].Verify(right.Verifier()) || !requests[1].Verify(right.Verifier()) {
		t.Error("the right secret was not recognised")
	}
	if requests[2].Verify(right.Verifier()) {
		t.Error("another secret was taken for the right one")
	}
	replayed := requests[1]
	replayed.proof = requests[0].proof
	if replayed.Verify(right.Verifier()) {
		t.Error("a proof of another connection was taken")
	}
	for _, verifier := range [][]byte{nil, right.Verifier()[:31], make([]byte, 32)} {
		if requests[0].Verify(verifier) {
			t.Errorf("verifier %x accepts", verifier)
		}
	}
}

// A joiner that lost the answer asks again with the same keys.
func TestApplicantKeepsItsKeys(t *testing.T) {
	dir := t.TempDir()
	one, err := NewApplicant(dir, "n2", []string{"10.0.0.12:7400"}, "0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	two, err := NewApplicant(dir, "n2", []string{"10.0.0.12:7400"}, "0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	if !one.nodeKey.Equal(two.nodeKey) || !one.linkKey.Equal(two.linkKey) {
		t.Error("the keys changed")
	}
	if text := fmt.Sprintf("%+v %#v", one, one); text != "applicant n2 applicant n2" {
		t.Errorf("it prints %s", text)
	}
	if err := create(t, "prod", "n1").Save(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, folderName, applicantFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a finished join left its keys: %v", err)
	}
	if _, err := NewApplicant(dir, "n2", nil, "0.1.0"); err == nil || !strings.Contains(err.Error(), "node n1 of cluster prod") {
		t.Errorf("a member applied: %v", err)
	}
}

func TestCancelledJoin(t *testing.T) {
	first := create(t, "prod", "n1")
	ctx, cancel := context.WithCancel(context.Background())
	address := first.openDoor(t, func(context.Context, JoinRequest) (JoinAnswer, error) {
		cancel()
		<-ctx.Done()
		return JoinAnswer{}, &Refusal{Code: Unavailable}
	})
	if _, err := Join(ctx, token(t, first, address, address), applicant(t, "n2")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestMemberChecksTheRequest(t *testing.T) {
	first := create(t, "prod", "n1")
	admit := func(context.Context, JoinRequest) (JoinAnswer, error) {
		t.Error("the roster was asked")
		return JoinAnswer{}, nil
	}
	address := first.openDoor(t, admit)
	for _, test := range []struct {
		name   string
		change func(*Applicant)
		want   string
	}{
		{"name", func(a *Applicant) { a.Name = "n 2" }, "node name"},
		{"no address", func(a *Applicant) { a.Addresses = nil }, "0 addresses"},
		{"nine links", func(a *Applicant) { a.Addresses = make([]string, 9) }, "9 addresses"},
		{"host name", func(a *Applicant) { a.Addresses = []string{"n2:7400"} }, "literal"},
		{"any address", func(a *Applicant) { a.Addresses = []string{"0.0.0.0:7400"} }, "literal"},
		{"version", func(a *Applicant) { a.Version = strings.Repeat("9", 65) }, "version"},
		{"size", func(a *Applicant) { a.Version = strings.Repeat("9", maxJoinAsk) }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			me := applicant(t, "n2")
			test.change(&me)
			_, err := join(t, token(t, first, address), me)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestMemberWithoutAuthorityRefers(t *testing.T) {
	first := create(t, "prod", "n1")
	poor := *first
	poor.caKey = nil
	_, err := join(t, token(t, first, poor.openDoor(t, nil)), applicant(t, "n2"))
	if err == nil || !strings.Contains(err.Error(), "does not hold the cluster authority's key") {
		t.Errorf("got %v", err)
	}
	if _, err := poor.Renew(someDay); err == nil {
		t.Error("it renewed its certificate")
	}
}

func TestDocumentsAreBounded(t *testing.T) {
	var buf bytes.Buffer
	if err := writeDocument(&buf, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	whole := bytes.Clone(buf.Bytes())
	if got, err := readDocument(iotest.OneByteReader(&buf), 5); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := readDocument(bytes.NewReader(whole), 4); err == nil {
		t.Error("a document beyond the limit was read")
	}
	for cut := range whole {
		if _, err := readDocument(bytes.NewReader(whole[:cut]), 5); err == nil {
			t.Errorf("cut after %d bytes: no error", cut)
		}
	}
	huge := binary.BigEndian.AppendUint32(nil, 1<<31)
	if _, err := readDocument(bytes.NewReader(huge), maxJoinAnswer); err == nil {
		t.Error("a huge length was believed")
	}
}

func FuzzJoinRequest(f *testing.F) {
	me := applicant(f, "n2")
	body, err := json.Marshal(joinBody{
		Protocol: 1, TokenID: "00", Name: "n2", Addresses: me.Addresses,
		NodeKey: me.nodeKey.Public().(ed25519.PublicKey), LinkKey: me.linkKey.PublicKey().Bytes(),
	})
	if err != nil {
		f.Fatal(err)
	}
	env, err := json.Marshal(joinEnvelope{Body: body, Proof: make([]byte, 64), Possession: make([]byte, 64)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(env)
	f.Fuzz(func(t *testing.T, data []byte) {
		env, body, err := decodeJoin(data)
		if err != nil || body.check() != nil {
			return
		}
		if ed25519.Verify(body.NodeKey, env.Body, env.Possession) {
			t.Error("a signature over nothing was accepted")
		}
	})
}

func FuzzJoinAnswer(f *testing.F) {
	first := create(f, "prod", "n1")
	me := applicant(f, "n2")
	request := JoinRequest{Name: "n2", nodeKey: me.nodeKey.Public().(ed25519.PublicKey)}
	reply, err := first.reply(request, JoinAnswer{ID: 2, Peers: []core.Peer{{ID: 1, Name: "n1", Key: make([]byte, 32), Cert: make([]byte, 32)}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reply)
	f.Add([]byte(`{"refusal":"wrong-token","reason":"no"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		answer, err := decodeReply(data, me, first.ca, first.clusterID)
		if (err == nil) != (answer.Identity != nil) {
			t.Errorf("answer %v with error %v", answer, err)
		}
	})
}
