package systemd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/holdfast-ha/holdfast/agents"
)

// start brings the unit up.
func (a *Agent) start(ctx context.Context, name string) agents.Result {
	u, err := a.find(ctx, name)
	if err != nil {
		return lost(ctx, "start of "+name, err)
	}
	s, err := a.look(ctx, u)
	if err != nil {
		return lost(ctx, "start of "+name, err)
	}
	if s.up() && !mainGone(s) {
		return good()
	}
	if err := unusable(u, s); err != nil {
		return refused(err)
	}
	result, err := a.insist(ctx, u, "StartUnit", replacing, snapshot.up)
	if err != nil {
		return a.gaveUp(ctx, "start", u, err)
	}
	// A unit that systemd restarts by itself is "activating" for a while.
	s, err = a.await(ctx, u, func(s snapshot) bool { return !s.moving() })
	if err != nil {
		return a.gaveUp(ctx, "start", u, err)
	}
	if s.up() {
		return good()
	}
	return bad(agents.ErrGeneric, "%s", notStarted(u, s, result))
}

// notStarted says why a unit is down after its start job.
func notStarted(u unit, s snapshot, result string) string {
	why := s.failure()
	switch {
	case why != "":
	case !s.Condition:
		why = "a Condition…= or Assert…= of the unit is not met"
	case jobFailure("start", result) != "":
		why = jobFailure("start", result)
	default:
		why = "it ended at once; a Type=oneshot service needs RemainAfterExit=yes"
	}
	return fmt.Sprintf("%s did not start: %s; it is %s", u.name, why, s)
}

// stop takes the unit down.
func (a *Agent) stop(ctx context.Context, name string) agents.Result {
	u, err := a.find(ctx, name)
	if err != nil {
		return lost(ctx, "stop of "+name, err)
	}
	s, err := a.look(ctx, u)
	if err != nil {
		return lost(ctx, "stop of "+name, err)
	}
	var result string
	if !s.down() || a.startQueued(ctx, u) {
		if result, err = a.insist(ctx, u, "StopUnit", a.stopMode(ctx), snapshot.down); err != nil {
			return a.gaveUp(ctx, "stop", u, err)
		}
	}
	// However the job ended, the unit's state is what counts.
	s, err = a.await(ctx, u, func(s snapshot) bool { return s.down() || s.up() && result != "" })
	if err != nil {
		return a.gaveUp(ctx, "stop", u, err)
	}
	if s.down() {
		return good()
	}
	why := jobFailure("stop", result)
	if why == "" {
		why = "it was started again; did somebody run systemctl, or does another unit pull it in?"
	}
	return bad(agents.ErrGeneric, "%s did not stop: %s; it is %s", u.name, why, s)
}

// insist runs a job, and again when it ended unheard without its effect.
func (a *Agent) insist(ctx context.Context, u unit, method, mode string, reached func(snapshot) bool) (string, error) {
	for {
		result, err := a.runJob(ctx, u, method, mode)
		if !errors.Is(err, errUnheard) {
			return result, err
		}
		s, err := a.look(ctx, u)
		if err != nil || reached(s) {
			return "done", err
		}
	}
}

// startQueued says whether a job waits that would bring a stopped unit up, such
// as a start that was given up half way. Stopping cancels it.
func (a *Agent) startQueued(ctx context.Context, u unit) bool {
	var id uint32
	err := a.do(ctx, func(l *link) (err error) {
		id, _, err = l.unitJob(ctx, u.path)
		return err
	})
	return err == nil && id != 0
}

// monitor looks. A unit on its way up or down is awaited until the deadline.
func (a *Agent) monitor(ctx context.Context, name string) agents.Result {
	u, err := a.find(ctx, name)
	if err != nil {
		return lost(ctx, "monitor of "+name, err)
	}
	s, err := a.await(ctx, u, func(s snapshot) bool { return !s.moving() })
	if err != nil {
		return a.gaveUp(ctx, "monitor", u, err)
	}
	if mainGone(s) {
		s = a.settle(ctx, u, s)
	}
	switch {
	case s.up() && mainGone(s):
		return bad(agents.NotRunning, "main process %d of %s is gone, though systemd still says %s", s.MainPID, u.name, s)
	case s.up():
		return good()
	case s.Load == "not-found":
		return refused(unusable(u, s))
	}
	return agents.Result{Status: agents.Done, Code: agents.NotRunning, Reason: s.failure()}
}

// mainGone says that the main process has ended and systemd did not notice yet.
func mainGone(s snapshot) bool { return s.up() && s.MainPID > 0 && processGone(s.MainPID) }

// settle gives systemd a moment to notice that a main process has ended, so
// that the answer can say why.
func (a *Agent) settle(ctx context.Context, u unit, before snapshot) snapshot {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	s, err := a.await(ctx, u, func(s snapshot) bool { return !s.moving() && !mainGone(s) })
	if err != nil {
		return before
	}
	return s
}

// reload asks the service to read its configuration again.
func (a *Agent) reload(ctx context.Context, name string) agents.Result {
	u, err := a.find(ctx, name)
	if err != nil {
		return lost(ctx, "reload of "+name, err)
	}
	can := false
	err = a.do(ctx, func(l *link) error {
		return l.getAll(ctx, u.path, []property{{unitIface, "CanReload", &can}})
	})
	if err != nil {
		return lost(ctx, "reload of "+name, err)
	}
	if !can {
		return agents.Result{
			Status: agents.NotSupported, Code: agents.ErrUnsupported,
			Reason: fmt.Sprintf("%s cannot reload: it has no ExecReload=", u.name),
		}
	}
	result, err := a.runJob(ctx, u, "ReloadUnit", replacing)
	if err != nil {
		return a.gaveUp(ctx, "reload", u, err)
	}
	if why := jobFailure("reload", result); why != "" {
		return bad(agents.ErrGeneric, "%s was not reloaded: %s", u.name, why)
	}
	return good()
}

// validate says whether the unit could be started here.
func (a *Agent) validate(ctx context.Context, name string) agents.Result {
	u, err := a.find(ctx, name)
	if err != nil {
		return lost(ctx, "check of "+name, err)
	}
	s, err := a.look(ctx, u)
	if err != nil {
		return lost(ctx, "check of "+name, err)
	}
	if err := unusable(u, s); err != nil {
		return refused(err)
	}
	return good()
}

// refused is the result for a unit that cannot be used on this node.
func refused(err error) agents.Result {
	var missing *missingUnit
	if errors.As(err, &missing) {
		return agents.Result{Status: agents.NotInstalled, Code: agents.ErrInstalled, Reason: err.Error()}
	}
	return bad(agents.ErrConfigured, "%v", err)
}

// gaveUp is the result when an operation ended without an answer: mostly at
// the deadline, where it says what the unit is doing now.
func (a *Agent) gaveUp(ctx context.Context, verb string, u unit, err error) agents.Result {
	if ctx.Err() == nil {
		var e dbus.Error
		if errors.As(err, &e) && e.Name == busName+".NoSuchUnit" {
			return refused(&missingUnit{u.name, "is not installed on this node"})
		}
		return agents.Result{Status: agents.Failed, Code: agents.ErrGeneric, Reason: fmt.Sprintf("%s of %s: %v", verb, u.name, err)}
	}
	now := "systemd does not answer"
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
	defer cancel()
	if s, err := a.look(short, u); err == nil {
		now = "it is " + s.String()
	}
	if verb != "monitor" {
		now += "; its job was cancelled"
	}
	return agents.Result{
		Status: agents.TimedOut, Code: agents.ErrGeneric,
		Reason: fmt.Sprintf("%s of %s did not finish in time; %s", verb, u.name, now),
	}
}
