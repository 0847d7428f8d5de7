package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/internal/proc"
)

// Settle is how long a process without the parameter ready must live before
// its start counts as done: long enough for a wrong option to show.
const Settle = 100 * time.Millisecond

// start makes sure that the process runs, and is ready.
func (a *Agent) start(ctx context.Context, req agents.Request, s settings) agents.Result {
	f, err := look(s.pidfile, false)
	if err != nil {
		return done(agents.ErrGeneric, "%v", err)
	}
	if f.alive {
		return a.awaitReady(ctx, s, f.main, nil)
	}
	l, r := s.plan(req)
	if r.Code != agents.OK {
		return r
	}
	if len(f.left) > 0 {
		a.log.Warn("children of an earlier run are still there, ending them", "resource", req.Resource, "pids", f.left)
		if r := a.end(ctx, req, s, f); r.Status != agents.Done || r.Code != agents.OK {
			return r
		}
	}
	before := lookAt(s.ready)
	id, err := a.launch(ctx, l, s)
	if err != nil {
		if ctx.Err() != nil {
			return gaveUp("start was given up before the command ran: %v", err)
		}
		return done(agents.ErrGeneric, "%v", err)
	}
	return a.awaitReady(ctx, s, id, before)
}

// awaitReady waits until the process serves, or has settled, or is dead.
// before is what was at the path in ready when the process was started.
func (a *Agent) awaitReady(ctx context.Context, s settings, id identity, before fs.FileInfo) agents.Result {
	var ended <-chan struct{}
	if c := a.ours(s.pidfile, id); c != nil {
		ended = c.ended
	}
	began, pause := time.Now(), time.Millisecond
	timer := time.NewTimer(0)
	defer timer.Stop()
	why := errors.New("it was not asked yet")
	for {
		select {
		case <-ctx.Done():
			return gaveUp("process %d is not ready: %v; it still runs", id.pid, why)
		case <-ended:
		case <-timer.C:
		}
		if now, err := proc.Read(id.pid); err != nil || now.Born != id.born || now.Dead() {
			return done(agents.ErrGeneric, "%s before it was ready%s", a.obituary(ctx, s.pidfile, id), s.lastWords())
		}
		switch {
		case atGate(id.pid):
			why = errors.New("the command does not run yet")
		case s.ready == "" && time.Since(began) >= Settle:
			return agents.Result{Status: agents.Done}
		case s.ready == "":
			why = fmt.Errorf("it must live for %s", Settle)
		default:
			if why = askReady(ctx, s.ready, before); why == nil {
				return agents.Result{Status: agents.Done}
			}
		}
		pause = min(pause*3/2+time.Millisecond, 100*time.Millisecond)
		timer.Reset(pause)
	}
}

// obituary is epitaph for a process just found dead: a child is reaped first,
// so that its exit status is known.
func (a *Agent) obituary(ctx context.Context, pidfile string, id identity) string {
	if c := a.ours(pidfile, id); c != nil {
		select {
		case <-c.ended:
		case <-ctx.Done():
		}
	}
	return a.epitaph(pidfile, id)
}

// lastWords is the last line of the log, for a reason; "" if there is none.
func (s settings) lastWords() string {
	const enough = 4096
	f, err := os.Open(s.logfile)
	if err != nil {
		return ""
	}
	defer f.Close()
	buf := make([]byte, enough)
	if size, err := f.Seek(0, 2); err != nil || size < enough {
		_, _ = f.Seek(0, 0)
	} else {
		_, _ = f.Seek(-enough, 2)
	}
	n, _ := f.Read(buf)
	last := ""
	for line := range strings.Lines(strings.ToValidUTF8(string(buf[:n]), "?")) {
		if line = strings.TrimSpace(line); line != "" {
			last = line
		}
	}
	if last == "" {
		return ""
	}
	return fmt.Sprintf("; the last line of %s is: %.200s", filepath.Base(s.logfile), last)
}
