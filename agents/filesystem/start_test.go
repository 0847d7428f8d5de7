package filesystem

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents"
)

func TestReasons(t *testing.T) {
	a := New(Config{HelperDir: "/nowhere"})
	req := tmpfs(t)
	dir := req.Params["directory"]
	with := func(more ...string) agents.Request {
		r := tmpfs(t, append([]string{"directory", dir}, more...)...)
		return r
	}
	expectRun(t, a, with("device", "/dev/none", "fstype", "ext4"), agents.Start, "not installed: device /dev/none does not exist on this node")
	expectRun(t, a, with("device", "UUID=12-34", "fstype", "ext4"), agents.Start, "not installed: device UUID=12-34 does not exist on this node (no /dev/disk/by-uuid/12-34)")
	expectRun(t, a, with("device", "/etc", "fstype", "ext4"), agents.Start, "not installed: device /etc is a directory; set fstype=bind to mount a directory")
	expectRun(t, a, with("device", "/etc/passwd", "fstype", "ext4"), agents.Start, "not installed: device /etc/passwd is a file; attach it with losetup and mount the loop device")
	expectRun(t, a, with("directory", dir+"/none"), agents.Start, "not installed: directory "+dir+"/none does not exist; make it, or set create-directory=true")
	expectRun(t, a, with("device", "server:/x", "fstype", "nfs"), agents.Start, "error: cannot mount server:/x on "+dir+": /nowhere/mount.nfs is not installed; nfs file systems need it")
	r := run(a, with("options", "size=huge"), agents.Start)
	if !strings.Contains(r.Reason, "option size=huge: invalid argument") || !strings.Contains(r.Reason, "size") {
		t.Errorf("got %s", r)
	}
	expectRun(t, a, req, agents.Start, "ok")
	other := with("device", "another")
	expectRun(t, a, other, agents.Start, "error: "+dir+" has scratch mounted on it already, not another")
	expectRun(t, a, other, agents.Monitor, "not running: "+dir+" has scratch mounted on it, not another")
	expectRun(t, a, other, agents.Stop, "ok")
	expectRun(t, a, req, agents.Monitor, "ok")
	if err := unix.Mount("cover", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	expectRun(t, a, req, agents.Monitor, "error: scratch is hidden: cover is mounted over it on "+dir)
	expectRun(t, a, req, agents.Stop, "ok")
	expectRun(t, a, req, agents.Monitor, "not running")
}

func TestDiskWithoutAFileSystem(t *testing.T) {
	a := New(DefaultConfig())
	device := disk(t)
	if err := os.WriteFile(device, make([]byte, 8192), 0); err != nil {
		t.Fatal(err)
	}
	expectRun(t, a, tmpfs(t, "device", device, "fstype", ""), agents.Start, "not installed: no known file system on device "+device+"; set the parameter fstype")
	r := run(a, tmpfs(t, "device", device, "fstype", "ext4"), agents.Start)
	if !strings.HasPrefix(r.Reason, "cannot mount "+device) || !strings.Contains(r.Reason, "ext4") {
		t.Errorf("got %s", r)
	}
}

// A directory that is a symbolic link is mounted where it leads.
func TestSymbolicLink(t *testing.T) {
	a := New(DefaultConfig())
	req := tmpfs(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(req.Params["directory"], link); err != nil {
		t.Fatal(err)
	}
	req.Params = map[string]string{"device": "scratch", "directory": link, "fstype": "tmpfs"}
	expectRun(t, a, req, agents.Start, "ok")
	expectRun(t, a, req, agents.Monitor, "ok")
	expectRun(t, a, req, agents.Stop, "ok")
	expectRun(t, a, req, agents.Monitor, "not running")
}

func TestDepths(t *testing.T) {
	a := New(DefaultConfig())
	for _, req := range []agents.Request{tmpfs(t), tmpfs(t, "device", disk(t), "fstype", "")} {
		dir := req.Params["directory"]
		expectRun(t, a, req, agents.Start, "ok")
		for _, depth := range []string{"0", "10", "20"} {
			req.Params[agents.CheckLevelParam] = depth
			expectRun(t, a, req, agents.Monitor, "ok")
		}
		if found, _ := filepath.Glob(dir + "/.holdfast-status-n1-*"); len(found) != 1 {
			t.Errorf("status files: %v", found)
		}
		if err := os.WriteFile(dir+"/fill", make([]byte, 1), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		expectRun(t, a, req, agents.Monitor, fmt.Sprintf(
			"error: %s on %s is read-only; after an error of the disk? see the kernel's log", req.Params["device"], dir))
		expectRun(t, a, req, agents.Start, fmt.Sprintf("error: %s is mounted on %s already, but read-only", req.Params["device"], dir))
		expectRun(t, a, req, agents.Stop, "ok")
	}
}

func TestWatchSeesReadOnly(t *testing.T) {
	a := New(DefaultConfig())
	req := tmpfs(t)
	expectRun(t, a, req, agents.Start, "ok")
	ctx, cancel := context.WithCancel(context.Background())
	events := make(chan agents.Event, 10)
	ended := make(chan error)
	go func() { ended <- a.Watch(ctx, req, func(e agents.Event) { events <- e }) }()
	if err := unix.Mount("", req.Params["directory"], "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-events:
		if !strings.Contains(e.Reason, "is read-only") {
			t.Errorf("got %q", e.Reason)
		}
	case <-time.After(2 * reread):
		t.Error("nothing was said")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
