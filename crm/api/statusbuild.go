package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// status puts the document together from one state, one view and one decision.
func (s *Server) status(now time.Time) *Status {
	b := &statusBuilder{state: s.backend.State(), cluster: s.backend.Cluster(), now: now}
	decision, err := s.backend.Decision(now)
	if err != nil {
		decision = &control.Decision{Plan: &policy.Plan{}}
		b.warn("there is no decision, so nothing is started, stopped or recovered: %v", err)
	}
	b.decision, b.config = decision, b.state.Effective(now)
	b.out = &Status{
		Index: b.state.Index, Time: now.UTC(), Node: s.backend.Self(), Version: s.backend.Version(), Cluster: b.cluster,
		Config:    ConfigInfo{Version: b.state.Config.Version, Author: b.state.Config.Author, Comment: b.state.Config.Comment, At: milli(b.state.Config.At)},
		Placement: decision.Plan.Current, Problems: decision.Plan.Problems, Shape: shape(b.config), Blocked: blocked(decision),
	}
	b.options()
	b.operations()
	b.nodes()
	b.failures()
	b.resources()
	b.fencing()
	b.manual()
	b.judge()
	b.out.Warnings = b.warnings
	return b.out
}

type statusBuilder struct {
	state    *state.State
	cluster  Cluster
	now      time.Time
	decision *control.Decision
	config   *policy.Config
	out      *Status
	warnings []string
}

func (b *statusBuilder) warn(format string, args ...any) {
	b.warnings = append(b.warnings, fmt.Sprintf(format, args...))
}

func (b *statusBuilder) options() {
	b.out.Options = Switches{
		Fencing:     control.FencingEnabled(b.config),
		Maintenance: isTrue(state.Option(b.config, "maintenance-mode")),
		StopAll:     isTrue(state.Option(b.config, "stop-all-resources")),
	}
	if !b.out.Options.Fencing {
		b.warn("fencing is switched off (fencing-enabled=false): after the loss of a node its data may be written twice")
	}
	if b.state.Config.Version == 0 {
		b.warn("nothing is configured yet: 'crm configure load update FILE'")
	}
	if b.cluster.DiskAge > 5000 {
		b.warn("a write to the disk of %s has been under way for %.1f s", b.cluster.Self, float64(b.cluster.DiskAge)/1000)
	}
}

func (b *statusBuilder) operations() {
	flight := map[string]bool{}
	for _, id := range sortedKeys(b.state.Pending) {
		op := b.state.Pending[id]
		flight[op.Key] = true
		b.out.Pending = append(b.out.Pending, operation(op))
	}
	slices.SortStableFunc(b.out.Pending, func(x, y Operation) int { return x.Since.Compare(y.Since) })
	held := map[string]bool{}
	for _, g := range b.decision.Gated {
		held[g.Task+" "+g.Resource+" "+g.Node] = true
	}
	for _, a := range realActions(b.decision.Plan) {
		if !flight[a.ID] && !held[a.Task+" "+a.Resource+" "+a.Node] {
			b.out.Next = append(b.out.Next, a)
		}
	}
}

func operation(op *state.Operation) Operation {
	a := op.Action
	a.Params, a.Meta = nil, nil
	return Operation{
		ID: op.ID, Task: a.Task, Resource: a.Resource, Node: op.Node, Text: render.ActionText(a), Interval: a.IntervalMS,
		Since: milli(op.At), Deadline: milli(op.Deadline), Index: op.Index,
	}
}

func (b *statusBuilder) nodes() {
	views := map[string]policy.NodeView{}
	for _, v := range b.decision.Plan.Nodes {
		views[v.Name] = v
	}
	members := map[string]Member{}
	for _, m := range b.cluster.Members {
		members[m.Name] = m
	}
	names := maps.Clone(b.state.Nodes)
	for name := range views {
		names[name] = b.state.Nodes[name]
	}
	for name := range members {
		names[name] = b.state.Nodes[name]
	}
	for _, name := range sortedKeys(names) {
		view, ok := views[name]
		if !ok {
			view = policy.NodeView{Name: name}
		}
		m := members[name]
		n := Node{NodeView: view, DC: name == b.cluster.Leader, Voter: m.Voter, Membership: m.State, Addresses: m.Addresses}
		if st := names[name]; st != nil {
			b.fromState(&n, st)
		}
		for _, p := range b.out.Placement {
			if p.Node == name && active(p) {
				n.Resources = append(n.Resources, p.Resource)
			}
		}
		slices.Sort(n.Resources)
		if n.Unclean {
			b.warn("what runs on %s is not known (%s): nothing of it starts elsewhere before it is fenced; if no device can do that, look at the machine, and then: crm node confirm-off %s",
				name, n.Reason, name)
		}
		if b.out.Options.Fencing && !n.Remote {
			n.Unprotected = control.Unprotected(b.config, b.decision.Plan, name)
		}
		b.out.Nodes = append(b.out.Nodes, n)
	}
}

func (b *statusBuilder) fromState(n *Node, st *state.Node) {
	n.Phase, n.Boot, n.Incarnation, n.Version, n.Since = string(st.Phase), st.Boot, st.Incarnation, st.Version, milli(st.Since)
	if st.Leaving {
		n.Leaving = st.LeaveReason
	}
	if len(st.Attributes) > 0 {
		n.Attributes = st.Attributes
	}
	for _, key := range sortedKeys(st.Failures) {
		rsc, op, _ := strings.Cut(key, "#")
		f := st.Failures[key]
		n.FailCounts = append(n.FailCounts, FailCount{Resource: rsc, Operation: op, Count: f.Count, Last: time.Unix(f.Last, 0).UTC(), Reason: f.Reason})
	}
}

func (b *statusBuilder) failures() {
	for _, f := range render.Failures(b.state.Status(b.cluster.Leader, b.cluster.Quorum)) {
		b.out.Failures = append(b.out.Failures, Failure{
			Resource: f.Resource, Operation: f.Operation, Interval: f.IntervalMS, Node: f.Node, RC: f.RC, Result: render.ResultText(f.RC),
			Status: f.Status, CallID: f.CallID, Reason: f.Reason, At: f.LastChange, ExecMS: f.ExecMS, QueueMS: f.QueueMS,
		})
	}
}

func (b *statusBuilder) fencing() {
	for _, target := range sortedKeys(b.state.Fencing) {
		f := b.state.Fencing[target]
		b.out.Fencing = append(b.out.Fencing, Fencing{
			ID: f.ID, Target: f.Target, Boot: f.Boot, Action: f.Action, Reason: f.Reason, Requested: f.Requested, Executor: f.Executor,
			Attempt: f.Attempt, Running: f.Running, Retry: milli(f.Retry), Begun: milli(f.Begun), LastError: f.LastError,
		})
	}
	for _, f := range slices.Backward(b.state.FenceLog) {
		b.out.FenceLog = append(b.out.FenceLog, FenceRecord{
			ID: f.ID, Target: f.Target, Boot: f.Boot, Action: f.Action, OK: f.OK, Error: f.Error, Reason: f.Reason, Executor: f.Executor,
			Requested: f.Requested, Receipt: f.Receipt, Begun: milli(f.Begun), Ended: milli(f.Ended), Index: f.Index,
		})
	}
}

// judge finds the one word for it all.
func (b *statusBuilder) judge() {
	var bad, odd []string
	if !b.cluster.Quorum {
		bad = append(bad, "no quorum: nothing is started, moved or recovered here")
	}
	for _, n := range b.out.Nodes {
		switch {
		case n.Unclean:
			bad = append(bad, strings.TrimSuffix("node "+n.Name+" is unclean: "+n.Reason, ": "))
		case n.Remote, n.Online && !n.Standby && !n.Maintenance && !n.Pending:
		case n.Online && n.Standby:
			odd = append(odd, "node "+n.Name+" is in standby")
		case n.Online && n.Maintenance:
			odd = append(odd, "node "+n.Name+" is in maintenance")
		default:
			odd = append(odd, "node "+n.Name+" is offline")
		}
	}
	for _, f := range b.out.Fencing {
		if f.LastError != "" {
			bad = append(bad, fmt.Sprintf("fencing of %s failed: %s", f.Target, f.LastError))
		} else {
			odd = append(odd, "node "+f.Target+" is being fenced")
		}
	}
	for _, x := range b.out.Blocked {
		text := strings.TrimSpace(x.Task+" "+x.Resource) + " " + onNode(x.Node) + "is blocked"
		if len(x.Reasons) > 0 {
			text += ": " + x.Reasons[0].Text
		}
		bad = append(bad, text)
	}
	for _, f := range b.out.Failures {
		odd = append(odd, fmt.Sprintf("%s of %s failed on %s", f.Operation, f.Resource, f.Node))
	}
	if b.out.Options.Maintenance {
		odd = append(odd, "the cluster is in maintenance")
	}
	b.out.Reasons = slices.Concat(bad, odd, b.warnings)
	switch {
	case len(bad) > 0:
		b.out.Health = Failed
	case len(b.out.Reasons) > 0:
		b.out.Health = Warning
	default:
		b.out.Health = OK
	}
}

func onNode(node string) string {
	if node == "" {
		return ""
	}
	return "on " + node + " "
}

// Simple is the one line that monitoring systems read.
func (st *Status) Simple() string {
	if len(st.Reasons) > 0 {
		return "CLUSTER " + string(st.Health) + ": " + strings.Join(st.Reasons, "; ")
	}
	online, running := 0, 0
	for _, n := range st.Nodes {
		if n.Online {
			online++
		}
	}
	for _, p := range st.Placement {
		if active(p) {
			running++
		}
	}
	return fmt.Sprintf("CLUSTER OK: %s online, %s running", plural(online, "node"), plural(running, "resource instance"))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func milli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func isTrue(text string) bool {
	switch strings.ToLower(text) {
	case "true", "on", "yes", "y", "1":
		return true
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
