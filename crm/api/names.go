package api

import (
	"net/http"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/crm/config"
)

// Names are the words that completion offers.
type Names struct {
	config.Names
	Options []string `json:"options,omitempty"`
	Agents  []string `json:"agents"`
	Objects []Object `json:"objects,omitempty"` // with what they are
}

// Object is a named object and what it is, for completion with help.
type Object struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func (s *Server) getNames(*http.Request) (any, error) {
	st := s.backend.State()
	dec, _ := config.Decode(setOf(st.Config.Documents), config.Options{NoLints: true, KnownNodes: s.knownNodes()})
	out := &Names{Names: dec.Names, Agents: s.catalog.Agents()}
	out.Nodes = s.knownNodes()
	for _, r := range shape(st.Config.Policy).Resources {
		text := string(r.Kind)
		if r.Type != "" {
			text = agents.Spec{Class: r.Class, Provider: r.Provider, Type: r.Type}.String()
		}
		out.Objects = append(out.Objects, Object{Name: r.ID, Text: text})
	}
	return out, nil
}

// getAgents lists the agents: "vip", "ocf:heartbeat:IPaddr2",
// "stonith:fence_ipmilan".
func (s *Server) getAgents(*http.Request) (any, error) {
	out := []string{}
	for _, name := range s.catalog.all() {
		out = append(out, written(name))
	}
	return out, nil
}

// getAgent describes one agent: "ocf:heartbeat:IPaddr2", "vip",
// "stonith:fence_ipmilan", "fence_ipmilan".
func (s *Server) getAgent(r *http.Request) (any, error) {
	name := r.PathValue("agent")
	spec, err := agents.ParseSpec(name)
	if err != nil {
		return nil, errorf(BadRequest, "%v", err)
	}
	var meta *agents.Metadata
	switch {
	case spec.Class == "stonith":
		meta, err = s.catalog.FenceMetadata(spec.Type)
	case len(name) > 6 && name[:6] == "fence_":
		meta, err = s.catalog.FenceMetadata(name)
	default:
		meta, err = s.catalog.Lookup(spec)
	}
	if err == nil {
		return meta, nil
	}
	if err != config.ErrUnknownAgent {
		return nil, errorf(Unavailable, "%v", err)
	}
	text := "there is no agent " + name + " on node " + s.backend.Self()
	if near := Nearest(name, s.catalog.Agents()); near != "" {
		text += ": did you mean " + near + "?"
	}
	return nil, errorf(NoSuch, "%s", text)
}
