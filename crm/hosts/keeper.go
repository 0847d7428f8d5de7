package hosts

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// keeper is a thread with a mount namespace of its own. All mounts are made
// there, and all hosts are started from there: when the thread ends, for
// whatever reason, the hosts die and the mounts are gone.
type keeper struct {
	calls chan func()
	done  chan struct{}
}

// newKeeper starts the thread.
func newKeeper() (*keeper, error) {
	k := &keeper{calls: make(chan func()), done: make(chan struct{})}
	ready := make(chan error, 1)
	go func() {
		defer close(k.done)
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		err := leaveMounts()
		ready <- err
		if err != nil {
			return
		}
		for call := range k.calls {
			call()
		}
	}()
	return k, <-ready
}

// do runs f on the thread.
func (k *keeper) do(f func() error) error {
	answer := make(chan error, 1)
	k.calls <- func() { answer <- f() }
	return <-answer
}

// end ends the thread, and with it everything that was started from it.
func (k *keeper) end() error {
	close(k.calls)
	<-k.done
	return nil
}

// needed are the mounts that a host needs of this machine. All others are left
// out of the namespace, because a copy of a mount keeps its device busy.
var needed = []string{"/", "/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/usr", "/var", "/etc"}

// leaveMounts moves the calling thread into a mount namespace of its own.
func leaveMounts() error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return fmt.Errorf("a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("a mount namespace: %w", err)
	}
	points, err := mountPoints("/proc/thread-self/mountinfo")
	if err != nil {
		return err
	}
	for _, point := range slices.Backward(points) {
		if slices.Contains(needed, point) || strings.HasPrefix(point, "/sys/") {
			continue
		}
		if err := unix.Unmount(point, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("leave %s out: %w", point, err)
		}
	}
	return nil
}

// mountPoints reads the mount points of a mountinfo file, in order.
func mountPoints(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var points []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 {
			points = append(points, unescape(fields[4]))
		}
	}
	return points, lines.Err()
}

// unescape reads the octal escapes of the kernel's tables.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
