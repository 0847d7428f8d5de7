package contract

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// run carries out one action, whatever comes of it. Its context is not the
// test's own, which is over by the time that cleanup stops the resource.
func (s Subject) run(t *testing.T, req agents.Request, a agents.Action) agents.Result {
	t.Helper()
	return s.runIn(context.Background(), t, req, a)
}

// runIn is run with a context of the caller's. It checks what holds for every
// result: the call came back in time, and its times make sense.
func (s Subject) runIn(ctx context.Context, t *testing.T, req agents.Request, a agents.Action) agents.Result {
	t.Helper()
	req.Action = a
	began := time.Now()
	r := s.Agent.Run(ctx, req)
	took := time.Since(began)
	if limit := max(req.Timeout, 0) + Grace; took > limit {
		t.Errorf("%s %s took %s; timeout and grace are %s", a, req.Resource, took, limit)
	}
	if r.Status == "" {
		t.Errorf("%s %s: the result has no status: %+v", a, req.Resource, r)
	}
	if r.Started.IsZero() || r.Finished.Before(r.Started) {
		t.Errorf("%s %s: the result's times make no sense: started %s, finished %s", a, req.Resource, r.Started, r.Finished)
	}
	if (r.Status != agents.Done || failed(r.Code)) && r.Reason == "" {
		t.Errorf("%s %s failed without a reason: %s\n%s", a, req.Resource, r, r.Output)
	}
	return r
}

// failed says whether a code is a failure whose reason people will ask for.
func failed(c agents.Code) bool {
	switch c {
	case agents.OK, agents.NotRunning, agents.RunningMaster, agents.Degraded, agents.DegradedMaster:
		return false
	}
	return true
}

// must runs an action and expects the agent's answer to be one of codes.
func (s Subject) must(t *testing.T, req agents.Request, a agents.Action, codes ...agents.Code) {
	t.Helper()
	r := s.run(t, req, a)
	if r.Status == agents.Done {
		for _, c := range codes {
			if r.Code == c {
				return
			}
		}
	}
	t.Fatalf("%s %s: got %q (status %q, code %d), want one of %v\n%s", a, req.Resource, r, r.Status, r.Code, codes, r.Output)
}

// staysStopped looks for a while whether a resource comes up although nobody
// wants it: the late end of work that was given up.
func (s Subject) staysStopped(t *testing.T, req agents.Request) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 6 {
		s.must(t, req, agents.Monitor, agents.NotRunning)
		<-tick.C
	}
}
