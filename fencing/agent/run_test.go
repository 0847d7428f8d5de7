package agent

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/fencing"
)

// script writes an agent for one test and returns a runner that finds it.
func script(t *testing.T, name, body string) Runner {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body), 0o755); err != nil {
		t.Fatal(err)
	}
	r := DefaultRunner()
	r.Path = []string{dir}
	r.KillGrace, r.PipeGrace = 200*time.Millisecond, 100*time.Millisecond
	return r
}

func run(t *testing.T, r Runner, action fencing.Action, params map[string]string) Result {
	t.Helper()
	return r.Run(t.Context(), Request{Agent: "fence_t", Action: action, Params: params, Timeout: 10 * time.Second})
}

func TestExitCodes(t *testing.T) {
	r := script(t, "fence_t", `while read line; do case $line in code=*) exit ${line#code=};; esac; done`)
	for _, c := range []struct {
		action fencing.Action
		code   int
		want   fencing.Outcome
	}{
		{fencing.Off, 0, fencing.Succeeded},
		{fencing.Off, 1, fencing.Failure},
		{fencing.Off, 2, fencing.Failure},
		{fencing.On, 0, fencing.Succeeded},
		{fencing.Reboot, 3, fencing.Failure},
		{fencing.Status, 0, fencing.IsOn},
		{fencing.Status, 2, fencing.IsOff},
		{fencing.Status, 1, fencing.Failure},
		{fencing.Monitor, 0, fencing.Succeeded},
		{fencing.Monitor, 2, fencing.Succeeded},
		{fencing.Monitor, 1, fencing.Failure},
	} {
		res := run(t, r, c.action, map[string]string{"code": strconv.Itoa(c.code)})
		if res.Outcome != c.want || res.Code != c.code {
			t.Errorf("%s with exit code %d: %s (%d), want %s", c.action, c.code, res.Outcome, res.Code, c.want)
		}
		if (res.Reason == "") != (res.Err() == nil) {
			t.Errorf("%s with exit code %d: reason %q, error %v", c.action, c.code, res.Reason, res.Err())
		}
	}
}

// TestWhatAnAgentSees: the protocol, an empty argument list, a small
// environment, a process group of its own.
func TestWhatAnAgentSees(t *testing.T) {
	t.Setenv("HOLDFAST_SECRET", "leak")
	r := script(t, "fence_t", `cat; echo "args=$#"; env | cut -d= -f1 | sort | tr '\n' ' '; pwd; [ $(ps -o pgid= -p $$) = $$ ] && echo leader`)
	res := run(t, r, fencing.Off, map[string]string{"plug": "7", "ip": "10.0.0.1", "nodename": "n3", "equals": "a=b c"})
	want := "action=off\nequals=a=b c\nip=10.0.0.1\nnodename=n3\nplug=7\nargs=0\nHOME LC_ALL PATH PWD /\nleader\n"
	if res.Outcome != fencing.Succeeded || res.Stdout != want {
		t.Errorf("%s %s\ngot  %q\nwant %q", res.Outcome, res.Reason, res.Stdout, want)
	}
}

func TestOneClearErrorEach(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"fence_noexec": 0o644, "fence_garbage": 0o755} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("\x00\x01garbage"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "fence_dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := DefaultRunner()
	r.Path = []string{dir, "/nonexistent"}
	for _, c := range []struct {
		req  Request
		want string
	}{
		{Request{Agent: "fence_none"}, "fence agent fence_none: not installed on this node (looked in " + dir + ", /nonexistent)"},
		{Request{Agent: "/no/fence_none"}, "fence agent /no/fence_none: not installed"},
		{Request{Agent: "fence_noexec"}, "not executable; run: chmod +x"},
		{Request{Agent: "fence_dir"}, "not a program"},
		{Request{Agent: "fence_garbage"}, "fence agent fence_garbage off: fork/exec"},
		{Request{Agent: "../fence_x"}, "not the name of an agent"},
		{Request{Agent: "-rf"}, "not the name of an agent"},
		{Request{Agent: ""}, "not the name of an agent"},
		{Request{Agent: "fence_garbage", Params: map[string]string{"password": "top\nsecret"}}, "the value of password has a line break"},
		{Request{Agent: "fence_garbage", Params: map[string]string{"a b": "x"}}, `the parameter name "a b"`},
		{Request{Agent: "fence_garbage", Params: map[string]string{"action": "on"}}, "the cluster sets it"},
		{Request{Agent: "fence_garbage", Timeout: -1}, "no time is given"},
	} {
		c.req.Action = fencing.Off
		if c.req.Timeout == 0 {
			c.req.Timeout = time.Second
		}
		res := r.Run(t.Context(), c.req)
		if res.Outcome != fencing.Failure || !strings.Contains(res.Reason, c.want) || strings.Contains(res.Reason, "secret") {
			t.Errorf("%+v: %s %q, want %q", c.req, res.Outcome, res.Reason, c.want)
		}
	}
}

func TestEndedBySignal(t *testing.T) {
	r := script(t, "fence_t", `echo half done >&2; kill -SEGV $$`)
	res := run(t, r, fencing.Off, nil)
	if want := "fence_t off: ended by signal 11 (segmentation fault): half done"; res.Reason != want {
		t.Errorf("got %q, want %q", res.Reason, want)
	}
}

func TestHugeOutputIsCut(t *testing.T) {
	r := script(t, "fence_t", `head -c 300000 /dev/zero | tr '\0' x; head -c 300000 /dev/zero | tr '\0' y >&2; exit 1`)
	res := run(t, r, fencing.Off, nil)
	if len(res.Stdout) != 64<<10 || len(res.Stderr) != 64<<10 || len(res.Reason) > 300 || res.Code != 1 {
		t.Errorf("%d %d bytes kept, exit code %d, reason of %d bytes", len(res.Stdout), len(res.Stderr), res.Code, len(res.Reason))
	}
}

func TestSecretsStayInside(t *testing.T) {
	r := script(t, "fence_t", `while read line; do echo "got $line" >&2; done; echo "login failed for admin with hunter2" >&2; exit 1`)
	res := run(t, r, fencing.Off, map[string]string{"username": "admin", "password": "hunter2", "snmp_auth_prot": "MD5x"})
	all := res.Reason + res.Stderr + res.Stdout
	if strings.Contains(all, "hunter2") || strings.Contains(all, "MD5x") || !strings.Contains(res.Reason, "admin with ***") {
		t.Errorf("got %q and %q", res.Reason, res.Stderr)
	}
	if got := (secrets{"ab"}).hide("grab it"); strings.Contains(got, "ab") {
		t.Errorf("a short secret shows: %q", got)
	}
}

// TestDeadline: agents that hang, that ignore SIGTERM, and whose children
// ignore it: all gone in time, nothing left behind.
func TestDeadline(t *testing.T) {
	for name, body := range map[string]string{
		"hangs":             `echo $$ >PIDS; exec sleep 100`,
		"ignores SIGTERM":   `echo $$ >PIDS; trap '' TERM; while :; do sleep 0.05; done`,
		"children ignore":   `(trap '' TERM; sleep 100) & echo $! $$ >PIDS; wait`,
		"never reads stdin": `echo $$ >PIDS; sleep 100`,
	} {
		t.Run(name, func(t *testing.T) {
			pids := filepath.Join(t.TempDir(), "pids")
			r := script(t, "fence_t", strings.ReplaceAll(body, "PIDS", pids))
			began := time.Now()
			res := r.Run(t.Context(), Request{
				Agent: "fence_t", Action: fencing.Off, Timeout: 300 * time.Millisecond,
				Params: map[string]string{"filler": strings.Repeat("x", 200_000)},
			})
			if res.Outcome != fencing.TimedOut || !strings.HasPrefix(res.Reason, "fence_t off: no answer within 300ms") {
				t.Errorf("%s: %s", res.Outcome, res.Reason)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			allGone(t, pids)
		})
	}
}

// TestChildHoldsThePipe: the agent has answered; what it left behind, in its
// group or out of it, does not delay the answer.
func TestChildHoldsThePipe(t *testing.T) {
	for name, child := range map[string]string{"in the group": "sh", "out of the group": "setsid sh"} {
		t.Run(name, func(t *testing.T) {
			up := filepath.Join(t.TempDir(), "up")
			r := script(t, "fence_t", child+" -c 'echo >"+up+"; exec sleep 3' &\nuntil [ -s "+up+" ]; do sleep 0.01; done; echo answered; exit 0")
			began := time.Now()
			res := run(t, r, fencing.Off, nil)
			if res.Outcome != fencing.Succeeded || res.Stdout != "answered\n" {
				t.Errorf("%s %q %q", res.Outcome, res.Reason, res.Stdout)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	fifo := pids + ".fifo"
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	r := script(t, "fence_t", "echo $$ >"+pids+"; echo ready >"+fifo+"; exec sleep 100")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		_, _ = os.ReadFile(fifo) // until the agent is there
	}()
	res := r.Run(ctx, Request{Agent: "fence_t", Action: fencing.Off, Timeout: 30 * time.Second})
	if res.Outcome != fencing.Stopped {
		t.Errorf("%s: %s", res.Outcome, res.Reason)
	}
	allGone(t, pids)
}

// allGone waits until the processes whose numbers are in the file have ended.
func allGone(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range strings.Fields(string(data)) {
		pid, _ := strconv.Atoi(word)
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue // gone and reaped
		}
		defer unix.Close(fd)
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
		if ready != 1 {
			t.Errorf("process %d is still there (%v)", pid, err)
		}
	}
}
