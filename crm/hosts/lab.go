package hosts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// Config says which machines to make.
type Config struct {
	// Count of hosts, named n1, n2, ...; 1 to 32.
	Count int
	// Links is the number of separate networks, 1 to 8; 0 means 1. Host number h
	// has the address 10.77.LINK.10+h on the interface ethLINK.
	Links int
	// WithSystemd boots a systemd in each host. Without it a host is an empty
	// machine in which commands can be run.
	WithSystemd bool
	// Files are put into every host before it boots first.
	Files []File
	// Dir keeps the hosts' consoles (NAME.console); empty: they are not kept.
	Dir string
	// Logger, nil for none.
	Logger hclog.Logger
}

// File is a file of every host.
type File struct {
	Path string      // absolute, inside the host
	Mode os.FileMode // 0 means 0644
	Data []byte
	From string // a file of this machine to copy instead of Data
	Link string // a symbolic link to this instead
}

// Lab is a running set of machines.
type Lab struct {
	cfg    Config
	log    hclog.Logger
	keeper *keeper
	net    *network
	hosts  []*host
	id     string // hf-PID-N, in the names of what has a name outside

	ctx     context.Context // ends when Close begins
	cancel  context.CancelFunc
	working sync.WaitGroup // boots that nobody waits for, fence devices

	mu    sync.Mutex
	undo  []func() error // what Close does, last first
	disks []*Disk
	close sync.Once
	err   error
}

// Missing says what New would miss on this machine, one reason each; nothing
// when it can work.
func Missing(withSystemd bool) []string {
	var reasons []string
	if os.Geteuid() != 0 {
		reasons = append(reasons, "needs root (namespaces, mounts)")
	} else if k, err := newKeeper(); err != nil { // a container's root
		reasons = append(reasons, fmt.Sprintf("needs the rights of a real root: %v", err))
	} else if err := k.end(); err != nil {
		reasons = append(reasons, err.Error())
	}
	tools := []string{"nsenter", "unshare", "chroot", "mount"}
	if withSystemd {
		tools = append(tools, "systemd-nspawn")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			from := "util-linux"
			if tool == "systemd-nspawn" {
				from = "systemd-container"
			}
			reasons = append(reasons, fmt.Sprintf("needs %s (package %s)", tool, from))
		}
	}
	return reasons
}

// New makes the machines and boots them. After an error nothing is left.
func New(ctx context.Context, cfg Config) (*Lab, error) {
	if cfg.Links == 0 {
		cfg.Links = 1
	}
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	if cfg.Count < 1 || cfg.Count > 32 || cfg.Links < 1 || cfg.Links > 8 {
		return nil, fmt.Errorf("hosts: %d hosts with %d links: 1 to 32 hosts with 1 to 8 links are possible", cfg.Count, cfg.Links)
	}
	if reasons := Missing(cfg.WithSystemd); len(reasons) > 0 {
		return nil, fmt.Errorf("hosts: %s", reasons[0])
	}
	l := &Lab{cfg: cfg, log: cfg.Logger, id: newID()}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	if err := l.build(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("hosts: %w", err), l.Close())
	}
	return l, nil
}

func (l *Lab) build(ctx context.Context) error {
	sweepCgroups(l.log)
	watcher, err := newGuard(l.id)
	if err != nil {
		return err
	}
	l.onClose(watcher.end)
	if l.keeper, err = newKeeper(); err != nil {
		return err
	}
	l.onClose(l.keeper.end)
	if err := l.keeper.do(mountLab); err != nil {
		return err
	}
	if l.net, err = newNetwork(l.cfg.Links); err != nil {
		return err
	}
	l.onClose(l.net.close)
	if err := l.keeper.do(func() error { return writeFiles(commonDir, l.cfg.Files) }); err != nil {
		return err
	}
	for n := range l.cfg.Count {
		h := &host{name: fmt.Sprintf("n%d", n+1), number: n + 1, lab: l}
		if err := l.keeper.do(h.makeRoot); err != nil {
			return fmt.Errorf("%s: %w", h.name, err)
		}
		l.hosts = append(l.hosts, h)
	}
	l.onClose(l.killAll)
	return l.each(func(h *host) error { return h.boot(ctx) })
}

// onClose notes what has to be undone.
func (l *Lab) onClose(f func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.undo = append(l.undo, f)
}

// each does something to all hosts at the same time.
func (l *Lab) each(do func(*host) error) error {
	errs := make([]error, len(l.hosts))
	var all sync.WaitGroup
	for i, h := range l.hosts {
		all.Go(func() {
			if err := do(h); err != nil {
				errs[i] = fmt.Errorf("%s: %w", h.name, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func (l *Lab) killAll() error { return l.each((*host).kill) }

// Close ends the machines and removes everything, last made first.
func (l *Lab) Close() error {
	l.close.Do(func() {
		l.cancel()
		l.working.Wait()
		l.mu.Lock()
		undo := slices.Clone(l.undo)
		l.mu.Unlock()
		var errs []error
		for _, f := range slices.Backward(undo) {
			errs = append(errs, f())
		}
		l.err = errors.Join(errs...)
	})
	return l.err
}

// Hosts are the names, in order.
func (l *Lab) Hosts() []string {
	names := make([]string, len(l.hosts))
	for i, h := range l.hosts {
		names[i] = h.name
	}
	return names
}

// Address of a host on a link.
func (l *Lab) Address(name string, link int) netip.Addr {
	for _, h := range l.hosts {
		if h.name == name {
			return hostAddress(link, h.number)
		}
	}
	return netip.Addr{}
}

func (l *Lab) host(name string) (*host, error) {
	for _, h := range l.hosts {
		if h.name == name {
			return h, nil
		}
	}
	return nil, fmt.Errorf("there is no host %q: the hosts are n1 to n%d", name, len(l.hosts))
}

// Kill switches a host off at once, as a power cut does: first its switch ports
// go down, then all its processes die. It returns when they are gone. A host
// that is off is no error.
func (l *Lab) Kill(name string) error {
	h, err := l.host(name)
	if err != nil {
		return err
	}
	return h.kill()
}

// Boot switches a host on and returns when it is up. A host that is on is no
// error.
func (l *Lab) Boot(ctx context.Context, name string) error {
	h, err := l.host(name)
	if err != nil {
		return err
	}
	return h.boot(ctx)
}

// On says whether a host is on.
func (l *Lab) On(name string) bool {
	h, err := l.host(name)
	return err == nil && h.current() != nil
}
