package membership

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// request is a call into the loop. do, if set, just runs there; otherwise
// input is stepped and its outcome goes to reply.
type request struct {
	input func(key uint64) core.Input
	do    func(*core.Node)
	key   chan<- uint64
	reply chan<- reply
}

// reply is how a request ended.
type reply struct {
	Outcome
	err error
}

// handler passes what the transport delivers to the loop. When the loop lags,
// packets are dropped: everything that travels there is sent again.
type handler struct{ m *Member }

func (h handler) Datagram(from core.ID, boot uint64, link int, payload []byte, at time.Time) {
	h.offer(core.Datagram{From: from, Boot: boot, Link: link, Payload: payload, At: at})
}

func (h handler) Message(from core.ID, payload []byte) {
	h.offer(core.Message{From: from, Payload: payload})
}

// MessagesLost may be called by a transport that knows that messages to a peer
// did not get through; raft then asks that peer how far it is.
func (h handler) MessagesLost(to core.ID) { h.offer(core.Dropped{To: to}) }

func (h handler) offer(in core.Input) {
	select {
	case h.m.arrivals <- in:
	default:
	}
}

// run is the loop: the only goroutine that touches the node and the
// application.
func (m *Member) run() {
	defer m.shutdown()
	ticker := time.NewTicker(m.cfg.timing().Tick)
	defer ticker.Stop()
	m.step(core.Tick{})
	for m.Err() == nil {
		select {
		case <-m.stop:
			return
		case <-ticker.C:
			m.step(core.Tick{})
			m.refresh()
		case in := <-m.arrivals:
			m.step(in)
		case <-m.written.ready:
			for _, p := range m.written.take() {
				m.step(p)
			}
		case <-m.gone.ready:
			for _, key := range m.gone.take() {
				delete(m.waiters, key)
				m.step(core.Abandon{Key: key})
			}
		case r := <-m.requests:
			m.serve(r)
		}
	}
}

func (m *Member) serve(r request) {
	if r.do != nil {
		r.do(m.node)
		close(r.reply)
		return
	}
	m.nextKey++
	m.waiters[m.nextKey] = r.reply
	r.key <- m.nextKey
	m.step(r.input(m.nextKey))
}

// step feeds the node and carries out what it asks for, until nothing is left.
func (m *Member) step(in core.Input) {
	for queue := []core.Input{in}; len(queue) > 0 && m.Err() == nil; queue = queue[1:] {
		for _, e := range m.node.Step(time.Now(), queue[0]) {
			if next := m.perform(e); next != nil {
				queue = append(queue, next)
			}
		}
	}
	if m.node.Changes() != m.changed {
		v := m.node.View()
		m.changed = v.Change
		m.view.Store(&v)
		m.publish(v)
	}
}

// refresh renews the times and ages in the View.
func (m *Member) refresh() {
	v := m.node.View()
	m.view.Store(&v)
}

// perform carries out one effect; it may answer with a new input.
func (m *Member) perform(e core.Effect) core.Input {
	switch e := e.(type) {
	case core.SetPeers:
		m.transport.SetPeers(e.Self, e.Peers)
		m.keepSelf(e.Self)
	case core.SendDatagram:
		m.transport.SendDatagram(e.To, e.Link, e.Payload)
	case core.SendMessage:
		m.transport.SendMessage(e.To, e.Payload)
	case core.Persist:
		m.writes.put(func() { m.written.put(core.Persisted{Seq: e.Seq, Err: m.disk.Write(e.Write)}) })
	case core.Apply:
		value := m.cfg.App.Apply(e.Entry)
		m.resolve(e.Key, reply{Outcome: Outcome{Index: e.Entry.Index, Term: e.Entry.Term, Value: value}})
	case core.Resolved:
		m.resolve(e.Key, reply{Outcome: Outcome{Index: e.Index, Term: e.Term, Value: e.Value}, err: e.Err})
	case core.Restore:
		if err := m.cfg.App.Restore(e.Data); err != nil {
			m.fail(fmt.Errorf("membership: the application refuses the snapshot: %w", err))
		}
	case core.TakeSnapshot:
		return m.takeSnapshot(e)
	case core.Notify:
		m.addEvent(e.Event)
	case core.Fatal:
		m.fail(e.Err)
	}
	return nil
}

// keepSelf writes our own record to our files when the cluster changed it: the
// next start binds these addresses.
func (m *Member) keepSelf(self core.Peer) {
	if reflect.DeepEqual(self, m.id.Self) {
		return
	}
	m.id.Self = self.Clone()
	id := m.id
	m.writes.put(func() {
		if err := writeJSON(identityFile(m.cfg.Dir), id); err != nil {
			m.logger.Error("this node's new addresses and keys could not be stored; it would start with the old ones", "error", err)
		}
	})
}

func (m *Member) takeSnapshot(e core.TakeSnapshot) core.Input {
	data, err := m.cfg.App.Snapshot()
	if err != nil {
		m.logger.Error("the application made no snapshot; the log grows until it does", "index", e.Index, "error", err)
	}
	return core.SnapshotTaken{Index: e.Index, Data: data, Err: err}
}

// resolve answers whoever waits for key; 0 is nobody.
func (m *Member) resolve(key uint64, r reply) {
	if w := m.waiters[key]; w != nil {
		delete(m.waiters, key)
		w <- r
	}
}

// fail records why this member stops.
func (m *Member) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return
	}
	m.err = err
	if errors.Is(err, core.ErrRemoved) {
		m.logger.Info("membership ends", "reason", err)
		return
	}
	m.logger.Error("membership stops", "error", err)
}

// shutdown falls silent first, then tells everyone who waits.
func (m *Member) shutdown() {
	if err := m.transport.Close(); err != nil {
		m.logger.Warn("close transport", "error", err)
	}
	m.mu.Lock()
	for ch := range m.watchers {
		close(ch)
	}
	m.watchers = nil
	m.mu.Unlock()
	close(m.done)
}

// runStorage does the writes, in order. While one hangs the loop goes on.
func (m *Member) runStorage() {
	defer close(m.storageD)
	defer func() {
		if err := m.disk.Close(); err != nil {
			m.logger.Error("close log", "error", err)
		}
	}()
	for {
		for _, write := range m.writes.take() {
			select {
			case <-m.done:
				return
			default:
			}
			write()
		}
		select {
		case <-m.writes.ready:
		case <-m.done:
			return
		}
	}
}
