package systemd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	busName      = "org.freedesktop.systemd1"
	managerPath  = dbus.ObjectPath("/org/freedesktop/systemd1")
	managerIface = "org.freedesktop.systemd1.Manager"
	unitIface    = "org.freedesktop.systemd1.Unit"
	jobIface     = "org.freedesktop.systemd1.Job"
	propsIface   = "org.freedesktop.DBus.Properties"
)

// absence is how long all sockets may be missing before we say that systemd is
// not there. A daemon-reexec takes some tens of milliseconds.
const absence = 2 * time.Second

// link is one connection to the manager, until it breaks.
type link struct {
	conn    *dbus.Conn
	bus     bool
	gone    <-chan struct{} // closed when the connection has ended
	signals chan *dbus.Signal

	matching sync.Mutex     // held while a rule is sent, so that who finds it sent may rely on it
	rules    map[string]int // match rules at the bus, with their users

	mu    sync.Mutex
	calls int                             // calls under way that will name a job
	early map[dbus.ObjectPath]string      // jobs that ended while calls > 0
	jobs  map[dbus.ObjectPath]chan string // jobs that somebody waits for
}

// errShut says that the agent was closed.
var errShut = errors.New("the systemd agent was shut down")

// do calls f with a connection, and again with a new one while the manager is
// away, until ctx ends.
func (a *Agent) do(ctx context.Context, f func(*link) error) error {
	pause := 5 * time.Millisecond
	var since time.Time
	for {
		l, err := a.connect(ctx)
		if err == nil {
			if err = f(l); err == nil || !transient(err) {
				return err
			}
			since = time.Time{}
		} else if since.IsZero() {
			since = time.Now()
		} else if nobody(err) && time.Since(since) > absence {
			return fmt.Errorf("systemd does not answer on this node; is it running? %w", err)
		}
		if errors.Is(err, errShut) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("no answer from systemd: %w (last: %v)", ctx.Err(), err)
		case <-timer.C:
		}
		pause = min(2*pause, 200*time.Millisecond)
	}
}

// transient says whether an error is about the connection and not the question.
func transient(err error) bool {
	if errors.Is(err, dbus.ErrClosed) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return true
	}
	var e dbus.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Name {
	case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Disconnected",
		"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
		"org.freedesktop.DBus.Error.Timeout", "org.freedesktop.DBus.Error.TimedOut",
		"org.freedesktop.DBus.Error.LimitsExceeded":
		return true
	}
	return strings.HasPrefix(e.Name, "org.freedesktop.DBus.Error.Spawn.")
}

// nobody says whether a dial failed because there is no socket at all. One
// that refuses belongs to a manager that is being executed again.
func nobody(err error) bool {
	return errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ECONNREFUSED)
}

// connect returns the connection, making one when there is none.
func (a *Agent) connect(ctx context.Context) (*link, error) {
	select {
	case a.dial <- struct{}{}:
		defer func() { <-a.dial }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	a.mu.Lock()
	l, shut := a.link, a.shut
	a.mu.Unlock()
	if shut {
		return nil, errShut
	}
	if l != nil && l.alive() {
		return l, nil
	}
	var errs []error
	for _, e := range a.cfg.Endpoints {
		l, err := open(ctx, e)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", e.Address, err))
			continue
		}
		return l, a.adopt(ctx, l)
	}
	return nil, errors.Join(errs...)
}

// adopt makes l the connection: subscriptions first, then those who wait are
// told to look again, because what happened meanwhile was not signalled to us.
func (a *Agent) adopt(ctx context.Context, l *link) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shut {
		l.close()
		return errShut
	}
	for s := range a.subs {
		if err := l.match(ctx, s.rules()); err != nil {
			l.close()
			return err
		}
	}
	a.link = l
	go a.dispatch(l)
	for s := range a.subs {
		s.poke()
	}
	return nil
}

func newLink() *link {
	return &link{early: map[dbus.ObjectPath]string{}, jobs: map[dbus.ObjectPath]chan string{}, rules: map[string]int{}}
}

// handshake bounds the making of a connection. At shutdown the bus's socket
// may accept connections that no bus will ever serve; then systemd's own is next.
const handshake = time.Second

// open dials one endpoint and subscribes to the manager.
func open(ctx context.Context, e Endpoint) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, handshake)
	defer cancel()
	// The connection must outlive this operation, so ctx bounds the handshake only.
	conn, err := dbus.Dial(e.Address, dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, err
	}
	signals := make(chan *dbus.Signal, 64)
	conn.Signal(signals)
	keep := context.AfterFunc(ctx, func() { conn.Close() })
	defer keep() // before cancel
	if err := conn.Auth(nil); err != nil {
		conn.Close()
		return nil, err
	}
	l := newLink()
	l.conn, l.bus, l.gone, l.signals = conn, e.Bus, conn.Context().Done(), signals
	if e.Bus {
		if err := l.greet(ctx); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return l, nil
}

// greet enters the bus and asks the manager to send signals at all; systemd
// itself, without a bus, sends everything to everyone.
func (l *link) greet(ctx context.Context) error {
	if err := l.conn.Hello(); err != nil {
		return err
	}
	owner := "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" + busName + "'"
	if err := l.match(ctx, []string{owner}); err != nil {
		return err
	}
	_, err := l.call(ctx, managerPath, managerIface+".Subscribe")
	return err
}

func (l *link) close() { l.conn.Close() }

func (l *link) alive() bool {
	select {
	case <-l.gone:
		return false
	default:
		return l.conn.Connected()
	}
}

// call is one method call. The bus must not start a systemd that is not there.
func (l *link) call(ctx context.Context, path dbus.ObjectPath, method string, args ...any) (*dbus.Call, error) {
	c := l.conn.Object(busName, path).CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...)
	return c, c.Err
}
