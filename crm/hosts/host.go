package hosts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// host is one machine.
type host struct {
	name   string
	number int
	lab    *Lab

	turn sync.Mutex // one boot or kill at a time

	mu     sync.Mutex
	life   *life // nil while it is off
	killed time.Time
}

// life is a host from boot to kill.
type life struct {
	init    int // pid of its process 1, as seen from outside
	space   netns.NsHandle
	nl      *netlink.Handle
	cmd     *exec.Cmd
	ended   chan struct{} // closed when cmd was waited for
	cgroups []string
	since   time.Time

	mu     sync.Mutex // of nl: an observer asks while another one may close
	closed bool
}

// current is the host's life, nil while it is off.
func (h *host) current() *life {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.life
}

func (h *host) cgroup() string { return h.lab.id + "-" + h.name }

// boot switches the host on.
func (h *host) boot(ctx context.Context) error {
	h.turn.Lock()
	defer h.turn.Unlock()
	if l := h.current(); l != nil {
		select {
		case <-l.ended: // it has switched itself off
			if err := h.end(l); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	l := &life{space: netns.None(), ended: make(chan struct{})}
	err := h.start(ctx, l)
	if err != nil {
		return errors.Join(fmt.Errorf("boot: %w", err), h.end(l))
	}
	l.since = time.Now()
	h.mu.Lock()
	h.life = l
	h.mu.Unlock()
	h.lab.log.Debug("a host is up", "host", h.name, "init", l.init)
	return nil
}

func (h *host) start(ctx context.Context, l *life) (err error) {
	if l.space, err = newSpace(); err != nil {
		return err
	}
	if l.nl, err = netlink.NewHandleAt(l.space, unix.NETLINK_ROUTE); err != nil {
		return err
	}
	if err := h.lab.net.connect(h.name, h.number, l.space); err != nil {
		return err
	}
	if l.cgroups, err = makeCgroups(h.cgroup()); err != nil {
		return err
	}
	if h.lab.cfg.WithSystemd {
		return h.startSystemd(ctx, l)
	}
	return h.startPlain(ctx, l)
}

// run starts the host's command in its cgroups, from the keeper's thread. It
// dies when that thread ends.
func (h *host) run(l *life, env []string, argv ...string) error {
	script := `for d in $1; do echo $$ >$d/cgroup.procs || exit 1; done; shift; exec "$@"`
	l.cmd = exec.Command("/bin/sh", append([]string{"-c", script, "host", strings.Join(l.cgroups, " ")}, argv...)...)
	l.cmd.Env = append([]string{"PATH=" + searchPath}, env...)
	l.cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL, Setsid: true}
	if dir := h.lab.cfg.Dir; dir != "" {
		console, err := os.OpenFile(filepath.Join(dir, h.name+".console"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		defer console.Close()
		l.cmd.Stdout, l.cmd.Stderr = console, console
	}
	if err := h.lab.keeper.do(l.cmd.Start); err != nil {
		return err
	}
	go func() {
		_ = l.cmd.Wait() // how it ended is known: it was killed, or has switched itself off
		close(l.ended)
	}()
	return nil
}

// kill switches the host off: the ports first, then its init.
func (h *host) kill() error {
	h.turn.Lock()
	defer h.turn.Unlock()
	l := h.current()
	if l == nil {
		return nil
	}
	var errs []error
	for link := range h.lab.net.links {
		errs = append(errs, h.lab.net.setPort(h.name, link, false))
	}
	return errors.Join(append(errs, h.end(l))...)
}

// killLimit bounds how long the kernel takes to end a host's processes.
const killLimit = 20 * time.Second

// end ends a life and removes all of it but the disk.
func (h *host) end(l *life) error {
	var errs []error
	if l.init > 0 {
		if err := unix.Kill(l.init, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, err)
		}
	} else if l.cmd != nil && l.cmd.Process != nil {
		_ = l.cmd.Process.Kill() // Wait tells the rest
	}
	if l.cmd != nil && l.cmd.Process != nil {
		select {
		case <-l.ended:
		case <-time.After(killLimit):
			_ = l.cmd.Process.Kill()
			errs = append(errs, fmt.Errorf("%s did not end within %v of SIGKILL", h.name, killLimit))
		}
	}
	h.mu.Lock()
	h.life, h.killed = nil, time.Now()
	h.mu.Unlock()
	l.closeNet()
	errs = append(errs, h.lab.net.unplug(h.name), removeCgroups(l.cgroups))
	return errors.Join(errs...)
}

func (l *life) closeNet() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.nl != nil {
		l.nl.Close()
	}
	if l.space.IsOpen() {
		_ = l.space.Close() // a descriptor of ours, nothing is written
	}
}
