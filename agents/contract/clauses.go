package contract

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

func startTwice(t *testing.T, s Subject) {
	req := s.fresh(t)
	s.must(t, req, agents.Start, agents.OK)
	s.must(t, req, agents.Start, agents.OK)
	s.must(t, req, agents.Monitor, agents.OK)
}

func stopTwice(t *testing.T, s Subject) {
	req := s.fresh(t)
	s.must(t, req, agents.Start, agents.OK)
	s.must(t, req, agents.Stop, agents.OK)
	s.must(t, req, agents.Stop, agents.OK)
	s.must(t, req, agents.Monitor, agents.NotRunning)
}

func stopNeverStarted(t *testing.T, s Subject) {
	req := s.fresh(t)
	s.must(t, req, agents.Stop, agents.OK)
	s.must(t, req, agents.Monitor, agents.NotRunning)
}

func monitorTellsTruth(t *testing.T, s Subject) {
	req := s.fresh(t)
	for range 2 {
		s.must(t, req, agents.Monitor, agents.NotRunning)
		s.must(t, req, agents.Start, agents.OK)
		s.must(t, req, agents.Monitor, agents.OK)
		recurring := req
		recurring.Interval = 10 * time.Second
		s.must(t, recurring, agents.Monitor, agents.OK)
		s.must(t, req, agents.Stop, agents.OK)
	}
	s.must(t, req, agents.Monitor, agents.NotRunning)
}

func brokenIsSeen(t *testing.T, s Subject) {
	if s.Break == nil {
		t.Skip("left out: this subject has no way to break")
	}
	req := s.fresh(t)
	s.must(t, req, agents.Start, agents.OK)
	s.Break(t, req)
	s.must(t, req, agents.Monitor, agents.NotRunning, agents.ErrGeneric)
	s.must(t, req, agents.Stop, agents.OK)
	s.must(t, req, agents.Monitor, agents.NotRunning)
	s.must(t, req, agents.Start, agents.OK)
	s.must(t, req, agents.Monitor, agents.OK)
	s.Break(t, req)
	s.must(t, req, agents.Start, agents.OK) // as after a failed probe: start without a stop
	s.must(t, req, agents.Monitor, agents.OK)
}

func resourcesAreApart(t *testing.T, s Subject) {
	reqs := []agents.Request{s.fresh(t), s.fresh(t)}
	var wg sync.WaitGroup
	results := make([]agents.Result, len(reqs))
	for i, req := range reqs {
		wg.Go(func() {
			req.Action = agents.Start
			results[i] = s.Agent.Run(context.Background(), req)
		})
	}
	wg.Wait()
	for i, r := range results {
		if r.Status != agents.Done || r.Code != agents.OK {
			t.Fatalf("start of %s beside another: %s\n%s", reqs[i].Resource, r, r.Output)
		}
	}
	s.must(t, reqs[0], agents.Stop, agents.OK)
	s.must(t, reqs[1], agents.Monitor, agents.OK)
	s.must(t, reqs[0], agents.Monitor, agents.NotRunning)
}

// abandonedStart gives a healthy start up after various times. It may have
// won the race; either way stop succeeds and nothing comes up later.
func abandonedStart(t *testing.T, s Subject) {
	for _, after := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			req := s.fresh(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if after == 0 {
				cancel()
			} else {
				defer time.AfterFunc(after, cancel).Stop()
			}
			r := s.runIn(ctx, t, req, agents.Start)
			won := r.Status == agents.Done && r.Code == agents.OK
			if !won && r.Status != agents.Cancelled {
				t.Errorf("a start that was given up says %q (status %q), want Cancelled\n%s", r, r.Status, r.Output)
			}
			s.must(t, req, agents.Stop, agents.OK)
			s.staysStopped(t, req)
			s.must(t, req, agents.Start, agents.OK)
		})
	}
}

func abandonedHang(t *testing.T, s Subject) {
	req := s.hanging(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer time.AfterFunc(100*time.Millisecond, cancel).Stop()
	began := time.Now()
	r := s.runIn(ctx, t, req, agents.Start)
	if took := time.Since(began); took > Grace+100*time.Millisecond {
		t.Errorf("the start returned %s after it was begun, 100 ms after which it was given up", took)
	}
	if r.Status != agents.Cancelled {
		t.Errorf("a hanging start that was given up says %q (status %q), want Cancelled", r, r.Status)
	}
	s.must(t, req, agents.Stop, agents.OK)
	s.staysStopped(t, req)
}

func timeoutHonoured(t *testing.T, s Subject) {
	req := s.hanging(t)
	short := req
	short.Timeout = 300 * time.Millisecond
	began := time.Now()
	r := s.run(t, short, agents.Start) // checks the upper limit
	if took := time.Since(began); took < short.Timeout {
		t.Errorf("the start came back after %s, before its timeout of %s: %s", took, short.Timeout, r)
	}
	if r.Status != agents.TimedOut {
		t.Errorf("a start beyond its timeout says %q (status %q), want Timed Out", r, r.Status)
	}
	s.must(t, req, agents.Stop, agents.OK)
	s.staysStopped(t, req)
}

func timeoutMustBePositive(t *testing.T, s Subject) {
	req := s.fresh(t)
	for _, timeout := range []time.Duration{0, -time.Second} {
		none := req
		none.Timeout = timeout
		if r := s.run(t, none, agents.Start); r.Status == agents.Done && r.Code == agents.OK {
			t.Errorf("start with a timeout of %s succeeded", timeout)
		}
	}
	s.must(t, req, agents.Monitor, agents.NotRunning)
}

func unknownAction(t *testing.T, s Subject) {
	req := s.fresh(t)
	for _, a := range []agents.Action{"no-such-action", ""} {
		r := s.run(t, req, a)
		if r.Code != agents.ErrUnsupported || (r.Status != agents.Done && r.Status != agents.NotSupported) {
			t.Errorf("action %q: got %q (status %q, code %d), want code %d", a, r, r.Status, r.Code, agents.ErrUnsupported)
		}
	}
}

func badParameters(t *testing.T, s Subject) {
	req := s.fresh(t)
	meta, err := s.Agent.Metadata(context.Background(), req.Agent)
	if err != nil {
		t.Fatal(err)
	}
	cases := append([]Bad(nil), s.Bad...)
	for _, p := range meta.Parameters {
		if _, given := req.Params[p.Name]; p.Required && given {
			cases = append(cases, Bad{Names: p.Name, Params: map[string]string{p.Name: ""}})
		}
	}
	if len(cases) == 0 {
		t.Skip("left out: this agent takes anything")
	}
	asked := []agents.Action{agents.Start}
	if meta.Offers(agents.ValidateAll) {
		s.must(t, req, agents.ValidateAll, agents.OK)
		asked = append(asked, agents.ValidateAll)
	}
	for _, bad := range cases {
		for _, a := range asked {
			t.Run(fmt.Sprintf("%s %v", a, bad.Params), func(t *testing.T) {
				wrong := req
				wrong.Params = bad.merged(req.Params)
				r := s.run(t, wrong, a)
				if r.Code != agents.ErrConfigured && r.Code != agents.ErrArgs {
					t.Errorf("got %q (code %d), want code %d or %d\n%s", r, r.Code, agents.ErrConfigured, agents.ErrArgs, r.Output)
				}
				if !strings.Contains(r.Reason, bad.Names) {
					t.Errorf("the reason does not mention %q: %q", bad.Names, r.Reason)
				}
			})
		}
	}
	s.must(t, req, agents.Monitor, agents.NotRunning)
}
