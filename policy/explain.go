package policy

import (
	"errors"
	"fmt"
	"slices"
)

// Explanation says why a resource is where the decision puts it and, for each
// node, what speaks for and against it. It comes from the decision itself, not
// from a second look at the configuration.
type Explanation struct {
	Resource string        `json:"resource"`
	Now      []Placement   `json:"now"`               // active parts, as read from the status
	Wanted   []Placement   `json:"wanted"`            // active parts, once all actions succeeded
	Actions  []Action      `json:"actions,omitempty"` // on the way there, without parameters
	Blocked  []Blocked     `json:"blocked,omitempty"` // of it, what should happen and cannot
	Stopped  []Reason      `json:"stopped,omitempty"` // why it, or a part of it, is not to run or not managed
	Nodes    []NodeVerdict `json:"nodes"`
	Plan     *Plan         `json:"-"` // the decision that is explained

	// NeedsFencing: it may start only where a lost node could be fenced.
	NeedsFencing bool `json:"needs-fencing,omitempty"`
}

// NodeVerdict is what the decision makes of one node for a resource.
type NodeVerdict struct {
	Node     string   `json:"node"`
	Instance string   `json:"instance"` // the primitive that the scores are of: a group's first member, a clone's instance
	Here     bool     `json:"here"`     // active there now
	Word     Verdict  `json:"verdict"`
	Score    string   `json:"score"`            // total for placement, "" if the node was not in question
	Scores   []Score  `json:"scores,omitempty"` // what it is made of
	Why      []Reason `json:"why,omitempty"`    // the deciding rules for the verdict
	Role     []Reason `json:"role,omitempty"`   // of promotable clones: why it is promoted or not
}

// Verdict is the outcome for one node.
type Verdict string

// The verdicts.
const (
	Chosen     Verdict = "chosen"     // it runs there, or will
	Beaten     Verdict = "beaten"     // it could run there, another node was preferred
	Possible   Verdict = "possible"   // it could run there, but is not to run, or is left alone
	Impossible Verdict = "impossible" // something forbids it
)

// Score is one contribution to the total of a node.
type Score struct {
	Reason
	Value string `json:"value"` // signed, or "INFINITY"
}

// Explain decides and says why, for one resource ("web", or an instance
// "web:0"). With a node name, only that node's verdict is given. It is an error
// if either does not exist.
func Explain(in Input, resource, node string) (*Explanation, error) {
	if in.Config == nil || in.Status == nil {
		return nil, errors.New("policy: an explanation needs a configuration and a status")
	}
	if resource == "" {
		return nil, errors.New("policy: an explanation needs the name of a resource")
	}
	m := newModel(in)
	if err := m.decide(resource); err != nil {
		return nil, err
	}
	if node != "" && m.nodeByName(node) == nil {
		return nil, fmt.Errorf("policy: there is no node %s", node)
	}
	x := &Explanation{Resource: resource, Nodes: []NodeVerdict{}, Plan: m.plan()}
	m.trace.outcome(x)
	x.Stopped = m.trace.whyStopped()
	for _, b := range x.Blocked {
		for _, r := range b.Reasons {
			if r.Rule == "order" {
				x.Stopped = addReason(x.Stopped, m.whyDisabled(m.byID[r.Object])...)
			}
		}
	}
	for _, n := range m.nodes {
		if node == "" && !(n.remote && m.trace.forNode(n).r.allowed.at(n) == nil) || n == m.nodeByName(node) {
			x.Nodes = append(x.Nodes, m.trace.verdict(n))
		}
	}
	return x, nil
}

// outcome takes what concerns the watched primitives out of the plan.
func (t *trace) outcome(x *Explanation) {
	mine := map[string]bool{t.name: true}
	for _, p := range t.list {
		mine[p.r.id] = true
		x.NeedsFencing = x.NeedsFencing || p.r.needsFencing
	}
	active := func(list []Placement) []Placement {
		out := []Placement{}
		for _, p := range list {
			if mine[p.Resource] && p.Node != "" && p.Role != RoleStopped {
				out = append(out, p)
			}
		}
		return out
	}
	x.Now, x.Wanted = active(x.Plan.Current), active(x.Plan.Placement)
	for _, a := range x.Plan.Actions {
		if mine[a.Resource] && a.Kind != PseudoAction {
			a.Params, a.Meta = nil, nil
			x.Actions = append(x.Actions, a)
		}
	}
	for _, b := range x.Plan.Blocked {
		if mine[b.Resource] {
			x.Blocked = append(x.Blocked, b)
		}
	}
}

// forNode finds the primitive that stands for the resource on a node: the one
// that will be there, else one that is missed, else the last.
func (t *trace) forNode(n *node) *traced {
	heads := t.heads()
	for _, want := range []func(*resource) bool{
		func(r *resource) bool { return r.assigned == n },
		func(r *resource) bool { return r.activeOn(n) },
		func(r *resource) bool { return r.assigned == nil && !r.removed },
	} {
		for _, x := range heads {
			if want(x.r) {
				return x
			}
		}
	}
	return heads[len(heads)-1]
}

// heads are the primitives that others follow: of each group the first member.
func (t *trace) heads() []*traced {
	var out []*traced
	for _, x := range t.list {
		p := x.r.parent
		if p == nil || p.kind != Group || !p.colocated || p.children[0] == x.r || t.of[p.children[0]] == nil {
			out = append(out, x)
		}
	}
	return out
}

// verdict explains one node.
func (t *trace) verdict(n *node) NodeVerdict {
	x := t.forNode(n)
	r := x.r
	v := NodeVerdict{Node: n.name, Instance: r.id, Here: r.activeOn(n), Scores: x.scores(t, n)}
	total, known := x.total(n)
	if known {
		v.Score = scoreText(total)
	}
	stopped := r.next == stopped && r.assigned == nil
	switch forbidden := t.forbidden(x, n); {
	case r.assigned == n:
		v.Word, v.Why = Chosen, t.whyChosen(x, n)
	case len(forbidden) > 0:
		v.Word, v.Why = Impossible, forbidden
	case !r.managed || stopped && len(t.whyStopped()) > 0:
		v.Word = Possible
	case !known || total < 0:
		v.Word, v.Why = Impossible, x.negative(t, n)
	default:
		v.Word, v.Why = Beaten, t.whyBeaten(x, n)
	}
	if r.top.promotable {
		v.Role = t.m.whyRole(r, n)
	}
	return v
}

// total is the score of a node, without what only says that the resource shall
// be stopped.
func (x *traced) total(n *node) (int, bool) {
	for _, s := range x.steps {
		if s.n == n && s.rule == "stopped" {
			return s.from, true
		}
	}
	e := x.r.allowed.at(n)
	if e == nil {
		return 0, false
	}
	return e.score, true
}

// scores are the contributions to the total of a node, in order.
func (x *traced) scores(t *trace, n *node) []Score {
	var out []Score
	if base := t.m.baseScore(n); base != 0 {
		out = append(out, Score{Reason{Rule: "node-score", Object: n.name, Text: "base score of node " + n.name}, signed(base)})
	}
	for _, s := range x.steps {
		if s.n != n || s.rule == "stopped" || s.from == s.to || (s.dependent || s.rule == "instances") && !n.eligible() {
			continue
		}
		value := signed(s.to - s.from)
		if s.to <= -infinity || s.to >= infinity {
			value = signed(s.to)
		}
		out = append(out, Score{t.reason(x, &s), value})
	}
	return out
}

func signed(s int) string {
	if s > 0 {
		return "+" + scoreText(s)
	}
	return scoreText(s)
}

func addReason(list []Reason, more ...Reason) []Reason {
	for _, r := range more {
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}
