package systemd_test

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/contract"
	"github.com/holdfast-ha/holdfast/agents/systemd"
	"github.com/holdfast-ha/holdfast/agents/systemd/fake"
)

// newBusHost is a host whose systemd is behind a message bus, which passes on
// only what was asked for.
func newBusHost(t *testing.T) (h *host, bus string) {
	t.Helper()
	path, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("left out: needs dbus-daemon")
	}
	h = newHost(t)
	cmd := exec.Command(path, "--session", "--nofork", "--print-address", "--address=unix:path="+t.TempDir()+"/bus")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	bus = strings.TrimSpace(line)
	if err := h.Join(bus); err != nil {
		t.Fatal(err)
	}
	h.agent = systemd.New(systemd.Config{
		Endpoints: []systemd.Endpoint{{Address: bus, Bus: true}},
		OwnUnit:   "holdfast.service", DropInDir: t.TempDir(),
	})
	t.Cleanup(func() { h.agent.Close() })
	return h, bus
}

func TestContractOverABus(t *testing.T) {
	h, _ := newBusHost(t)
	contract.Test(t, contract.Subject{
		Agent: h.agent,
		New:   func(*testing.T) agents.Request { return h.add(fake.Unit{}) },
		Hang:  func(*testing.T) agents.Request { return h.add(fake.Unit{StartHangs: true}) },
		Break: h.breakUnit,
	})
}

// systemd leaves the bus and comes back under the same name.
func TestReexecOverABus(t *testing.T) {
	h, bus := newBusHost(t)
	req := h.add(fake.Unit{Name: "web.service"})
	expect(t, h.do(req, agents.Start, time.Second), "ok")
	events := make(chan agents.Event, 64)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- h.agent.Watch(ctx, req, func(e agents.Event) { events <- e }) }()
	for range 20 {
		h.Disconnect()
		back := make(chan error)
		time.AfterFunc(20*time.Millisecond, func() { back <- h.Join(bus) })
		expect(t, h.do(req, agents.Monitor, 5*time.Second), "ok")
		if err := <-back; err != nil {
			t.Fatal(err)
		}
	}
	select {
	case e := <-events:
		t.Errorf("event without a cause: %s", e.Reason)
	default:
	}
	h.breakUnit(t, req)
	if e := <-events; !strings.Contains(e.Reason, "web.service") {
		t.Errorf("odd event: %s", e.Reason)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
