package process_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/contract"
	"github.com/holdfast-ha/holdfast/agents/process"
)

// TestMain is also the daemon of TestSurvivesTheDaemon: it starts one resource
// in the run directory given, says so, and waits for its own end.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "daemon" {
		a, err := process.New(os.Args[2], nil)
		if err != nil {
			panic(err)
		}
		fmt.Println(a.Run(context.Background(), request("web", agents.Start, "sleep 1000")))
		select {}
	}
	os.Exit(m.Run())
}

func request(resource string, action agents.Action, command string) agents.Request {
	return agents.Request{
		Resource: resource, Agent: agents.Spec{Class: "holdfast", Type: "process"}, Action: action,
		Timeout: 10 * time.Second, Params: map[string]string{"command": command}, Node: "n1",
	}
}

// runner is an agent with a directory of its own, for tests.
type runner struct {
	*process.Agent
	t   *testing.T
	dir string
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	dir := t.TempDir()
	a, err := process.New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &runner{Agent: a, t: t, dir: dir}
}

// do runs an action and expects the result to begin as told.
func (r *runner) do(req agents.Request, action agents.Action, want string) agents.Result {
	r.t.Helper()
	req.Action = action
	got := r.Run(context.Background(), req)
	if !strings.HasPrefix(got.String(), want) {
		r.t.Fatalf("%s %s: %q, want %q", action, req.Resource, got, want)
	}
	return got
}

// started starts the resource, and stops it at the test's end.
func (r *runner) started(req agents.Request) int {
	r.t.Helper()
	r.t.Cleanup(func() { r.do(req, agents.Stop, "ok") })
	r.do(req, agents.Start, "ok")
	return r.pid(req.Resource)
}

func (r *runner) pid(resource string) int {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, resource+".pid"))
	if err != nil {
		r.t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	n, err := strconv.Atoi(first)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func (r *runner) read(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

func TestContract(t *testing.T) {
	r := newRunner(t)
	n := 0
	fresh := func(*testing.T) agents.Request {
		n++
		return request(fmt.Sprintf("p%d", n), "", "sleep 1000")
	}
	contract.Test(t, contract.Subject{
		Agent: r.Agent,
		New:   fresh,
		Hang: func(t *testing.T) agents.Request {
			req := fresh(t)
			req.Params["ready"] = filepath.Join(r.dir, "never")
			return req
		},
		Break: func(t *testing.T, req agents.Request) {
			if err := syscall.Kill(r.pid(req.Resource), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			awaitDeath(t, r.pid(req.Resource))
		},
		Bad: []contract.Bad{
			{Names: "command", Params: map[string]string{"command": "sleep 'x"}},
			{Names: "directory", Params: map[string]string{"directory": "tmp"}},
			{Names: "environment", Params: map[string]string{"environment": "A"}},
			{Names: "environment", Params: map[string]string{"environment": "HOLDFAST_PIDFILE=/x"}},
			{Names: "pidfile", Params: map[string]string{"pidfile": "x.pid"}},
			{Names: "stop-signal", Params: map[string]string{"stop-signal": "NONE"}},
			{Names: "stop-signal", Params: map[string]string{"stop-signal": "STOP"}},
			{Names: "kill-after", Params: map[string]string{"kill-after": "-1s"}},
			{Names: "ready", Params: map[string]string{"ready": "tcp:80"}},
			{Names: "ready", Params: map[string]string{"ready": "udp:x:80"}},
			{Names: "ready", Params: map[string]string{"ready": "http://"}},
		},
	})
}

// awaitState returns once the process is in one of the states: kill returns
// before the signal did its work.
func awaitState(t *testing.T, pid int, states string) {
	t.Helper()
	limit := time.After(5 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(states, state(pid)) {
		select {
		case <-limit:
			t.Fatalf("process %d is in state %s, want one of %s", pid, state(pid), states)
		case <-tick.C:
		}
	}
}

func awaitDeath(t *testing.T, pid int) {
	t.Helper()
	awaitState(t, pid, "XZ")
}

// state is the kernel's letter for the process's state, X if there is none.
func state(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "X"
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return after[:1]
}

func alive(pid int) bool { return !strings.Contains("XZ", state(pid)) }

// The daemon is killed, its successor finds the very process, watches it,
// and stops it; the signal that ended it is unknown then.
func TestSurvivesTheDaemon(t *testing.T) {
	r := newRunner(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command(self, "daemon", r.dir)
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	_ = daemon.Process.Kill()
	_ = daemon.Wait()
	req := request("web", "", "sleep 1000")
	t.Cleanup(func() { r.do(req, agents.Stop, "ok") })
	if line != "ok\n" {
		t.Fatalf("the daemon's start says %q", line)
	}
	pid := r.pid("web")
	r.do(req, agents.Monitor, "ok")
	r.do(req, agents.Start, "ok")
	if again := r.pid("web"); again != pid {
		t.Fatalf("a second process was started: %d beside %d", again, pid)
	}
	events := make(chan agents.Event, 8)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.Watch(ctx, req, func(e agents.Event) { events <- e }) }()
	_ = syscall.Kill(pid, syscall.SIGKILL)
	select {
	case e := <-events:
		if want := fmt.Sprintf("main process %d is gone", pid); e.Reason != want {
			t.Errorf("event %q, want %q", e.Reason, want)
		}
	case <-time.After(5 * time.Second):
		t.Error("the death of an adopted process was not noticed")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	r.do(req, agents.Monitor, "not running")
}

// A watch tells how the process ended, and says nothing of an ordered stop.
func TestWatchTellsHow(t *testing.T) {
	r := newRunner(t)
	req := request("web", "", `sh -c 'trap "exit 3" USR1; while :; do sleep 0.01; done'`)
	pid := r.started(req)
	events := make(chan agents.Event, 8)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.Watch(ctx, req, func(e agents.Event) { events <- e }) }()
	_ = syscall.Kill(pid, syscall.SIGUSR1)
	if e := <-events; e.Reason != fmt.Sprintf("main process %d exited with code 3", pid) {
		t.Errorf("event %q", e.Reason)
	}
	r.do(req, agents.Monitor, "not running: main process")
	r.do(req, agents.Start, "ok")
	r.do(req, agents.Stop, "ok")
	r.do(req, agents.Start, "ok")
	_ = syscall.Kill(r.pid("web"), syscall.SIGSEGV)
	if e := <-events; !strings.Contains(e.Reason, "killed by signal 11") {
		t.Errorf("after a stop, a start and a crash the event is %q", e.Reason)
	}
	cancel()
	if err := <-ended; err != nil || len(events) != 0 {
		t.Errorf("watch ended with %v and %d more events", err, len(events))
	}
}

// A process that has the recorded pid, but is not the recorded process, is left alone.
func TestRecycledPidIsNotOurs(t *testing.T) {
	r := newRunner(t)
	req := request("web", "", "sleep 1000")
	r.started(req)
	record := r.read("web.pid")
	stranger := exec.Command("sleep", "1000")
	stranger.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })
	r.do(req, agents.Stop, "ok")
	forged := strings.Replace(record, strings.SplitN(record, "\n", 2)[0], strconv.Itoa(stranger.Process.Pid), 1)
	otherBoot := fmt.Sprintf("%d\nborn 1\nboot another\n", stranger.Process.Pid)
	for _, text := range []string{forged, otherBoot, strconv.Itoa(stranger.Process.Pid) + "\n", "garbage", ""} {
		if err := os.WriteFile(filepath.Join(r.dir, "web.pid"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		r.do(req, agents.Monitor, "not running")
		r.do(req, agents.Stop, "ok")
		if !alive(stranger.Process.Pid) {
			t.Fatalf("with the record %q, stop killed a stranger", text)
		}
	}
}

// The pid file is lost; the process is found by its mark, not started again, and stopped.
func TestLostPidfile(t *testing.T) {
	r := newRunner(t)
	req := request("web", "", "sleep 1000")
	pid := r.started(req)
	if err := os.Remove(filepath.Join(r.dir, "web.pid")); err != nil {
		t.Fatal(err)
	}
	r.do(req, agents.Monitor, "ok")
	r.do(req, agents.Start, "ok")
	r.do(req, agents.Stop, "ok")
	if alive(pid) {
		t.Error("the process survived the stop")
	}
}

// The main process dies and leaves a child: that is a failure, not "not
// running"; start and stop clear it away.
func TestChildrenLeftBehind(t *testing.T) {
	for _, next := range []agents.Action{agents.Start, agents.Stop} {
		r := newRunner(t)
		file := filepath.Join(r.dir, "child")
		req := request("web", "", fmt.Sprintf("sh -c 'sleep 1000 & echo $! >%[1]s.new; mv %[1]s.new %[1]s; wait'", file))
		req.Params["ready"] = file
		main := r.started(req)
		child, _ := strconv.Atoi(strings.TrimSpace(r.read("child")))
		_ = syscall.Kill(main, syscall.SIGKILL)
		awaitDeath(t, main)
		got := r.do(req, agents.Monitor, "error: main process")
		if !strings.Contains(got.Reason, fmt.Sprintf("its children [%d] still run", child)) {
			t.Errorf("reason %q", got.Reason)
		}
		r.do(req, next, "ok")
		if alive(child) {
			t.Errorf("%s left the child alone", next)
		}
	}
}

// What ignores the stop signal is killed, all of its session; in time.
func TestStubbornProcessIsKilled(t *testing.T) {
	r := newRunner(t)
	file := filepath.Join(r.dir, "up")
	req := request("web", "", fmt.Sprintf(`sh -c "trap '' TERM; sh -c 'trap \"\" TERM; sleep 1000 & sleep 1000' & echo >%s; wait; sleep 1000"`, file))
	req.Params["ready"], req.Params["kill-after"] = file, "100ms"
	pid := r.started(req)
	res := r.do(req, agents.Stop, "ok")
	if took := res.Finished.Sub(res.Started); took < 100*time.Millisecond || took > 3*time.Second || alive(pid) {
		t.Errorf("stop took %s, alive: %t", took, alive(pid))
	}
}

func TestStopSignal(t *testing.T) {
	r := newRunner(t)
	up := filepath.Join(r.dir, "up")
	req := request("web", "", fmt.Sprintf("sh -c 'trap \"echo orderly; exit\" QUIT; echo >%s; while :; do sleep 0.01; done'", up))
	req.Params["stop-signal"], req.Params["ready"] = "SIGQUIT", up
	pid := r.started(req)
	_ = syscall.Kill(pid, syscall.SIGSTOP) // halted: a deep monitor sees it, and stop works all the same
	awaitState(t, pid, "T")
	deep := req
	deep.Params = map[string]string{"command": "x", "OCF_CHECK_LEVEL": "10"}
	r.do(deep, agents.Monitor, "error: process "+strconv.Itoa(pid)+" is halted")
	r.do(req, agents.Monitor, "ok")
	r.do(req, agents.Stop, "ok")
	if log := r.read("web.log"); !strings.HasSuffix(log, "orderly\n") { // the shell may tell of its child's end first
		t.Errorf("log %q", log)
	}
}

func TestStartThatDies(t *testing.T) {
	r := newRunner(t)
	for command, want := range map[string]string{
		"sh -c 'echo no licence; exit 4'": "error: main process",
		"no-such-program":                 "not installed: parameter command: there is no executable no-such-program on this node",
		"./no-such-program":               "not installed: parameter command",
	} {
		got := r.do(request("web", "", command), agents.Start, want)
		if strings.Contains(command, "licence") && !strings.HasSuffix(got.Reason, "exited with code 4 before it was ready; the last line of web.log is: no licence") {
			t.Errorf("reason %q", got.Reason)
		}
	}
	req := request("web", "", "sleep 1")
	req.Params["directory"] = "/no/such/place"
	r.do(req, agents.Start, "not installed: parameter directory")
	req = request("web", "", "sleep 1")
	req.Params["user"] = "no-such-user"
	r.do(req, agents.Start, `not installed: parameter user: user "no-such-user" does not exist`)
}

func TestEnvironmentAndDirectory(t *testing.T) {
	r := newRunner(t)
	up := filepath.Join(r.dir, "up")
	req := request("a b/../c", "", `sh -c 'env | sort | grep -v ^OLDPWD; pwd; echo "$0 $1"; echo >"$UP"; exec sleep 1000' 'two words' "it's"`)
	req.Params["environment"] = "UP=" + up + " GREETING='hello world'"
	req.Params["directory"], req.Params["ready"], req.Params["pidfile"] = "/tmp", up, filepath.Join(r.dir, "sub", "own.pid")
	t.Cleanup(func() { r.do(req, agents.Stop, "ok") })
	r.do(req, agents.Start, "ok")
	log := r.read("a%20b%2F..%2Fc.log")
	for _, want := range []string{
		"\nGREETING=hello world\n", "\nPATH=/usr/local/sbin:", "HOLDFAST_NODE=n1\n", "HOLDFAST_RESOURCE=a b/../c\n",
		"HOLDFAST_PIDFILE=" + filepath.Join(r.dir, "sub", "own.pid") + "\n", "\n/tmp\ntwo words it's\n",
	} {
		if !strings.Contains("\n"+log, want) {
			t.Errorf("%q is missing in:\n%s", want, log)
		}
	}
	if strings.Contains(log, "GOPATH") || strings.Contains(log, "GOCACHE") {
		t.Errorf("the daemon's environment was inherited:\n%s", log)
	}
}

func TestUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("left out: needs root (to run a command as another user)")
	}
	r := newRunner(t)
	req := request("web", "", "sh -c 'id -un; id -gn; exec sleep 1000'")
	req.Params["user"] = "nobody:daemon"
	r.started(req)
	if log := r.read("web.log"); log != "nobody\ndaemon\n" {
		t.Errorf("log %q", log)
	}
}

// Readiness by address and by URL; and at depth 10 the monitor asks again.
func TestReady(t *testing.T) {
	code := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
	defer server.Close()
	r := newRunner(t)
	req := request("web", "", "sleep 1000")
	req.Params["ready"] = server.URL
	r.started(req)
	deep := req
	deep.Meta = map[string]string{"OCF_CHECK_LEVEL": "10"}
	r.do(deep, agents.Monitor, "ok")
	code = http.StatusServiceUnavailable
	r.do(deep, agents.Monitor, "error: process")
	r.do(req, agents.Monitor, "ok")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp := request("tcp", "", "sleep 1000")
	tcp.Params["ready"] = "tcp:" + l.Addr().String()
	tcp.Timeout = time.Second
	r.started(tcp)
	r.do(tcp, agents.Stop, "ok")
	l.Close()
	r.do(tcp, agents.Start, "Timed Out: process")
}

// A file of an earlier run is no sign of readiness.
func TestReadyFileOfAnEarlierRun(t *testing.T) {
	r := newRunner(t)
	file := filepath.Join(r.dir, "up")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	req := request("web", "", "sleep 1000")
	req.Params["ready"], req.Timeout = file, 300*time.Millisecond
	t.Cleanup(func() { req.Timeout = 10 * time.Second; r.do(req, agents.Stop, "ok") })
	if got := r.do(req, agents.Start, "Timed Out: process"); !strings.Contains(got.Reason, "earlier run; it still runs") {
		t.Errorf("reason %q", got.Reason)
	}
}

func TestLogIsMovedAside(t *testing.T) {
	r := newRunner(t)
	log := filepath.Join(r.dir, "web.log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(log, process.MaxLog+1); err != nil {
		t.Fatal(err)
	}
	r.started(request("web", "", "sleep 1000"))
	if info, err := os.Stat(log); err != nil || info.Size() != 0 {
		t.Errorf("the new log: %v, %v", info, err)
	}
	if info, err := os.Stat(log + ".1"); err != nil || info.Size() != process.MaxLog+1 {
		t.Errorf("the old log: %v, %v", info, err)
	}
}

// No zombie is left of a process that ended by itself or was stopped.
func TestChildrenAreReaped(t *testing.T) {
	r := newRunner(t)
	req := request("web", "", "sleep 1000")
	pid := r.started(req)
	r.do(req, agents.Stop, "ok")
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
		t.Error("a stopped process is still there, as a zombie")
	}
}
