package wire

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

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
