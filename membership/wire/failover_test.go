package wire

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// middlebox stands between a node and one of its links. It can freeze, so that
// bytes go in and none come out.
type middlebox struct {
	l      net.Listener
	target string
	frozen atomic.Bool
	melt   chan struct{} // closed at the end

	mu    sync.Mutex
	conns []net.Conn
	work  sync.WaitGroup
}

func newMiddlebox(t *testing.T, target string) *middlebox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &middlebox{l: l, target: target, melt: make(chan struct{})}
	m.work.Go(m.serve)
	t.Cleanup(func() {
		close(m.melt)
		l.Close()
		m.mu.Lock()
		for _, c := range m.conns {
			c.Close()
		}
		m.mu.Unlock()
		m.work.Wait()
	})
	return m
}

func (m *middlebox) serve() {
	for {
		in, err := m.l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", m.target)
		if err != nil {
			in.Close()
			continue
		}
		m.mu.Lock()
		m.conns = append(m.conns, in, out)
		m.mu.Unlock()
		m.work.Go(func() { m.pass(out, in) })
		m.work.Go(func() { m.pass(in, out) })
	}
}

func (m *middlebox) pass(to, from net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		size, err := from.Read(buf)
		if err != nil {
			return
		}
		if m.frozen.Load() {
			<-m.melt
			return
		}
		if _, err := io.Copy(to, bytes.NewReader(buf[:size])); err != nil {
			return
		}
	}
}

// via makes from believe that link 0 of to is at the middlebox.
func via(m *middlebox, from, to *node) {
	p := to.peer.Clone()
	p.Addresses[0] = m.l.Addr().String()
	from.SetPeers(from.peer, []core.Peer{p})
}

// awaitLink waits until a node's stream to another uses a link.
func awaitLink(t *testing.T, from, to *node, link int) {
	t.Helper()
	deadline := time.After(patience)
	for {
		s := from.table.Load().byID[to.peer.ID].out.stats()
		if s.Connected && s.Link == link {
			return
		}
		select {
		case <-from.log.lines:
		case <-time.After(10 * time.Millisecond):
			from.SendMessage(to.peer.ID, []byte("knock"))
		case <-deadline:
			t.Fatalf("the stream does not use link %d: %+v", link, s)
		}
	}
}

// Link 0 of the receiver goes away and comes back: the stream moves to link 1,
// and later returns.
func TestStreamFollowsTheLinks(t *testing.T) {
	nodes := cluster(t, 2, 2)
	n1, n2 := nodes[0], nodes[1]
	talk(t, n1, n2, "link 0")
	awaitLink(t, n1, n2, 0)

	l := n2.links[0]
	l.tcp.Close()
	n2.mu.Lock()
	for c := range n2.conns {
		c.Conn.Close()
	}
	n2.mu.Unlock()
	talk(t, n1, n2, "link 1")
	awaitLink(t, n1, n2, 1)
	n1.log.await(t, "lost the stream to a peer", "n2")

	again, err := net.Listen("tcp", l.local.String())
	if err != nil {
		t.Skipf("left out: the port was taken meanwhile (%v)", err)
	}
	t.Cleanup(func() { again.Close() })
	n2.spawn(func(context.Context) { n2.acceptOn(0, again) })
	defer again.Close()
	awaitLink(t, n1, n2, 0)
	talk(t, n1, n2, "link 0 again")
}

// A link that takes bytes and delivers none is left as fast as a dead one.
func TestStreamLeavesAFrozenLink(t *testing.T) {
	nodes := cluster(t, 2, 2)
	impatient := quick()
	impatient.Stall = 200 * time.Millisecond
	n2 := nodes[1]
	n1 := replace(t, nodes[0], impatient, n2)
	box := newMiddlebox(t, n2.peer.Addresses[0])
	via(box, n1, n2)
	talk(t, n1, n2, "all is well")
	awaitLink(t, n1, n2, 0)
	box.frozen.Store(true)
	n1.log.await(t, "lost the stream to a peer", "the peer stopped reading")
	talk(t, n1, n2, "around it")
	awaitLink(t, n1, n2, 1)
}

func TestQueueIsBounded(t *testing.T) {
	nodes := cluster(t, 2, 1)
	n1 := open(t, nodes[0].id, 1, 1, 1, 2) // not started: nothing leaves its queues
	n1.SetPeers(n1.peer, []core.Peer{nodes[1].peer})
	half := make([]byte, MaxQueue/2)
	for range 3 {
		n1.SendMessage(2, half)
	}
	n1.SendMessage(2, make([]byte, MaxMessage+1))
	n1.SendMessage(2, nil)
	s := n1.Stats().Peers[0].Stream
	want := []Drop{{Oversize, 1}, {QueueFull, 1}}
	if s.Queued != MaxQueue || len(s.Dropped) != 2 || s.Dropped[0] != want[0] || s.Dropped[1] != want[1] {
		t.Errorf("queued %d, dropped %v; want %d, %v", s.Queued, s.Dropped, MaxQueue, want)
	}
}

func TestQuietStreamIsClosed(t *testing.T) {
	nodes := cluster(t, 2, 1)
	hasty := quick()
	hasty.Quiet = 0
	n2 := nodes[1]
	n1 := replace(t, nodes[0], hasty, n2)
	talk(t, n1, n2, "once")
	deadline := time.After(patience)
	for n1.Stats().Peers[0].Stream.Connected {
		select {
		case <-deadline:
			t.Fatal("a quiet stream stays open")
		case <-time.After(5 * time.Millisecond):
		}
	}
	if len(n1.lost) != 0 {
		t.Error("closing a quiet stream counts as a loss")
	}
	talk(t, n1, n2, "and again")
}
