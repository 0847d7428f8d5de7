package wire

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// silences is how many times Stall an incoming stream may be silent. Its sender
// notices trouble first and closes it; this is for a sender that vanished.
const silences = 4

// incoming are the message streams that one peer opened: the newest, and the
// one before, which the peer may still be finishing.
type incoming struct {
	newest, before *trackedConn
}

// receiveMessages reads one message stream until it ends.
func (n *Net) receiveMessages(link int, conn *tls.Conn, c *trackedConn, p *peer) {
	handler := n.admitStream(c, p)
	defer n.forgetStream(c, p)
	signal(p.out.kick)

	r := &livelyReader{conn: conn, patience: silences * n.timing.Stall}
	done := make(chan struct{})
	var helper sync.WaitGroup
	helper.Go(func() { r.showLife(n.timing.Beat, done) })
	err := n.readMessages(bufio.NewReaderSize(r, batchSize), p, handler)
	close(done)
	c.Conn.Close()
	helper.Wait()
	if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && n.ctx.Err() == nil {
		n.log.Debug("a peer's stream ended", "peer", p.info.Name, "link", link, "why", err)
	}
}

// admitStream makes c the newest stream of p. A third one closes the oldest.
func (n *Net) admitStream(c *trackedConn, p *peer) Handler {
	n.mu.Lock()
	defer n.mu.Unlock()
	in := n.inbound[p.info.ID]
	if in.before != nil {
		in.before.Conn.Close()
	}
	n.inbound[p.info.ID] = incoming{newest: c, before: in.newest}
	return n.handler
}

// forgetStream closes c.
func (n *Net) forgetStream(c *trackedConn, p *peer) {
	c.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	in := n.inbound[p.info.ID]
	if in.newest == c {
		in.newest = nil
	}
	if in.before == c {
		in.before = nil
	}
	if in == (incoming{}) {
		delete(n.inbound, p.info.ID)
		return
	}
	n.inbound[p.info.ID] = in
}

func (n *Net) readMessages(r io.Reader, p *peer, handler Handler) error {
	for {
		message, err := readFrame(r)
		if err != nil {
			return err
		}
		if len(message) == 0 {
			continue
		}
		p.out.received()
		handler.Message(p.info.ID, message)
	}
}

// received counts a message of the peer.
func (o *outbox) received() {
	o.mu.Lock()
	o.status.Received++
	o.mu.Unlock()
}

// livelyReader notes that something was read, so that the sender can be told,
// and gives up on a silent connection.
type livelyReader struct {
	conn     *tls.Conn
	patience time.Duration
	heard    atomic.Bool
}

// Read reads from the connection.
func (r *livelyReader) Read(b []byte) (int, error) {
	r.conn.SetReadDeadline(time.Now().Add(r.patience))
	count, err := r.conn.Read(b)
	if count > 0 {
		r.heard.Store(true)
	}
	return count, err
}

// showLife tells the sender now, and after each beat in which something was
// read, that its stream is being read.
func (r *livelyReader) showLife(beat time.Duration, done <-chan struct{}) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	r.heard.Store(true)
	for {
		if r.heard.Swap(false) {
			r.conn.SetWriteDeadline(time.Now().Add(r.patience))
			if _, err := r.conn.Write([]byte{1}); err != nil {
				return // reading will notice
			}
		}
		select {
		case <-done:
			return
		case <-ticker.C:
		}
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
