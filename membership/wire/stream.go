package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// batchSize is how much is collected into one write, in bytes.
const batchSize = 64 << 10

// stream sends over one connection until it breaks, or falls quiet, or a better
// link works again.
func (o *outbox) stream(conn *tls.Conn, link int) {
	for conn != nil {
		o.setConnected(link)
		better, err := o.use(conn, link)
		conn.NetConn().Close()
		o.setDisconnected(err)
		conn, link = better.conn, better.link
	}
}

var errQuiet = errors.New("nothing to send")

// use sends over conn. It returns another connection when that should be used
// instead.
func (o *outbox) use(conn *tls.Conn, link int) (better attempt, err error) {
	ctx, cancel := context.WithCancel(o.ctx)
	broken := make(chan error, 1)
	found := make(chan attempt)
	var helpers sync.WaitGroup
	helpers.Go(func() { broken <- o.watch(conn) })
	helpers.Go(func() { o.lookForBetter(ctx, link, found) })
	defer func() {
		cancel()
		conn.NetConn().Close()
		helpers.Wait()
	}()
	return o.pump(ctx, conn, broken, found)
}

// pump writes messages and signs of life until there is a reason to stop.
func (o *outbox) pump(ctx context.Context, conn *tls.Conn, broken <-chan error, found <-chan attempt) (better attempt, err error) {
	beat := time.NewTicker(o.n.timing.Beat)
	defer beat.Stop()
	buf := make([]byte, 0, batchSize)
	lastMessage := time.Now()
	for {
		wake, batch := o.wake, o.take()
		if len(batch) > 0 {
			if err := o.write(conn, buf, batch); err != nil {
				return attempt{}, cause(conn, broken, err)
			}
			lastMessage = time.Now()
			wake = ready // look again, but first at the others
		}
		select {
		case <-ctx.Done():
			return attempt{}, ctx.Err()
		case err := <-broken:
			return attempt{}, err
		case better := <-found:
			o.finish(conn, broken)
			return better, nil
		case <-wake:
			o.tellLosses()
		case <-beat.C:
			if time.Since(lastMessage) > o.n.timing.Quiet {
				return attempt{}, errQuiet
			}
			if _, err := conn.Write(make([]byte, frameHead)); err != nil {
				return attempt{}, cause(conn, broken, err)
			}
		}
	}
}

// finish lets the peer read what was written, before conn is closed.
func (o *outbox) finish(conn *tls.Conn, broken <-chan error) {
	if conn.CloseWrite() != nil {
		return
	}
	timer := time.NewTimer(o.n.timing.Stagger)
	defer timer.Stop()
	select {
	case <-broken: // the peer closed, having read all
	case <-timer.C:
	}
}

// ready is a channel on which receiving never waits.
var ready = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// cause ends conn after a failed write and says why it failed. The reading side
// mostly knows better: it closed the connection under the writer.
func cause(conn *tls.Conn, broken <-chan error, err error) error {
	conn.NetConn().Close()
	if why := <-broken; !errors.Is(why, net.ErrClosed) {
		return why
	}
	return err
}

// write sends a batch. A failed one counts as lost: the peer may have some of it.
func (o *outbox) write(conn *tls.Conn, buf []byte, batch [][]byte) error {
	var err error
	if len(batch) == 1 && len(batch[0]) > batchSize { // not worth a copy
		if _, err = conn.Write(appendHead(buf, len(batch[0]))); err == nil {
			_, err = conn.Write(batch[0])
		}
	} else {
		for _, m := range batch {
			buf = append(appendHead(buf, len(m)), m...)
		}
		_, err = conn.Write(buf)
	}
	count := uint64(len(batch))
	clear(batch) // it shares memory with the queue
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.meter.drops[Away].Add(count)
		return err
	}
	o.status.Sent += count
	return nil
}

var errStalled = errors.New("the peer stopped reading")

// watch waits for the peer's signs of life until there are none.
func (o *outbox) watch(conn *tls.Conn) error {
	var life [64]byte
	for {
		conn.SetReadDeadline(time.Now().Add(o.n.timing.Stall))
		if _, err := conn.Read(life[:]); err != nil {
			conn.NetConn().Close() // a writer may be blocked
			if isTimeout(err) {
				return errStalled
			}
			return err
		}
	}
}

// lookForBetter tries the links before this one now and then, and hands over a
// connection if one works.
func (o *outbox) lookForBetter(ctx context.Context, link int, found chan<- attempt) {
	if link == 0 {
		return
	}
	for rest(ctx, o.n.timing.Return) {
		conn, better, err := o.n.connect(ctx, o.id, PeerProtocol, link)
		if err != nil {
			continue
		}
		select {
		case found <- attempt{conn: conn, link: better}:
		case <-ctx.Done():
			conn.NetConn().Close()
		}
		return
	}
}

func (o *outbox) setConnected(link int) {
	o.mu.Lock()
	again := o.status.LastError != ""
	o.cut = false
	o.status.Connected, o.status.Link, o.status.Since, o.status.LastError = true, link, time.Now(), ""
	o.mu.Unlock()
	if again {
		o.n.log.Info("connected to a peer again", "peer", o.name(), "link", link)
	}
}

func (o *outbox) setDisconnected(err error) {
	o.mu.Lock()
	o.status.Connected, o.status.Since = false, time.Now()
	if err != nil && err != errQuiet {
		o.lost = true
		o.status.LastError = err.Error()
	}
	link := o.status.Link
	o.mu.Unlock()
	if err != nil && err != errQuiet && o.ctx.Err() == nil {
		o.n.log.Warn("lost the stream to a peer", "peer", o.name(), "link", link, "why", err)
	}
	o.tellLosses()
}
