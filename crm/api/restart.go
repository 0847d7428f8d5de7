package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
)

// restartLimit bounds how long a restart waits for the resource to stop.
const restartLimit = 30 * time.Minute

// restart stops a resource, waits until it and what depends on it have stopped,
// and gives it back the role that it was asked to have. It goes on when the
// client goes away, so that nothing is left stopped by accident.
func (s *Server) restart(r *http.Request, name string) (any, error) {
	st := s.backend.State()
	if len(s.activeOn(name)) == 0 {
		return nil, errorf(NotApplicable, "%s does not run: 'crm resource start %s'", name, name)
	}
	stopped, before := "Stopped", st.Settings.Resources[name].TargetRole
	stop := state.Command{By: author(r.Context()), SetResource: &state.SetResource{Resource: name, TargetRole: &stopped}}
	if dryRun(r) {
		return s.change(r, stop, name, name+" restarts")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), restartLimit)
	defer cancel()
	first, err := s.propose(ctx, stop, name, name+" stops, to start again")
	if err != nil {
		return nil, err
	}
	stoppedAll := s.awaitStop(ctx, first.Index, name)
	again := state.Command{By: stop.By, SetResource: &state.SetResource{Resource: name, TargetRole: &before}}
	second, err := s.propose(context.WithoutCancel(ctx), again, name, name+" starts again")
	if err != nil {
		return nil, errorf(asError(err).Kind, "%s was stopped, but could not be started again: %v; 'crm resource start %s'", name, err, name)
	}
	if !stoppedAll {
		return nil, errorf(NotApplicable, "%s could not be stopped: see 'crm status'", name)
	}
	second.Index, second.Text = first.Index, name+" restarts"
	return second, nil
}

// awaitStop says whether the resource has stopped everywhere.
func (s *Server) awaitStop(ctx context.Context, index uint64, name string) bool {
	ok := false
	s.follow(ctx, newFollower(index, name, s.before.get(index)), func(e Event) error {
		ok = ok || e.Final != nil && e.Final.Result != StillWorking
		return nil
	})
	return ok && !slices.ContainsFunc(s.activeOn(name), func(string) bool { return true })
}
