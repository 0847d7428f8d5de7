package wire

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen; nothing waits that
// long when all is well.
const patience = 20 * time.Second

// quick makes streams try again fast, so that tests are; but they are not
// impatient, because the machine may be busy.
func quick() Timing {
	return Timing{
		Beat: 20 * time.Millisecond, Stall: patience / 2, Dial: 2 * time.Second, Stagger: 100 * time.Millisecond,
		BackoffMin: 5 * time.Millisecond, BackoffMax: 50 * time.Millisecond, Quiet: time.Minute, Return: 50 * time.Millisecond,
	}
}

type gotDatagram struct {
	from    core.ID
	boot    uint64
	link    int
	payload string
}

type gotMessage struct {
	from    core.ID
	payload []byte
}

// ear is a Handler that a test listens through.
type ear struct {
	datagrams chan gotDatagram
	messages  chan gotMessage
	lost      chan core.ID
}

func newEar() *ear {
	return &ear{make(chan gotDatagram, 4096), make(chan gotMessage, 4096), make(chan core.ID, 4096)}
}

func (e *ear) Datagram(from core.ID, boot uint64, link int, payload []byte, at time.Time) {
	e.datagrams <- gotDatagram{from, boot, link, string(payload)}
}
func (e *ear) Message(from core.ID, payload []byte) { e.messages <- gotMessage{from, payload} }
func (e *ear) MessagesLost(to core.ID)              { e.lost <- to }

func next[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// logBook is a log that a test can read.
type logBook struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan struct{} // one per write
}

func newLogBook() *logBook { return &logBook{lines: make(chan struct{}, 4096)} }

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.lines <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func logger(book *logBook) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: book, Level: hclog.Debug})
}

// await waits for a line that holds all of the words.
func (b *logBook) await(t *testing.T, words ...string) {
	t.Helper()
	b.awaitWhile(t, func() {}, words...)
}

// awaitWhile does something now and then while it waits.
func (b *logBook) awaitWhile(t *testing.T, do func(), words ...string) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(patience)
	for {
		for line := range strings.Lines(b.String()) {
			if containsAll(line, words) {
				return
			}
		}
		select {
		case <-b.lines:
		case <-again.C:
			do()
		case <-deadline:
			t.Fatalf("no log line with %q in:\n%s", words, b)
		}
	}
}

func containsAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// node is one Net of a test's cluster.
type node struct {
	*Net
	*ear
	id   *identity.Identity
	peer core.Peer
	log  *logBook
}

// founder makes the identity of the first node of a new cluster.
func founder(t testing.TB, cluster, name string) *identity.Identity {
	t.Helper()
	id, err := identity.Create(cluster, name, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// open listens with an identity on so many links of the loopback.
func open(t testing.TB, id *identity.Identity, number core.ID, links int, boot, incarnation uint64) *node {
	t.Helper()
	return openWith(t, quick(), id, number, links, boot, incarnation)
}

func openWith(t testing.TB, timing Timing, id *identity.Identity, number core.ID, links int, boot, incarnation uint64) *node {
	t.Helper()
	return openAt(t, timing, id, number, boot, incarnation, slices.Repeat([]string{"127.0.0.1:0"}, links)...)
}

func openAt(t testing.TB, timing Timing, id *identity.Identity, number core.ID, boot, incarnation uint64, addresses ...string) *node {
	t.Helper()
	book := newLogBook()
	self := core.Peer{ID: number, Name: id.Node(), Addresses: addresses, Key: id.LinkKey(), Cert: id.CertHash()}
	n, err := Listen(Config{
		Self: self, Identity: id, Boot: boot, Incarnation: incarnation, Timing: timing,
		Logger: logger(book),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil && !strings.Contains(err.Error(), "use of closed") {
			t.Errorf("close: %v", err)
		}
	})
	self.Addresses = n.Addresses()
	return &node{Net: n, ear: newEar(), id: id, peer: self, log: book}
}

// cluster starts nodes n1, n2, … that know each other, by way of real joins.
func cluster(t testing.TB, size, links int) []*node {
	t.Helper()
	ids := []*identity.Identity{founder(t, "prod", "n1")}
	for i := 2; i <= size; i++ {
		ids = append(ids, joined(t, ids[0], fmt.Sprintf("n%d", i)))
	}
	var nodes []*node
	for i, id := range ids {
		nodes = append(nodes, open(t, id, core.ID(i+1), links, 1, 1))
	}
	introduce(nodes...)
	for _, n := range nodes {
		if err := n.Start(n.ear); err != nil {
			t.Fatal(err)
		}
	}
	return nodes
}

// replace starts n's node again with other timing.
func replace(t testing.TB, n *node, timing Timing, peers ...*node) *node {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	again := openWith(t, timing, n.id, n.peer.ID, len(n.links), 1, 2)
	introduce(append(peers, again)...)
	if err := again.Start(again.ear); err != nil {
		t.Fatal(err)
	}
	return again
}

// introduce tells each of the nodes about all of them.
func introduce(nodes ...*node) {
	var peers []core.Peer
	for _, n := range nodes {
		peers = append(peers, n.peer)
	}
	for _, n := range nodes {
		n.SetPeers(n.peer, peers)
	}
}

// joined makes a further identity of first's cluster through the join protocol.
func joined(t testing.TB, first *identity.Identity, name string) *identity.Identity {
	t.Helper()
	door := open(t, first, 1, 1, 1, 1)
	defer door.Close()
	token, err := first.NewToken(door.Addresses())
	if err != nil {
		t.Fatal(err)
	}
	door.HandleJoins(func(_ context.Context, r identity.JoinRequest) (identity.JoinAnswer, error) {
		if !r.Verify(token.Verifier()) {
			return identity.JoinAnswer{}, &identity.Refusal{Code: identity.WrongToken}
		}
		return identity.JoinAnswer{ID: 2}, nil
	})
	if err := door.Start(door.ear); err != nil {
		t.Fatal(err)
	}
	me, err := identity.NewApplicant(t.TempDir(), name, []string{"127.0.0.1:7400"}, "test")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := identity.Join(context.Background(), token, me)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Identity
}

func TestThreeNodesTalk(t *testing.T) {
	nodes := cluster(t, 3, 2)
	for _, from := range nodes {
		for _, to := range nodes {
			if from == to {
				continue
			}
			for link := range 2 {
				from.SendDatagram(to.peer.ID, link, []byte("beat"))
				got := next(t, to.datagrams, "a datagram")
				if want := (gotDatagram{from.peer.ID, 1, link, "beat"}); got != want {
					t.Errorf("%s -> %s: got %+v, want %+v", from.peer.Name, to.peer.Name, got, want)
				}
			}
			from.SendMessage(to.peer.ID, []byte("vote"))
			if got := next(t, to.messages, "a message"); got.from != from.peer.ID || string(got.payload) != "vote" {
				t.Errorf("%s -> %s: got %+v", from.peer.Name, to.peer.Name, got)
			}
		}
	}
}

func TestStatsTellWhatHappened(t *testing.T) {
	nodes := cluster(t, 2, 2)
	n1, n2 := nodes[0], nodes[1]
	for range 3 {
		n1.SendDatagram(2, 1, []byte("beat"))
		next(t, n2.datagrams, "a datagram")
	}
	n1.SendDatagram(2, 1, make([]byte, MaxDatagram+1))
	n1.SendDatagram(2, 2, []byte("beat"))
	n1.SendMessage(2, []byte("vote"))
	next(t, n2.messages, "a message")
	awaitLink(t, n1, n2, 0)

	s := n1.Stats()
	link := s.Peers[0].Links[1]
	if link.Sent != 3 || len(link.Dropped) != 1 || link.Dropped[0] != (Drop{Oversize, 1}) || link.Remote != n2.peer.Addresses[1] {
		t.Errorf("sender's link: %+v", link)
	}
	if len(s.Strays) != 1 || s.Strays[0] != (Drop{NoLink, 1}) {
		t.Errorf("strays: %v", s.Strays)
	}
	s = n2.Stats()
	link = s.Peers[0].Links[1]
	if link.Received != 3 || link.LastReceived.IsZero() || link.Dropped != nil || !s.Peers[0].Links[0].LastReceived.IsZero() {
		t.Errorf("receiver's links: %+v", s.Peers[0].Links)
	}
	if s.Peers[0].Stream.Received == 0 {
		t.Errorf("receiver's stream: %+v", s.Peers[0].Stream)
	}
	for why := range reasons {
		if why.String() == "" || why.explain() == "" {
			t.Errorf("reason %d has no name", why)
		}
	}
}

func TestIPv6(t *testing.T) {
	probe, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("left out: no IPv6 on this machine (%v)", err)
	}
	probe.Close()
	first := founder(t, "prod", "n1")
	second := joined(t, first, "n2")
	a := openAt(t, quick(), first, 1, 1, 1, "127.0.0.1:0", "[::1]:0")
	b := openAt(t, quick(), second, 2, 1, 1, "127.0.0.1:0", "[::1]:0")
	b.links[0].tcp.Close() // only IPv6 is left for the stream
	introduce(a, b)
	for _, n := range []*node{a, b} {
		if err := n.Start(n.ear); err != nil {
			t.Fatal(err)
		}
	}
	a.SendDatagram(2, 1, []byte("beat"))
	if got := next(t, b.datagrams, "a datagram"); got.link != 1 {
		t.Errorf("got %+v", got)
	}
	talk(t, a, b, "vote")
	awaitLink(t, a, b, 1)
}

func TestMessagesKeepTheirOrderAndSize(t *testing.T) {
	nodes := cluster(t, 2, 1)
	sizes := []int{1, 3, 1000, batchSize - 1, batchSize, batchSize + 1, trustedLength, trustedLength + 1, 5 << 20, 2}
	for i, size := range sizes {
		nodes[0].SendMessage(2, bytes.Repeat([]byte{byte(i)}, size))
	}
	for i, size := range sizes {
		got := next(t, nodes[1].messages, "a message").payload
		if !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, size)) {
			t.Fatalf("message %d: got %d bytes, want %d of value %d", i, len(got), size, i)
		}
	}
}
