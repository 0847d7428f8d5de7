package demo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/hosts"
)

// namespaces is the stage with hosts that have a network of their own.
type namespaces struct {
	cfg Config
	lab *hosts.Lab
}

// rcLocal starts a host's daemon at each boot, once it belongs to a cluster.
const rcLocal = `#!/bin/sh
[ -d /var/lib/holdfast/membership ] || exit 0
exec setsid /usr/bin/crm agent </dev/null >>/var/log/holdfast.log 2>&1
`

func newNamespaces(cfg Config) (*namespaces, error) {
	if missing := hosts.Missing(false); len(missing) > 0 {
		return nil, fmt.Errorf("crm demo --hosts %s; without --hosts the demo runs for every user", missing[0])
	}
	return &namespaces{cfg: cfg}, nil
}

// open boots the hosts and runs the commands that an administrator would.
func (n *namespaces) open(ctx context.Context, tell func(node, text string)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, stepLimit, fmt.Errorf("the hosts were not up within %v", stepLimit))
	defer cancel()
	var err error
	n.lab, err = hosts.New(ctx, hosts.Config{Count: len(nodes), Logger: n.cfg.Logger, Files: []hosts.File{
		{Path: "/usr/bin/crm", Mode: 0o755, From: n.cfg.Executable},
		{Path: "/usr/lib/holdfast/fence/fence_hosts", Link: "/usr/bin/crm"},
		{Path: "/etc/rc.local", Mode: 0o755, Data: []byte(rcLocal)},
	}})
	if err != nil {
		return err
	}
	if err := n.lab.ServeFencing(n.lab.Power()); err != nil {
		return err
	}
	for _, name := range nodes {
		if err := n.join(ctx, name, tell); err != nil {
			return err
		}
	}
	return nil
}

// join makes a host a member: the first one of a new cluster.
func (n *namespaces) join(ctx context.Context, name string, tell func(node, text string)) error {
	first := n.client(nodes[0])
	defer first.Close()
	address := n.lab.Address(name, 0).String()
	command := []string{"crm", "cluster", "init", "demo"}
	if name != nodes[0] {
		token, err := first.Token(ctx, time.Minute)
		if err != nil {
			return err
		}
		command = []string{"crm", "cluster", "join", token.Token}
	}
	if _, err := n.lab.Exec(ctx, name, append(command, "--name", name, "--address", address, "--no-start")...); err != nil {
		return err
	}
	if _, err := n.lab.Exec(ctx, name, "sh", "-c", "/etc/rc.local >/dev/null 2>&1 &"); err != nil {
		return err
	}
	if err := await(ctx, first, up(name)); err != nil {
		return err
	}
	tell(name, fmt.Sprintf("is up: crm %s, address %s", strings.Join(command[1:3], " "), address))
	return nil
}

// client asks through the host's own root, as seen from outside.
func (n *namespaces) client(name string) *api.Client {
	return api.NewClient(n.lab.Path(name, "/run/holdfast/crm.sock"))
}

func (n *namespaces) kill(name string) error { return n.lab.Kill(name) }

func (n *namespaces) service() netip.AddrPort { return netip.MustParseAddrPort("10.77.0.100:8080") }

func (n *namespaces) probe() *hosts.Probe { return n.lab.ProbeHTTP(n.service()) }

func (n *namespaces) configuration() string {
	return fmt.Sprintf(`cluster "demo" {}

fence "fence_hosts" "power" { # kills a host, and boots it again
  targets = [n1, n2, n3]
  socket  = %q
  op "monitor" { interval = "10s" }
}

defaults "resource" { resource-stickiness = 100 }

group "service" {
  resource "vip" "address" {
    ip = "%v/24"
    op "monitor" { interval = "10s" }
  }
  resource "process" "web" {
    command = "/usr/bin/crm demo-web %v"
    ready   = "tcp:%v"
    op "monitor" { interval = "10s" }
  }
}
`, hosts.FenceSocket, n.service().Addr(), n.service(), n.service())
}

func (n *namespaces) place() string { return "network namespaces" }

func (n *namespaces) hints() []string {
	var hints []string
	for _, name := range nodes {
		hints = append(hints, fmt.Sprintf("HOLDFAST_SOCKET=%s crm status    # %s", n.lab.Path(name, "/run/holdfast/crm.sock"), name))
	}
	return hints
}

// close ends the hosts. After a failure it saves their logs.
func (n *namespaces) close(failed bool) error {
	if n.lab == nil {
		return nil
	}
	var errs []error
	if failed {
		errs = append(errs, n.saveLogs())
	}
	return errors.Join(append(errs, n.lab.Close())...)
}

func (n *namespaces) saveLogs() error {
	dir, err := os.MkdirTemp("", "holdfast-demo-")
	if err != nil {
		return err
	}
	for _, name := range nodes {
		log, err := n.lab.Read(name, "/var/log/holdfast.log")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".log"), log, 0o600)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("the logs are in %s", dir)
}
