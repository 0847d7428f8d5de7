package fencing

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// ManualAgent is the agent of the built-in device that does nothing by itself:
// its step waits until a person confirms that the target is off.
const ManualAgent = "manual"

// Device is one configured fence device.
type Device struct {
	Name    string
	Agent   string            // "fence_ipmilan", an absolute path, or ManualAgent
	Params  map[string]string // as configured, the pcmk_* ones included
	Targets []string          // nodes it can fence; the same as pcmk_host_list
	// Meta holds the device's meta attributes. "priority" (a whole number,
	// default 0) orders devices where no topology does, highest first;
	// "provides" = "unfencing" makes it a fabric device. "class" (power, fabric
	// or guard) says what its success means where that cannot be told from the
	// agent.
	Meta map[string]string
	// Timeout is for one attempt where no pcmk_*_timeout says otherwise: the
	// cluster option stonith-timeout. 0: DefaultTimeout.
	Timeout time.Duration
	// Disabled devices (target-role = Stopped) are never used.
	Disabled  bool
	Abilities Abilities // what the agent can do, from its metadata
	Seen      Seen      // what the device answered when asked which targets it has
}

// Abilities is what an agent's metadata says that matters to the decision. The
// zero value means that the metadata is not known: then off, on, reboot and
// status are assumed to exist, and the target is named by "plug".
type Abilities struct {
	Known       bool
	Actions     []Action // sorted
	PlugArg     string   // parameter that names the target: "port", "plug" or ""
	AutomaticOn bool     // "on" is run by the cluster when the target joins (unfencing)
	OnTarget    bool     // "on" has to run on the target itself
}

// Can reports whether the agent offers an action.
func (a Abilities) Can(action Action) bool {
	if !a.Known {
		return action == Off || action == On || action == Reboot || action == Status
	}
	return slices.Contains(a.Actions, action)
}

// Port is one line of a device's list: a plug and the name that it goes by.
type Port struct {
	Plug  string
	Alias string // often empty, often a machine's name
}

// Seen is what a device itself said about its targets. The zero value means
// that it was not asked, or did not answer.
type Seen struct {
	ListKnown bool
	Ports     []Port          // from "list"
	Status    map[string]bool // node name: did "status" for it give an answer
}

// class tells what a success of this device means.
func (d Device) class() Class {
	class := Class(d.Meta["class"])
	switch {
	case d.Agent == ManualAgent:
		return Manual
	case class == Power || class == Fabric || class == Guard:
		return class
	case strings.HasPrefix(path.Base(d.Agent), "fence_heuristics_"):
		return Guard
	case d.Abilities.AutomaticOn || d.Abilities.OnTarget || d.Meta["provides"] == "unfencing":
		return Fabric
	default:
		return Power
	}
}

// String is one line without parameters, which may be secret.
func (d Device) String() string {
	text := fmt.Sprintf("%s (%s, %s)", d.Name, d.Agent, d.class())
	if len(d.Targets) > 0 {
		text += " for " + strings.Join(d.Targets, ", ")
	}
	if d.Disabled {
		text += ", disabled"
	}
	return text
}

// AgentParams returns what goes to the agent: the parameters without the
// pcmk_* ones, which are for the cluster.
func (d Device) AgentParams() map[string]string {
	params := make(map[string]string, len(d.Params))
	for k, v := range d.Params {
		if !strings.HasPrefix(k, "pcmk_") {
			params[k] = v
		}
	}
	return params
}
