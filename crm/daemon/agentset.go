package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/filesystem"
	"github.com/holdfast-ha/holdfast/agents/ocf"
	"github.com/holdfast-ha/holdfast/agents/process"
	"github.com/holdfast-ha/holdfast/agents/registry"
	"github.com/holdfast-ha/holdfast/agents/systemd"
	"github.com/holdfast-ha/holdfast/agents/vip"
)

// agentSet is every agent that this node has.
type agentSet struct {
	registry.Set
	stonith *fenceDevice
	ocf     *ocf.Agent
	systemd *systemd.Agent
	vip     *vip.Agent
}

// newAgentSet makes the agents. Those of a whole class are kept even where the
// class can do nothing on this machine: they say so when they are asked.
func (d *Daemon) newAgentSet() (*agentSet, error) {
	proc, err := process.New(filepath.Join(d.cfg.RunDir, "processes"), d.log)
	if err != nil {
		return nil, err
	}
	programs, err := ocf.New(d.cfg.ocf(), d.log)
	if err != nil {
		return nil, err
	}
	units := systemd.DefaultConfig()
	units.OwnUnit, units.Logger = OwnUnit, d.log.Named("systemd")
	s := &agentSet{stonith: newFenceDevice(d.fenceAgents, d.cfg.RunDir), ocf: programs, systemd: systemd.New(units), vip: vip.New(d.log)}
	mounts := filesystem.DefaultConfig()
	mounts.Logger = d.log.Named("filesystem")
	s.Set = registry.Set{VIP: s.vip, Filesystem: filesystem.New(mounts), Process: proc, Systemd: s.systemd, OCF: programs}
	return s, nil
}

// Lookup finds the agent for a spec, fence devices included.
func (s *agentSet) Lookup(spec agents.Spec) (agents.Agent, error) {
	if spec.Class == "stonith" {
		return s.stonith, nil
	}
	return s.Set.Lookup(spec)
}

func (s *agentSet) close() error { return errors.Join(s.systemd.Close(), s.vip.Close()) }

// AgentMetadata describes a resource agent.
func (d *Daemon) AgentMetadata(ctx context.Context, spec agents.Spec) (*agents.Metadata, error) {
	a, err := d.agents.Lookup(spec)
	if err != nil {
		return nil, err
	}
	return a.Metadata(ctx, spec)
}

// FenceMetadata describes a fence agent.
func (d *Daemon) FenceMetadata(ctx context.Context, name string) (*agents.Metadata, error) {
	return d.agents.stonith.Metadata(ctx, agents.Spec{Class: "stonith", Type: name})
}

// AgentNames lists the agents of this node as a configuration names them.
func (d *Daemon) AgentNames(context.Context) []string {
	var names []string
	for _, spec := range d.agents.List() {
		names = append(names, spec.String())
	}
	for _, f := range d.fenceAgents.Installed() {
		names = append(names, fmt.Sprintf("stonith:%s", f))
	}
	slices.Sort(names)
	return names
}
