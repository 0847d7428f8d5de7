package systemd

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/agents"
)

// Config says where systemd is and who we are to it.
type Config struct {
	// Endpoints are the ways to reach the manager; the first that answers is used.
	Endpoints []Endpoint

	// OwnUnit is the unit that our daemon runs in. Managed units are ordered
	// before it, so that at shutdown the daemon stops them and not systemd.
	OwnUnit string

	// DropInDir is where runtime drop-ins live, normally /run/systemd/system.
	DropInDir string

	// Logger may be nil.
	Logger hclog.Logger
}

// Endpoint is one way to reach the manager.
type Endpoint struct {
	Address string // a D-Bus address, such as "unix:path=/run/systemd/private"
	Bus     bool   // a message bus is in between, as opposed to systemd itself
}

// DefaultConfig is right for a host with systemd: the system bus, which passes
// on only the signals that we asked for, and systemd's own socket for a host
// whose bus is down or not installed.
func DefaultConfig() Config {
	return Config{
		Endpoints: []Endpoint{
			{Address: "unix:path=/run/dbus/system_bus_socket", Bus: true},
			{Address: "unix:path=/run/systemd/private"},
		},
		OwnUnit:   "holdfast.service",
		DropInDir: "/run/systemd/system",
	}
}

// Agent runs units. It holds one connection, which all resources share and
// which is made when it is first needed.
type Agent struct {
	cfg Config
	log hclog.Logger

	dial chan struct{} // held while dialling; one at a time
	mu   sync.Mutex
	link *link // nil when there is none
	subs map[*subscription]struct{}
	shut bool
}

var (
	_ agents.Agent   = (*Agent)(nil)
	_ agents.Watcher = (*Agent)(nil)
)

// New makes an agent. It does not connect.
func New(cfg Config) *Agent {
	log := cfg.Logger
	if log == nil {
		log = hclog.NewNullLogger()
	}
	return &Agent{cfg: cfg, log: log, dial: make(chan struct{}, 1), subs: map[*subscription]struct{}{}}
}

// Close ends the connection. Operations that still run fail.
func (a *Agent) Close() error {
	a.mu.Lock()
	l := a.link
	a.link, a.shut = nil, true
	a.mu.Unlock()
	if l != nil {
		l.close()
	}
	return nil
}

// Run carries one operation out.
func (a *Agent) Run(ctx context.Context, req agents.Request) agents.Result {
	began := time.Now()
	r := a.run(ctx, req)
	r.Started, r.Finished = began, time.Now()
	return r
}

func (a *Agent) run(ctx context.Context, req agents.Request) agents.Result {
	if req.Timeout <= 0 {
		return bad(agents.ErrArgs, "%s of %s: the timeout must be positive, it is %s", req.Action, req.Resource, req.Timeout)
	}
	name, err := unitOf(req.Agent, req.Params)
	if err != nil {
		return bad(agents.ErrConfigured, "%s: %v", req.Resource, err)
	}
	op, ok := map[agents.Action]func(context.Context, string) agents.Result{
		agents.Start:       a.start,
		agents.Stop:        a.stop,
		agents.Monitor:     a.monitor,
		agents.Reload:      a.reload,
		agents.ValidateAll: a.validate,
	}[req.Action]
	if !ok {
		return agents.Result{
			Status: agents.NotSupported, Code: agents.ErrUnsupported,
			Reason: fmt.Sprintf("a systemd unit has no action %q", req.Action),
		}
	}
	opCtx, cancel := context.WithTimeout(ctx, req.Timeout)
	defer cancel()
	r := op(opCtx, name)
	if r.Status == agents.TimedOut && ctx.Err() != nil {
		r.Status = agents.Cancelled // the caller gave up before the deadline
	}
	return r
}

// good is success.
func good() agents.Result { return agents.Result{Status: agents.Done, Code: agents.OK} }

// bad is an answer that says no.
func bad(code agents.Code, format string, args ...any) agents.Result {
	return agents.Result{Status: agents.Done, Code: code, Reason: fmt.Sprintf(format, args...)}
}

// lost is the result when systemd could not be asked to an answer.
func lost(ctx context.Context, what string, err error) agents.Result {
	r := agents.Result{Status: agents.Failed, Code: agents.ErrGeneric, Reason: fmt.Sprintf("%s: %v", what, err)}
	if ctx.Err() != nil {
		r.Status = agents.TimedOut
	}
	var missing *missingUnit
	if errors.As(err, &missing) {
		r.Status, r.Code = agents.NotInstalled, agents.ErrInstalled
	}
	return r
}
