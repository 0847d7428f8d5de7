package daemon

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/agents/ocf"
)

// OwnUnit is the systemd unit that the daemon runs in.
const OwnUnit = "holdfast.service"

type logger = hclog.Logger

// Config is what a daemon needs to know of its machine. Everything about the
// cluster is in its files and in the replicated state.
type Config struct {
	// StateDir holds identity, log, snapshots and secrets. It outlives a reboot.
	StateDir string
	// RunDir holds sockets and marks. It must not outlive a reboot: that is how a
	// restarted daemon is told from a rebooted machine.
	RunDir string
	// Socket is the control socket; default RunDir/crm.sock.
	Socket string
	// FenceAgentPath are folders that are searched for fence agents before those
	// of the machine.
	FenceAgentPath []string
	// DrainLimit is how long a stopping daemon waits until its resources have
	// moved away. After that it stops what it can, and the others fence.
	DrainLimit time.Duration
	// Version of the binary.
	Version string
	Logger  hclog.Logger
}

// DefaultConfig is the layout of an installed system.
func DefaultConfig() Config {
	return Config{
		StateDir: "/var/lib/holdfast", RunDir: "/run/holdfast", DrainLimit: 5 * time.Minute, Version: "devel",
		Logger: hclog.NewNullLogger(),
	}
}

// SocketPath is the control socket.
func (c Config) SocketPath() string {
	if c.Socket != "" {
		return c.Socket
	}
	return filepath.Join(c.RunDir, "crm.sock")
}

// Validate reports all problems at once.
func (c Config) Validate() error {
	var errs []error
	for _, p := range []struct{ name, path string }{{"state folder", c.StateDir}, {"run-time folder", c.RunDir}} {
		if !filepath.IsAbs(p.path) {
			errs = append(errs, fmt.Errorf("the %s %q must be an absolute path", p.name, p.path))
		}
	}
	if c.DrainLimit <= 0 {
		errs = append(errs, fmt.Errorf("the limit for draining %v must be above 0", c.DrainLimit))
	}
	if c.Logger == nil {
		errs = append(errs, errors.New("the logger is missing"))
	}
	return errors.Join(errs...)
}

func (c Config) ocf() ocf.Config {
	o := ocf.DefaultConfig()
	if c.RunDir != DefaultConfig().RunDir {
		o.RunDir = filepath.Join(c.RunDir, "resource-agents")
	}
	return o
}
