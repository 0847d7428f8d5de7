package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/fencing/agent"
)

// fenceDevice makes a fence device look like a resource: started where a node
// has shown that it can reach it, monitored there, and shown in the status. Any
// member may use it to fence; being started means that it works.
type fenceDevice struct {
	run agent.Runner
	dir string // one empty file per started device; it does not outlive a reboot
}

var _ agents.Agent = (*fenceDevice)(nil)

func newFenceDevice(run agent.Runner, runDir string) *fenceDevice {
	return &fenceDevice{run: run, dir: filepath.Join(runDir, "fence-devices")}
}

// Metadata is that of the fence agent, in the resource agents' words.
func (f *fenceDevice) Metadata(ctx context.Context, spec agents.Spec) (*agents.Metadata, error) {
	m, err := f.run.Metadata(ctx, spec.Type)
	if err != nil {
		return nil, err
	}
	return fenceMetadata(m), nil
}

func fenceMetadata(m agent.Metadata) *agents.Metadata {
	out := &agents.Metadata{Name: m.Name, Short: m.ShortDesc, Long: m.LongDesc}
	for _, p := range m.Params {
		out.Parameters = append(out.Parameters, agents.Parameter{
			Name: p.Name, Short: p.ShortDesc, Type: p.Type, Default: p.Default, Options: p.Options,
			Required: p.Required && !named(p.Name), Deprecated: p.Deprecated, Secret: agent.Secret(p.Name),
		})
	}
	for _, a := range m.Actions {
		out.Actions = append(out.Actions, agents.ActionDef{Name: string(a.Name), Timeout: a.Timeout})
	}
	return out
}

// named says that the cluster gives a parameter itself, at each operation: no
// device needs it in the configuration.
func named(parameter string) bool {
	return slices.Contains([]string{"action", "plug", "port", "nodename"}, parameter)
}

// Run starts (asks the device whether it answers), monitors or stops.
func (f *fenceDevice) Run(ctx context.Context, req agents.Request) agents.Result {
	switch req.Action {
	case agents.Start:
		return f.check(ctx, req, true)
	case agents.Monitor:
		if !f.isStarted(req.Resource) {
			return agents.Result{Status: agents.Done, Code: agents.NotRunning}
		}
		return f.check(ctx, req, false)
	case agents.Stop:
		if err := os.Remove(f.mark(req.Resource)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return agents.Result{Status: agents.Done, Code: agents.ErrGeneric, Reason: err.Error()}
		}
		return agents.Result{Status: agents.Done}
	}
	return agents.Result{Status: agents.NotSupported, Code: agents.ErrUnsupported, Reason: fmt.Sprintf("a fence device has no action %q", req.Action)}
}

func (f *fenceDevice) check(ctx context.Context, req agents.Request, start bool) agents.Result {
	res := agents.Result{Status: agents.Done, Started: time.Now()}
	if req.Agent.Type != fencing.ManualAgent {
		dev := fencing.Device{Name: req.Resource, Agent: req.Agent.Type, Params: req.Params}
		out := f.run.Run(ctx, agent.Request{Agent: dev.Agent, Action: fencing.Monitor, Params: dev.AgentParams(), Timeout: req.Timeout})
		if err := out.Err(); err != nil {
			res.Code, res.Reason = agents.ErrGeneric, err.Error()
			if out.Outcome == fencing.TimedOut {
				res.Status = agents.TimedOut
			}
		}
	}
	if start && res.Code == agents.OK {
		if err := f.setStarted(req.Resource); err != nil {
			res.Code, res.Reason = agents.ErrGeneric, err.Error()
		}
	}
	res.Finished = time.Now()
	return res
}

func (f *fenceDevice) isStarted(name string) bool {
	_, err := os.Stat(f.mark(name))
	return err == nil
}

func (f *fenceDevice) mark(name string) string { return filepath.Join(f.dir, url.PathEscape(name)) }

func (f *fenceDevice) setStarted(name string) error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(f.mark(name), nil, 0o600)
}
