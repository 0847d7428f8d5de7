package ocf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/internal/proc"
)

// operationMark is in the environment of every call, and of all that comes of
// it; its value says whose call it was.
const operationMark = "HOLDFAST_AGENT"

func (a *Agent) markOf(node string) string {
	return a.cfg.RunDir + " " + node
}

// EndOrphans ends the calls that an earlier daemon of this node left under way
// when it died, and names them. The daemon calls it once, before its first
// operation: otherwise a start that still goes on would race with the probe,
// or the stop, of its successor. Daemons which those calls started stay.
func (a *Agent) EndOrphans(ctx context.Context, node string) ([]string, error) {
	all, err := proc.All()
	if err != nil {
		return nil, fmt.Errorf("look for calls of agents left under way: %w", err)
	}
	var ended []string
	for _, s := range all {
		call, ok := a.orphan(s, node)
		if !ok {
			continue
		}
		if err := a.endOrphan(ctx, s); err != nil {
			return ended, fmt.Errorf("end %s (process %d): %w", call, s.PID, err)
		}
		a.log.Warn("ended an agent's call that an earlier daemon left under way", "call", call, "pid", s.PID)
		ended = append(ended, call)
	}
	return ended, nil
}

// orphan says whether a process is a call of an agent, rather than something
// that a call started: it leads its session, bears our mark, is not our child,
// and its command line still is "[interpreter] ROOT/resource.d/… ACTION".
func (a *Agent) orphan(s proc.Stat, node string) (string, bool) {
	if s.PID != s.Session || s.Parent == os.Getpid() {
		return "", false
	}
	if mark, ok := proc.Variable(s.PID, operationMark); !ok || mark != a.markOf(node) || !proc.SameNamespace(s.PID) {
		return "", false
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.PID))
	if err != nil {
		return "", false
	}
	words := strings.Split(string(bytes.TrimSuffix(line, []byte{0})), "\x00")
	n := len(words)
	agentsDir := filepath.Join(a.cfg.Root, "resource.d") + "/"
	if n < 2 || !strings.HasPrefix(words[n-2], agentsDir) {
		return "", false
	}
	provider, name := filepath.Split(strings.TrimPrefix(words[n-2], agentsDir))
	spec := agents.Spec{Class: "ocf", Provider: strings.TrimSuffix(provider, "/"), Type: name}
	instance, _ := proc.Variable(s.PID, "OCF_RESOURCE_INSTANCE")
	return fmt.Sprintf("%s of %s (%s)", words[n-1], instance, spec), true
}

// endOrphan ends a process group that is not our child: TERM, the grace, KILL.
func (a *Agent) endOrphan(ctx context.Context, s proc.Stat) error {
	_ = syscall.Kill(-s.PID, syscall.SIGTERM)
	a.awaitGroup(ctx, s.PID, a.cfg.Grace)
	_ = syscall.Kill(-s.PID, syscall.SIGKILL)
	a.awaitGroup(ctx, s.PID, reapWithin)
	if groupLives(s.PID) {
		return errors.New("it does not die even by KILL")
	}
	return nil
}

// awaitGroup returns when nothing of the group lives, or the time is over.
func (a *Agent) awaitGroup(ctx context.Context, group int, limit time.Duration) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); ctx.Err() == nil && time.Now().Before(end) && groupLives(group); {
		<-tick.C
	}
}
