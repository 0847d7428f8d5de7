package filesystem

import (
	"fmt"
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

// insideEnv marks the second run of the test binary, in a mount namespace of its own.
const insideEnv = "HOLDFAST_FILESYSTEM_TEST_INSIDE"

// TestMain runs the tests in a mount namespace of their own, where root is
// available: the machine's own mounts are never touched, and what a test
// leaves mounted is gone with the process.
func TestMain(m *testing.M) {
	if os.Geteuid() != 0 || os.Getenv(insideEnv) != "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// Unshareflags makes Go turn the new namespace private.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		if cmd.ProcessState == nil {
			fmt.Fprintln(os.Stderr, "cannot make a mount namespace:", err)
		}
		os.Exit(1)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getenv(insideEnv) == "" {
		t.Skip("left out: needs root (a mount namespace)")
	}
}

func request(params map[string]string) agents.Request {
	return agents.Request{
		Resource: "fs" + strings.ReplaceAll(params["directory"], "/", "-"), Node: "n1",
		Timeout: 10 * time.Second, Params: params,
		Agent: agents.Spec{Class: "holdfast", Type: "filesystem"},
	}
}

// disk makes a small ext4 file system on a loop device of its own.
func disk(t *testing.T) string {
	t.Helper()
	needRoot(t)
	image := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 4<<20); err != nil {
		t.Fatal(err)
	}
	command(t, "mkfs.ext4", "-q", "-O", "^has_journal", image)
	device := command(t, "losetup", "--find", "--show", image)
	t.Cleanup(func() { exec.Command("losetup", "--detach", device).Run() })
	return device
}

// command runs a program of the test's own, and returns what it printed.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("left out: needs %s", name)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}
