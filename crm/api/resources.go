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

// moveLimit is how long a move may take before it is given up: longer than any
// sane stop and start.
const moveLimit = time.Hour

// ResourceRequest are the arguments of a verb on a resource.
type ResourceRequest struct {
	Node      string `json:"node,omitempty"`      // move, ban, prefer, cleanup
	For       int64  `json:"for,omitempty"`       // ban, prefer: seconds; 0: until cleared
	Score     string `json:"score,omitempty"`     // prefer: default 100
	Operation string `json:"operation,omitempty"` // cleanup: "monitor_10000"
	Forget    bool   `json:"forget,omitempty"`    // cleanup: probe it again
	Off       bool   `json:"off,omitempty"`       // maintenance
}

// postResource changes what operators want of a resource. The name "-" with the
// verb cleanup stands for all resources.
func (s *Server) postResource(r *http.Request) (any, error) {
	var req ResourceRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	name, verb := r.PathValue("rsc"), r.PathValue("verb")
	if verb == "cleanup" {
		return s.cleanup(r, name, req)
	}
	st := s.backend.State()
	rsc := state.FindResource(st.Config.Policy, name)
	if rsc == nil {
		return nil, s.noResource(name)
	}
	set := func(text string, c state.SetResource) (any, error) {
		c.Resource = name
		return s.change(r, state.Command{SetResource: &c}, name, text)
	}
	started, stopped, promoted, unpromoted := "Started", "Stopped", "Promoted", "Unpromoted"
	yes, no, asConfigured := "true", "false", ""
	switch verb {
	case "start":
		return set(name+" shall run", state.SetResource{TargetRole: startRole(rsc, &started, &asConfigured)})
	case "stop":
		return set(name+" shall stop", state.SetResource{TargetRole: &stopped})
	case "promote":
		return set(name+" shall be promoted", state.SetResource{TargetRole: &promoted})
	case "demote":
		return set(name+" shall be demoted", state.SetResource{TargetRole: &unpromoted})
	case "maintenance":
		if req.Off {
			return set(name+" leaves maintenance", state.SetResource{Maintenance: &asConfigured})
		}
		return set(name+" goes to maintenance", state.SetResource{Maintenance: &yes})
	case "manage":
		return set(name+" is managed", state.SetResource{Managed: managed(rsc, &yes, &asConfigured)})
	case "unmanage":
		return set(name+" is not managed", state.SetResource{Managed: &no})
	case "restart":
		return s.restart(r, name)
	case "move":
		return s.move(r, name, req)
	case "ban", "prefer":
		return s.rule(r, name, verb, req)
	case "clear":
		return s.change(r, state.Command{ClearRules: &state.ClearRules{Resource: name}}, name, "the manual rules of "+name+" are removed")
	}
	return nil, errorf(NoSuch, "nobody knows how to %q a resource", verb)
}

// startRole is the setting that makes a resource run: none if the configuration
// does not keep it stopped.
func startRole(r *policy.Resource, started, none *string) *string {
	return unless(r.Meta, "target-role", func(v string) bool { return !strings.EqualFold(v, "Started") }, started, none)
}

func managed(r *policy.Resource, yes, none *string) *string {
	return unless(r.Meta, "is-managed", func(v string) bool { return !isTrue(v) }, yes, none)
}

func unless(sets []policy.NVSet, name string, differs func(string) bool, loud, quiet *string) *string {
	for _, set := range sets {
		for _, p := range set.Pairs {
			if p.Name == name && differs(p.Value) {
				return loud
			}
		}
	}
	return quiet
}

func (s *Server) noResource(name string) error {
	text := fmt.Sprintf("there is no resource %s", name)
	if near := Nearest(name, s.resourceNames()); near != "" {
		text += fmt.Sprintf(": did you mean %s?", near)
	}
	return errorf(NoSuch, "%s", text)
}

func (s *Server) resourceNames() []string {
	var names []string
	var walk func([]policy.Resource)
	walk = func(list []policy.Resource) {
		for i := range list {
			names = append(names, list[i].ID)
			walk(list[i].Children)
		}
	}
	walk(s.backend.State().Config.Policy.Resources)
	return names
}

func (s *Server) cleanup(r *http.Request, name string, req ResourceRequest) (any, error) {
	text := "the failures of " + name + " are forgotten"
	if name == "-" {
		name, text = "", "all failures are forgotten"
	}
	if req.Forget {
		text = strings.Replace(text, "failures", "history", 1) + ": it is looked at again"
	}
	if req.Node != "" {
		text += " on " + req.Node
	}
	return s.change(r, state.Command{Cleanup: &state.Cleanup{
		Resource: name, Node: req.Node, Operation: req.Operation, Forget: req.Forget,
	}}, name, text)
}

// rule adds an operator's ban or preference.
func (s *Server) rule(r *http.Request, name, verb string, req ResourceRequest) (any, error) {
	if req.Node == "" {
		where := s.activeOn(name)
		if len(where) != 1 || verb != "ban" {
			return nil, errorf(BadRequest, "which node? 'crm resource %s %s NODE'", verb, name)
		}
		req.Node = where[0]
	}
	m := state.ManualRule{ID: verb + "-" + name + "-" + req.Node, Resource: name, Node: req.Node, Score: "-INFINITY"}
	text := name + " may not run on " + req.Node
	if verb == "prefer" {
		m.Score, text = req.Score, name+" prefers "+req.Node
		if m.Score == "" {
			m.Score = "100"
		}
	}
	if req.For < 0 {
		return nil, errorf(BadRequest, "a rule can not end in the past")
	}
	if req.For > 0 {
		m.Expires = time.Now().Unix() + req.For
		text += " until " + time.Unix(m.Expires, 0).Format("2006-01-02 15:04:05")
	}
	return s.change(r, state.Command{AddRule: &m}, name, text)
}

func (s *Server) activeOn(name string) []string {
	d, err := s.backend.Decision(time.Now())
	if err != nil {
		return nil
	}
	return activeNodes(s.backend.State(), d.Plan.Current, name)
}

// activeNodes are the nodes on which any part of a resource is active.
func activeNodes(st *state.State, list []policy.Placement, name string) []string {
	parts := state.Descendants(state.FindResource(st.Config.Policy, name))
	var out []string
	for _, p := range list {
		if parts[instanceBase(p.Resource)] && active(p) && !slices.Contains(out, p.Node) {
			out = append(out, p.Node)
		}
	}
	slices.Sort(out)
	return out
}

// move brings a resource to another node, once. It is refused when the resource
// would not go there, with the reason.
func (s *Server) move(r *http.Request, name string, req ResourceRequest) (any, error) {
	st, now := s.backend.State(), time.Now()
	from := s.activeOn(name)
	if req.Node == "" {
		to, err := s.elsewhere(st, name, from, now)
		if err != nil {
			return nil, err
		}
		req.Node = to
	}
	if slices.Equal(from, []string{req.Node}) {
		return nil, errorf(NotApplicable, "%s is on %s already", name, req.Node)
	}
	m := &state.Move{Resource: name, Node: req.Node, Until: now.Add(moveLimit).Unix()}
	cmd := state.Command{StartMove: m, By: author(r.Context())}
	after, err := s.decideWith(st, cmd, now)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(activeNodes(st, after.Plan.Placement, name), req.Node) {
		return nil, errorf(NotApplicable, "%s can not go to %s: %s", name, req.Node, s.whyNot(st, name, req.Node, now))
	}
	return s.change(r, cmd, name, name+" moves to "+req.Node)
}

// elsewhere finds where a resource would go if it could not stay.
func (s *Server) elsewhere(st *state.State, name string, from []string, now time.Time) (string, error) {
	next := st
	for _, node := range from {
		rule := state.Command{AddRule: &state.ManualRule{ID: "imagined-" + node, Resource: name, Node: node, Score: "-INFINITY"}}
		var err error
		if next, err = imagine(next, rule, now); err != nil {
			return "", err
		}
	}
	c := s.backend.Cluster()
	d, err := control.Decide(next, now, c.Leader, c.Quorum)
	if err != nil {
		return "", errorf(Internal, "no decision: %v", err)
	}
	for _, node := range activeNodes(st, d.Plan.Placement, name) {
		if !slices.Contains(from, node) {
			return node, nil
		}
	}
	return "", errorf(NotApplicable, "there is no other node for %s: see 'crm explain %s NODE'", name, name)
}

func (s *Server) decideWith(st *state.State, cmd state.Command, now time.Time) (*control.Decision, error) {
	next, err := imagine(st, cmd, now)
	if err != nil {
		return nil, err
	}
	c := s.backend.Cluster()
	d, err := control.Decide(next, now, c.Leader, c.Quorum)
	if err != nil {
		return nil, errorf(Internal, "no decision: %v", err)
	}
	return d, nil
}
