package process

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents/internal/proc"
)

// await blocks until the process has ended, which it then tells, or ctx is
// over. Our own children are awaited by their reaping, so that their exit
// status is known afterwards; others through a pidfd.
func (a *Agent) await(ctx context.Context, pidfile string, id identity) (ended bool) {
	if c := a.ours(pidfile, id); c != nil {
		select {
		case <-c.ended:
			return true
		case <-ctx.Done():
			return false
		}
	}
	fd, err := unix.PidfdOpen(id.pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return poll(ctx, id) // ended, or a kernel before 5.10
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	defer f.Close()
	if !lives(id) { // asked after the descriptor was opened, so it is his
		return true
	}
	conn, err := f.SyscallConn()
	if err != nil || f.SetReadDeadline(time.Time{}) != nil {
		return poll(ctx, id) // the runtime cannot poll it
	}
	defer context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })()
	err = conn.Read(readable)
	return err == nil
}

// readable says whether a descriptor is readable right now: a pidfd is once
// its process has ended.
func readable(fd uintptr) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	return err == nil && n == 1
}

// poll is await for kernels that have nothing better.
func poll(ctx context.Context, id identity) bool {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for lives(id) {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// lives says whether this very process has not ended.
func lives(id identity) bool {
	s, err := proc.Read(id.pid)
	return err == nil && s.Born == id.born && !s.Dead()
}
