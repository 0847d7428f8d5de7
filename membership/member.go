package membership

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/storage"
)

// disk is stable storage as the runtime needs it.
type disk interface {
	Write(core.Write) error
	Close() error
}

// Member is this node's part in the cluster. All methods may be called from
// any goroutine.
type Member struct {
	cfg       Config
	logger    hclog.Logger
	disk      disk
	transport Transport
	node      *core.Node // belongs to the loop

	arrivals chan core.Input // datagrams and messages
	requests chan request
	gone     *queue[uint64] // keys nobody waits for any more
	writes   *queue[func()] // for the storage goroutine
	written  *queue[core.Persisted]
	events   *queue[core.Event]
	eventsCh chan core.Event

	nextKey uint64 // belongs to the loop, as do waiters and changed
	waiters map[uint64]chan<- reply
	changed uint64
	id      identity

	view     atomic.Pointer[core.View]
	mu       sync.Mutex
	watchers map[chan core.View]struct{}
	err      error

	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{} // closed when the loop has ended
	workers  sync.WaitGroup
	storageD chan struct{} // closed when the storage goroutine has ended
}

// Open starts this node's membership from the files that Bootstrap or Prepare
// made. It counts the start before any packet leaves. ctx bounds only the
// start itself.
func Open(ctx context.Context, cfg Config) (*Member, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	id, err := readIdentity(cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("membership in %s: this node belongs to no cluster; run `crm cluster init` or `crm cluster join` first", cfg.Dir)
	}
	if err != nil {
		return nil, err
	}
	if cfg.Name != "" && cfg.Name != id.Self.Name {
		return nil, fmt.Errorf("membership in %s: this node is called %q in the cluster, but %q in its configuration; change the name back, or leave and join under the new one", cfg.Dir, id.Self.Name, cfg.Name)
	}
	log, stored, err := storage.Open(cfg.Dir, cfg.Logger)
	if err != nil {
		return nil, err
	}
	m, err := open(ctx, cfg, id, log, stored)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return m, nil
}

// open starts a member on a given disk.
func open(ctx context.Context, cfg Config, id identity, d disk, stored core.Stored) (*Member, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	life := cfg.Life
	if life == (Life{}) {
		var err error
		if life, err = CountStart(cfg.Dir, cfg.RunDir); err != nil {
			return nil, err
		}
	}
	node, err := core.New(time.Now(), core.Options{
		Config: cfg.timing(), Self: id.Self, Boot: life.Boot, Incarnation: life.Incarnation, Stored: stored, Seed: id.seed(),
	})
	if err != nil {
		return nil, fmt.Errorf("membership in %s: %w", cfg.Dir, err)
	}
	m := &Member{
		cfg: cfg, logger: cfg.Logger, disk: d, transport: cfg.Transport, node: node, id: id,
		arrivals: make(chan core.Input, 4096), requests: make(chan request), gone: newQueue[uint64](),
		writes: newQueue[func()](), written: newQueue[core.Persisted](), events: newQueue[core.Event](),
		eventsCh: make(chan core.Event), waiters: map[uint64]chan<- reply{}, watchers: map[chan core.View]struct{}{},
		stop: make(chan struct{}), done: make(chan struct{}), storageD: make(chan struct{}),
	}
	v := node.View()
	m.view.Store(&v)
	if err := m.transport.Start(handler{m}); err != nil {
		return nil, fmt.Errorf("membership: start transport: %w", err)
	}
	m.logger.Info("membership starts", "cluster", id.ClusterName, "node", id.Self.Name, "id", id.Self.ID, "boot", life.Boot, "incarnation", life.Incarnation)
	m.workers.Add(1)
	go m.pumpEvents()
	go m.runStorage()
	go m.run()
	return m, nil
}

// Done is closed when the member has stopped, by Close or by an error.
func (m *Member) Done() <-chan struct{} { return m.done }

// Err returns why the member stopped: nil while it runs and after Close,
// ErrRemoved after it left, otherwise what made it stop itself.
func (m *Member) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// closeWait bounds how long Close waits for a hanging disk.
const closeWait = 5 * time.Second

// Close stops the member. It may be called more than once.
func (m *Member) Close() error {
	m.stopOnce.Do(func() { close(m.stop) })
	<-m.done
	m.workers.Wait()
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case <-m.storageD:
		return nil
	case <-timer.C:
		return fmt.Errorf("membership in %s: the disk has not answered for %v; a write is still under way", m.cfg.Dir, closeWait)
	}
}

// View returns what this member knew at its last tick.
func (m *Member) View() core.View { return *m.view.Load() }

// Watch returns a channel that always holds the newest View that differs from
// the one before in more than times and ages. cancel ends it; it is closed
// when the member stops.
func (m *Member) Watch() (views <-chan core.View, cancel func()) {
	ch := make(chan core.View, 1)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.watchers == nil {
		close(ch)
		return ch, func() {}
	}
	ch <- m.View()
	m.watchers[ch] = struct{}{}
	return ch, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, ch)
	}
}

// publish hands a view to the watchers, replacing one that nobody took.
func (m *Member) publish(v core.View) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ch := range m.watchers {
		select {
		case <-ch:
		default:
		}
		ch <- v
	}
}

// Events returns all events in order, for one reader. Lost, back, leader and
// removed events are never dropped; others are when the reader is thousands
// behind. It is closed when the member stops.
func (m *Member) Events() <-chan core.Event { return m.eventsCh }

// eventBacklog is how many events wait for a slow reader before those that
// the View tells as well are dropped.
const eventBacklog = 4096

func (m *Member) addEvent(e core.Event) {
	m.logEvent(e)
	switch e.Kind {
	case core.Lost, core.Back, core.LeaderChange, core.Removed:
	default:
		if m.events.len() >= eventBacklog {
			return
		}
	}
	m.events.put(e)
}

func (m *Member) logEvent(e core.Event) {
	name := "nobody"
	id := e.Peer
	if e.Kind == core.LeaderChange {
		id = e.Leader
	}
	for _, mv := range m.View().Members {
		if mv.ID == id {
			name = mv.Name
		}
	}
	switch e.Kind {
	case core.LinkUp, core.LinkDown:
		m.logger.Info(e.Kind.String(), "node", name, "link", e.Link)
	case core.LeaderChange:
		m.logger.Info("leader", "node", name, "term", e.Term)
	case core.Lost:
		m.logger.Error("node lost", "node", name, "boot", e.Boot, "reason", e.Reason)
	case core.Suspect, core.Partial:
		m.logger.Warn("node "+e.Kind.String(), "node", name, "reason", e.Reason)
	default:
		m.logger.Info("node "+e.Kind.String(), "node", name, "boot", e.Boot, "incarnation", e.Incarnation, "reason", e.Reason)
	}
}

func (m *Member) pumpEvents() {
	defer m.workers.Done()
	defer close(m.eventsCh)
	for {
		for _, e := range m.events.take() {
			select {
			case m.eventsCh <- e:
			case <-m.done:
				return
			}
		}
		select {
		case <-m.events.ready:
		case <-m.done:
			return
		}
	}
}
