package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// batchSize is how much is collected into one write, in bytes.
const batchSize = 64 << 10

// outbox holds the messages for one peer and the stream that carries them. It
// connects when there is something to send.
type outbox struct {
	n       *Net
	id      core.ID
	ctx     context.Context // ends when the peer is removed
	cancel  context.CancelFunc
	wake    chan struct{} // something was put in
	kick    chan struct{} // the peer showed itself: no more waiting
	started bool          // guarded by n.mu

	mu     sync.Mutex
	queue  [][]byte
	bytes  int
	lost   bool // since the handler was told
	cut    bool // no link worked at the last try
	status StreamStats
	meter  meter
}

func newOutbox(n *Net, id core.ID) *outbox {
	o := &outbox{n: n, id: id, wake: make(chan struct{}, 1), kick: make(chan struct{}, 1)}
	o.ctx, o.cancel = context.WithCancel(n.ctx)
	o.status.Since = time.Now()
	return o
}

// SendMessage queues payload, which belongs to the Net from then on. It never
// blocks: without room in the queue, or without such a peer, it is dropped. An
// empty payload says nothing and is not sent.
func (n *Net) SendMessage(to core.ID, payload []byte) {
	p := n.table.Load().byID[to]
	if p == nil {
		n.strays.drop(Stranger)
		return
	}
	p.out.put(payload)
}

func (o *outbox) put(payload []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(payload) == 0: // would read as a sign of life
	case len(payload) > MaxMessage:
		o.meter.drop(Oversize)
		o.lost = true
	case o.bytes+len(payload) > MaxQueue:
		o.meter.drop(QueueFull)
		o.lost = true
	default:
		o.queue = append(o.queue, payload)
		o.bytes += len(payload)
	}
	signal(o.wake)
}

// signal wakes whoever waits on c, once.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run keeps a stream to the peer while there is something to send.
func (o *outbox) run(context.Context) {
	timing := o.n.timing
	pause := timing.BackoffMin
	for o.waitForWork() {
		conn, link, err := o.n.connect(o.ctx, o.id, PeerProtocol, MaxLinks)
		if err != nil {
			o.away(err)
			if !o.waitBefore(pause) {
				return
			}
			pause = min(2*pause, timing.BackoffMax)
			continue
		}
		began := time.Now()
		o.stream(conn, link)
		if time.Since(began) > timing.BackoffMax {
			pause = timing.BackoffMin
		} else if !o.waitBefore(pause) {
			return
		}
	}
}

// waitForWork returns true when the queue holds something, false at the end.
func (o *outbox) waitForWork() bool {
	for {
		o.tellLosses()
		o.mu.Lock()
		work := len(o.queue) > 0
		o.mu.Unlock()
		if work {
			return o.ctx.Err() == nil
		}
		select {
		case <-o.ctx.Done():
			return false
		case <-o.wake:
		}
	}
}

// waitBefore waits before the next try, unless the peer shows itself.
func (o *outbox) waitBefore(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-o.ctx.Done():
		return false
	case <-o.kick:
		return true
	case <-timer.C:
		return true
	}
}

// away drops what waits: nothing works, and old messages help nobody later.
func (o *outbox) away(err error) {
	if o.ctx.Err() != nil {
		return
	}
	o.mu.Lock()
	first := !o.cut
	o.cut, o.status.LastError = true, err.Error()
	o.meter.drops[Away].Add(uint64(len(o.queue)))
	o.queue, o.bytes, o.lost = nil, 0, true
	o.mu.Unlock()
	if first {
		o.n.log.Warn("no link to a peer works; trying on", "why", err)
	}
	o.tellLosses()
}

// tellLosses tells the handler that messages were lost, if so. It is called
// from the outbox's goroutine only, so that SendMessage never calls back.
func (o *outbox) tellLosses() {
	o.mu.Lock()
	lost := o.lost
	o.lost = false
	o.mu.Unlock()
	if lost && o.n.losses != nil && o.ctx.Err() == nil {
		o.n.losses.MessagesLost(o.id)
	}
}

// take returns the next messages, up to one batch or one long message.
func (o *outbox) take() [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	count, size := 0, 0
	for _, m := range o.queue {
		if count > 0 && size+len(m) > batchSize {
			break
		}
		size += len(m)
		count++
	}
	batch := o.queue[:count:count]
	o.queue = o.queue[count:]
	o.bytes -= size
	return batch
}

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

func (o *outbox) name() string {
	if p := o.n.table.Load().byID[o.id]; p != nil {
		return p.info.Name
	}
	return "a removed peer"
}

func (o *outbox) stats() StreamStats {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.status
	s.Queued = o.bytes
	s.Dropped = o.meter.dropped()
	return s
}
