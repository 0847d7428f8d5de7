package ocf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/internal/proc"
)

const (
	// drain is how long after an agent's exit its last output is awaited. A
	// daemon that keeps the agent's stdout open must not hold the answer back.
	drain = 100 * time.Millisecond
	// reapWithin is how long a killed process may take to vanish before the
	// caller is told that the kernel does not let go of it.
	reapWithin = 300 * time.Millisecond
)

// command is one call of an agent.
type command struct {
	path    string
	action  string
	env     []string
	keepOut int // bytes of stdout to keep apart from the log; 0: none
}

// called is what came of it.
type called struct {
	err     error            // the program could not be started
	state   *os.ProcessState // nil: not started, or never seen to end
	stopped error            // the context's error, if that ended the call
	stuck   int              // process group that did not die by KILL; 0: none
	output  output
}

// call runs the agent to its end, or to the end of ctx and a grace.
func (a *Agent) call(ctx context.Context, c command) *called {
	result := &called{output: output{keep: c.keepOut}}
	if result.stopped = ctx.Err(); result.stopped != nil {
		return result
	}
	cmd := a.prepare(c, &result.output)
	if result.err = cmd.Start(); result.err != nil {
		return result
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the state tells all; an error of the pipes changes nothing
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		result.stopped = ctx.Err()
		if !a.end(cmd.Process.Pid, ended) {
			result.stuck = cmd.Process.Pid
			return result
		}
	}
	result.state = cmd.ProcessState
	return result
}

// prepare is the one place that decides how an agent's process is embedded in
// the system: today in a session, and so in a process group, of its own; a
// scope or cgroup for what it starts belongs here.
func (a *Agent) prepare(c command, out *output) *exec.Cmd {
	cmd := exec.Command(c.path, c.action)
	cmd.Env, cmd.Dir = c.env, "/"
	cmd.Stdout, cmd.Stderr = out.stdout(), out.stderr()
	cmd.WaitDelay = drain
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// end makes the process group go away: TERM, the grace, KILL. It says whether
// the leader is known to be gone.
func (a *Agent) end(group int, ended <-chan struct{}) bool {
	_ = syscall.Kill(-group, syscall.SIGTERM)
	a.awaitGroup(context.Background(), group, a.cfg.Grace)
	_ = syscall.Kill(-group, syscall.SIGKILL)
	select {
	case <-ended:
		return true
	case <-time.After(reapWithin):
		return false
	}
}

// groupLives says whether any process of the group has not ended. Zombies do
// not count: an init that is slow to reap must not cost us the whole grace.
func groupLives(group int) bool {
	if errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) {
		return false
	}
	all, err := proc.All()
	return err != nil || slices.ContainsFunc(all, func(s proc.Stat) bool { return s.Group == group })
}

// result renders what came of the call in the cluster's vocabulary.
func (c *called) result(ctx context.Context, req agents.Request) agents.Result {
	r := agents.Result{Status: agents.Failed, Code: agents.ErrGeneric, Output: c.output.log()}
	switch {
	case c.stopped != nil:
		r.Status, r.Reason = c.interrupted(ctx, req)
	case errors.Is(c.err, fs.ErrNotExist):
		r.Status, r.Code = agents.NotInstalled, agents.ErrInstalled
		r.Reason = fmt.Sprintf("agent %s cannot be run, is its interpreter installed? %v", req.Agent, c.err)
	case errors.Is(c.err, fs.ErrPermission):
		r.Code, r.Reason = agents.ErrPermission, fmt.Sprintf("agent %s cannot be run: %v", req.Agent, c.err)
	case c.err != nil:
		r.Reason = fmt.Sprintf("agent %s cannot be run: %v", req.Agent, c.err)
	case !c.state.Exited():
		r.Reason = fmt.Sprintf("agent %s was ended by %s during %s", req.Agent, signalOf(c.state), req.Action)
	default:
		r.Status, r.Code = agents.Done, agents.Code(c.state.ExitCode())
		r.Reason = reason(r.Code, c.output.errors(), r.Output)
	}
	return r
}

// interrupted tells a timeout from a caller that gave up.
func (c *called) interrupted(ctx context.Context, req agents.Request) (agents.Status, string) {
	status, why := agents.TimedOut, fmt.Sprintf("%s did not end within %s", req.Action, req.Timeout)
	if ctx.Err() != nil {
		status, why = agents.Cancelled, fmt.Sprintf("%s was given up: %v", req.Action, ctx.Err())
	}
	if said := lastWords(c.output.errors()); said != "" {
		why += "; it last said: " + said
	}
	if c.stuck != 0 {
		why += fmt.Sprintf("; process %d does not die even by KILL, see its state in /proc/%d/stack", c.stuck, c.stuck)
	}
	return status, why
}

func signalOf(state *os.ProcessState) string {
	ws, ok := state.Sys().(syscall.WaitStatus)
	if !ok {
		return state.String()
	}
	if ws.CoreDump() {
		return fmt.Sprintf("signal %d (%s, core dumped)", ws.Signal(), ws.Signal())
	}
	return fmt.Sprintf("signal %d (%s)", ws.Signal(), ws.Signal())
}
