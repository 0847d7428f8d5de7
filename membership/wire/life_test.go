package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/membership/identity"
)

// slowConn takes its time for every write.
type slowConn struct {
	net.Conn
	pause time.Duration
}

func (c slowConn) Write(b []byte) (int, error) {
	time.Sleep(c.pause) // virtual
	return c.Conn.Write(b)
}

// streamPair returns the two ends of a message stream in memory. Writes of the
// sender take pause each.
func streamPair(t *testing.T, id *identity.Identity, pause time.Duration) (sender, receiver *tls.Conn) {
	t.Helper()
	a, b := net.Pipe()
	welcome := func(string, []byte) error { return nil }
	receiver = tls.Server(b, id.ServerTLS([]string{PeerProtocol}, welcome))
	sender = tls.Client(slowConn{a, pause}, id.ClientTLS(PeerProtocol, welcome))
	var both sync.WaitGroup
	both.Go(func() {
		if err := receiver.HandshakeContext(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := sender.HandshakeContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	both.Wait()
	return sender, receiver
}

// A long message over a slow link takes many times Stall, but it moves on, so
// the link is kept. When nothing moves, the stream ends after Stall.
func TestSlowIsNotStalled(t *testing.T) {
	id := founder(t, "prod", "n1")
	timing := DefaultTiming()
	synctest.Test(t, func(t *testing.T) {
		pause := timing.Stall / 2
		sender, receiver := streamPair(t, id, pause)
		o := newOutbox(&Net{timing: timing, log: hclog.NewNullLogger(), ctx: context.Background()}, 2)
		defer o.cancel()

		var work sync.WaitGroup
		broken, done := make(chan error, 1), make(chan struct{})
		r := &livelyReader{conn: receiver, patience: silences * timing.Stall}
		work.Go(func() { r.showLife(timing.Beat, done) })
		work.Go(func() { broken <- o.watch(sender) })
		long := bytes.Repeat([]byte("snapshot"), 1<<17)
		var got []byte
		var readErr error
		read := make(chan struct{})
		work.Go(func() {
			defer close(read)
			got, readErr = readFrame(bufio.NewReader(r))
		})
		began := time.Now()
		if err := o.write(sender, nil, [][]byte{long}); err != nil {
			t.Error(err)
		}
		<-read
		if readErr != nil || !bytes.Equal(got, long) {
			t.Errorf("got %d bytes, %v; want %d", len(got), readErr, len(long))
		}
		if took := time.Since(began); took < 10*timing.Stall {
			t.Errorf("it took %v only: the test shows nothing", took)
		}
		select {
		case err := <-broken:
			t.Fatalf("the stream broke: %v", err)
		default:
		}
		quiet := time.Now()
		if err := <-broken; !errors.Is(err, errStalled) {
			t.Errorf("a silent stream ended with %v", err)
		}
		if took := time.Since(quiet); took > timing.Stall+timing.Beat {
			t.Errorf("it took %v to notice silence", took)
		}
		close(done)
		receiver.NetConn().Close()
		work.Wait()
	})
}
