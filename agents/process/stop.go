package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/internal/proc"
)

// stop ends the process and everything in its session.
func (a *Agent) stop(ctx context.Context, req agents.Request, s settings) agents.Result {
	f, err := look(s.pidfile, true)
	if err != nil {
		return done(agents.ErrGeneric, "%v", err)
	}
	if r := a.end(ctx, req, s, f); r.Status != agents.Done || r.Code != agents.OK {
		return r
	}
	if _, err := readRecord(s.pidfile); err == nil { // leave files alone that are not ours
		if err := os.Remove(s.pidfile); err != nil {
			return done(agents.ErrGeneric, "remove the pid file: %v", err)
		}
	}
	return agents.Result{Status: agents.Done}
}

// end asks what was found to end, waits, and then insists.
func (a *Agent) end(ctx context.Context, req agents.Request, s settings, f found) agents.Result {
	if f.nothing() {
		return agents.Result{Status: agents.Done}
	}
	a.setEnding(s.pidfile, f.main)
	f.signal(s.stopSignal)
	f.signal(syscall.SIGCONT) // what is halted cannot obey
	patience, cancel := context.WithTimeout(ctx, min(s.killAfter, req.Timeout*3/4))
	defer cancel()
	f, err := a.awaitEnd(patience, s, f, 0)
	if err == nil && !f.nothing() && ctx.Err() == nil {
		a.log.Warn("processes did not end in time, killing them", "resource", req.Resource, "pids", f.all(), "signal", s.stopSignal)
		f, err = a.awaitEnd(ctx, s, f, syscall.SIGKILL)
	}
	switch {
	case err == nil && f.nothing():
		return agents.Result{Status: agents.Done}
	case err != nil:
		a.setEnding(s.pidfile, identity{})
		return done(agents.ErrGeneric, "%v", err)
	}
	a.setEnding(s.pidfile, identity{})
	return gaveUp("processes have not ended: %s", describe(f.all()))
}

// awaitEnd waits until nothing is left, or ctx is over. With a signal it sends
// it each time it looks, so that what was forked meanwhile gets it too.
func (a *Agent) awaitEnd(ctx context.Context, s settings, f found, signal syscall.Signal) (found, error) {
	pause := 2 * time.Millisecond
	for {
		if signal != 0 {
			f.signal(signal)
		}
		if f.alive {
			a.await(ctx, s.pidfile, f.main)
		}
		next, err := look(s.pidfile, true)
		if err != nil || next.nothing() || ctx.Err() != nil {
			return next, err
		}
		f = next
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(pause*2, 200*time.Millisecond) // each look walks through all processes
	}
}

// signal sends to the main process's group, and to each process of its session
// that is not in it, exactly to those that were found.
func (f found) signal(signal syscall.Signal) {
	if f.alive {
		_ = syscall.Kill(-f.main.pid, signal)
	}
	for _, pid := range f.left {
		if f.alive {
			if s, err := proc.Read(pid); err == nil && s.Group == f.main.pid {
				continue // it had it with the group
			}
		}
		f.signalOne(pid, signal)
	}
}

// signalOne signals through a pidfd, which keeps naming the same process.
func (f found) signalOne(pid int, signal syscall.Signal) {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ENOSYS) {
		_ = syscall.Kill(pid, signal)
		return
	} else if err != nil {
		return // it has ended
	}
	defer unix.Close(fd)
	if s, err := proc.Read(pid); err != nil || !f.owns(s) {
		return // the number is another's by now
	}
	_ = unix.PidfdSendSignal(fd, signal, nil, 0)
}

// describe names processes and their states, for people.
func describe(pids []int) string {
	var text []byte
	slices.Sort(pids)
	for i, pid := range pids {
		if i > 0 {
			text = append(text, ", "...)
		}
		s, err := proc.Read(pid)
		if err != nil {
			continue
		}
		text = fmt.Appendf(text, "%d (state %c)", pid, s.State)
	}
	return string(text)
}
