package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/internal/nearest"
)

// Set is the agents that a program has. A nil field is one that it lacks.
type Set struct {
	VIP        agents.Agent // holdfast:vip
	Filesystem agents.Agent // holdfast:filesystem
	Process    agents.Agent // holdfast:process
	Systemd    agents.Agent // systemd:UNIT, every unit
	OCF        agents.Agent // ocf:PROVIDER:TYPE, every program

	// Fake, if set, is holdfast:fake: resources in memory, for demos and tests.
	Fake agents.Agent
}

// Lister is an agent of a whole class that can tell which types there are on
// this node.
type Lister interface {
	List() []agents.Spec
}

// named is one field of the set.
type named struct {
	name  string
	agent agents.Agent
}

// builtIn lists the agents of class "holdfast", whether the set has them or not.
func (s Set) builtIn() []named {
	return []named{{"filesystem", s.Filesystem}, {"process", s.Process}, {"vip", s.VIP}, {"fake", s.Fake}}
}

// classes lists the others, each of which serves all types of its class.
func (s Set) classes() []named {
	return []named{{"ocf", s.OCF}, {"systemd", s.Systemd}}
}

// Lookup gives the agent for a spec. That an OCF program or a unit exists on
// this node is not asked here: the agent's own answer to an operation says it.
func (s Set) Lookup(spec agents.Spec) (agents.Agent, error) {
	if spec.Class == agents.BuiltIn {
		return s.lookupBuiltIn(spec)
	}
	for _, c := range s.classes() {
		switch {
		case c.name != spec.Class:
		case c.agent == nil:
			return nil, fmt.Errorf("agent %q: this program was built without the class %q", spec, spec.Class)
		case spec.Type == "":
			return nil, fmt.Errorf("agent %q: it lacks a type, as in %s", spec, example[c.name])
		default:
			return c.agent, nil
		}
	}
	if near := nearest.Name(spec.Class, s.Classes()); near != "" {
		return nil, fmt.Errorf("agent %q: there is no class %q; did you mean %q?", spec, spec.Class, near)
	}
	return nil, fmt.Errorf("agent %q: there is no class %q; the classes are %s", spec, spec.Class, strings.Join(s.Classes(), ", "))
}

// example shows how the agents of a class are written.
var example = map[string]string{"ocf": "ocf:heartbeat:IPaddr2", "systemd": "systemd:nginx"}

func (s Set) lookupBuiltIn(spec agents.Spec) (agents.Agent, error) {
	var have []string
	for _, b := range s.builtIn() {
		if b.agent != nil {
			have = append(have, b.name)
		}
		if b.name == spec.Type && spec.Provider == "" {
			if b.agent == nil {
				return nil, fmt.Errorf("agent %q: this program was built without it; it has %s", spec.Type, strings.Join(have, ", "))
			}
			return b.agent, nil
		}
	}
	if near := nearest.Name(spec.Type, have); near != "" {
		return nil, fmt.Errorf("there is no agent %q; did you mean %q?", spec.Type, near)
	}
	for _, other := range s.installed() {
		if strings.EqualFold(other.Type, spec.Type) {
			return nil, fmt.Errorf("there is no built-in agent %q; did you mean %q?", spec.Type, other)
		}
	}
	slices.Sort(have)
	return nil, fmt.Errorf("there is no built-in agent %q; built in are %s, others are written ocf:PROVIDER:TYPE or systemd:UNIT",
		spec.Type, strings.Join(have, ", "))
}

// installed is what the classes' agents list on this node.
func (s Set) installed() []agents.Spec {
	var specs []agents.Spec
	for _, c := range s.classes() {
		if l, ok := c.agent.(Lister); ok {
			specs = append(specs, l.List()...)
		}
	}
	return specs
}

// Classes lists, sorted, the classes of which the set has an agent.
func (s Set) Classes() []string {
	var names []string
	if slices.ContainsFunc(s.builtIn(), func(b named) bool { return b.agent != nil }) {
		names = append(names, agents.BuiltIn)
	}
	for _, c := range s.classes() {
		if c.agent != nil {
			names = append(names, c.name)
		}
	}
	slices.Sort(names)
	return names
}

// List is every agent of this node that is known by name, sorted as written:
// the built-in ones, and what the classes list.
func (s Set) List() []agents.Spec {
	specs := s.installed()
	for _, b := range s.builtIn() {
		if b.agent != nil {
			specs = append(specs, agents.Spec{Class: agents.BuiltIn, Type: b.name})
		}
	}
	slices.SortFunc(specs, func(a, b agents.Spec) int { return strings.Compare(a.String(), b.String()) })
	return specs
}

// Complete lists, sorted, how the names that begin with prefix are written in
// the configuration: a built-in agent by its type alone.
func (s Set) Complete(prefix string) []string {
	var names []string
	for _, spec := range s.List() {
		name := spec.String()
		if spec.Class == agents.BuiltIn {
			name = spec.Type
		}
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Metadata looks the agent up and asks it to describe itself.
func (s Set) Metadata(ctx context.Context, spec agents.Spec) (*agents.Metadata, error) {
	agent, err := s.Lookup(spec)
	if err != nil {
		return nil, err
	}
	return agent.Metadata(ctx, spec)
}
