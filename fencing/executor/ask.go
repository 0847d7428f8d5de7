package executor

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/fencing/agent"
)

// Learn asks a device's agent what it can, and the device which targets it
// has, as far as its pcmk_host_check needs that for the given nodes. It returns
// the device with Abilities and Seen filled in; what could not be learnt is a
// problem and left unknown.
func (e *Executor) Learn(ctx context.Context, d fencing.Device, nodes ...string) (fencing.Device, []fencing.Problem) {
	if d.Agent == fencing.ManualAgent {
		d.Abilities = fencing.Abilities{Known: true}
		return d, nil
	}
	m, err := e.cfg.Agents.Metadata(ctx, d.Agent)
	if err != nil {
		return d, []fencing.Problem{{Subject: d.Name, Text: err.Error()}}
	}
	d.Abilities = m.Abilities()
	settings, problems := d.Settings()
	problems = append(problems, m.Check(d)...)
	d.Seen = fencing.Seen{}
	switch settings.HostCheck {
	case fencing.DynamicList:
		call := settings.Calls[fencing.List]
		ports, err := e.list(ctx, d, settings, call)
		if err != nil {
			return d, append(problems, fencing.Problem{Subject: d.Name, Text: err.Error()})
		}
		d.Seen.ListKnown, d.Seen.Ports = true, ports
	case fencing.StatusCheck:
		d.Seen.Status = map[string]bool{}
		for _, f := range e.Test(ctx, d, nodes...) {
			if f.Action == fencing.Status {
				d.Seen.Status[f.Target] = f.OK()
			}
		}
	case fencing.StaticList, fencing.NoCheck:
	}
	return d, problems
}

func (e *Executor) list(ctx context.Context, d fencing.Device, s fencing.Settings, call fencing.Call) ([]fencing.Port, error) {
	gate := e.gate(d.Name)
	if err := e.enter(ctx, gate, s.ActionLimit, call.Timeout); err != nil {
		return nil, fmt.Errorf("list: busy with other targets for %v", call.Timeout)
	}
	defer gate.leave()
	return e.cfg.Agents.List(ctx, d, call.Action, call.Timeout)
}

// Finding is one answer of a device that was tested.
type Finding struct {
	Device string
	Action fencing.Action
	Target string // of a status
	agent.Result
}

// OK reports whether the device answered as a working device does.
func (f Finding) OK() bool { return f.Err() == nil }

// String is one line: "ipmi-n1 status of n1: on (0.9 s)".
func (f Finding) String() string {
	of := ""
	if f.Target != "" {
		of = " of " + f.Target
	}
	text := string(f.Outcome)
	if f.Reason != "" {
		text += ": " + f.Reason
	}
	return fmt.Sprintf("%s %s%s: %s (%.1f s)", f.Device, f.Action, of, text, f.Took.Seconds())
}

// Test asks a device whether it works, and for the power of each target that
// it can fence, without switching anything.
func (e *Executor) Test(ctx context.Context, d fencing.Device, targets ...string) []Finding {
	if d.Agent == fencing.ManualAgent {
		return nil
	}
	settings, _ := d.Settings()
	findings := []Finding{e.ask(ctx, d, settings, fencing.Monitor, fencing.RunDevice{})}
	if !d.Abilities.Can(fencing.Status) {
		return findings
	}
	for _, target := range targets {
		arg, plug, ok := d.Plug(target)
		if !ok && settings.HostCheck != fencing.StatusCheck {
			continue
		}
		findings = append(findings, e.ask(ctx, d, settings, fencing.Status, fencing.RunDevice{Target: target, PlugArg: arg, Plug: plug}))
	}
	return findings
}

func (e *Executor) ask(ctx context.Context, d fencing.Device, s fencing.Settings, action fencing.Action, run fencing.RunDevice) Finding {
	call := s.Calls[action]
	f := Finding{Device: d.Name, Action: action, Target: run.Target}
	gate := e.gate(d.Name)
	if err := e.enter(ctx, gate, s.ActionLimit, call.Timeout); err != nil {
		f.Result = agent.Result{
			Outcome: fencing.TimedOut, Code: -1, Took: call.Timeout,
			Reason: fmt.Sprintf("busy with other targets for %v", call.Timeout.Round(time.Millisecond)),
		}
		return f
	}
	defer gate.leave()
	f.Result = e.cfg.Agents.Run(ctx, agent.Request{
		Agent: d.Agent, Action: call.Action, Params: agent.Params(d, run), Timeout: call.Timeout,
	})
	return f
}
