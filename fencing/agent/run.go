package agent

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/fencing"
)

// Runner runs fence agents.
type Runner struct {
	Path      []string      // directories to look for agents, in order
	Env       []string      // the whole environment of an agent
	KillGrace time.Duration // between SIGTERM and SIGKILL
	// PipeGrace is how long, after an agent has ended, its output may be held
	// open by a process that it left behind.
	PipeGrace time.Duration
	MaxOutput int // bytes kept of standard output, and of standard error
}

// DefaultRunner returns a runner for the agents of this machine. HOME is given
// because agents of cloud providers keep their credentials there.
func DefaultRunner() Runner {
	return Runner{
		Path:      []string{"/usr/sbin", "/usr/lib/holdfast/fence", "/usr/local/sbin", "/sbin"},
		Env:       []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/root"},
		KillGrace: time.Second,
		PipeGrace: 250 * time.Millisecond,
		MaxOutput: 64 << 10,
	}
}

// Request is one run of an agent.
type Request struct {
	Agent   string // name or absolute path
	Action  fencing.Action
	Params  map[string]string // without "action"
	Timeout time.Duration     // must be positive
}

// Result is how a run ended.
type Result struct {
	Outcome fencing.Outcome
	Code    int    // exit code; -1 if there is none
	Reason  string // why it did not succeed: one line, without secrets
	Stdout  string // bounded, secrets replaced
	Stderr  string // bounded, secrets replaced
	Took    time.Duration

	raw string // standard output as it came, for parsing
}

// Err returns nil if the agent gave the answer that its action asks for, and
// the reason as an error otherwise. A status of on or off is an answer.
func (r Result) Err() error {
	switch r.Outcome {
	case fencing.Succeeded, fencing.IsOn, fencing.IsOff:
		return nil
	}
	return errors.New(r.Reason)
}

// Run runs an agent once. It returns when the agent has answered, at the
// deadline, or when ctx ends, in any case within the grace times of the runner.
func (r Runner) Run(ctx context.Context, req Request) Result {
	began := time.Now()
	result := r.run(ctx, req)
	result.Took = time.Since(began)
	return result
}

func (r Runner) run(ctx context.Context, req Request) Result {
	failed := func(format string, args ...any) Result {
		return Result{Outcome: fencing.Failure, Code: -1, Reason: fmt.Sprintf(format, args...)}
	}
	path, err := r.Find(req.Agent)
	if err != nil {
		return failed("%v", err)
	}
	input, err := input(req)
	if err != nil {
		return failed("fence agent %s: %v", req.Agent, err)
	}
	if req.Timeout <= 0 {
		return failed("fence agent %s %s: no time is given for it", req.Agent, req.Action)
	}
	p := &process{runner: r, stdout: &bounded{max: r.MaxOutput}, stderr: &bounded{max: r.MaxOutput}}
	if err := p.start(path, input); err != nil {
		return failed("fence agent %s %s: %v", req.Agent, req.Action, err)
	}
	end := p.await(ctx, req.Timeout)
	return r.judge(req, p, end)
}

// judge turns an ended process into a result.
func (r Runner) judge(req Request, p *process, end ending) Result {
	secrets := secretsOf(req.Params)
	res := Result{
		Outcome: fencing.Failure, Code: p.state().ExitCode(), raw: p.stdout.String(),
		Stdout: secrets.hide(p.stdout.String()), Stderr: secrets.hide(p.stderr.String()),
	}
	prefix := fmt.Sprintf("%s %s", req.Agent, req.Action)
	said := ""
	if line := lastLine(res.Stderr); line != "" {
		said = ": " + line
	} else if line := lastLine(res.Stdout); line != "" && req.Action != fencing.Metadata {
		said = ": " + line
	}
	signal := p.signal()
	switch {
	case end == expired:
		res.Outcome, res.Reason = fencing.TimedOut, fmt.Sprintf("%s: no answer within %v%s", prefix, req.Timeout, said)
	case end == cancelled:
		res.Outcome, res.Reason = fencing.Stopped, prefix+": stopped before its answer"
	case signal != 0:
		res.Reason = fmt.Sprintf("%s: ended by signal %d (%v)%s", prefix, signal, signal, said)
	case req.Action == fencing.Status && res.Code == 0:
		res.Outcome = fencing.IsOn
	case req.Action == fencing.Status && res.Code == 2:
		res.Outcome = fencing.IsOff
	case req.Action == fencing.Monitor && res.Code == 2, res.Code == 0:
		// A device for one machine may answer a monitor by that machine's state.
		res.Outcome = fencing.Succeeded
	default:
		res.Reason = fmt.Sprintf("%s: exit code %d%s", prefix, res.Code, said)
	}
	return res
}

// ending says why the wait for a process was over.
type ending int

const (
	answered ending = iota
	expired
	cancelled
)

// process is one running agent and its process group.
type process struct {
	runner         Runner
	cmd            *exec.Cmd
	stdout, stderr *bounded
}

func (p *process) start(path, input string) error {
	p.cmd = exec.Command(path)
	p.cmd.Dir = "/"
	p.cmd.Env = p.runner.Env
	if p.cmd.Env == nil {
		p.cmd.Env = []string{} // nil would hand our own environment on
	}
	p.cmd.Stdin = strings.NewReader(input)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = p.runner.PipeGrace
	return p.cmd.Start()
}

// await waits for the end of the agent and sweeps its process group.
func (p *process) await(ctx context.Context, timeout time.Duration) ending {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		waitZombie(p.cmd.Process.Pid)
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	end := answered
	select {
	case <-gone:
	case <-timer.C:
		end = expired
	case <-ctx.Done():
		end = cancelled
	}
	if end != answered {
		p.kill(syscall.SIGTERM)
		grace := time.NewTimer(p.runner.KillGrace)
		defer grace.Stop()
		select {
		case <-gone:
		case <-grace.C:
			p.kill(syscall.SIGKILL)
			<-gone
		}
	}
	// The leader is a zombie still, so its group cannot be anyone else's.
	p.kill(syscall.SIGKILL)
	// The error is the exit code, or an output held open by a process that has
	// left the group; both are seen elsewhere.
	_ = p.cmd.Wait()
	return end
}

// kill signals the group; that it may be gone already is no error.
func (p *process) kill(sig syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, sig) }

// waitZombie returns when pid has ended, and leaves it to be reaped: as long
// as it is not, its number and its group's number are not given away.
func waitZombie(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func (p *process) state() interface{ ExitCode() int } { return p.cmd.ProcessState }

// signal is the signal that ended the agent, or 0.
func (p *process) signal() syscall.Signal {
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal()
	}
	return 0
}
