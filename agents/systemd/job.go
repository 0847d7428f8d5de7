package systemd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"
)

// errUnheard says that a job ended without our hearing how.
var errUnheard = errors.New("the job ended while systemd was away")

// jobEnded records the end of a job, for whoever waits for it, or will as soon
// as the reply that names the job has been read.
func (l *link) jobEnded(path dbus.ObjectPath, result string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ch, ok := l.jobs[path]; ok {
		ch <- result // has room for the one result that a job has
		delete(l.jobs, path)
	} else if l.calls > 0 {
		l.early[path] = result
	}
}

// enqueue calls a method that answers with a job, and listens for its end.
func (l *link) enqueue(ctx context.Context, method string, args ...any) (dbus.ObjectPath, chan string, error) {
	l.mu.Lock()
	l.calls++
	l.mu.Unlock()
	var path dbus.ObjectPath
	c, err := l.call(ctx, managerPath, managerIface+"."+method, args...)
	if err == nil {
		err = c.Store(&path)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var ended chan string
	if err == nil {
		ended = l.listen(path)
	}
	if l.calls--; l.calls == 0 {
		clear(l.early)
	}
	return path, ended, err
}

// listen is enqueue's second half; l.mu is held. Two operations never wait for
// the same job: the caller runs one at a time per resource, and two resources
// on one unit share the channel, where the second sees errUnheard at worst.
func (l *link) listen(path dbus.ObjectPath) chan string {
	if ch, ok := l.jobs[path]; ok {
		return ch
	}
	ch := make(chan string, 1)
	if result, ok := l.early[path]; ok {
		ch <- result
		return ch
	}
	l.jobs[path] = ch
	return ch
}

// unlisten forgets a job whose end nobody waits for any longer.
func (l *link) unlisten(path dbus.ObjectPath) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.jobs, path)
}

// runJob queues a job and waits for its result. When ctx ends first it cancels
// the job. While the connection is lost it waits for the manager to come back;
// a job that is gone by then ended unheard.
func (a *Agent) runJob(ctx context.Context, u unit, method, mode string) (string, error) {
	// First listen, then ask: a bus passes on only the signals that were wanted
	// before they were sent.
	sub, err := a.subscribe(ctx, u)
	if err != nil {
		return "", err
	}
	defer a.unsubscribe(sub)
	var path dbus.ObjectPath
	var ended chan string
	var on *link
	err = a.do(ctx, func(l *link) (err error) {
		on = l
		path, ended, err = l.enqueue(ctx, method, u.id, mode)
		return err
	})
	if err != nil {
		return "", err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case result := <-ended:
			return result, nil
		case <-ctx.Done():
			on.unlisten(path)
			a.cancelJob(path)
			return "", ctx.Err()
		case <-on.gone:
			if on, ended, err = a.rejoin(ctx, u, path); err != nil {
				return "", err
			}
		case <-tick.C:
			if method == "StopUnit" && mode != ignoringOrder && a.stopMode(ctx) == ignoringOrder {
				on.unlisten(path)
				return a.runJob(ctx, u, method, ignoringOrder) // joins the job that waits
			}
		}
	}
}

// rejoin listens for a job's end on a new connection, if the job still exists.
func (a *Agent) rejoin(ctx context.Context, u unit, path dbus.ObjectPath) (on *link, ended chan string, err error) {
	err = a.do(ctx, func(l *link) error {
		l.mu.Lock()
		ended, on = l.listen(path), l
		l.mu.Unlock()
		var now dbus.ObjectPath
		_, now, err := l.unitJob(ctx, u.path)
		if err == nil && now != path {
			l.unlisten(path)
			return errUnheard
		}
		return err
	})
	return on, ended, err
}

// unitJob is the job that a unit has: its number, zero for none, and its path.
func (l *link) unitJob(ctx context.Context, unitPath dbus.ObjectPath) (uint32, dbus.ObjectPath, error) {
	v, err := l.get(ctx, unitPath, unitIface, "Job")
	if err != nil {
		return 0, "", err
	}
	var job struct {
		ID   uint32
		Path dbus.ObjectPath
	}
	if err := dbus.Store([]any{v.Value()}, &job); err != nil {
		return 0, "", fmt.Errorf("property Job of %s: %w", unitPath, err)
	}
	return job.ID, job.Path, nil
}

// cancelJob takes a job back that nobody waits for any longer. The operation's
// own context is over, so it has a short one of its own.
func (a *Agent) cancelJob(path dbus.ObjectPath) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := a.do(ctx, func(l *link) error {
		_, err := l.call(ctx, path, jobIface+".Cancel")
		return err
	})
	var e dbus.Error
	if errors.As(err, &e) && (e.Name == "org.freedesktop.DBus.Error.UnknownObject" || e.Name == "org.freedesktop.systemd1.NoSuchJob") {
		return // it ended by itself
	}
	if err != nil {
		a.log.Warn("could not cancel the systemd job of an operation that timed out", "job", path, "error", err)
	}
}

// The modes in which we queue jobs.
const (
	replacing     = "replace"
	ignoringOrder = "ignore-dependencies"
)

// stopMode is how to queue a stop. Managed units are ordered before our own
// unit, so that systemd stops them after it. But then a unit's stop job waits
// for our own stop job, which waits for us, who wait for the unit. While our
// own unit has a job we therefore ask systemd to leave the order aside.
func (a *Agent) stopMode(ctx context.Context) string {
	mode := replacing
	err := a.do(ctx, func(l *link) error {
		own, err := l.load(ctx, a.cfg.OwnUnit)
		if err != nil {
			return err
		}
		id, _, err := l.unitJob(ctx, own)
		if err == nil && id != 0 {
			mode = ignoringOrder
		}
		return err
	})
	if err != nil {
		a.log.Debug("could not see whether our own unit is being stopped", "unit", a.cfg.OwnUnit, "error", err)
	}
	return mode
}
