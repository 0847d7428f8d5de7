package hosts

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Command prepares a command inside a host: in all its namespaces, with its
// disk as root, a plain environment, and HOME=/root.
func (l *Lab) Command(ctx context.Context, name string, argv ...string) (*exec.Cmd, error) {
	h, err := l.host(name)
	if err != nil {
		return nil, err
	}
	life := h.current()
	if life == nil {
		return nil, fmt.Errorf("%s is off", name)
	}
	args := append([]string{
		"--target=" + strconv.Itoa(life.init), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd", "--",
	}, argv...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Env = []string{"PATH=" + searchPath, "HOME=/root", "LANG=C.UTF-8", "TERM=dumb"}
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	return cmd, nil
}

// Path is how a file of a host that is on is reached from outside, sockets and
// /run included. It holds until the host is killed.
func (l *Lab) Path(name, path string) string {
	pid := 0
	if h, err := l.host(name); err == nil {
		if life := h.current(); life != nil {
			pid = life.init
		}
	}
	return fmt.Sprintf("/proc/%d/root%s", pid, path) // of a host that is off: a path that does not exist
}

// Exec runs a command inside a host and returns what it printed, on both
// streams; the error has it too.
func (l *Lab) Exec(ctx context.Context, name string, argv ...string) (string, error) {
	cmd, err := l.Command(ctx, name, argv...)
	if err != nil {
		return "", err
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %s: %w: %s", name, strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), err
}
