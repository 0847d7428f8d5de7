package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/config"
	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// Change is the answer to an accepted change.
type Change struct {
	Index   uint64 `json:"index"`             // of the change in the log; wait from here
	Version int64  `json:"version"`           // of the configuration in force
	Text    string `json:"text"`              // what was done, a sentence
	Object  string `json:"object,omitempty"`  // the resource or node that it is about
	Plan    *Plan  `json:"plan,omitempty"`    // set instead of all others for a dry run
	DryRun  bool   `json:"dry-run,omitempty"` //
}

// Plan is what would happen.
type Plan struct {
	Index       uint64             `json:"index"`             // of the state that it was made on
	Base        int64              `json:"base"`              // the version of the configuration that it starts from
	Changes     []config.Change    `json:"changes,omitempty"` // of the configuration
	Actions     []policy.Action    `json:"actions"`           // in order; without parameters, which may be secret
	Moves       []Movement         `json:"moves"`             // what will run elsewhere, or not at all, or anew
	Blocked     []policy.Blocked   `json:"blocked,omitempty"` // what should happen then and can not
	Diagnostics config.Diagnostics `json:"diagnostics,omitempty"`
	Nodes       []policy.NodeView  `json:"nodes"`
	Placement   []policy.Placement `json:"placement"` // once everything is done
}

// Movement is the change of one resource's place or role.
type Movement struct {
	Resource string             `json:"resource"`
	From     []policy.Placement `json:"from,omitempty"` // where it would be without the change
	To       []policy.Placement `json:"to,omitempty"`   // where it will be
}

// Stops says whether the resource ends up running nowhere.
func (m Movement) Stops() bool { return len(m.From) > 0 && len(m.To) == 0 }

// String is "web: n1 -> n2", "db: stops", "ip: starts on n1".
func (m Movement) String() string {
	from, to := places(m.From), places(m.To)
	switch {
	case from == "":
		return m.Resource + ": starts on " + to
	case to == "":
		return m.Resource + ": stops (" + from + ")"
	}
	return m.Resource + ": " + from + " -> " + to
}

func places(list []policy.Placement) string {
	var out []string
	for _, p := range list {
		text := p.Node
		if p.Role == policy.RolePromoted || p.Role == policy.RoleUnpromoted {
			text += " " + string(p.Role)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// Text is the plan for people: the actions with reasons.
func (p *Plan) Text() string {
	var b strings.Builder
	if err := render.Actions(&b, &policy.Plan{Actions: p.Actions, Blocked: p.Blocked}); err != nil {
		return err.Error() // writing to memory does not fail
	}
	return b.String()
}

// change brings an operator's command to the log, or only shows what it would
// do when the request asks for a dry run.
func (s *Server) change(r *http.Request, cmd state.Command, object, text string) (any, error) {
	cmd.By = author(r.Context())
	if dryRun(r) {
		plan, err := s.preview(cmd)
		if err != nil {
			return nil, err
		}
		return &Change{DryRun: true, Plan: plan, Object: object, Text: text}, nil
	}
	return s.propose(r.Context(), cmd, object, text)
}

func dryRun(r *http.Request) bool { return r.URL.Query().Get("dry-run") != "" }

func (s *Server) propose(ctx context.Context, cmd state.Command, object, text string) (*Change, error) {
	wait, cancel := context.WithTimeout(ctx, changeLimit)
	defer cancel()
	before := s.present(time.Now())
	out, err := s.backend.Propose(wait, cmd)
	if err != nil {
		return nil, err
	}
	if out.Refused != nil {
		return nil, refusal(out.Refused)
	}
	s.before.put(out.Index, before)
	s.log.Info("changed", "author", cmd.By, "what", text)
	return &Change{Index: out.Index, Version: out.Version, Text: text, Object: object}, nil
}

// preview is the plan after a command, by the very functions that will apply it
// and act on it.
func (s *Server) preview(cmd state.Command) (*Plan, error) {
	now := time.Now()
	from := s.backend.State()
	to, err := imagine(from, cmd, now)
	if err != nil {
		return nil, err
	}
	return s.compare(from, to, now, s.backend.Cluster().Quorum)
}

// imagine applies a command to a copy of the state.
func imagine(from *state.State, cmd state.Command, now time.Time) (*state.State, error) {
	cmd.At = now.UnixMilli()
	data, err := cmd.Encode()
	if err != nil {
		return nil, err
	}
	to, out := state.Apply(from, state.Entry{Index: from.Index + 1, Term: from.Term, Data: data})
	if out.Refused != nil {
		return nil, refusal(out.Refused)
	}
	return to, nil
}

// compare decides on both states and says what differs.
func (s *Server) compare(from, to *state.State, now time.Time, quorum bool) (*Plan, error) {
	c := s.backend.Cluster()
	before, err := control.Decide(from, now, c.Leader, c.Quorum)
	if err != nil {
		return nil, errorf(Internal, "no decision on the present state: %v", err)
	}
	after, err := control.Decide(to, now, c.Leader, quorum)
	if err != nil {
		return nil, errorf(Invalid, "no decision on the changed state: %v", err)
	}
	going := map[string]bool{}
	for _, a := range before.Plan.Actions {
		going[a.ID] = true
	}
	p := &Plan{Index: from.Index, Base: from.Config.Version, Nodes: after.Plan.Nodes, Placement: after.Plan.Placement, Actions: []policy.Action{}}
	held := map[string]bool{}
	for _, b := range after.Gated {
		held[b.Task+" "+b.Resource+" "+b.Node] = true
	}
	for _, a := range realActions(after.Plan) {
		if !going[a.ID] && !held[a.Task+" "+a.Resource+" "+a.Node] {
			p.Actions = append(p.Actions, a)
		}
	}
	p.Moves = movements(before.Plan.Placement, after.Plan.Placement)
	p.Blocked = blocked(after)
	return p, nil
}

// blocked is everything that should happen and can not.
func blocked(d *control.Decision) []policy.Blocked {
	return slices.Concat(d.Plan.Blocked, d.Gated)
}

// realActions are the actions that somebody carries out, without what only an
// executor needs. Their After names real actions only.
func realActions(p *policy.Plan) []policy.Action {
	through := map[string][]string{} // pseudo action -> the real ones that it stands for
	var out []policy.Action
	for _, a := range p.Actions { // predecessors come first
		var after []string
		for _, id := range a.After {
			if real, pseudo := through[id]; pseudo {
				after = append(after, real...)
			} else {
				after = append(after, id)
			}
		}
		slices.Sort(after)
		after = slices.Compact(after)
		if a.Kind == policy.PseudoAction {
			through[a.ID] = after
			continue
		}
		a.After, a.Params, a.Meta = after, nil, nil
		out = append(out, a)
	}
	return out
}

func movements(before, after []policy.Placement) []Movement {
	from, to := byResource(before), byResource(after)
	names := map[string]bool{}
	for name := range from {
		names[name] = true
	}
	for name := range to {
		names[name] = true
	}
	out := []Movement{}
	for _, name := range sortedKeys(names) {
		if !slices.EqualFunc(from[name], to[name], func(a, b policy.Placement) bool { return a.Node == b.Node && a.Role == b.Role }) {
			out = append(out, Movement{Resource: name, From: from[name], To: to[name]})
		}
	}
	return out
}

// byResource is where each resource is active. The instances of a clone count
// under its primitive's name.
func byResource(list []policy.Placement) map[string][]policy.Placement {
	out := map[string][]policy.Placement{}
	for _, p := range list {
		if active(p) {
			name := instanceBase(p.Resource)
			out[name] = append(out[name], policy.Placement{Resource: p.Resource, Node: p.Node, Role: p.Role})
		}
	}
	for _, l := range out {
		slices.SortFunc(l, func(a, b policy.Placement) int { return strings.Compare(a.Node+" "+a.Resource, b.Node+" "+b.Resource) })
	}
	return out
}

func active(p policy.Placement) bool {
	return p.Node != "" && p.Role != policy.RoleStopped && p.Role != ""
}

// instanceBase drops an instance number: "db:0" is an instance of "db".
func instanceBase(name string) string {
	base, _, _ := strings.Cut(name, ":")
	return base
}
