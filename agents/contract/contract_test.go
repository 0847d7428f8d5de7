package contract_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/contract"
	"github.com/holdfast-ha/holdfast/agents/fake"
)

// mutant is an agent with one fault, over one without.
type mutant struct {
	*fake.Agent
	run   func(ctx context.Context, req agents.Request, good func(context.Context, agents.Request) agents.Result) agents.Result
	watch func(ctx context.Context, req agents.Request, emit func(agents.Event)) error
	meta  func(*agents.Metadata)
}

func (m *mutant) Run(ctx context.Context, req agents.Request) agents.Result {
	if m.run == nil {
		return m.Agent.Run(ctx, req)
	}
	return m.run(ctx, req, m.Agent.Run)
}

func (m *mutant) Watch(ctx context.Context, req agents.Request, emit func(agents.Event)) error {
	if m.watch == nil {
		return m.Agent.Watch(ctx, req, emit)
	}
	return m.watch(ctx, req, emit)
}

func (m *mutant) Metadata(ctx context.Context, spec agents.Spec) (*agents.Metadata, error) {
	meta, err := m.Agent.Metadata(ctx, spec)
	if m.meta != nil {
		m.meta(meta)
	}
	return meta, err
}

type runner = func(context.Context, agents.Request) agents.Result

// answering gives an agent that answers an action on its own account.
func answering(action agents.Action, code agents.Code) *mutant {
	return &mutant{run: func(ctx context.Context, req agents.Request, good runner) agents.Result {
		if req.Action != action || req.Timeout <= 0 || ctx.Err() != nil {
			return good(ctx, req)
		}
		return agents.Result{Status: agents.Done, Code: code, Started: time.Now(), Finished: time.Now()}
	}}
}

// mutants are the faults, each with a clause that must notice it.
var mutants = map[string]struct {
	clause string
	make   func() *mutant
}{
	"no fault": {"", func() *mutant { return &mutant{} }},
	"stop says ok and does nothing": {"a stopped resource stops again", func() *mutant {
		return answering(agents.Stop, agents.OK)
	}},
	"start says ok and does nothing": {"a started resource starts again", func() *mutant {
		return answering(agents.Start, agents.OK)
	}},
	"monitor always says running": {"what never ran stops", func() *mutant {
		return answering(agents.Monitor, agents.OK)
	}},
	"monitor always says stopped": {"monitor tells the truth", func() *mutant {
		return answering(agents.Monitor, agents.NotRunning)
	}},
	"any action is fine": {"an unknown action is unsupported", func() *mutant {
		return answering("no-such-action", agents.OK)
	}},
	"timeouts are not looked at": {"the timeout is honoured", func() *mutant {
		return &mutant{run: func(ctx context.Context, req agents.Request, good runner) agents.Result {
			if req.Action == agents.Start && req.Timeout > 0 {
				req.Timeout += 3 * time.Second
			}
			return good(ctx, req)
		}}
	}},
	"failures come without a reason": {"bad parameters are refused by name", func() *mutant {
		return &mutant{run: func(ctx context.Context, req agents.Request, good runner) agents.Result {
			r := good(ctx, req)
			r.Reason = ""
			return r
		}}
	}},
	"a start given up comes up later": {"a start given up half way can be stopped", func() *mutant {
		m := &mutant{}
		m.run = func(ctx context.Context, req agents.Request, good runner) agents.Result {
			r := good(ctx, req)
			if req.Action == agents.Start && r.Status == agents.Cancelled {
				time.AfterFunc(50*time.Millisecond, func() { m.Set(req.Resource, fake.Started) })
			}
			return r
		}
		return m
	}},
	"watch sees nothing": {"watch tells of a break in time, each time", func() *mutant {
		return &mutant{watch: func(ctx context.Context, _ agents.Request, _ func(agents.Event)) error {
			<-ctx.Done()
			return nil
		}}
	}},
	"watch gives up after one event": {"watch tells of a break in time, each time", func() *mutant {
		m := &mutant{}
		m.watch = func(ctx context.Context, req agents.Request, emit func(agents.Event)) error {
			once, cancel := context.WithCancel(ctx)
			defer cancel()
			return m.Agent.Watch(once, req, func(e agents.Event) { emit(e); cancel() })
		}
		return m
	}},
	"watch cannot be ended": {"watch ends when it is told to", func() *mutant {
		return &mutant{watch: func(context.Context, agents.Request, func(agents.Event)) error { select {} }}
	}},
	"a goroutine is left": {"no goroutine is left behind", func() *mutant {
		m := &mutant{}
		m.run = func(ctx context.Context, req agents.Request, good runner) agents.Result {
			if req.Action == agents.Start {
				go func() { select {} }()
			}
			return good(ctx, req)
		}
		return m
	}},
	"metadata forgets stop": {"metadata is present and consistent", func() *mutant {
		return &mutant{meta: func(m *agents.Metadata) { m.Actions = m.Actions[:1] }}
	}},
}

const chosen = "CONTRACT_MUTANT"

// TestMutant runs the contract on one mutant; TestSuiteCanFail calls it.
func TestMutant(t *testing.T) {
	made, ok := mutants[os.Getenv(chosen)]
	if !ok {
		t.Skip("left out: it runs below TestSuiteCanFail")
	}
	m := made.make()
	m.Agent = fake.New()
	n := 0
	fresh := func(*testing.T) agents.Request {
		n++
		return agents.Request{
			Resource: fmt.Sprintf("r%d", n), Agent: agents.Spec{Class: "holdfast", Type: "fake"},
			Timeout: 10 * time.Second, Params: map[string]string{}, Node: "n1",
		}
	}
	contract.Test(t, contract.Subject{
		Agent: m, New: fresh,
		Hang: func(t *testing.T) agents.Request {
			r := fresh(t)
			r.Params["delay"] = "forever"
			return r
		},
		Break: func(_ *testing.T, req agents.Request) { m.Break(req.Resource, "broken", time.Now()) },
		Bad:   []contract.Bad{{Names: "delay", Params: map[string]string{"delay": "soon"}}},
	})
}

// Each mutant fails the clause that is there for it, and the agent without a
// fault fails none.
func TestSuiteCanFail(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	type report struct {
		out []byte
		err error
	}
	reports := make(map[string]chan report, len(mutants))
	for name := range mutants { // all at once: they spend their time waiting
		done := make(chan report, 1)
		reports[name] = done
		go func() {
			cmd := exec.Command(self, "-test.run=^TestMutant$", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), chosen+"="+name)
			out, err := cmd.CombinedOutput()
			done <- report{out, err}
		}()
	}
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			r := <-reports[name]
			if m.clause == "" {
				if r.err != nil {
					t.Errorf("the agent without a fault fails:\n%s", r.out)
				}
				return
			}
			if want := "--- FAIL: TestMutant/" + strings.ReplaceAll(m.clause, " ", "_") + " "; !strings.Contains(string(r.out), want) {
				t.Errorf("the clause %q does not notice:\n%s", m.clause, r.out)
			}
		})
	}
}
