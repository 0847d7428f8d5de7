package filesystem

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/agents"
)

// Config is what an agent needs to know of its host.
type Config struct {
	// HelperDir is where mount.nfs and the like are, normally /sbin.
	HelperDir string

	// Logger may be nil.
	Logger hclog.Logger
}

// DefaultConfig is right for every host.
func DefaultConfig() Config { return Config{HelperDir: "/sbin"} }

// Agent mounts file systems, in the mount namespace of its process.
type Agent struct {
	cfg   Config
	log   hclog.Logger
	table *bell

	mu     sync.Mutex
	locks  map[string]chan struct{}
	starts map[string]int // successful starts, by directory
}

var (
	_ agents.Agent   = (*Agent)(nil)
	_ agents.Watcher = (*Agent)(nil)
)

// New makes an agent.
func New(cfg Config) *Agent {
	log := cfg.Logger
	if log == nil {
		log = hclog.NewNullLogger()
	}
	return &Agent{cfg: cfg, log: log, table: newBell(), locks: map[string]chan struct{}{}, starts: map[string]int{}}
}

// Metadata describes the agent.
func (a *Agent) Metadata(context.Context, agents.Spec) (*agents.Metadata, error) {
	return metadata(), nil
}

// operation is one action on one file system.
type operation func(context.Context, agents.Request, config) agents.Result

// Run carries one operation out.
func (a *Agent) Run(ctx context.Context, req agents.Request) agents.Result {
	began := time.Now()
	r := a.run(ctx, req)
	r.Started, r.Finished = began, time.Now()
	return r
}

func (a *Agent) run(ctx context.Context, req agents.Request) agents.Result {
	op, ok := map[agents.Action]operation{
		agents.Start:       a.start,
		agents.Stop:        a.stop,
		agents.Monitor:     a.monitor,
		agents.ValidateAll: a.validate,
	}[req.Action]
	if !ok {
		return agents.Result{
			Status: agents.NotSupported, Code: agents.ErrUnsupported,
			Reason: fmt.Sprintf("a file system has no action %q", req.Action),
		}
	}
	if req.Timeout <= 0 {
		return bad(agents.ErrArgs, "%s of %s: the timeout must be positive, it is %s", req.Action, req.Resource, req.Timeout)
	}
	cfg, err := parse(req.Params)
	if err != nil {
		return bad(agents.ErrConfigured, "%s: %v", req.Resource, err)
	}
	return a.bounded(ctx, req, cfg, op)
}

// cleanup is how long an operation may take to end after its deadline, before
// it is left behind in the kernel.
const cleanup = time.Second

// bounded runs an operation beside us, so that we return in time also when a
// system call of it hangs. It then still holds the lock of its directory,
// which keeps the next operation from believing what may still change.
func (a *Agent) bounded(ctx context.Context, req agents.Request, cfg config, op operation) agents.Result {
	opCtx, cancel := context.WithTimeout(ctx, req.Timeout)
	defer cancel()
	done := make(chan agents.Result, 1)
	go func() { done <- op(opCtx, req, cfg) }()
	why := "a system call hangs in the kernel and was left behind"
	select {
	case r := <-done:
		if opCtx.Err() == nil || r.Code == agents.OK {
			return r
		}
		why = r.Reason
	case <-opCtx.Done():
		select {
		case r := <-done:
			why = r.Reason
		case <-time.After(cleanup):
		}
	}
	r := agents.Result{
		Status: agents.TimedOut, Code: agents.ErrGeneric,
		Reason: fmt.Sprintf("%s of %s did not finish: %s", req.Action, cfg.directory, why),
	}
	if ctx.Err() != nil {
		r.Status = agents.Cancelled
	}
	return r
}

// lock takes the lock of a name, for as long as the work really lasts.
func (a *Agent) lock(ctx context.Context, name string) (unlock func(), err error) {
	a.mu.Lock()
	l := a.locks[name]
	if l == nil {
		l = make(chan struct{}, 1)
		a.locks[name] = l
	}
	a.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("given up before it began")
	}
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("an earlier operation on %s still hangs", name)
	}
}

// started counts a successful start and tells the watches. One that slept
// through a start and the failure right after it sees by the count that the
// trouble is a new one.
func (a *Agent) started(dir string) {
	a.mu.Lock()
	a.starts[dir]++
	a.mu.Unlock()
	a.table.strike()
}

func (a *Agent) startsOf(dir string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.starts[dir]
}

// good is success.
func good() agents.Result { return agents.Result{Status: agents.Done, Code: agents.OK} }

// bad is an answer that says no.
func bad(code agents.Code, format string, args ...any) agents.Result {
	return agents.Result{Status: agents.Done, Code: code, Reason: fmt.Sprintf(format, args...)}
}
