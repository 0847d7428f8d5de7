package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// Explanation says why a resource is where it is, and why it is not elsewhere.
type Explanation struct {
	*policy.Explanation
	Fixes    map[string][]string `json:"fixes"` // by node: what would let it run there; "": at all
	Settings []ManualRule        `json:"manual-rules,omitempty"`
}

// Text is the explanation for people.
func (x *Explanation) Text() string {
	var b strings.Builder
	if err := render.Explanation(&b, x.Explanation, x.Fixes); err != nil {
		return err.Error() // writing to memory does not fail
	}
	return b.String()
}

// getExplain answers ?resource= and, optionally, ?node=.
func (s *Server) getExplain(r *http.Request) (any, error) {
	name, node := r.URL.Query().Get("resource"), r.URL.Query().Get("node")
	st, now := s.backend.State(), time.Now()
	rsc := state.FindResource(st.Config.Policy, instanceBase(name))
	if rsc == nil {
		return nil, s.noResource(name)
	}
	if node != "" && !slices.Contains(s.knownNodes(), node) {
		return nil, errorf(NoSuch, "there is no node %s: the cluster knows %s", node, strings.Join(s.knownNodes(), ", "))
	}
	return s.explain(st, rsc, name, node, now)
}

// explain explains the present decision.
func (s *Server) explain(st *state.State, rsc *policy.Resource, name, node string, now time.Time) (*Explanation, error) {
	c := s.backend.Cluster()
	in := st.Input(now.Truncate(time.Second), c.Leader, c.Quorum)
	x, err := policy.Explain(in, name, node)
	if err != nil {
		return nil, errorf(Internal, "no explanation: %v", err)
	}
	d, err := s.backend.Decision(now)
	if err != nil {
		return nil, errorf(Internal, "no decision: %v", err)
	}
	parts := state.Descendants(rsc)
	for _, b := range d.Gated {
		if parts[instanceBase(b.Resource)] {
			x.Blocked = append(x.Blocked, b)
		}
	}
	unprotected(x, in.Config, d.Plan)
	out := &Explanation{Explanation: x}
	for _, m := range s.status(now).Manual {
		if parts[m.Object] || m.Kind == "node" && slices.ContainsFunc(x.Nodes, func(n policy.NodeVerdict) bool { return n.Node == m.Object }) {
			out.Settings = append(out.Settings, m)
		}
	}
	byWhom(x, out.Settings)
	out.Fixes = render.Fixes(in, x)
	return out, nil
}

// whyNot says in a line what keeps a resource from a node, and the way out.
func (s *Server) whyNot(st *state.State, name, node string, now time.Time) string {
	x, err := s.explain(st, state.FindResource(st.Config.Policy, name), name, node, now)
	if err != nil {
		return err.Error()
	}
	var why []string
	for _, r := range x.Stopped {
		why = append(why, r.Text)
	}
	for _, n := range x.Nodes {
		for _, r := range n.Why {
			text := r.Text
			if pos := r.Pos.String(); pos != "" {
				text += " (" + pos + ")"
			}
			why = append(why, text)
		}
	}
	if len(why) == 0 {
		return "the policy places it elsewhere"
	}
	text := strings.Join(why, "; ")
	if fixes := x.Fixes[node]; len(fixes) > 0 && !strings.HasPrefix(fixes[0], "crm resource move "+name+" ") {
		text += " (to run it there: " + strings.Join(fixes, "; ") + ")"
	}
	return text
}

// unprotected adds that nobody could fence a node: there the controller would
// hold a start back.
func unprotected(x *policy.Explanation, c *policy.Config, plan *policy.Plan) {
	if !x.NeedsFencing || !control.FencingEnabled(c) {
		return
	}
	for i := range x.Nodes {
		n := &x.Nodes[i]
		if n.Here || n.Word == policy.Chosen {
			continue // what is held back there is listed as such
		}
		if text := control.Unprotected(c, plan, n.Node); text != "" {
			if n.Word != policy.Impossible {
				n.Word, n.Why = policy.Impossible, nil
			}
			n.Why = append(n.Why, policy.Reason{Rule: "unprotected", Object: n.Node, Text: text})
		}
	}
}

// byWhom tells which reasons are operators' settings, and whose.
func byWhom(x *policy.Explanation, settings []ManualRule) {
	tell := func(r *policy.Reason) {
		for _, m := range settings {
			switch {
			case r.Rule == "location" && r.Object == m.ID:
				r.Rule, r.Object, r.Text = "manual-rule", m.Object, m.Text+by(m)
			case r.Rule == "standby" && m.ID == "standby-"+r.Object, r.Rule == "maintenance" && m.ID == "maintenance-"+r.Object,
				r.Rule == "target-role" && m.ID == "target-role-"+r.Object, r.Rule == "unmanaged" && m.ID == "managed-"+r.Object,
				r.Rule == "resource-maintenance" && m.ID == "maintenance-"+r.Object:
				r.Text, r.Pos = m.Text+by(m), policy.Pos{}
			}
		}
	}
	for i := range x.Stopped {
		tell(&x.Stopped[i])
	}
	for i := range x.Nodes {
		n := &x.Nodes[i]
		for j := range n.Why {
			tell(&n.Why[j])
		}
		for j := range n.Scores {
			tell(&n.Scores[j].Reason)
		}
	}
}

func by(m ManualRule) string {
	text := ""
	if m.Author != "" {
		text += ", by " + m.Author
	}
	if !m.At.IsZero() {
		text += " at " + m.At.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	if !m.Expires.IsZero() {
		text += ", until " + m.Expires.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return text
}
