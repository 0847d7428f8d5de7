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

	mu   sync.Mutex
	life *life // nil while it is off
}

// life is a host from boot to kill.
type life struct {
	init    int // pid of its process 1, as seen from outside
	pidfd   int // that very process, whoever has its pid later; -1: none
	space   netns.NsHandle
	nl      *netlink.Handle
	cmd     *exec.Cmd
	ended   chan struct{} // closed when cmd was waited for
	cgroups []string

	mu     sync.Mutex // an observer asks nl, and somebody kills, while another one may close
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
	l := &life{pidfd: -1, space: netns.None(), ended: make(chan struct{})}
	err := h.start(ctx, l)
	if err != nil {
		return errors.Join(fmt.Errorf("boot: %w", err), h.end(l))
	}
	h.lab.log.Debug("a host is up", "host", h.name, "init", l.init)
	return nil
}

// begin makes a life known: its init runs, and what the host needs at boot is
// there. From now on it is observed, and can be killed.
func (h *host) begin(l *life, init int) error {
	var err error
	if l.pidfd, err = unix.PidfdOpen(init, 0); err != nil {
		return fmt.Errorf("its init: %w", err)
	}
	l.init = init
	if err := h.giveDisks(l); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.life = l
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

// kill switches the host off: the ports first, then its init. It waits for no
// boot: one that is under way fails.
func (h *host) kill() error {
	var errs []error
	if l := h.current(); l != nil {
		for link := range h.lab.net.links {
			errs = append(errs, h.lab.net.setPort(h.name, link, false))
		}
		errs = append(errs, l.killInit())
	}
	h.turn.Lock()
	defer h.turn.Unlock()
	if l := h.current(); l != nil {
		errs = append(errs, h.end(l))
	}
	return errors.Join(errs...)
}

func (l *life) killInit() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	if err := unix.PidfdSendSignal(l.pidfd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

// killLimit bounds how long the kernel takes to end a host's processes.
const killLimit = 20 * time.Second

// end ends a life and removes all of it but the disk.
func (h *host) end(l *life) error {
	var errs []error
	if l.pidfd >= 0 {
		errs = append(errs, l.killInit())
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
	h.life = nil
	h.mu.Unlock()
	l.forget()
	errs = append(errs, h.lab.net.unplug(h.name), removeCgroups(l.cgroups))
	return errors.Join(errs...)
}

// forget gives back what the life holds of the kernel.
func (l *life) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.pidfd >= 0 {
		_ = unix.Close(l.pidfd)
	}
	if l.nl != nil {
		l.nl.Close()
	}
	if l.space.IsOpen() {
		_ = l.space.Close() // a descriptor of ours, nothing is written
	}
}
