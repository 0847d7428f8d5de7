package systemd_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/contract"
	"github.com/holdfast-ha/holdfast/agents/systemd"
	"github.com/holdfast-ha/holdfast/agents/systemd/fake"
)

// host is a fake systemd and an agent that talks to it.
type host struct {
	*fake.Manager
	agent *systemd.Agent
	units atomic.Int32
}

func newHost(t *testing.T) *host {
	t.Helper()
	m, err := fake.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Manager: m, agent: systemd.New(systemd.Config{
		Endpoints: []systemd.Endpoint{{Address: m.Address()}},
		OwnUnit:   "holdfast.service",
		DropInDir: t.TempDir(),
	})}
	t.Cleanup(func() {
		h.agent.Close()
		m.Close()
	})
	return h
}

// add makes a unit known and gives a request for it.
func (h *host) add(u fake.Unit) agents.Request {
	if u.Name == "" {
		u.Name = fmt.Sprintf("unit%d.service", h.units.Add(1))
	}
	h.Add(u)
	return request(u.Name)
}

func request(unit string) agents.Request {
	return agents.Request{
		Resource: "r-" + unit, Node: "n1", Timeout: 5 * time.Second,
		Agent: agents.Spec{Class: "systemd", Type: unit},
	}
}

// breakUnit kills the main process, and returns when it is dead.
func (h *host) breakUnit(t *testing.T, req agents.Request) {
	pid := h.PID(req.Agent.Type)
	if pid == 0 {
		t.Fatalf("%s has no main process", req.Agent.Type)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		t.Fatal(err)
	}
	for n := 0; n == 0; {
		n, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
	}
}

func TestContract(t *testing.T) {
	h := newHost(t)
	contract.Test(t, contract.Subject{
		Agent:       h.agent,
		New:         func(*testing.T) agents.Request { return h.add(fake.Unit{}) },
		Hang:        func(*testing.T) agents.Request { return h.add(fake.Unit{StartHangs: true}) },
		Break:       h.breakUnit,
		EventWithin: 100 * time.Millisecond,
	})
}

func TestContractOfTheHoldfastClass(t *testing.T) {
	h := newHost(t)
	named := func(unit string) agents.Request {
		h.Add(fake.Unit{Name: unit})
		req := request(unit)
		req.Agent = agents.Spec{Class: "holdfast", Type: "systemd"}
		req.Params = map[string]string{"unit": unit}
		return req
	}
	contract.Test(t, contract.Subject{
		Agent: h.agent,
		New:   func(*testing.T) agents.Request { return named(fmt.Sprintf("app%d.socket", h.units.Add(1))) },
		Bad: []contract.Bad{
			{Names: "unit", Params: map[string]string{"unit": "web@.service"}},
			{Names: "unit", Params: map[string]string{"unit": "a b"}},
		},
	})
}
