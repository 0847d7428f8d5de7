package fake

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// offered are the actions that the agent knows.
var offered = []agents.Action{
	agents.Start, agents.Stop, agents.Monitor, agents.Promote, agents.Demote, agents.Notify,
	agents.Reload, agents.MigrateTo, agents.MigrateFrom, agents.ValidateAll, agents.MetaData,
}

// Operation is a request under way. Exactly one of End and Abandon is called.
type Operation struct {
	// Takes is how long it runs until End may be called: its answer's delay.
	// It may exceed the request's timeout; End then tells so.
	Takes time.Duration

	agent   *Agent
	req     agents.Request
	began   time.Time
	refused *agents.Result // the answer, if the request makes no sense
	answer  *Answer        // nil: behave well
}

// Begin takes a request at the time now and decides what will come of it. It
// never waits and changes no resource yet.
func (a *Agent) Begin(req agents.Request, now time.Time) *Operation {
	op := &Operation{agent: a, req: req, began: now}
	takes, err := delay(req)
	switch {
	case !slices.Contains(offered, req.Action):
		op.refused = &agents.Result{Status: agents.NotSupported, Code: agents.ErrUnsupported, Reason: fmt.Sprintf("there is no action %q", req.Action)}
	case req.Timeout <= 0:
		op.refused = &agents.Result{Status: agents.Failed, Code: agents.ErrArgs, Reason: fmt.Sprintf("timeout %s is not positive", req.Timeout)}
	case err != nil && req.Action != agents.Stop && req.Action != agents.Monitor:
		op.refused = &agents.Result{Status: agents.Done, Code: agents.ErrConfigured, Reason: err.Error()}
	}
	if op.refused != nil {
		return op
	}
	op.Takes = takes
	if op.answer = a.nextAnswer(req); op.answer != nil {
		op.Takes = op.answer.Delay
	}
	return op
}

// nextAnswer takes the scripted answer for a request, or nil.
func (a *Agent) nextAnswer(req agents.Request) *Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := key(req.Resource, req.Action)
	if queue := a.scripts[k]; len(queue) > 0 {
		a.scripts[k] = queue[1:]
		return &queue[0]
	}
	if always, ok := a.always[k]; ok {
		return &always
	}
	return nil
}

// delay reads the parameter of that name.
func delay(req agents.Request) (time.Duration, error) {
	text := req.Params["delay"]
	switch {
	case text == "" || req.Action == agents.Monitor || req.Action == agents.ValidateAll && text == "forever":
		return 0, nil
	case text == "forever" && req.Action == agents.Stop:
		return 0, nil
	case text == "forever":
		return Forever, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("parameter delay: %q is not a duration such as 1.5s", text)
	}
	if req.Action == agents.ValidateAll {
		return 0, nil
	}
	return d, nil
}

// End finishes the operation at the time now, which is Takes, or the request's
// timeout if that is shorter, after it began.
func (o *Operation) End(now time.Time) agents.Result {
	switch {
	case o.refused != nil:
		return o.record(*o.refused, now)
	case o.Takes >= o.req.Timeout:
		return o.Abandon(now, agents.TimedOut)
	}
	return o.record(o.agent.apply(o.req, o.answer), now)
}

// Abandon ends the operation before it took effect: it timed out, was
// cancelled, or its node died.
func (o *Operation) Abandon(now time.Time, why agents.Status) agents.Result {
	r := agents.Result{Status: why, Code: agents.ErrGeneric, Reason: fmt.Sprintf("%s of %s was given up after %s", o.req.Action, o.req.Resource, now.Sub(o.began))}
	return o.record(r, now)
}

func (o *Operation) record(r agents.Result, now time.Time) agents.Result {
	r.Started, r.Finished = o.began, now
	o.agent.mu.Lock()
	defer o.agent.mu.Unlock()
	o.agent.history = append(o.agent.history, fmt.Sprintf("%s %s -> %s", o.req.Action, o.req.Resource, r))
	return r
}

// apply carries out what the operation does to its resource.
func (a *Agent) apply(req agents.Request, answer *Answer) agents.Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	state := a.state[req.Resource]
	next, r := usual(req.Action, state)
	if answer != nil {
		r = agents.Result{Status: agents.Done, Code: answer.Code, Reason: answer.Reason}
		if r.Code != agents.OK {
			next = state
		}
		if answer.Leaves != nil {
			next = *answer.Leaves
		}
	}
	a.state[req.Resource] = next
	return r
}

// usual is what a well-behaved agent does and answers.
func usual(action agents.Action, state State) (State, agents.Result) {
	done := agents.Result{Status: agents.Done}
	running := state == Started || state == Promoted
	switch action {
	case agents.Start, agents.MigrateFrom:
		if running {
			return state, done
		}
		return Started, done
	case agents.Stop, agents.MigrateTo:
		return Stopped, done
	case agents.Monitor:
		done.Code, done.Reason = seen(state)
		return state, done
	case agents.Promote, agents.Demote, agents.Reload:
		if !running {
			done.Code, done.Reason = agents.NotRunning, "it does not run"
			return state, done
		}
	}
	switch action {
	case agents.Promote:
		return Promoted, done
	case agents.Demote:
		return Started, done
	}
	return state, done
}

// seen is what a monitor finds.
func seen(state State) (agents.Code, string) {
	switch state {
	case Started:
		return agents.OK, ""
	case Promoted:
		return agents.RunningMaster, ""
	case Broken:
		return agents.ErrGeneric, "it was broken"
	}
	return agents.NotRunning, ""
}
