package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/policy"
)

// NodeRequest are the arguments of a verb on a node.
type NodeRequest struct {
	UntilReboot bool   `json:"until-reboot,omitempty"` // standby
	Reason      string `json:"reason,omitempty"`       // fence
	Off         bool   `json:"off,omitempty"`          // fence: leave it off
	Typed       string `json:"typed,omitempty"`        // confirm-off: the node's name, as a person typed it
	Forced      int    `json:"forced,omitempty"`       // confirm-off: how often the person insisted
}

// postNode changes what operators want of a node.
func (s *Server) postNode(r *http.Request) (any, error) {
	var req NodeRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	node, verb := r.PathValue("node"), r.PathValue("verb")
	yes, no := true, false
	set := func(text string, c state.SetNode) (any, error) {
		c.Node = node
		return s.change(r, state.Command{SetNode: &c}, node, text)
	}
	switch verb {
	case "standby":
		if req.UntilReboot {
			return set("node "+node+" goes to standby until it boots", state.SetNode{StandbyReboot: &yes})
		}
		return set("node "+node+" goes to standby", state.SetNode{Standby: &yes})
	case "online":
		return set("node "+node+" leaves standby", state.SetNode{Standby: &no, StandbyReboot: &no})
	case "maintenance":
		return set("node "+node+" goes to maintenance", state.SetNode{Maintenance: &yes})
	case "ready":
		return set("node "+node+" leaves maintenance", state.SetNode{Maintenance: &no})
	case "fence":
		return s.fence(r, node, req)
	case "confirm-off":
		return s.confirmOff(r, node, req)
	}
	return nil, errorf(NoSuch, "nobody knows how to %q a node", verb)
}

func (s *Server) node(name string) (*state.Node, error) {
	if n := s.backend.State().Nodes[name]; n != nil {
		return n, nil
	}
	return nil, errorf(NoSuch, "there is no node %s: the cluster knows %s", name, strings.Join(s.knownNodes(), ", "))
}

// fence asks for the fencing of a node. The controller picks who does it.
func (s *Server) fence(r *http.Request, name string, req NodeRequest) (any, error) {
	n, err := s.node(name)
	if err != nil {
		return nil, err
	}
	st := s.backend.State()
	if f := st.Fencing[name]; f != nil {
		return nil, errorf(Exists, "node %s is being fenced already (%s)", name, f.Reason)
	}
	if n.Phase == state.PhaseDown {
		return nil, errorf(NotApplicable, "node %s is down: there is nothing to fence", name)
	}
	if err := canFence(st, name); err != nil {
		return nil, err
	}
	who := author(r.Context())
	begin := &state.FenceBegin{
		Target: name, Boot: n.Boot, Action: policy.TaskReboot, Requested: who, Attempt: 1,
		Reason: "asked for by " + who,
	}
	if req.Off {
		begin.Action = policy.TaskOff
	}
	if req.Reason != "" {
		begin.Reason += ": " + req.Reason
	}
	return s.change(r, state.Command{FenceBegin: begin}, name, "node "+name+" will be fenced ("+begin.Action+")")
}

// canFence refuses what can not work: nobody to do it, or nothing to do it with.
func canFence(st *state.State, name string) error {
	others := false
	for other, n := range st.Nodes {
		others = others || other != name && n.Phase == state.PhaseMember
	}
	if !others {
		return errorf(NotApplicable, "no other node is here to fence %s, and none can confirm its own end", name)
	}
	list := st.Config.Policy.Resources
	if !slices.ContainsFunc(list, func(r policy.Resource) bool { return r.Class == "stonith" && control.CanTarget(&r, name) }) {
		return errorf(NotApplicable, "no fence device can fence %s: add a fence block with targets = [%s]", name, name)
	}
	return nil
}

// confirmOff takes a person's word that a lost node is off.
func (s *Server) confirmOff(r *http.Request, name string, req NodeRequest) (any, error) {
	n, err := s.node(name)
	if err != nil {
		return nil, err
	}
	if n.Phase != state.PhaseLost && len(n.Kept) == 0 {
		return nil, errorf(NotApplicable, "node %s is not lost (it is: %s), so nothing waits for a confirmation", name, n.Phase)
	}
	who := author(r.Context())
	spec := fencing.Spec{ID: fencing.OpID("manual-" + name), Target: name, Boot: n.Boot, Action: fencing.Off}
	if f := s.backend.State().Fencing[name]; f != nil {
		spec.ID = fencing.OpID(f.ID)
	}
	word := fencing.ManualConfirm{Who: who, Typed: req.Typed, Forced: req.Forced}
	receipt, err := fencing.ManualReceipt(spec, word, s.backend.Heartbeat(name), time.Now())
	if err != nil {
		return nil, errorf(Unsafe, "%v", err)
	}
	cmd := state.Command{FenceConfirm: &state.FenceConfirm{Target: name, Boot: n.Boot, Receipt: receipt}}
	return s.change(r, cmd, name, "node "+name+" is off, on the word of "+who)
}
