package ocf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/internal/nearest"
)

// Config says where agents live and what they are given.
type Config struct {
	// Root is OCF_ROOT; agents are under Root/resource.d.
	Root string
	// RunDir is HA_RSCTMP, where agents keep their state files. It must not
	// outlive a reboot. It is made when it is missing.
	RunDir string
	// ShimDir holds the commands that agents call back; first in PATH. Empty: none.
	ShimDir string
	// Home, User go to HOME, USER and LOGNAME.
	Home, User string
	// Grace is how long an agent beyond its deadline may clean up between TERM
	// and KILL; at most 1.5 s, to stay within the contract.
	Grace time.Duration
	// Debug makes agents log more (HA_debug).
	Debug bool
	// Env is added last to each environment, "NAME=value", for what a site needs.
	Env []string
}

// DefaultConfig is the layout of all common distributions.
func DefaultConfig() Config {
	c := Config{Root: "/usr/lib/ocf", RunDir: "/run/resource-agents", Home: "/root", User: "root", Grace: time.Second}
	if me, err := user.Current(); err == nil {
		c.Home, c.User = me.HomeDir, me.Username
	}
	return c
}

// Validate reports everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	for _, dir := range []struct{ name, path string }{{"Root", c.Root}, {"RunDir", c.RunDir}} {
		if !filepath.IsAbs(dir.path) {
			errs = append(errs, fmt.Errorf("ocf: %s %q is not an absolute path", dir.name, dir.path))
		}
	}
	if c.ShimDir != "" && !filepath.IsAbs(c.ShimDir) {
		errs = append(errs, fmt.Errorf("ocf: ShimDir %q is not an absolute path", c.ShimDir))
	}
	if c.Grace < 0 || c.Grace > 1500*time.Millisecond {
		errs = append(errs, fmt.Errorf("ocf: Grace %s is not between 0 and 1.5s", c.Grace))
	}
	return errors.Join(errs...)
}

// Agent runs all agents of class "ocf".
type Agent struct {
	cfg Config
	log hclog.Logger

	mu    sync.Mutex
	known map[string]described // metadata by path
}

// New makes the class from a valid configuration. A nil logger is quiet.
func New(cfg Config, log hclog.Logger) (*Agent, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if log == nil {
		log = hclog.NewNullLogger()
	}
	return &Agent{cfg: cfg, log: log.Named("ocf"), known: map[string]described{}}, nil
}

// Run calls the agent with one action.
//
// A missing agent gives NotInstalled; an agent that could not be executed, or
// was killed by a signal, Failed; every exit code is passed on as it is.
// The action "reload" becomes "reload-agent" for an agent that offers it, as
// API 1.1 names it.
func (a *Agent) Run(ctx context.Context, req agents.Request) agents.Result {
	began := time.Now()
	r := a.run(ctx, req)
	r.Started, r.Finished = began, time.Now()
	if r.Status != agents.Done {
		a.log.Warn("operation failed", "resource", req.Resource, "action", req.Action, "status", r.Status, "reason", r.Reason)
	}
	return r
}

func (a *Agent) run(ctx context.Context, req agents.Request) agents.Result {
	if r, bad := refuse(req); bad {
		return r
	}
	path, r, missing := a.find(req.Agent)
	if missing {
		return r
	}
	if err := os.MkdirAll(a.cfg.RunDir, 0o755); err != nil {
		return agents.Result{Status: agents.Failed, Code: agents.ErrPermission, Reason: fmt.Sprintf("make the agents' state directory: %v", err)}
	}
	limited, cancel := context.WithTimeout(ctx, req.Timeout)
	defer cancel()
	if req.Action == agents.Reload {
		req.Action = a.reloadAction(limited, req.Agent)
	}
	env, err := a.environment(req)
	if err != nil {
		return agents.Result{Status: agents.Failed, Code: agents.ErrArgs, Reason: err.Error()}
	}
	c := a.call(limited, command{path: path, action: string(req.Action), env: env})
	return c.result(ctx, req)
}

// refuse answers requests that make no sense to run.
func refuse(req agents.Request) (agents.Result, bool) {
	switch {
	case !plainName(string(req.Action)):
		return agents.Result{Status: agents.NotSupported, Code: agents.ErrUnsupported, Reason: fmt.Sprintf("%q is not an action's name", req.Action)}, true
	case req.Resource == "":
		return agents.Result{Status: agents.Failed, Code: agents.ErrArgs, Reason: "the request names no resource"}, true
	case req.Timeout <= 0:
		return agents.Result{Status: agents.Failed, Code: agents.ErrArgs, Reason: fmt.Sprintf("timeout %s is not positive; give the operation a timeout", req.Timeout)}, true
	}
	return agents.Result{}, false
}

// reloadAction is the name under which the agent offers reloading.
func (a *Agent) reloadAction(ctx context.Context, spec agents.Spec) agents.Action {
	const reloadAgent agents.Action = "reload-agent"
	if m, err := a.Metadata(ctx, spec); err == nil && m.Offers(reloadAgent) {
		return reloadAgent
	}
	return agents.Reload
}

// find gives the agent's path, or the result that says why there is none.
func (a *Agent) find(spec agents.Spec) (path string, r agents.Result, missing bool) {
	no := func(format string, args ...any) (string, agents.Result, bool) {
		return "", agents.Result{Status: agents.NotInstalled, Code: agents.ErrInstalled, Reason: fmt.Sprintf(format, args...)}, true
	}
	provider := providerOf(spec)
	if !plainName(provider) || !plainName(spec.Type) {
		return no("%q is not an agent's name; it is written ocf:provider:type", spec.String())
	}
	path = filepath.Join(a.cfg.Root, "resource.d", provider, spec.Type)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint := "install the package that has it (usually resource-agents)"
		if near := nearest.Name(spec.Type, a.Types(provider)); near != "" {
			hint = fmt.Sprintf("did you mean ocf:%s:%s?", provider, near)
		}
		return no("no agent %s on this node: %s does not exist; %s", spec, path, hint)
	case err != nil:
		return no("agent %s: %v", spec, err)
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return no("agent %s: %s is not an executable file", spec, path)
	}
	return path, r, false
}

// providerOf is the provider, or the traditional one if none is named.
func providerOf(spec agents.Spec) string {
	if spec.Provider == "" {
		return "heartbeat"
	}
	return spec.Provider
}

// plainName says whether a name is free of anything that has a meaning in paths or arguments.
func plainName(s string) bool {
	if s == "" || len(s) > 255 || s[0] == '.' || s[0] == '-' {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+@", r))
	}) < 0
}
