package ocf_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
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
