package filesystem

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents"
)

func run(a *Agent, req agents.Request, action agents.Action) agents.Result {
	req.Action = action
	return a.Run(context.Background(), req)
}

func expectRun(t *testing.T, a *Agent, req agents.Request, action agents.Action, want string) {
	t.Helper()
	if got := run(a, req, action).String(); got != want {
		t.Fatalf("%s of %s:\n got %s\nwant %s", action, req.Resource, got, want)
	}
}

// tmpfs is a request for a fresh tmpfs on a fresh directory.
func tmpfs(t *testing.T, more ...string) agents.Request {
	needRoot(t)
	params := map[string]string{"device": "scratch", "directory": t.TempDir(), "fstype": "tmpfs"}
	for i := 0; i+1 < len(more); i += 2 {
		params[more[i]] = more[i+1]
	}
	req := request(params)
	t.Cleanup(func() {
		for unix.Unmount(params["directory"], unix.MNT_DETACH) == nil {
		}
	})
	return req
}

// process runs a shell in a process group of its own, and waits until it says
// that it is ready. The script must print a line then.
func process(t *testing.T, script string, attr ...func(*exec.Cmd)) (cmd *exec.Cmd, ended chan error) {
	t.Helper()
	cmd = exec.Command("/bin/sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	for _, f := range attr {
		f(cmd)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	ended = make(chan error, 1)
	go func() {
		io.Copy(io.Discard, out)
		ended <- cmd.Wait()
	}()
	t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	return cmd, ended
}

func alive(cmd *exec.Cmd) bool { return cmd.Process.Signal(syscall.Signal(0)) == nil }

// A process with its working directory in the mount is named, and only it ends.
func TestHoldersAreEndedAndNobodyElse(t *testing.T) {
	a := New(DefaultConfig())
	req := tmpfs(t)
	dir := req.Params["directory"]
	expectRun(t, a, req, agents.Start, "ok")
	_, inside := process(t, "cd "+dir+" && echo && exec sleep 3600")
	_, open := process(t, "exec 3>"+dir+"/file && echo && cd / && exec sleep 3600")
	bystander, _ := process(t, "cd "+filepath.Dir(dir)+" && echo && exec sleep 3600")
	req.Params["kill"] = "none"
	r := run(a, req, agents.Stop)
	for _, want := range []string{"sleep (process", "current directory " + dir, "open file " + dir + "/file", "kill=none"} {
		if !strings.Contains(r.Reason, want) {
			t.Errorf("the reason lacks %q: %s", want, r)
		}
	}
	expectRun(t, a, req, agents.Monitor, "ok")
	req.Params["kill"] = "holders"
	expectRun(t, a, req, agents.Stop, "ok")
	for _, ended := range []chan error{inside, open} {
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "terminated") {
			t.Errorf("a holder ended with %v", err)
		}
	}
	if !alive(bystander) {
		t.Error("a process outside the mount was ended")
	}
}

// What ignores SIGTERM is killed, within the timeout.
func TestStubbornHolderIsKilled(t *testing.T) {
	a := New(DefaultConfig())
	req := tmpfs(t)
	req.Timeout = 1500 * time.Millisecond
	expectRun(t, a, req, agents.Start, "ok")
	_, ended := process(t, "trap '' TERM; cd "+req.Params["directory"]+" && echo && while :; do sleep 3600; done")
	expectRun(t, a, req, agents.Stop, "ok")
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the holder ended with %v", err)
	}
}

// A bind mount shares its device with half of the host: only those in the bind
// mount itself are concerned.
func TestBindMountSparesTheRest(t *testing.T) {
	a := New(DefaultConfig())
	outer := tmpfs(t)
	expectRun(t, a, outer, agents.Start, "ok")
	shared := filepath.Join(outer.Params["directory"], "shared")
	if err := os.Mkdir(shared, 0o755); err != nil {
		t.Fatal(err)
	}
	req := tmpfs(t, "device", shared, "fstype", "", "options", "bind")
	expectRun(t, a, req, agents.Start, "ok")
	same, _ := process(t, "cd "+shared+" && echo && exec sleep 3600")
	_, inside := process(t, "cd "+req.Params["directory"]+" && echo && exec sleep 3600")
	expectRun(t, a, req, agents.Stop, "ok")
	<-inside
	if !alive(same) {
		t.Error("a process in the directory that was bound was ended")
	}
	expectRun(t, a, outer, agents.Monitor, "ok")
}

// Nested mounts go first, whoever made them.
func TestNestedMounts(t *testing.T) {
	a := New(DefaultConfig())
	req := tmpfs(t)
	dir := req.Params["directory"]
	expectRun(t, a, req, agents.Start, "ok")
	for _, sub := range []string{"a", "a/b", "c"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("nested", filepath.Join(dir, sub), "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
	}
	expectRun(t, a, req, agents.Stop, "ok")
	expectRun(t, a, req, agents.Monitor, "not running")
}

// We ourselves hold it: no suicide, and the reason says so, in time.
func TestOurselvesAreSpared(t *testing.T) {
	a := New(DefaultConfig())
	req := tmpfs(t)
	req.Timeout = 3 * time.Second
	expectRun(t, a, req, agents.Start, "ok")
	f, err := os.Create(filepath.Join(req.Params["directory"], "file"))
	if err != nil {
		t.Fatal(err)
	}
	r := run(a, req, agents.Stop)
	if !strings.Contains(r.Reason, "it is this daemon itself") || r.Code != agents.ErrGeneric {
		t.Errorf("got %s", r)
	}
	f.Close()
	expectRun(t, a, req, agents.Stop, "ok")
}

// A socket that is bound in the mount holds it, though no descriptor shows that.
func TestBoundSocketIsFound(t *testing.T) {
	a := New(DefaultConfig())
	req := tmpfs(t, "kill", "none")
	expectRun(t, a, req, agents.Start, "ok")
	path := filepath.Join(req.Params["directory"], "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	r := run(a, req, agents.Stop)
	if !strings.Contains(r.Reason, "socket "+path) {
		t.Errorf("got %s", r)
	}
	l.Close()
	expectRun(t, a, req, agents.Stop, "ok")
}

// The mount lives on in another mount namespace: the device is not free, and
// the stop must not say so.
func TestOtherNamespaceIsFound(t *testing.T) {
	a := New(DefaultConfig())
	device := disk(t)
	req := tmpfs(t, "device", device, "fstype", "")
	req.Timeout = time.Second
	expectRun(t, a, req, agents.Start, "ok")
	cmd, ended := process(t, "echo && exec sleep 3600", func(c *exec.Cmd) { c.SysProcAttr.Unshareflags = unix.CLONE_NEWNS })
	r := run(a, req, agents.Stop)
	want := fmt.Sprintf("in the mount namespace of sleep (process %d) on %s", cmd.Process.Pid, req.Params["directory"])
	if r.Code == agents.OK || !strings.Contains(r.Reason, want) {
		t.Errorf("got %s, want %s", r, want)
	}
	syscall.Kill(cmd.Process.Pid, syscall.SIGKILL)
	<-ended
	expectRun(t, a, req, agents.Stop, "ok")
}

// The device is mounted a second time in our own namespace.
func TestSecondMountIsFound(t *testing.T) {
	a := New(DefaultConfig())
	device, other := disk(t), t.TempDir()
	req := tmpfs(t, "device", device, "fstype", "ext4")
	req.Timeout = time.Second
	expectRun(t, a, req, agents.Start, "ok")
	if err := unix.Mount(device, other, "ext4", 0, ""); err != nil {
		t.Fatal(err)
	}
	expectRun(t, a, req, agents.Stop, fmt.Sprintf(
		"error: %s was unmounted from %s, but the device is still in use: it is also mounted on %s", device, req.Params["directory"], other))
	expectRun(t, a, req, agents.Start, fmt.Sprintf("not installed: device %s is mounted on %s already; unmount it there first", device, other))
	if err := unix.Unmount(other, 0); err != nil {
		t.Fatal(err)
	}
	expectRun(t, a, req, agents.Start, "ok")
	expectRun(t, a, req, agents.Stop, "ok")
}

// Ten unused mounts stop in no time.
func TestUnusedMountsStopAtOnce(t *testing.T) {
	a := New(DefaultConfig())
	var reqs []agents.Request
	for range 10 {
		req := tmpfs(t)
		expectRun(t, a, req, agents.Start, "ok")
		reqs = append(reqs, req)
	}
	began := time.Now()
	for _, req := range reqs {
		expectRun(t, a, req, agents.Stop, "ok")
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("ten stops took %s", took)
	}
}
