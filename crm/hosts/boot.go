package hosts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// bootLimit bounds a boot.
const bootLimit = 60 * time.Second

// spacePath is a name of the network namespace that other processes can open.
func (l *life) spacePath() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), int(l.space)) }

// startSystemd boots a systemd, and returns when it has booted.
func (h *host) startSystemd(ctx context.Context, l *life) error {
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: "@" + h.cgroup()})
	if err != nil {
		return err
	}
	defer notify.Close()
	// The new mount API is not in nspawn's list of system calls.
	env := []string{"NOTIFY_SOCKET=@" + h.cgroup(), "SYSTEMD_SECCOMP=0"}
	err = h.run(l, env, "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--notify-ready=yes", "--directory="+h.root(), "--boot",
		"--network-namespace-path="+l.spacePath(), "--machine="+h.cgroup(), "--hostname="+h.name,
		"--capability=all", "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe")
	if err != nil {
		return err
	}
	return h.awaitReady(ctx, l, notify)
}

// awaitReady reads what systemd-nspawn tells about the boot.
func (h *host) awaitReady(ctx context.Context, l *life, notify *net.UnixConn) error {
	ctx, cancel := context.WithTimeoutCause(ctx, bootLimit, fmt.Errorf("not up after %v", bootLimit))
	defer cancel()
	wake := func() { _ = notify.SetReadDeadline(time.Unix(1, 0)) }
	defer context.AfterFunc(ctx, wake)()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-l.ended:
			wake()
		case <-over:
		}
	}()
	message := make([]byte, 4096)
	for {
		n, err := notify.Read(message)
		if err != nil {
			select {
			case <-l.ended:
				return fmt.Errorf("systemd-nspawn ended: %v", l.cmd.ProcessState)
			default:
				return errors.Join(context.Cause(ctx), err)
			}
		}
		for line := range bytes.Lines(message[:n]) {
			name, value, _ := strings.Cut(strings.TrimSpace(string(line)), "=")
			switch name {
			case "X_NSPAWN_LEADER_PID":
				init, err := strconv.Atoi(value)
				if err != nil {
					return err
				}
				if err := h.begin(l, init); err != nil {
					return err
				}
			case "READY":
				if l.init > 0 {
					return nil
				}
			}
		}
	}
}

// plainInit is process 1 of a host without systemd. It runs /etc/rc.local if
// there is one. It reaps whatever loses its
// parent, because a shell that waits for one child waits for all.
const plainInit = `
mount -t proc proc /proc && mount -t sysfs -o ro sysfs /sys && mount -t tmpfs -o mode=0755 tmpfs /run && mount -t tmpfs -o mode=1777 tmpfs /tmp &&
mount -t tmpfs -o mode=0755 tmpfs /dev && mkdir /dev/shm && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/zero c 1 5 && mknod -m 666 /dev/full c 1 7 &&
mknod -m 666 /dev/random c 1 8 && mknod -m 666 /dev/urandom c 1 9 && mknod -m 666 /dev/tty c 5 0 && ln -s /proc/self/fd /dev/fd &&
echo "$1" >/proc/sys/kernel/hostname && : >/run/host-is-up || exit 1
[ ! -x /etc/rc.local ] || /etc/rc.local &
while :; do sleep 3600; done`

// startPlain starts a host that is an empty machine.
func (h *host) startPlain(ctx context.Context, l *life) error {
	err := h.run(l, nil, "nsenter", "--net="+l.spacePath(), "--", "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child=KILL",
		"--propagation=private", "chroot", h.root(), "/bin/sh", "-c", plainInit, "init", h.name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bootLimit, fmt.Errorf("not up after %v", bootLimit))
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if init := childInit(l.cmd.Process.Pid); init > 0 {
			if _, err := os.Stat(fmt.Sprintf("/proc/%d/root/run/host-is-up", init)); err == nil {
				return h.begin(l, init)
			}
		}
		select {
		case <-tick.C:
		case <-l.ended:
			return fmt.Errorf("its init ended: %v", l.cmd.ProcessState)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// childInit finds the child that is process 1 of a namespace of its own.
func childInit(pid int) int {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0
	}
	for field := range strings.FieldsSeq(string(children)) {
		status, err := os.ReadFile(filepath.Join("/proc", field, "status"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(status)) {
			if ids, ok := strings.CutPrefix(line, "NSpid:"); ok {
				if f := strings.Fields(ids); len(f) > 1 && f[len(f)-1] == "1" {
					child, _ := strconv.Atoi(field)
					return child
				}
			}
		}
	}
	return 0
}
