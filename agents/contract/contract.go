package contract

import (
	"io"
	"maps"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-ha/holdfast/agents"
)

// Grace is how long after its deadline an operation may still be cleaning up.
const Grace = 2 * time.Second

// Subject is one agent under test, with what the suite needs to know of it.
type Subject struct {
	// Agent is what is tested. When it has a Close method, the suite calls it
	// once, last, before it looks for goroutines left behind.
	Agent agents.Agent

	// New gives the request for a fresh, stopped, healthy resource, distinct
	// from all earlier ones: Resource, Agent, Params, Node and Timeout are set;
	// the suite fills in the action and stops the resource at the end.
	New func(t *testing.T) agents.Request

	// Break makes the started resource fail from outside, behind the agent's
	// back: kill its process, delete its address. It returns once that is done.
	// Nil leaves the clauses out which need it.
	Break func(t *testing.T, req agents.Request)

	// Hang is like New, but start of this resource takes longer than a minute.
	// Stop must work. Nil leaves the clauses out which need it.
	Hang func(t *testing.T) agents.Request

	// Bad are parameters that the agent must refuse, beyond the absence of
	// each required one (which the suite takes from the metadata).
	Bad []Bad

	// Waive leaves clauses out, by name, with the reason: for programs of others
	// that are run as they are.
	Waive map[string]string

	// EventWithin is how soon a [agents.Watcher] must notice a break; zero
	// means 100 ms.
	EventWithin time.Duration
}

// Bad is one set of parameters that an agent must refuse.
type Bad struct {
	Names  string            // what the reason must mention, usually the parameter's name
	Params map[string]string // laid over the good ones; an empty value removes the parameter
}

// clause is one promise of the contract.
type clause struct {
	name string
	test func(*testing.T, Subject)
}

// Test runs the whole contract against one agent, each clause as a subtest.
func Test(t *testing.T, s Subject) {
	t.Helper()
	if s.EventWithin == 0 {
		s.EventWithin = 100 * time.Millisecond
	}
	before := goleak.IgnoreCurrent()
	for _, c := range []clause{
		{"metadata is present and consistent", metadataIsConsistent},
		{"a started resource starts again", startTwice},
		{"a stopped resource stops again", stopTwice},
		{"what never ran stops", stopNeverStarted},
		{"monitor tells the truth", monitorTellsTruth},
		{"a resource broken from outside is seen, stopped and started", brokenIsSeen},
		{"resources do not disturb each other", resourcesAreApart},
		{"a start given up half way can be stopped", abandonedStart},
		{"a hanging start given up ends at once and can be stopped", abandonedHang},
		{"the timeout is honoured", timeoutHonoured},
		{"a timeout that is not positive is refused", timeoutMustBePositive},
		{"an unknown action is unsupported", unknownAction},
		{"bad parameters are refused by name", badParameters},
		{"watch tells of a break in time, each time", watchNotices},
		{"watch ends when it is told to", watchEnds},
	} {
		t.Run(c.name, func(t *testing.T) {
			if why := s.Waive[c.name]; why != "" {
				t.Skip("left out: " + why)
			}
			c.test(t, s)
		})
	}
	t.Run("no goroutine is left behind", func(t *testing.T) {
		if c, ok := s.Agent.(io.Closer); ok {
			if err := c.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		goleak.VerifyNone(t, before)
	})
}

// fresh makes a resource and sees to it that it is stopped when the test ends.
func (s Subject) fresh(t *testing.T) agents.Request {
	t.Helper()
	return s.tidied(t, s.New(t))
}

// hanging is fresh for a resource whose start hangs.
func (s Subject) hanging(t *testing.T) agents.Request {
	t.Helper()
	if s.Hang == nil {
		t.Skip("left out: this subject has no way to hang")
	}
	return s.tidied(t, s.Hang(t))
}

func (s Subject) tidied(t *testing.T, req agents.Request) agents.Request {
	t.Helper()
	if req.Resource == "" || req.Agent.Type == "" || req.Timeout <= 0 {
		t.Fatalf("the subject's request lacks a resource, an agent or a timeout: %+v", req)
	}
	t.Cleanup(func() {
		if r := s.run(t, req, agents.Stop); r.Status != agents.Done || r.Code != agents.OK {
			t.Errorf("stop of %s at the end of the test: %s\n%s", req.Resource, r, r.Output)
		}
	})
	return req
}

// merged lays a bad set of parameters over good ones.
func (b Bad) merged(good map[string]string) map[string]string {
	params := maps.Clone(good)
	if params == nil {
		params = map[string]string{}
	}
	for k, v := range b.Params {
		if v == "" {
			delete(params, k)
		} else {
			params[k] = v
		}
	}
	return params
}
