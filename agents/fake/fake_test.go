package fake_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/contract"
	"github.com/holdfast-ha/holdfast/agents/fake"
)

func request(resource string) agents.Request {
	return agents.Request{
		Resource: resource, Agent: agents.Spec{Class: "holdfast", Type: "fake"},
		Timeout: 10 * time.Second, Params: map[string]string{}, Node: "n1",
	}
}

func TestContract(t *testing.T) {
	a := fake.New()
	n := 0
	contract.Test(t, contract.Subject{
		Agent: a,
		New: func(*testing.T) agents.Request {
			n++
			return request(fmt.Sprintf("fake%d", n))
		},
		Hang: func(*testing.T) agents.Request {
			n++
			r := request(fmt.Sprintf("fake%d", n))
			r.Params["delay"] = "forever"
			return r
		},
		Break: func(_ *testing.T, req agents.Request) { a.Break(req.Resource, "broken by the test", time.Now()) },
		Bad:   []contract.Bad{{Names: "delay", Params: map[string]string{"delay": "soon"}}},
	})
}

// The script: the first start of db takes two seconds and fails, the second
// exceeds its timeout, the third succeeds; a promotion lies about its effect.
func TestScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := fake.New()
		broken := fake.Broken
		a.Script("db", agents.Start,
			fake.Answer{Delay: 2 * time.Second, Code: agents.ErrGeneric, Reason: "no licence"},
			fake.Answer{Delay: fake.Forever})
		a.Always("db", agents.Promote, fake.Answer{Leaves: &broken})
		began := time.Now()
		for _, action := range []agents.Action{
			agents.Start, agents.Start, agents.Start, agents.Monitor, agents.Promote, agents.Monitor, agents.Demote, agents.Stop, agents.Monitor,
		} {
			req := request("db")
			req.Action = action
			a.Run(context.Background(), req)
		}
		want := `start db -> error: no licence
start db -> Timed Out: start of db was given up after 10s
start db -> ok
monitor db -> ok
promote db -> ok
monitor db -> error: it was broken
demote db -> not running: it does not run
stop db -> ok
monitor db -> not running
`
		if d := cmp.Diff(want, a.History()); d != "" {
			t.Error(d)
		}
		if took := time.Since(began); took != 12*time.Second {
			t.Errorf("all took %s, want 12s", took)
		}
	})
}

// Who keeps time himself sees an operation's length up front, and no effect before its end.
func TestBeginDoesNotWait(t *testing.T) {
	a := fake.New()
	now := time.Unix(1000, 0)
	req := request("web")
	req.Action = agents.Start
	req.Params["delay"] = "3s"
	op := a.Begin(req, now)
	if op.Takes != 3*time.Second || a.State("web") != fake.Stopped {
		t.Fatalf("takes %s, state %q", op.Takes, a.State("web"))
	}
	r := op.End(now.Add(op.Takes))
	if r.Code != agents.OK || !r.Finished.Equal(now.Add(3*time.Second)) || a.State("web") != fake.Started {
		t.Fatalf("%+v, state %q", r, a.State("web"))
	}
	if e, ok := a.Break("web", "signal 9", now); !ok || e.Reason != "signal 9" {
		t.Fatalf("break: %+v, %t", e, ok)
	}
	if _, ok := a.Break("web", "again", now); ok {
		t.Error("what is broken broke again")
	}
}
