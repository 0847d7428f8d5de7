package process

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/agents"
)

// Agent runs processes. Make one with [New].
type Agent struct {
	runDir string
	log    hclog.Logger

	mu       sync.Mutex
	children map[string]*child        // by pid file: the last process that we started, for its exit status
	ending   map[string]identity      // by pid file: the process that stop ends, so that watch keeps quiet
	started  map[string]chan struct{} // by pid file: closed when a process was started
}

// New makes the agent. runDir holds pid files and logs; it must be absolute,
// must not outlive a reboot (/run/...), and is made when it is missing. A nil
// logger is quiet.
func New(runDir string, log hclog.Logger) (*Agent, error) {
	if !absolute(runDir) {
		return nil, fmt.Errorf("process: run directory %q is not an absolute path", runDir)
	}
	if log == nil {
		log = hclog.NewNullLogger()
	}
	return &Agent{
		runDir: filepath.Clean(runDir), log: log.Named("process"),
		children: map[string]*child{}, ending: map[string]identity{}, started: map[string]chan struct{}{},
	}, nil
}

// Run carries one operation out.
func (a *Agent) Run(ctx context.Context, req agents.Request) agents.Result {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, max(req.Timeout, 0))
	defer cancel()
	r := a.run(limited, req)
	if errors.Is(limited.Err(), context.DeadlineExceeded) && r.Status == agents.Cancelled && ctx.Err() == nil {
		r.Status = agents.TimedOut
	}
	r.Started, r.Finished = began, time.Now()
	return r
}

func (a *Agent) run(ctx context.Context, req agents.Request) agents.Result {
	run := map[agents.Action]func(context.Context, agents.Request, settings) agents.Result{
		agents.Start: a.start, agents.Stop: a.stop, agents.Monitor: a.monitor, agents.ValidateAll: a.validate,
	}[req.Action]
	switch {
	case run == nil:
		return agents.Result{Status: agents.NotSupported, Code: agents.ErrUnsupported, Reason: fmt.Sprintf("a process has no action %q", req.Action)}
	case req.Resource == "":
		return agents.Result{Status: agents.Failed, Code: agents.ErrArgs, Reason: "the request names no resource"}
	case req.Timeout <= 0:
		return agents.Result{Status: agents.Failed, Code: agents.ErrArgs, Reason: fmt.Sprintf("timeout %s is not positive; give the operation a timeout", req.Timeout)}
	case ctx.Err() != nil:
		return gaveUp("%s was given up before it began", req.Action)
	}
	s, err := a.settings(req)
	if err != nil && (req.Action == agents.Start || req.Action == agents.ValidateAll) {
		return done(agents.ErrConfigured, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return run(ctx, req, s)
}

// validate has nothing to add: settings were read, and found good.
func (a *Agent) validate(context.Context, agents.Request, settings) agents.Result {
	return agents.Result{Status: agents.Done}
}

// monitor looks whether the main process lives, and from depth 10 on whether
// it serves.
func (a *Agent) monitor(ctx context.Context, req agents.Request, s settings) agents.Result {
	f, err := look(s.pidfile, false)
	switch {
	case err != nil:
		return done(agents.ErrGeneric, "%v", err)
	case !f.alive && len(f.left) > 0:
		return done(agents.ErrGeneric, "%s, but its children %v still run", a.epitaph(s.pidfile, f.main), f.left)
	case !f.alive && f.main.pid != 0:
		return done(agents.NotRunning, "%s", a.epitaph(s.pidfile, f.main))
	case !f.alive:
		return agents.Result{Status: agents.Done, Code: agents.NotRunning}
	case req.CheckLevel() < 10:
		return agents.Result{Status: agents.Done}
	case f.state == 'T' || f.state == 't':
		return done(agents.ErrGeneric, "process %d is halted by a signal or a debugger", f.main.pid)
	}
	if err := askReady(ctx, s.ready, nil); err != nil {
		if ctx.Err() != nil {
			return gaveUp("process %d lives, but does not serve: %v", f.main.pid, err)
		}
		return done(agents.ErrGeneric, "process %d lives, but does not serve: %v", f.main.pid, err)
	}
	return agents.Result{Status: agents.Done}
}

// done is an answer, with its reason.
func done(code agents.Code, format string, args ...any) agents.Result {
	return agents.Result{Status: agents.Done, Code: code, Reason: fmt.Sprintf(format, args...)}
}

// gaveUp is the result of an operation that ctx ended; Run tells a timeout
// from a caller who gave up.
func gaveUp(format string, args ...any) agents.Result {
	return agents.Result{Status: agents.Cancelled, Code: agents.ErrGeneric, Reason: fmt.Sprintf(format, args...)}
}
