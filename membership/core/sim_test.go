package core

import (
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/cryptotest"
	"time"

	"go.etcd.io/raft/v3/raftpb"
)

// world is a whole cluster in one goroutine with virtual time. All chance
// comes from one seed. Invariants are checked after every event.
type world struct {
	t     testing.TB
	seed  uint64
	rand  *rand.Rand
	now   time.Time
	queue events
	order uint64
	hosts []*machine
	trace interface {
		Write([]byte) (int, error)
		Sum64() uint64
	}

	loss, dup float64
	slow      time.Duration // longest delay of a packet
	cut       map[[2]ID]bool

	leaders map[uint64]ID     // term -> leader
	log     map[uint64]string // index -> what was applied there
	acked   map[string]bool
	made    int
	seen    []string // events worth reading, "1.250s a: lost 2 ..."
}

type event struct {
	at    time.Time
	order uint64
	do    func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	x := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return x
}

// machine is one host: its disk survives, its node does not.
type machine struct {
	w       *world
	id      ID
	self    Peer
	seed    *Roster
	cfg     Config
	node    *Node // nil while down
	boot    uint64
	life    uint64
	key     uint64
	app     []string
	disk    Stored
	hang    time.Time // the disk answers nothing before that
	pending []Persist
	paused  bool
	left    error // why it stopped for good
	asked   map[uint64]string
	answer  map[uint64]Resolved
	events  []Event
}

func simConfig() Config {
	c := DefaultConfig()
	c.FailureTimeout = time.Second
	c.SnapshotEntries, c.KeepEntries, c.SnapshotChunk = 40, 5, 1024
	return c
}

func newWorld(t *testing.T, seed uint64) *world {
	cryptotest.SetGlobalRandom(t, seed)
	return &world{
		t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_700_000_000, 0), slow: 5 * time.Millisecond,
		cut: map[[2]ID]bool{}, leaders: map[uint64]ID{}, log: map[uint64]string{}, acked: map[string]bool{}, trace: fnv.New64a(),
	}
}

func (w *world) after(d time.Duration, do func()) {
	w.order++
	heap.Push(&w.queue, event{w.now.Add(d), w.order, do})
}

// run lets d of virtual time pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.queue) > 0 && !w.queue[0].at.After(end) {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.do()
	}
	w.now = end
}

// runUntil lets time pass until ok, at most d; it fails the test otherwise.
func (w *world) runUntil(d time.Duration, what string, ok func() bool) time.Duration {
	w.t.Helper()
	start := w.now
	for end := w.now.Add(d); w.now.Before(end); {
		if ok() {
			return w.now.Sub(start)
		}
		w.run(10 * time.Millisecond)
	}
	if !ok() {
		w.fail("%s not within %v", what, d)
	}
	return d
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	for _, h := range w.hosts {
		if h.node != nil {
			w.t.Logf("%s sees %v", h.self.Name, h.node.View())
		}
	}
	w.t.Fatalf("seed %d: %s", w.seed, fmt.Sprintf(format, args...))
}

func testPeer(n int) Peer {
	p := Peer{Name: string(rune('a' + n - 1)), Addresses: []string{"x:1"}, Key: make([]byte, 32), Cert: make([]byte, 32)}
	p.Key[0], p.Cert[0] = byte(n), byte(n)
	return p
}

// found starts a cluster of n members, the first of which takes the others in.
func (w *world) found(n int) {
	first := testPeer(1)
	data, err := FirstSnapshot("id", "sim", first)
	if err != nil {
		w.t.Fatal(err)
	}
	first.ID = 1
	h := w.machine(first)
	h.disk = Stored{
		Snapshot: &raftpb.Snapshot{Data: data, Metadata: &raftpb.SnapshotMetadata{
			Index: new(uint64(1)), Term: new(uint64(1)), ConfState: &raftpb.ConfState{Voters: []uint64{1}},
		}},
		HardState: &raftpb.HardState{Term: new(uint64(1)), Vote: new(uint64(0)), Commit: new(uint64(1))},
	}
	h.start(true)
	for i := 2; i <= n; i++ {
		w.join(i)
		w.runUntil(5*time.Second, "a new voter", func() bool { return w.voters() == i })
	}
}

func (w *world) machine(p Peer) *machine {
	h := &machine{w: w, id: p.ID, self: p, cfg: simConfig(), asked: map[uint64]string{}, answer: map[uint64]Resolved{}}
	w.hosts = append(w.hosts, h)
	return h
}

func (w *world) voters() int {
	l := w.leader()
	if l == nil {
		return 0
	}
	return len(l.node.conf.GetVoters())
}

// join admits one more member through the leader and starts it.
func (w *world) join(n int) *machine {
	h := w.admit(n)
	h.start(true)
	return h
}

func (w *world) admit(n int) *machine {
	token := Token{ID: fmt.Sprintf("t%d-%d", n, len(w.hosts)), Hash: make([]byte, 32), Expires: w.now.Add(time.Hour), UsesLeft: 1}
	w.command(Command{CreateToken: &CreateToken{Now: w.now, Token: token}})
	m := w.command(Command{Admit: &Admit{Now: w.now, Token: token.ID, Hash: token.Hash, Peer: testPeer(n)}}).(Member)
	h := w.machine(m.Peer)
	h.seed = w.leader().node.Roster()
	return h
}

// command has the leader propose a membership command and waits for its answer.
func (w *world) command(c Command) any {
	w.t.Helper()
	var r Resolved
	w.runUntil(10*time.Second, "an answer", func() bool {
		l := w.leader()
		if l == nil {
			return false
		}
		key := l.propose(Propose{Command: &c})
		w.run(200 * time.Millisecond)
		var ok bool
		r, ok = l.answer[key]
		return ok
	})
	if r.Err != nil {
		w.fail("%+v: %v", c, r.Err)
	}
	return r.Value
}

func (w *world) leader() *machine {
	var best *machine
	for _, h := range w.hosts {
		if h.node != nil && h.node.View().Leading && (best == nil || h.node.term > best.node.term) {
			best = h
		}
	}
	return best
}

func (h *machine) start(reboot bool) {
	if h.left != nil {
		return
	}
	if reboot {
		h.boot++
	}
	h.life++
	n, err := New(h.w.now, Options{Config: h.cfg, Self: h.self, Boot: h.boot, Incarnation: h.life, Stored: h.stored(), Seed: h.seed})
	if errors.Is(err, ErrRemoved) {
		h.left = err
		return
	}
	if err != nil {
		h.w.fail("start %s: %v", h.self.Name, err)
	}
	h.node, h.key, h.app, h.paused, h.hang, h.pending = n, 0, nil, false, time.Time{}, nil
	h.tick(n)
}

// stored returns a copy of the disk, so that a running node shares nothing with it.
func (h *machine) stored() Stored {
	s := h.disk
	s.Entries = slices.Clone(s.Entries)
	return s
}

func (h *machine) tick(n *Node) {
	if h.node != n {
		return
	}
	if !h.paused {
		h.step(Tick{})
	}
	h.w.after(h.cfg.Tick, func() { h.tick(n) })
}

// crash loses memory and writes under way.
func (h *machine) crash() { h.node = nil }

// deliver steps an input now, or when the pause is over.
func (h *machine) deliver(n *Node, in Input) {
	switch {
	case h.node != n:
	case h.paused:
		h.w.after(10*time.Millisecond, func() { h.deliver(n, in) })
	default:
		h.step(in)
	}
}

func (h *machine) propose(p Propose) uint64 {
	h.key++
	p.Key = h.key
	h.step(p)
	return p.Key
}

func (h *machine) say(data string) {
	h.asked[h.life<<32|h.key+1] = data
	h.propose(Propose{Data: []byte(data)})
}

func (h *machine) step(in Input) {
	n := h.node
	for queue := []Input{in}; len(queue) > 0; queue = queue[1:] {
		for _, e := range n.Step(h.w.now, queue[0]) {
			if next := h.perform(n, e); next != nil {
				queue = append(queue, next)
			}
		}
	}
	h.w.check(h)
}

func (h *machine) perform(n *Node, e Effect) Input {
	w := h.w
	fmt.Fprintf(w.trace, "%d %d %T", w.now.UnixNano(), h.id, e)
	switch e := e.(type) {
	case SendDatagram:
		w.send(h, e.To, func(to *machine) Input { return Datagram{From: h.id, Link: e.Link, Payload: e.Payload, At: w.now} })
	case SendMessage:
		w.send(h, e.To, func(to *machine) Input { return Message{From: h.id, Payload: e.Payload} })
	case Persist:
		h.persist(n, e)
	case Apply:
		h.apply(e)
	case Restore:
		h.app = nil
		if err := json.Unmarshal(e.Data, &h.app); err != nil {
			w.fail("restore: %v", err)
		}
	case TakeSnapshot:
		b, _ := json.Marshal(h.app)
		return SnapshotTaken{Index: e.Index, Data: b}
	case Resolved:
		h.answer[e.Key] = e
	case Notify:
		h.events = append(h.events, e.Event)
		w.seen = append(w.seen, fmt.Sprintf("%s: %v", h.self.Name, e.Event))
	case Fatal:
		h.left = e.Err
		h.node = nil
	}
	return nil
}

func (w *world) send(from *machine, to ID, in func(*machine) Input) {
	copies := 1
	if w.rand.Float64() < w.loss {
		copies = 0
	}
	if w.rand.Float64() < w.dup {
		copies++
	}
	for range copies {
		delay := time.Duration(w.rand.Int64N(int64(w.slow)) + 1)
		w.after(delay, func() {
			for _, h := range w.hosts {
				if h.id == to && h.node != nil && !w.cut[[2]ID{from.id, to}] {
					h.deliver(h.node, in(h))
				}
			}
		})
	}
}

// persist queues a write; the disk does one after the other.
func (h *machine) persist(n *Node, e Persist) {
	h.pending = append(h.pending, e)
	if len(h.pending) == 1 {
		h.spin(n)
	}
}

// spin does the oldest write after a while, and not before a hang is over.
func (h *machine) spin(n *Node) {
	w := h.w
	delay := time.Duration(w.rand.Int64N(int64(2 * time.Millisecond)))
	if h.hang.After(w.now) {
		delay += h.hang.Sub(w.now)
	}
	w.after(delay, func() {
		switch {
		case h.node != n: // lost with the crash
		case h.hang.After(w.now):
			h.spin(n)
		default:
			e := h.pending[0]
			h.pending = h.pending[1:]
			h.write(e.Write)
			if len(h.pending) > 0 {
				h.spin(n)
			}
			h.deliver(n, Persisted{Seq: e.Seq})
		}
	})
}

func (h *machine) write(wr Write) {
	d := &h.disk
	if s := wr.Snapshot; s != nil {
		index := s.GetMetadata().GetIndex()
		if old := d.Snapshot.GetMetadata().GetIndex(); index < old {
			h.w.fail("%s writes snapshot %d after %d", h.self.Name, index, old)
		}
		keep := slices.DeleteFunc(slices.Clone(d.Entries), func(e *raftpb.Entry) bool { return e.GetIndex() <= index })
		if wr.Install {
			keep = nil
		}
		d.Snapshot, d.Entries = s, keep
	}
	if len(wr.Entries) > 0 {
		first := wr.Entries[0].GetIndex()
		d.Entries = append(slices.DeleteFunc(slices.Clone(d.Entries), func(e *raftpb.Entry) bool { return e.GetIndex() >= first }), wr.Entries...)
	}
	if wr.HardState != nil {
		d.HardState = wr.HardState
	}
}

func (h *machine) apply(e Apply) {
	w, data := h.w, string(e.Entry.Data)
	line := fmt.Sprintf("%d %s", e.Entry.Term, data)
	if old, ok := w.log[e.Entry.Index]; ok && old != line {
		w.fail("index %d: %s applied %q, another one %q", e.Entry.Index, h.self.Name, line, old)
	}
	w.log[e.Entry.Index] = line
	if slices.Contains(h.app, data) {
		w.fail("%s applied %q twice", h.self.Name, data)
	}
	// R0: what takes effect rests on a commit index that is on disk.
	if c := h.disk.HardState.GetCommit(); c < e.Entry.Index {
		w.fail("%s applied %d, but its disk knows only %d as committed", h.self.Name, e.Entry.Index, c)
	}
	h.app = append(h.app, data)
	if e.Key != 0 {
		w.acked[h.asked[h.life<<32|e.Key]] = true
	}
}

// check holds the standing invariants against one machine.
func (w *world) check(h *machine) {
	if h.node == nil || !h.node.View().Leading {
		return
	}
	if old, ok := w.leaders[h.node.term]; ok && old != h.id {
		w.fail("term %d has two leaders: %d and %d", h.node.term, old, h.id)
	}
	w.leaders[h.node.term] = h.id
}
