package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/internal/proc"
)

// MaxLog is the size in bytes beyond which a start moves the log aside.
const MaxLog = 4 << 20

// gate waits for a word on descriptor 3 and becomes the command. If the daemon
// dies before it wrote the pid file, the pipe closes, and the command never runs.
const gate = `read -r go <&3 && [ "$go" = go ] || exit 0; exec 3<&-; exec "$@"`

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// launcher is a command, ready to be launched.
type launcher struct {
	argv []string
	env  []string
	cred *syscall.Credential // nil: as ourselves
}

// plan checks on this node what the settings name: user, directory, program.
// What is missing makes the node, not the configuration, unfit.
func (s settings) plan(req agents.Request) (launcher, agents.Result) {
	who, cred, err := account(s.user)
	if err != nil {
		code := agents.ErrInstalled
		if errors.Is(err, os.ErrPermission) {
			code = agents.ErrPermission
		}
		return launcher{}, done(code, "parameter user: %v", err)
	}
	if info, err := os.Stat(s.directory); err != nil {
		return launcher{}, done(agents.ErrInstalled, "parameter directory: %v", err)
	} else if !info.IsDir() {
		return launcher{}, done(agents.ErrInstalled, "parameter directory: %s is not a directory", s.directory)
	}
	env := append([]string{
		"PATH=" + searchPath, "LANG=C", "SHELL=/bin/sh", "HOME=" + who.HomeDir, "USER=" + who.Username, "LOGNAME=" + who.Username,
	}, s.environment...)
	env = append(env, "HOLDFAST_RESOURCE="+req.Resource, "HOLDFAST_NODE="+req.Node, markVariable+"="+s.pidfile)
	if err := findProgram(s.command[0], s.directory, env); err != nil {
		return launcher{}, done(agents.ErrInstalled, "parameter command: %v", err)
	}
	return launcher{argv: s.command, env: env, cred: cred}, agents.Result{}
}

// account looks a user up, "USER" or "USER:GROUP"; "" is ourselves.
func account(text string) (*user.User, *syscall.Credential, error) {
	me, err := user.Current()
	if text == "" || err != nil {
		return me, nil, err
	}
	name, group, hasGroup := strings.Cut(text, ":")
	who, err := user.Lookup(name)
	if err != nil {
		return nil, nil, fmt.Errorf("user %q does not exist on this node", name)
	}
	if who.Uid == me.Uid && !hasGroup {
		return who, nil, nil
	}
	if os.Geteuid() != 0 {
		return nil, nil, fmt.Errorf("only root can run a command as %s: %w", text, os.ErrPermission)
	}
	gid := who.Gid
	if hasGroup {
		g, err := user.LookupGroup(group)
		if err != nil {
			return nil, nil, fmt.Errorf("group %q does not exist on this node", group)
		}
		gid = g.Gid
	}
	more, err := who.GroupIds()
	if err != nil {
		return nil, nil, fmt.Errorf("list the groups of user %q: %w", name, err)
	}
	numbers := make([]uint32, 0, len(more)+2)
	for _, id := range append([]string{who.Uid, gid}, more...) {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, nil, fmt.Errorf("user %q: id %q is no number", name, id)
		}
		numbers = append(numbers, uint32(n))
	}
	return who, &syscall.Credential{Uid: numbers[0], Gid: numbers[1], Groups: numbers[2:]}, nil
}

// findProgram looks where the shell's exec will look.
func findProgram(program, directory string, env []string) error {
	var places []string
	if strings.Contains(program, "/") {
		if !filepath.IsAbs(program) {
			program = filepath.Join(directory, program)
		}
		places = []string{program}
	} else {
		path := ""
		for _, v := range env { // the last one counts
			if value, ok := strings.CutPrefix(v, "PATH="); ok {
				path = value
			}
		}
		for dir := range strings.SplitSeq(path, ":") {
			places = append(places, filepath.Join(dir, program))
		}
	}
	for _, place := range places {
		if info, err := os.Stat(place); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return nil
		}
	}
	return fmt.Errorf("there is no executable %s on this node", program)
}

// launch brings the process into the world: behind the gate, then on record,
// then through the gate. If ctx is over by then, the gate never opens.
func (a *Agent) launch(ctx context.Context, l launcher, s settings) (identity, error) {
	log, err := s.openLog()
	if err != nil {
		return identity{}, err
	}
	defer log.Close()
	hear, say, err := os.Pipe()
	if err != nil {
		return identity{}, fmt.Errorf("make a pipe: %w", err)
	}
	defer hear.Close()
	defer say.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", gate, "holdfast-gate"}, l.argv...)...)
	cmd.Env, cmd.Dir = l.env, s.directory
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{hear}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: l.cred}
	if err := cmd.Start(); err != nil {
		return identity{}, fmt.Errorf("start %q in %s: %w", l.argv[0], s.directory, err)
	}
	id, err := recordOf(cmd.Process.Pid, s.pidfile)
	c := a.adopt(s.pidfile, id, cmd)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil { // the gate stays shut, and the pipe's end ends it
		a.setEnding(s.pidfile, id)
		_ = say.Close()
		<-c.ended
		return identity{}, err
	}
	if _, err := say.WriteString("go\n"); err != nil {
		return identity{}, fmt.Errorf("open the gate of process %d: %w", id.pid, err)
	}
	return id, nil
}

// recordOf learns the identity of a process just started and writes it down.
func recordOf(pid int, pidfile string) (identity, error) {
	id := identity{pid: pid}
	now, err := proc.Read(pid)
	if err != nil {
		return id, fmt.Errorf("look at process %d: %w", pid, err)
	}
	id.born = now.Born
	if id.boot, err = proc.BootID(); err != nil {
		return id, fmt.Errorf("learn this boot's id: %w", err)
	}
	if err := id.write(pidfile); err != nil {
		return id, fmt.Errorf("write the pid file: %w", err)
	}
	return id, nil
}

// openLog opens the log for appending, after moving a large one aside.
func (s settings) openLog() (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(s.logfile), 0o750); err != nil {
		return nil, fmt.Errorf("make the run directory: %w", err)
	}
	if info, err := os.Stat(s.logfile); err == nil && info.Size() > MaxLog {
		if err := os.Rename(s.logfile, s.logfile+".1"); err != nil {
			return nil, fmt.Errorf("move the log aside: %w", err)
		}
	}
	f, err := os.OpenFile(s.logfile, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return f, nil
}

// atGate says whether the process has not become the command yet. An empty
// command line is that of a process amid exec.
func atGate(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && (len(line) == 0 || bytes.HasPrefix(line, []byte("/bin/sh\x00-c\x00"+gate+"\x00")))
}
