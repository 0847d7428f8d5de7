package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/executor"
	"github.com/holdfast-ha/holdfast/fencing/agent"
	fenceexec "github.com/holdfast-ha/holdfast/fencing/executor"
	"github.com/holdfast-ha/holdfast/membership"
	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/identity"
	"github.com/holdfast-ha/holdfast/membership/wire"
)

// Daemon is one node's part of the cluster, running.
type Daemon struct {
	cfg  Config
	log  logger
	name string
	id   *identity.Identity

	machine *machine
	net     *wire.Net
	member  *membership.Member

	agents      *agentSet
	fenceAgents agent.Runner
	exec        *executor.Executor
	fenceExec   *fenceexec.Executor

	decision       atomic.Pointer[control.Decision]
	leaving        atomic.Bool
	dissolved      chan struct{} // one value: the cluster's last member left
	work           sync.WaitGroup
	defaults       core.Config
	failureTimeout atomic.Int64 // nanoseconds, as configured now
	hadUnits       bool         // belongs to runSettings
}

// Run is the daemon's life: from its files to ctx's end, or to an error that it
// can not live with. ready is called when this node has a view of the cluster.
// When ctx ends the node drains first, unless it can not.
func Run(ctx context.Context, cfg Config, ready func()) error {
	d, err := start(ctx, cfg)
	if err != nil {
		return err
	}
	return d.run(ctx, ready)
}

// start opens everything and joins nothing yet.
func start(ctx context.Context, cfg Config) (*Daemon, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.RunDir, 0o755); err != nil {
		return nil, fmt.Errorf("run-time folder: %w", err)
	}
	id, err := identity.Load(cfg.StateDir)
	if err != nil {
		return nil, err
	}
	d := &Daemon{cfg: cfg, log: cfg.Logger, id: id, name: id.Node(), machine: newMachine(), defaults: core.DefaultConfig(), dissolved: make(chan struct{}, 1)}
	d.failureTimeout.Store(int64(d.defaults.FailureTimeout))
	d.fenceAgents = agent.DefaultRunner()
	d.fenceAgents.Path = append(append([]string{}, cfg.FenceAgentPath...), d.fenceAgents.Path...)
	if d.agents, err = d.newAgentSet(); err != nil {
		return nil, err
	}
	if err := d.openMembership(ctx); err != nil {
		return nil, errors.Join(err, d.agents.close())
	}
	d.fenceExec = fenceexec.New(fenceexec.Config{
		Agents: d.fenceAgents, Devices: d.device, Clock: fenceexec.SystemClock{}, Log: d.log.Named("fencing"),
	})
	d.exec = executor.New(executor.Config{
		Node: d.name, Incarnation: d.member.View().Incarnation, Agents: d.agents.Lookup, Report: d.report,
		Secret: d.secret, Logger: d.log.Named("executor"),
	})
	return d, nil
}

// endOrphans ends calls of agents that an earlier daemon left under way. A start
// that went on after this daemon has looked would make a resource run of which
// nobody knows, so nothing is joined before they are gone. It is called with the
// node's addresses bound: a daemon that was started beside a running one fails
// there, before it could end what that one is doing.
func (d *Daemon) endOrphans(ctx context.Context) error {
	ended, err := d.agents.ocf.EndOrphans(ctx, d.name)
	if err != nil {
		return fmt.Errorf("an agent that an earlier daemon started does not end: end it, or reboot this machine: %w", err)
	}
	for _, what := range ended {
		d.log.Warn("ended what an earlier daemon left half done", "agent", what)
	}
	return nil
}

// openMembership binds the node's addresses and opens the log.
func (d *Daemon) openMembership(ctx context.Context) error {
	dir := filepath.Join(d.cfg.StateDir, "membership")
	self, err := membership.Self(dir)
	if err != nil {
		return err
	}
	life, err := membership.CountStart(dir, d.cfg.RunDir)
	if err != nil {
		return err
	}
	d.net, err = wire.Listen(wire.Config{
		Self: self, Identity: d.id, Boot: life.Boot, Incarnation: life.Incarnation, Logger: d.log.Named("wire"),
	})
	if err != nil {
		return err
	}
	if err := d.endOrphans(ctx); err != nil {
		return errors.Join(err, d.net.Close())
	}
	cfg := membership.DefaultConfig()
	cfg.Dir, cfg.RunDir, cfg.Name, cfg.Life = dir, d.cfg.RunDir, d.name, life
	cfg.Transport, cfg.App, cfg.Logger = d.net, d.machine, d.log.Named("membership")
	d.member, err = membership.Open(ctx, cfg)
	if err != nil {
		return errors.Join(err, d.net.Close())
	}
	d.net.HandleJoins(d.admit)
	return nil
}

// run is the daemon at work.
func (d *Daemon) run(ctx context.Context, ready func()) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	servers, err := d.serve(life)
	if err != nil {
		end()
		return errors.Join(err, d.close())
	}
	for _, loop := range []func(context.Context){
		d.runController, d.runJoin, d.runExecutor, d.runFencer, d.runIsolation, d.runSettings, d.runNotify,
	} {
		d.work.Go(func() { loop(life) })
	}
	ready()
	select {
	case <-ctx.Done():
		d.leave()
	case <-d.dissolved:
		err = core.ErrRemoved
	case <-d.member.Done():
		err = d.member.Err()
	}
	removed := errors.Is(err, core.ErrRemoved)
	if removed {
		err = nil
	}
	end()
	servers()
	err = errors.Join(err, d.close())
	if removed {
		err = errors.Join(err, d.forgetCluster())
	}
	return err
}

func (d *Daemon) close() error {
	d.exec.Close()
	d.work.Wait()
	return errors.Join(d.member.Close(), d.agents.close())
}

// runExecutor hands each new state to the executor.
func (d *Daemon) runExecutor(ctx context.Context) {
	for {
		changed := d.machine.bell.wait()
		d.exec.Sync(d.machine.State())
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// serve opens the control socket and the API for other nodes.
func (d *Daemon) serve(ctx context.Context) (stop func(), err error) {
	socket := d.cfg.SocketPath()
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	local, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), local.Close())
	}
	server := api.NewServer(d, d.log.Named("api"))
	remote := d.net.Listener("http/1.1")
	for _, l := range []net.Listener{local, remote} {
		d.work.Go(func() {
			if err := server.Serve(l); err != nil && ctx.Err() == nil {
				d.log.Error("the API does not answer any more", "error", err)
			}
		})
	}
	return func() {
		wait, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(wait) // what does not end by then is cut
	}, nil
}
