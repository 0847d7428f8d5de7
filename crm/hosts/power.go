package hosts

import (
	"context"
	"fmt"
	"net"
	"path/filepath"

	"github.com/holdfast-ha/holdfast/fencing/hostagent"
)

// FenceSocket is where [Lab.ServeFencing] listens, inside every host.
const FenceSocket = "/var/lib/hosts/fence.sock"

// Power is the lab as a power switch: off kills a host, on boots it.
func (l *Lab) Power() hostagent.Power { return power{l} }

type power struct{ lab *Lab }

// Off kills a host.
func (p power) Off(_ context.Context, host string) error { return p.lab.Kill(host) }

// On begins to boot a host and does not wait until it is up, as a power switch
// does not: a fence agent that waits for a boot keeps its cluster waiting.
func (p power) On(_ context.Context, name string) error {
	h, err := p.lab.host(name)
	if err != nil {
		return err
	}
	p.lab.working.Go(func() {
		if err := h.boot(p.lab.ctx); err != nil && p.lab.ctx.Err() == nil {
			p.lab.log.Error("a host does not boot", "host", name, "error", err)
		}
	})
	return nil
}

// Status says whether a host is on.
func (p power) Status(_ context.Context, host string) (bool, error) {
	h, err := p.lab.host(host)
	if err != nil {
		return false, err
	}
	return h.current() != nil, nil
}

// List is the names of the hosts.
func (p power) List(context.Context) ([]string, error) { return p.lab.Hosts(), nil }

// ServeFencing answers fence agents inside the hosts, at [FenceSocket], until
// the lab is closed. The power is the lab's own or one that misbehaves around it
// (hostagent.Moody).
func (l *Lab) ServeFencing(p hostagent.Power) error {
	if p == nil {
		return fmt.Errorf("hosts: no power to serve")
	}
	for _, h := range l.hosts {
		if err := h.serveFencing(p); err != nil {
			return fmt.Errorf("%s: fence device: %w", h.name, err)
		}
	}
	return nil
}

// serveFencing listens in one host. The socket lies on the host's disk, so it is
// there at each boot.
func (h *host) serveFencing(p hostagent.Power) error {
	l := h.lab
	if err := l.keeper.do(func() error {
		return writeFile(h.root(), File{Path: filepath.Dir(FenceSocket) + "/README", Data: []byte("the power switch of this test host\n")})
	}); err != nil {
		return err
	}
	var listener net.Listener
	err := l.keeper.do(func() (err error) {
		listener, err = net.Listen("unix", filepath.Join(h.root(), FenceSocket))
		return err
	})
	if err != nil {
		return err
	}
	l.working.Go(func() {
		if err := hostagent.Serve(l.ctx, listener, p); err != nil {
			l.log.Error("fence device", "host", h.name, "error", err)
		}
	})
	return nil
}
