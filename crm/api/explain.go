package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// Explanation says why a resource is where it is, and why it is not elsewhere.
type Explanation struct {
	Resource string             `json:"resource"`
	Now      []policy.Placement `json:"now"`
	Wanted   []policy.Placement `json:"wanted"` // once everything is done
	Actions  []policy.Action    `json:"actions,omitempty"`
	Blocked  []policy.Blocked   `json:"blocked,omitempty"`
	Settings []ManualRule       `json:"manual-rules,omitempty"`
	Rules    []RuleText         `json:"rules,omitempty"` // constraints that name it
	Nodes    []NodeReason       `json:"nodes"`
}

// RuleText is a constraint in words and where it was written.
type RuleText struct {
	ID   string     `json:"id"`
	Text string     `json:"text"`
	Pos  policy.Pos `json:"pos,omitzero"`
}

// NodeReason says why a resource is, could be or can not be on a node.
type NodeReason struct {
	Node string `json:"node"`
	Here bool   `json:"here"`
	Can  bool   `json:"can"` // it would run there if it were preferred there
	Text string `json:"text"`
}

// getExplain answers ?resource= and, optionally, ?node=.
func (s *Server) getExplain(r *http.Request) (any, error) {
	name, node := r.URL.Query().Get("resource"), r.URL.Query().Get("node")
	st, now := s.backend.State(), time.Now()
	rsc := state.FindResource(st.Config.Policy, name)
	if rsc == nil {
		return nil, s.noResource(name)
	}
	if node != "" && !slices.Contains(s.knownNodes(), node) {
		return nil, errorf(NoSuch, "there is no node %s: the cluster knows %s", node, strings.Join(s.knownNodes(), ", "))
	}
	d, err := s.backend.Decision(now)
	if err != nil {
		return nil, errorf(Internal, "no decision: %v", err)
	}
	parts := state.Descendants(rsc)
	out := &Explanation{Resource: name, Now: placed(d.Plan.Current, parts), Wanted: placed(d.Plan.Placement, parts)}
	for _, a := range realActions(d.Plan) {
		if parts[instanceBase(a.Resource)] {
			out.Actions = append(out.Actions, a)
		}
	}
	for _, b := range blocked(d) {
		if parts[instanceBase(b.Resource)] {
			out.Blocked = append(out.Blocked, b)
		}
	}
	for _, m := range s.status(now).Manual {
		if parts[m.Object] {
			out.Settings = append(out.Settings, m)
		}
	}
	out.Rules = rulesAbout(st.Config.Policy, parts)
	for _, v := range d.Plan.Nodes {
		if node == "" || v.Name == node {
			out.Nodes = append(out.Nodes, s.nodeReason(st, d, v, name, now))
		}
	}
	return out, nil
}

func placed(list []policy.Placement, parts map[string]bool) []policy.Placement {
	out := []policy.Placement{}
	for _, p := range list {
		if parts[instanceBase(p.Resource)] && active(p) {
			out = append(out, p)
		}
	}
	return out
}

func (s *Server) nodeReason(st *state.State, d *control.Decision, v policy.NodeView, name string, now time.Time) NodeReason {
	n := NodeReason{Node: v.Name}
	if slices.Contains(activeNodes(st, d.Plan.Current, name), v.Name) {
		n.Here, n.Can, n.Text = true, true, "it is here"
		if !slices.Contains(activeNodes(st, d.Plan.Placement, name), v.Name) {
			n.Text = "it is here and will leave: " + s.whyNot(st, name, v.Name, now)
			n.Can = false
		}
		return n
	}
	switch {
	case slices.Contains(activeNodes(st, d.Plan.Placement, name), v.Name):
		n.Can, n.Text = true, "it will be here"
	case s.couldBe(st, name, v.Name, now):
		n.Can, n.Text = true, "it could be here; another node is preferred, or it is here by stickiness elsewhere"
	default:
		n.Text = s.whyNot(st, name, v.Name, now)
	}
	return n
}

// couldBe asks the engine: would it go there if it were preferred there?
func (s *Server) couldBe(st *state.State, name, node string, now time.Time) bool {
	d, err := s.decideWith(st, state.Command{StartMove: &state.Move{Resource: name, Node: node, Until: now.Add(time.Hour).Unix()}}, now)
	return err == nil && slices.Contains(activeNodes(st, d.Plan.Placement, name), node)
}

// whyNot finds what keeps a resource from a node.
func (s *Server) whyNot(st *state.State, name, node string, now time.Time) string {
	var why []string
	d, err := s.backend.Decision(now)
	if err != nil {
		return "there is no decision: " + err.Error()
	}
	for _, v := range d.Plan.Nodes {
		if v.Name == node {
			why = append(why, nodeTrouble(v)...)
		}
	}
	parts := state.Descendants(state.FindResource(st.Config.Policy, name))
	why = append(why, s.settingsAgainst(st, name, node, now)...)
	why = append(why, failuresAgainst(st, parts, node)...)
	why = append(why, rulesAgainst(st.Config.Policy, parts, node)...)
	for _, b := range blocked(d) {
		if parts[instanceBase(b.Resource)] && (b.Node == node || b.Node == "") {
			for _, r := range b.Reasons {
				why = append(why, r.Text)
			}
		}
	}
	slices.Sort(why)
	why = slices.Compact(why)
	if len(why) == 0 {
		for _, r := range rulesAbout(st.Config.Policy, parts) {
			if !strings.HasPrefix(r.Text, "prefers") {
				why = append(why, "what it is tied to is elsewhere: "+r.ID+" ("+r.Text+")")
			}
		}
	}
	if len(why) == 0 {
		return "the policy places it elsewhere"
	}
	return strings.Join(why, "; ")
}

func nodeTrouble(v policy.NodeView) []string {
	var why []string
	switch {
	case v.Unclean:
		why = append(why, strings.TrimSuffix("node "+v.Name+" is unclean: "+v.Reason, ": "))
	case !v.Online:
		why = append(why, "node "+v.Name+" is offline")
	case v.Standby:
		why = append(why, "node "+v.Name+" is in standby: 'crm node online "+v.Name+"'")
	case v.Shutdown:
		why = append(why, "node "+v.Name+" is leaving")
	case v.Maintenance:
		why = append(why, "node "+v.Name+" is in maintenance")
	}
	return why
}

func (s *Server) settingsAgainst(st *state.State, name, node string, now time.Time) []string {
	var why []string
	for _, r := range st.Settings.Rules {
		if r.Resource == name && r.Node == node && strings.HasPrefix(r.Score, "-") && (r.Expires == 0 || r.Expires > now.Unix()) {
			why = append(why, fmt.Sprintf("%s by %s bans it from there: 'crm resource clear %s'", r.ID, r.By, name))
		}
	}
	if st.Settings.Resources[name].TargetRole == "Stopped" {
		why = append(why, "it is stopped by hand: 'crm resource start "+name+"'")
	}
	return why
}

func failuresAgainst(st *state.State, parts map[string]bool, node string) []string {
	n := st.Nodes[node]
	if n == nil {
		return nil
	}
	var why []string
	for _, key := range sortedKeys(n.Failures) {
		rsc, op, _ := strings.Cut(key, "#")
		f := n.Failures[key]
		if !parts[instanceBase(rsc)] {
			continue
		}
		count := fmt.Sprint(f.Count)
		if f.Count >= 1000000 {
			count = "INFINITY"
		}
		text := fmt.Sprintf("%s of %s failed there (count %s", op, rsc, count)
		if f.Reason != "" {
			text += ": " + f.Reason
		}
		why = append(why, text+"): 'crm resource cleanup "+rsc+"'")
	}
	return why
}

func rulesAgainst(c *policy.Config, parts map[string]bool, node string) []string {
	var why []string
	for _, k := range c.Constraints {
		l := k.Location
		if l != nil && parts[l.Resource] && l.Node == node && strings.HasPrefix(l.Score, "-") {
			text := fmt.Sprintf("location %s says %s for %s", l.ID, l.Score, node)
			if pos := l.Pos.String(); pos != "" {
				text += " (" + pos + ")"
			}
			why = append(why, text)
		}
	}
	return why
}

// rulesAbout are the constraints that name a resource or a part of it.
func rulesAbout(c *policy.Config, parts map[string]bool) []RuleText {
	var out []RuleText
	for _, k := range c.Constraints {
		switch {
		case k.Location != nil && parts[k.Location.Resource]:
			l := k.Location
			text := "placed by a rule"
			if l.Node != "" {
				text = fmt.Sprintf("prefers %s with score %s", l.Node, l.Score)
			}
			out = append(out, RuleText{ID: l.ID, Text: text, Pos: l.Pos})
		case k.Colocation != nil:
			x := k.Colocation
			if parts[x.Resource] || parts[x.With] || inSets(x.Sets, parts) {
				text := fmt.Sprintf("%s is with %s, score %s", x.Resource, x.With, x.Score)
				if len(x.Sets) > 0 {
					text = "a set of resources is kept together, score " + x.Score
				}
				out = append(out, RuleText{ID: x.ID, Text: text, Pos: x.Pos})
			}
		case k.Order != nil:
			x := k.Order
			if parts[x.First] || parts[x.Then] || inSets(x.Sets, parts) {
				text := fmt.Sprintf("%s after %s", x.Then, x.First)
				if len(x.Sets) > 0 {
					text = "a set of resources is ordered"
				}
				out = append(out, RuleText{ID: x.ID, Text: text, Pos: x.Pos})
			}
		}
	}
	return out
}

func inSets(sets []policy.ResourceSet, parts map[string]bool) bool {
	return slices.ContainsFunc(sets, func(s policy.ResourceSet) bool {
		return slices.ContainsFunc(s.Resources, func(name string) bool { return parts[name] })
	})
}
