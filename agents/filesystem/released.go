package filesystem

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// released waits until the device is free: the kernel holds it exclusively
// for as long as its file system lives, in whatever mount namespace. Only then
// may another node mount it.
func (u *unmounting) released(ctx context.Context) error {
	s := u.src
	if s.kind != block || s.err != nil || u.cfg.options.readOnly || u.cfg.options.subvolume {
		return nil
	}
	pause := time.Millisecond
	for {
		fd, err := unix.Open(s.name, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err == nil {
			return unix.Close(fd)
		}
		if !errors.Is(err, unix.EBUSY) {
			return nil // it cannot be opened at all any more: nobody writes to it from here
		}
		if time.Now().After(u.end) || ctx.Err() != nil {
			return u.stillUsed(ctx)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, 100*time.Millisecond)
	}
}

// stillUsed says where the device is still mounted.
func (u *unmounting) stillUsed(ctx context.Context) error {
	head := fmt.Sprintf("%s was unmounted from %s, but the device is still in use", u.cfg.device, u.dir)
	if t, err := readTable(); err == nil {
		if other := t.of(u.src); len(other) > 0 {
			return fmt.Errorf("%s: it is also mounted on %s", head, other[0].Mountpoint)
		}
	}
	if where := otherNamespaces(unix.Major(u.src.dev), unix.Minor(u.src.dev)); where != "" {
		return fmt.Errorf("%s: it is mounted in the mount namespace of %s", head, where)
	}
	return fmt.Errorf("%s, by nobody that could be found; was it unmounted lazily?", head)
}

// otherNamespaces names the processes in whose mount namespaces a device is
// mounted, one for each namespace.
func otherNamespaces(major, minor uint32) string {
	want := fmt.Sprintf("%d:%d", major, minor)
	seen := map[string]bool{}
	var who []string
	for _, pid := range processes() {
		ns, err := os.Readlink(proc(pid, "ns/mnt"))
		if err != nil || seen[ns] {
			continue
		}
		seen[ns] = true
		if mountpoint, ok := mountedAt(proc(pid, "mountinfo"), want); ok {
			who = append(who, fmt.Sprintf("%s (process %d) on %s", processName(pid), pid, mountpoint))
		}
	}
	return strings.Join(who, ", ")
}

// mountedAt finds a device in a table of mounts.
func mountedAt(file, device string) (string, bool) {
	f, err := os.Open(file)
	if err != nil {
		return "", false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) > 4 && fields[2] == device {
			return fields[4], true
		}
	}
	return "", false
}

// processes are the ids of all processes, in order.
func processes() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

func proc(pid int, what string) string { return "/proc/" + strconv.Itoa(pid) + "/" + what }

func processName(pid int) string {
	comm, err := os.ReadFile(proc(pid, "comm"))
	if err != nil {
		return "a process"
	}
	return strings.TrimSpace(string(comm))
}
