package process

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// child is a process that this very daemon started, and so has to reap.
type child struct {
	id    identity
	ended chan struct{}    // closed when it was reaped
	state *os.ProcessState // set before ended is closed
}

// adopt makes a started command ours: a goroutine waits for its end, which is
// the only thing that keeps it from staying a zombie. The goroutine lives as
// long as the process.
func (a *Agent) adopt(pidfile string, id identity, cmd *exec.Cmd) *child {
	c := &child{id: id, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the state tells all
		c.state = cmd.ProcessState
		close(c.ended)
	}()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.children[pidfile] = c
	if ch := a.started[pidfile]; ch != nil {
		close(ch)
		delete(a.started, pidfile)
	}
	return c
}

// nextStart gives a channel that is closed when the next process is started.
func (a *Agent) nextStart(pidfile string) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.started[pidfile] == nil {
		a.started[pidfile] = make(chan struct{})
	}
	return a.started[pidfile]
}

// ours gives the child that the identity names, or nil: another daemon, our
// predecessor, started it.
func (a *Agent) ours(pidfile string, id identity) *child {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.children[pidfile]; c != nil && c.id == id {
		return c
	}
	return nil
}

// setEnding notes that stop is about to end the process, or has; isEnding asks.
func (a *Agent) setEnding(pidfile string, id identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ending[pidfile] = id
}

func (a *Agent) isEnding(pidfile string, id identity) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return id.pid != 0 && a.ending[pidfile] == id
}

// epitaph says how the main process ended, as far as that is known.
func (a *Agent) epitaph(pidfile string, id identity) string {
	if id.pid == 0 {
		return "the main process is gone"
	}
	if c := a.ours(pidfile, id); c != nil {
		select {
		case <-c.ended:
			return c.epitaph()
		default:
		}
	}
	return fmt.Sprintf("main process %d is gone", id.pid)
}

func (c *child) epitaph() string {
	ws, ok := c.state.Sys().(syscall.WaitStatus)
	switch {
	case ok && ws.Signaled() && ws.CoreDump():
		return fmt.Sprintf("main process %d was killed by signal %d (%s, core dumped)", c.id.pid, ws.Signal(), ws.Signal())
	case ok && ws.Signaled():
		return fmt.Sprintf("main process %d was killed by signal %d (%s)", c.id.pid, ws.Signal(), ws.Signal())
	}
	return fmt.Sprintf("main process %d exited with code %d", c.id.pid, c.state.ExitCode())
}
