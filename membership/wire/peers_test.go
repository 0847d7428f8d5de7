package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// awaitCut reads until the connection ends, which must not take a timeout.
func awaitCut(t *testing.T, conn net.Conn, what string) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s stayed open", what)
	}
}

func accept(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c := make(chan net.Conn, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			c <- conn
		}
	}()
	return next(t, c, "a connection")
}

// A removed node loses its open connections at once, in both directions, and
// nothing of it is let in any more; taken back, it talks again.
func TestSetPeersCutsOff(t *testing.T) {
	nodes := cluster(t, 2, 1)
	n1, n2 := nodes[0], nodes[1]
	l := n1.Listener("test/1")
	out, err := n2.Dial(context.Background(), 1, "test/1")
	if err != nil {
		t.Fatal(err)
	}
	in := accept(t, l)
	n2.SendMessage(1, []byte("before"))
	next(t, n1.messages, "a message")
	old := sealedBy(n2, n1, "before")
	n1.receiveDatagram(0, n2.links[0].local, bytes.Clone(old), time.Now())
	next(t, n1.datagrams, "a datagram")

	n1.SetPeers(n1.peer, []core.Peer{n1.peer})
	awaitCut(t, in, "the removed node's connection, seen by the member")
	awaitCut(t, out, "the member's connection, seen by the removed node")
	if _, err := n1.Dial(context.Background(), 2, "test/1"); err == nil {
		t.Error("the member connected to the removed node")
	}
	knock := func() { n2.SendMessage(1, []byte("after")) }
	n1.log.awaitWhile(t, knock, "refused a connection", "node n2", "belongs to no present member")
	n2.log.awaitWhile(t, knock, "no link to a peer works", "refused this node's certificate")
	next(t, n2.lost, "word of the loss")
	n1.receiveDatagram(0, n2.links[0].local, sealedBy(n2, n1, "after"), time.Now())
	n1.log.await(t, "dropped a datagram", "its sender is not a member")

	n1.SetPeers(n1.peer, []core.Peer{n1.peer, n2.peer})
	n1.receiveDatagram(0, n2.links[0].local, bytes.Clone(old), time.Now())
	if got := n1.Stats().Peers[0].Links[0].Dropped; len(got) != 1 || got[0] != (Drop{Replayed, 1}) {
		t.Errorf("a packet from before the removal: dropped %v", got)
	}
	n1.SendDatagram(2, 0, []byte("welcome back"))
	if got := next(t, n2.datagrams, "a datagram"); got.payload != "welcome back" {
		t.Errorf("got %+v", got)
	}
	talk(t, n2, n1, "hello again")
	for len(n1.messages) > 0 {
		if got := <-n1.messages; string(got.payload) == "after" {
			t.Error("a message of the removed node was delivered")
		}
	}
}

// talk sends until a message arrives: those sent while a peer is away are lost.
func talk(t *testing.T, from, to *node, text string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		from.SendMessage(to.peer.ID, []byte(text))
		select {
		case got := <-to.messages:
			if string(got.payload) == text {
				return
			}
		case <-from.lost:
		case <-deadline:
			t.Fatalf("%s never reached %s", from.peer.Name, to.peer.Name)
		}
	}
}

// sealedBy returns a copy of a datagram on link 0.
func sealedBy(from, to *node, payload string) []byte {
	return sealed(from.table.Load().byID[to.peer.ID].pair.sealer, 0, payload)
}

// The same node with a new key is another one: its old certificate is cut off.
func TestReplacedCertificateIsCutOff(t *testing.T) {
	nodes := cluster(t, 2, 1)
	n1, n2 := nodes[0], nodes[1]
	l := n1.Listener("test/1")
	if _, err := n2.Dial(context.Background(), 1, "test/1"); err != nil {
		t.Fatal(err)
	}
	in := accept(t, l)
	rotated := n2.peer.Clone()
	rotated.Cert[0]++
	n1.SetPeers(n1.peer, []core.Peer{rotated})
	awaitCut(t, in, "the connection with the replaced certificate")
}

// Two clusters whose addresses got mixed up: both sides say so.
func TestWrongCluster(t *testing.T) {
	n1 := cluster(t, 1, 1)[0]
	x := open(t, founder(t, "test", "x1"), 5, 1, 1, 1)
	introduce(n1, x) // the rosters are wrong in every way they can be
	if err := x.Start(x.ear); err != nil {
		t.Fatal(err)
	}
	x.SendMessage(1, []byte("hello"))
	next(t, x.lost, "word of the loss")
	x.log.await(t, "no link to a peer works", "the other side belongs to another cluster", n1.id.ClusterID())
	n1.log.await(t, "refused a connection", "the caller belongs to cluster "+x.id.ClusterID())
	x.SendDatagram(1, 0, []byte("hello"))
	n1.log.await(t, "dropped a datagram", "it is for another cluster")
	if got := n1.Stats().Strays; len(got) != 1 || got[0].Reason != OtherCluster {
		t.Errorf("strays: %v", got)
	}
}

// Datagrams that arrive where they should not.
func TestMisdirectedDatagrams(t *testing.T) {
	nodes := cluster(t, 2, 2)
	n1, n2 := nodes[0], nodes[1]
	source := n1.links[0].local
	n2.receiveDatagram(1, source, sealedBy(n1, n2, "crossed"), time.Now())
	n2.log.await(t, "it was sent on another link", "claims_to_be=n1")
	n1.receiveDatagram(0, source, sealedBy(n1, n2, "mine"), time.Now())
	n1.log.await(t, "it is for another node")
	forged := sealedBy(n1, n2, "forged")
	forged[len(forged)-1]++
	n2.receiveDatagram(0, source, forged, time.Now())
	n2.log.await(t, "not sealed with the key", "source="+source.String())
	n2.receiveDatagram(0, source, []byte("GET / HTTP/1.1\r\n\r\n"), time.Now())
	n2.log.await(t, "it is too short")
	if len(n1.datagrams)+len(n2.datagrams) != 0 {
		t.Error("something was delivered")
	}
}

func TestRestartedNodeIsHeard(t *testing.T) {
	nodes := cluster(t, 2, 1)
	n1, n2 := nodes[0], nodes[1]
	n2.SendDatagram(1, 0, []byte("first life"))
	next(t, n1.datagrams, "a datagram")
	talk(t, n1, n2, "first life")
	if err := n2.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, n2.id, 2, 1, 2, 1)
	introduce(n1, again)
	if err := again.Start(again.ear); err != nil {
		t.Fatal(err)
	}
	again.SendDatagram(1, 0, []byte("second life"))
	if got := next(t, n1.datagrams, "a datagram"); got.boot != 2 || got.payload != "second life" {
		t.Errorf("got %+v", got)
	}
	talk(t, n1, again, "second life")
}

// Packets that were recorded before this node's daemon restarted are refused by
// the new one, and the pair talks on.
func TestReplayAfterOwnRestart(t *testing.T) {
	nodes := cluster(t, 2, 1)
	n1, n2 := nodes[0], nodes[1]
	n2.SendDatagram(1, 0, []byte("hello"))
	next(t, n1.datagrams, "a datagram")
	n1.SendDatagram(2, 0, []byte("hello"))
	next(t, n2.datagrams, "a datagram")
	p := n2.table.Load().byID[1].pair
	recorded := bytes.Clone(p.sealer.seal(new(scratch), 0, p.heardLately(time.Since(n2.began)), []byte("n2 is alive")))

	n1 = replace(t, n1, quick(), n2)
	n1.receiveDatagram(0, n2.links[0].local, recorded, time.Now())
	if got := n1.Stats().Peers[0].Links[0].Dropped; len(got) != 1 || got[0] != (Drop{OldReceiver, 1}) {
		t.Errorf("dropped %v", got)
	}
	n1.SendDatagram(2, 0, []byte("here again"))
	if got := next(t, n2.datagrams, "a datagram"); got.payload != "here again" {
		t.Errorf("got %+v", got)
	}
	n2.SendDatagram(1, 0, []byte("welcome"))
	if got := next(t, n1.datagrams, "a datagram"); got.payload != "welcome" {
		t.Errorf("got %+v", got)
	}
}

// A sender that has heard nothing for a while no longer insists on the run that
// it knew: the way back may be cut.
func TestHeardIsForgotten(t *testing.T) {
	var p pair
	if got := p.heardLately(0); got != 0 {
		t.Errorf("never heard: %d", got)
	}
	p.hear(5, time.Minute)
	if got := p.heardLately(time.Minute + lately); got != 5 {
		t.Errorf("heard lately: %d", got)
	}
	if got := p.heardLately(time.Minute + lately + 1); got != 0 {
		t.Errorf("heard long ago: %d", got)
	}
}

func TestUnusableMembersAreNamed(t *testing.T) {
	n1 := cluster(t, 1, 1)[0]
	n1.SetPeers(n1.peer, []core.Peer{
		{ID: 2, Name: "short", Key: make([]byte, 31), Cert: make([]byte, 32)},
		{ID: 3, Name: "zero", Key: make([]byte, 32), Cert: make([]byte, 32)},
		{ID: 4, Name: "host", Key: n1.id.LinkKey(), Cert: make([]byte, 32), Addresses: []string{"host:7400"}},
	})
	n1.log.await(t, "can not be talked to", "short")
	n1.log.await(t, "can not be talked to", "zero")
	n1.log.await(t, "a link of a member can not be used", "host:7400")
	n1.SendDatagram(4, 0, []byte("x"))
	n1.SendDatagram(4, -1, []byte("x"))
	n1.SendDatagram(4, 99, []byte("x"))
	n1.SendDatagram(9, 0, []byte("x"))
	n1.SendMessage(9, []byte("x"))
	n1.SendMessage(4, []byte("x"))
	n1.log.await(t, "no link in common")
}

func TestPeerByCert(t *testing.T) {
	nodes := cluster(t, 2, 1)
	hash := nodes[1].id.CertHash()
	if p, found := nodes[0].PeerByCert(hash); !found || p.Name != "n2" {
		t.Errorf("got %v, %v", p, found)
	}
	for _, bad := range [][]byte{nil, hash[:31], make([]byte, 32)} {
		if p, found := nodes[0].PeerByCert(bad); found {
			t.Errorf("%x is %v", bad, p)
		}
	}
}
