package membership

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// Application is the replicated state machine that the log feeds. All its
// methods are called from one goroutine and must return quickly: while they
// run, no heartbeat leaves this node.
type Application interface {
	// Apply carries out one committed entry. It is called once per entry and
	// in log order on every member, must be deterministic, and its answer
	// goes to the proposer's Propose on the node that made the proposal.
	Apply(core.Entry) any
	// Snapshot returns the whole state.
	Snapshot() ([]byte, error)
	// Restore replaces the whole state by one that Snapshot returned.
	Restore([]byte) error
}

// Config is what Open needs. Take DefaultConfig and fill in the rest.
type Config struct {
	// Dir holds this member's files: log, snapshots, counters. Required.
	Dir string
	// RunDir is a folder that does not survive a reboot, such as
	// /run/holdfast: a mark in it tells a restart from a reboot. Required.
	RunDir string
	// Life is what CountStart returned. Zero: Open counts the start itself.
	Life Life
	// Name is this node's name; it must be the one it was admitted with.
	// Empty: whatever that was.
	Name string
	// Transport carries packets. Open starts it, and the Member closes it.
	// Required.
	Transport Transport
	// App is fed by the log. Required.
	App Application
	// FailureTimeout is the silence after which the leader declares a member
	// lost: default 3 s, at least 1 s. It overrides Timing.FailureTimeout.
	FailureTimeout time.Duration
	// Timing holds all other times and limits; see core.DefaultConfig.
	Timing core.Config
	// Logger receives what an administrator may want to know. Default: none.
	Logger hclog.Logger
}

// DefaultConfig returns a Config that lacks only what is marked as required.
func DefaultConfig() Config {
	t := core.DefaultConfig()
	return Config{FailureTimeout: t.FailureTimeout, Timing: t, Logger: hclog.NewNullLogger()}
}

// timing returns the core's configuration.
func (c Config) timing() core.Config {
	t := c.Timing
	t.FailureTimeout = c.FailureTimeout
	return t
}

// Validate reports everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("membership: %s is missing", what))
		}
	}
	need(c.Dir != "", "Dir, the folder of this member's files")
	need(c.RunDir != "", "RunDir, a folder that does not survive a reboot")
	need(c.Transport != nil, "Transport")
	need(c.App != nil, "App, the application")
	need(c.Logger != nil, "Logger")
	if err := c.timing().Validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
