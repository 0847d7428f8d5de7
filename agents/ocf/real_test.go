package ocf_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/contract"
	"github.com/holdfast-ha/holdfast/agents/ocf"
)

// installed is the class with the agents of this machine.
func installed(t *testing.T) *ocf.Agent {
	t.Helper()
	cfg := ocf.DefaultConfig()
	if _, err := os.Stat(filepath.Join(cfg.Root, "resource.d", "heartbeat", "Dummy")); err != nil {
		t.Skip("left out: needs the package resource-agents (apt-get install --no-install-recommends resource-agents)")
	}
	cfg.RunDir = t.TempDir()
	a, err := ocf.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRealDummy(t *testing.T) {
	contract.Test(t, contract.Subject{
		Agent: installed(t),
		New: func(t *testing.T) agents.Request {
			return heartbeat("Dummy", map[string]string{"state": filepath.Join(t.TempDir(), "state")})
		},
		Break: func(t *testing.T, req agents.Request) {
			if err := os.Remove(req.Params["state"]); err != nil {
				t.Fatal(err)
			}
		},
	})
}

func TestRealDelay(t *testing.T) {
	delay := func(start string) func(*testing.T) agents.Request {
		return func(*testing.T) agents.Request {
			return heartbeat("Delay", map[string]string{"startdelay": start, "stopdelay": "0", "mondelay": "0"})
		}
	}
	contract.Test(t, contract.Subject{
		Agent: installed(t), New: delay("0"), Hang: delay("70"),
		Waive: map[string]string{"an unknown action is unsupported": "this agent answers with code 2"},
	})
}

const inNamespace = "OCF_TEST_IN_NAMESPACE"

// The address agent works in a network namespace of its own: it starts, is
// seen, stops, and fails with a reason that people understand.
func TestRealIPaddr2(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		if os.Geteuid() != 0 {
			t.Skip("left out: needs root (to make a network namespace)")
		}
		installed(t)
		cmd := exec.Command(os.Args[0], "-test.run=^TestRealIPaddr2$", "-test.v")
		cmd.Env = append(os.Environ(), inNamespace+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Skipf("left out: needs ip from iproute2 (%v %s)", err, out)
	}
	a := installed(t)
	good := heartbeat("IPaddr2", map[string]string{"ip": "10.9.8.7", "cidr_netmask": "32", "nic": "lo"})
	bad := heartbeat("IPaddr2", map[string]string{"ip": "10.9.8.7", "nic": "nosuch0"})
	for _, step := range []struct {
		req    agents.Request
		action agents.Action
		want   string
	}{
		{good, agents.Monitor, "not running"},
		{good, agents.Start, "ok"},
		{good, agents.Start, "ok"},
		{good, agents.Monitor, "ok"},
		{good, agents.Stop, "ok"},
		{good, agents.Stop, "ok"},
		{good, agents.Monitor, "not running"},
		{bad, agents.Start, "not configured: "},
		{bad, agents.Stop, "ok"},
	} {
		step.req.Action = step.action
		if got := a.Run(context.Background(), step.req); !strings.HasPrefix(got.String(), step.want) {
			t.Errorf("%s: %s, want %s\n%s", step.action, got, step.want, got.Output)
		}
	}
}

var instances atomic.Int64

// heartbeat is a request for a new instance of an agent of that provider.
func heartbeat(name string, params map[string]string) agents.Request {
	return agents.Request{
		Resource: fmt.Sprintf("%s%d", name, instances.Add(1)), Agent: agents.Spec{Class: "ocf", Provider: "heartbeat", Type: name},
		Timeout: 20 * time.Second, Params: params, Node: "n1",
	}
}

// Every agent that is installed describes itself in a way that is understood.
func TestRealMetadata(t *testing.T) {
	a := installed(t)
	specs := a.List()
	var parameters int
	for _, spec := range specs {
		m, err := a.Metadata(context.Background(), spec)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		parameters += len(m.Parameters)
		for _, action := range []agents.Action{agents.Start, agents.Stop, agents.Monitor} {
			if !m.Offers(action) {
				t.Errorf("%s does not offer %s", spec, action)
			}
		}
	}
	t.Logf("%d agents, %d parameters", len(specs), parameters)
}
