package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// process is a node on the loopback stage: a daemon and all that it started.
type process struct {
	name  string
	dir   string
	stage *loopback

	mu    sync.Mutex // one boot or kill at a time
	ended chan struct{}
}

func (n *process) stateDir() string { return filepath.Join(n.dir, "state") }
func (n *process) runDir() string   { return filepath.Join(n.dir, "run") }
func (n *process) socket() string   { return filepath.Join(n.runDir(), "crm.sock") }
func (n *process) log() string      { return filepath.Join(n.dir, "log") }

// boot starts the daemon; one that runs is no error.
func (n *process) boot() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended != nil {
		select {
		case <-n.ended:
		default:
			return nil
		}
	}
	if n.stage.ctx.Err() != nil {
		return errors.New("the demo is over")
	}
	log, err := os.OpenFile(n.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(n.stage.cfg.Executable, "agent", "--state-dir", n.stateDir(), "--run-dir", n.runDir(), "--fence-agent-path", n.stage.bin())
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.dir, log, log
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.dir, "LANG=C.UTF-8", "HOLDFAST_DEMO=" + n.dir + "/"}
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	if err := n.stage.spawn.start(cmd); err != nil {
		return fmt.Errorf("the daemon of %s: %w", n.name, err)
	}
	ended := make(chan struct{})
	n.ended = ended
	go func() {
		_ = cmd.Wait() // killed, or it tells its log why
		close(ended)
	}()
	return nil
}

// killLimit bounds how long the kernel takes to end a node's processes.
const killLimit = 10 * time.Second

// kill ends the node as a power cut does: all processes, and what does not
// outlive a boot.
func (n *process) kill() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	deadline := time.Now().Add(killLimit)
	for {
		pids, err := n.processes()
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v of %s do not end", pids, n.name)
		}
		for _, pid := range pids {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("process %d of %s: %w", pid, n.name, err)
			}
		}
		time.Sleep(2 * time.Millisecond) // the kernel is at it; the next look finds what was just born
	}
	if n.ended != nil {
		<-n.ended
	}
	return os.RemoveAll(n.runDir())
}

// processes finds all processes of the node: those that name its folder in
// their environment, as the daemon does and what it starts through agents, and
// their descendants.
func (n *process) processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	parent := map[int]int{}
	mine := map[int]bool{}
	mark := []byte(n.dir + "/")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		dead, ppid := lineage(pid)
		if dead {
			continue
		}
		parent[pid] = ppid
		environ, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, unix.ESRCH) {
			return nil, err
		}
		mine[pid] = bytes.Contains(environ, mark)
	}
	var found []int
	for pid := range parent {
		for p, steps := pid, 0; p > 1 && steps < 100; p, steps = parent[p], steps+1 {
			if mine[p] {
				found = append(found, pid)
				break
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// lineage says whether a process has ended, and who its parent is.
func lineage(pid int) (dead bool, parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true, 0
	}
	_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')'):]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 2 || fields[0] == "Z" || fields[0] == "X" {
		return true, 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return false, parent
}

// spawner is the thread that starts the daemons: they die with it, even if we
// are killed.
type spawner struct {
	calls chan func()
	done  chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{calls: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		for call := range s.calls {
			call()
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	answer := make(chan error, 1)
	s.calls <- func() { answer <- cmd.Start() }
	return <-answer
}

func (s *spawner) end() {
	close(s.calls)
	<-s.done
}
