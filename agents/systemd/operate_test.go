package systemd_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/systemd"
	"github.com/holdfast-ha/holdfast/agents/systemd/fake"
)

// do runs one action and renders the result.
func (h *host) do(req agents.Request, action agents.Action, timeout time.Duration) string {
	req.Action, req.Timeout = action, timeout
	return h.agent.Run(context.Background(), req).String()
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
}

func TestReasons(t *testing.T) {
	h := newHost(t)
	const long = 5 * time.Second
	missing := request("missing.service")
	expect(t, h.do(missing, agents.Start, long), "Not installed: unit missing.service is not installed on this node")
	expect(t, h.do(missing, agents.Monitor, long), "Not installed: unit missing.service is not installed on this node")
	expect(t, h.do(missing, agents.Stop, long), "ok")

	masked := h.add(fake.Unit{Name: "masked.service", Load: "masked"})
	expect(t, h.do(masked, agents.Start, long), "not configured: unit masked.service is masked; unmask it with: systemctl unmask masked.service")
	expect(t, h.do(masked, agents.Monitor, long), "not running")

	broken := h.add(fake.Unit{Name: "broken.service", Load: "bad-setting", LoadError: "ExecStart= is missing"})
	expect(t, h.do(broken, agents.Start, long), "not configured: unit broken.service cannot be loaded (bad-setting): ExecStart= is missing")

	failing := h.add(fake.Unit{Name: "failing.service", StartResult: "failed"})
	expect(t, h.do(failing, agents.Start, long), "error: failing.service did not start: main process exited with status 3; it is failed (failed)")
	expect(t, h.do(failing, agents.Monitor, long), "not running: main process exited with status 3")

	lonely := h.add(fake.Unit{Name: "lonely.service", StartResult: "dependency"})
	expect(t, h.do(lonely, agents.Start, long), "error: lonely.service did not start: a unit that it needs could not be started; see systemctl list-dependencies; it is inactive (dead)")

	killed := h.add(fake.Unit{Name: "killed.service"})
	expect(t, h.do(killed, agents.Start, long), "ok")
	h.breakUnit(t, killed)
	expect(t, h.do(killed, agents.Monitor, long), "not running: main process killed by signal 9 (SIGKILL)")
	expect(t, h.do(killed, agents.Promote, long), `Not supported: a systemd unit has no action "promote"`)
}

func TestDeadlines(t *testing.T) {
	h := newHost(t)
	const short, long = 100 * time.Millisecond, 5 * time.Second
	slow := h.add(fake.Unit{Name: "slow.service", StartHangs: true})
	expect(t, h.do(slow, agents.Start, short), "Timed Out: start of slow.service did not finish in time; it is activating (start); its job was cancelled")
	expect(t, h.do(slow, agents.Monitor, short), "Timed Out: monitor of slow.service did not finish in time; it is activating (start)")
	expect(t, h.do(slow, agents.Stop, long), "ok")

	stuck := h.add(fake.Unit{Name: "stuck.service", StopHangs: true})
	expect(t, h.do(stuck, agents.Start, long), "ok")
	expect(t, h.do(stuck, agents.Stop, short), "Timed Out: stop of stuck.service did not finish in time; it is deactivating (stop-sigterm); its job was cancelled")
	expect(t, h.do(stuck, agents.Monitor, short), "Timed Out: monitor of stuck.service did not finish in time; it is deactivating (stop-sigterm)")
	released := time.AfterFunc(short, func() { h.Release("stuck.service") })
	defer released.Stop()
	expect(t, h.do(stuck, agents.Monitor, long), "not running")
}

// A daemon-reexec breaks the connection. That is no failure of any unit, and a
// watch is as good afterwards as before.
func TestReexec(t *testing.T) {
	h := newHost(t)
	req := h.add(fake.Unit{Name: "web.service"})
	expect(t, h.do(req, agents.Start, time.Second), "ok")
	events := make(chan agents.Event, 64)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- h.agent.Watch(ctx, req, func(e agents.Event) { events <- e }) }()
	for range 100 {
		h.Disconnect()
		expect(t, h.do(req, agents.Monitor, 5*time.Second), "ok")
	}
	select {
	case e := <-events:
		t.Errorf("event without a cause: %s", e.Reason)
	default:
	}
	h.Disconnect()
	began := time.Now()
	h.breakUnit(t, req)
	e := <-events
	t.Logf("noticed after %s: %s", time.Since(began), e.Reason)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A start that waits for its job hears of its end although the connection was
// lost in between.
func TestReexecDuringAJob(t *testing.T) {
	h := newHost(t)
	req := h.add(fake.Unit{Name: "stuck.service", StopHangs: true})
	expect(t, h.do(req, agents.Start, time.Second), "ok")
	done := make(chan string)
	go func() { done <- h.do(req, agents.Stop, 10*time.Second) }()
	h.Await("stuck.service", "deactivating")
	h.Disconnect()
	h.Release("stuck.service") // nobody may be connected to hear it
	expect(t, <-done, "ok")
}

func TestWithoutSystemd(t *testing.T) {
	a := systemd.New(systemd.Config{Endpoints: []systemd.Endpoint{{Address: "unix:path=" + t.TempDir() + "/none"}}})
	defer a.Close()
	req := request("web.service")
	req.Action, req.Timeout = agents.Monitor, 100*time.Millisecond
	r := a.Run(context.Background(), req)
	if r.Status != agents.TimedOut || !strings.Contains(r.Reason, "no answer from systemd") {
		t.Errorf("got %s", r)
	}
	req.Timeout = 10 * time.Second
	r = a.Run(context.Background(), req)
	if r.Status != agents.Failed || !strings.Contains(r.Reason, "is it running?") {
		t.Errorf("got %s", r)
	}
}

// While our own unit has a job, stops leave the order of units aside.
func TestStopWhileOurOwnUnitStops(t *testing.T) {
	h := newHost(t)
	web := h.add(fake.Unit{Name: "web.service"})
	db := h.add(fake.Unit{Name: "db.service"})
	own := h.add(fake.Unit{Name: "holdfast.service", StopHangs: true})
	for _, req := range []agents.Request{web, db, own} {
		expect(t, h.do(req, agents.Start, time.Second), "ok")
	}
	expect(t, h.do(web, agents.Stop, time.Second), "ok")
	h.do(own, agents.Stop, 50*time.Millisecond)
	h.Queue("holdfast.service", "stop") // as systemctl does: the job stays
	expect(t, h.do(db, agents.Stop, time.Second), "ok")
	if web, db := h.Mode("web.service"), h.Mode("db.service"); web != "replace" || db != "ignore-dependencies" {
		t.Errorf("stopped web with mode %q and db with mode %q", web, db)
	}
}
