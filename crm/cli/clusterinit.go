package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/daemon"
	"github.com/holdfast-ha/holdfast/membership"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

// member is what init and join need to know of this machine.
type member struct {
	stateDir  string
	name      string
	addresses []string
	links     []string
	port      int
	noStart   bool
}

func (m *member) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.stateDir, "state-dir", stateDir(), "folder of identity, log and secrets (HOLDFAST_STATE)")
	f.StringVar(&m.name, "name", "", "name of this node (default: the host's name)")
	f.StringSliceVar(&m.addresses, "address", nil, "address of this node, IP or IP:PORT, one per network (default: of the default route)")
	f.StringSliceVar(&m.links, "link", nil, "network interfaces to use, instead of --address: eth0,eth1")
	f.IntVar(&m.port, "port", 7413, "port, where an address has none")
	f.BoolVar(&m.noStart, "no-start", false, "do not start the daemon")
}

// complete fills in what was not said.
func (m *member) complete() error {
	var err error
	if m.stateDir, err = filepath.Abs(m.stateDir); err != nil {
		return exitf(ExitUsage, "%w", err)
	}
	if m.name == "" {
		host, err := os.Hostname()
		if err != nil {
			return exitf(ExitUnavailable, "this host's name: %w; name the node with --name", err)
		}
		m.name, _, _ = strings.Cut(host, ".")
	}
	if err := identity.CheckName("node name", m.name); err != nil {
		return exitf(ExitUsage, "%w", err)
	}
	if m.addresses, err = addresses(m.addresses, m.links, m.port); err != nil {
		return err
	}
	return nil
}

// vacant refuses a machine that belongs to a cluster.
func (m *member) vacant() error {
	id, err := identity.Load(m.stateDir)
	switch {
	case errors.Is(err, identity.ErrNone):
		return nil
	case errors.Is(err, fs.ErrPermission):
		return exitf(ExitNoPermission, "%w: run this as root", err)
	case err != nil:
		return exitf(ExitConfig, "%w", err)
	}
	return exitf(ExitExists, "this machine is node %s of cluster %s already: 'crm cluster leave' first", id.Node(), id.ClusterName())
}

// writable makes the state folder, and says what is wrong when that fails.
func (m *member) writable() error {
	err := os.MkdirAll(m.stateDir, 0o700)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return exitf(ExitNoPermission, "%w: run this as root, or choose another folder with --state-dir", err)
	case err != nil:
		return exitf(ExitCannotCreate, "%w", err)
	}
	return nil
}

func (m *member) place() daemon.Place {
	return daemon.Place{StateDir: m.stateDir, Node: m.name, Addresses: m.addresses, Version: Version}
}

// placeCode is the exit code of an error that came from the state folder.
func placeCode(err error) ExitCode {
	switch {
	case errors.Is(err, membership.ErrExists):
		return ExitExists
	case errors.Is(err, fs.ErrPermission):
		return ExitNoPermission
	}
	return ExitCannotCreate
}

// Founded is the answer of init.
type Founded struct {
	Cluster   string     `json:"cluster"`
	Node      string     `json:"node"`
	Addresses []string   `json:"addresses"`
	Started   bool       `json:"started"`
	Token     *api.Token `json:"token,omitempty"`
}

func newClusterInit(app *App) *cobra.Command {
	m := &member{}
	cmd := &cobra.Command{
		Use:   "init [NAME]",
		Short: "Make a new cluster with this machine as its first node",
		Long: `Make a new cluster with this machine as its first node, start the daemon where
systemd runs, and print the command with which each other machine joins.`,
		Example: "  crm cluster init prod\n  crm cluster init prod --link eth0,eth1\n  crm cluster init lab --name n1 --address 127.0.0.1:7501 --state-dir /tmp/n1",
		Args:    takes(0, 1, "at most the cluster's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "holdfast"
			if len(args) > 0 {
				name = args[0]
			}
			return app.clusterInit(cmd.Context(), name, m)
		},
	}
	m.flags(cmd)
	return cmd
}

func (a *App) clusterInit(ctx context.Context, name string, m *member) error {
	if err := identity.CheckName("cluster name", name); err != nil {
		return exitf(ExitUsage, "%w", err)
	}
	if err := m.complete(); err != nil {
		return err
	}
	if err := m.vacant(); err != nil {
		return err
	}
	if err := m.writable(); err != nil {
		return err
	}
	if err := daemon.InitCluster(m.place(), name, time.Now()); err != nil {
		return &ExitError{Code: placeCode(err), Err: err}
	}
	var err error
	out := &Founded{Cluster: name, Node: m.name, Addresses: m.addresses}
	if out.Started, err = a.startDaemon(ctx, m); err != nil {
		return err
	}
	if out.Started {
		if out.Token, err = a.API().Token(ctx, 0); err != nil {
			return err
		}
	}
	return a.show(out, func() string { return foundedText(out, m) })
}

func foundedText(f *Founded, m *member) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Links      %s\n", strings.Join(f.Addresses, "   "))
	b.WriteString("Fencing    none yet: resources do not start before a fence device works (see 'crm configure')\n")
	if !f.Started {
		fmt.Fprintf(&b, "Cluster %q is made, with node %s. Start its daemon:\n  %s\nThen, for each other machine: crm cluster token\n", f.Cluster, f.Node, agentCommand(m))
		return b.String()
	}
	fmt.Fprintf(&b, "Cluster %q is up. On the next machine, within 1 h:\n  %s\nOne token for each: crm cluster token\n", f.Cluster, f.Token.Command)
	return b.String()
}

func agentCommand(m *member) string {
	if m.stateDir == "/var/lib/holdfast" {
		return "crm agent"
	}
	return "crm agent --state-dir " + m.stateDir + " --run-dir DIR"
}
