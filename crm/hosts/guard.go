package hosts

import (
	"fmt"
	"io"
	"os/exec"

	"golang.org/x/sys/unix"
)

// guardScript waits until our end of the pipe is closed. If that happens without
// a word, we were killed: it kills what runs in the hosts' cgroups and removes
// them. The rest goes with the processes.
const guardScript = `
id=$1; shift
read -r word
[ "$word" = done ] && exit 0
for round in 1 2 3 4 5 6 7 8 9 10; do
	for root; do find "$root/$id"-* -name cgroup.procs -exec cat {} + ; done 2>/dev/null | sort -u | xargs -r kill -KILL 2>/dev/null
	sleep 0.1
	left=
	for root; do
		find "$root/$id"-* -depth -type d -exec rmdir {} + 2>/dev/null
		for dir in "$root/$id"-*; do [ -d "$dir" ] && left=yes; done
	done
	[ -n "$left" ] || exit 0
done`

// guard watches over our own life.
type guard struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

func newGuard(id string) (*guard, error) {
	roots, err := hierarchies()
	if err != nil {
		return nil, err
	}
	g := &guard{cmd: exec.Command("/bin/sh", append([]string{"-c", guardScript, "guard", id}, roots...)...)}
	g.cmd.Env = []string{"PATH=" + searchPath}
	g.cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true} // an interrupt from the keyboard is not for it
	if g.stdin, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := g.cmd.Start(); err != nil {
		return nil, fmt.Errorf("the guard: %w", err)
	}
	return g, nil
}

// end tells the guard that all is done in order.
func (g *guard) end() error {
	_, err := io.WriteString(g.stdin, "done\n")
	if err != nil {
		return fmt.Errorf("the guard is gone: %w", err)
	}
	return g.cmd.Wait()
}
