package config

import "github.com/hashicorp/hcl/v2"

// What the language knows and this version of Holdfast cannot honour. A
// configuration that relies on it is refused: to accept it and do nothing
// would be worse than to say so.

// absentBlocks are whole blocks, with what to do instead.
var absentBlocks = map[string]string{
	"witness":     "three nodes, or any odd number, decide by majority without one",
	"site":        "each site is a cluster of its own",
	"job":         "run it from a systemd timer on a node, or as a resource",
	"check":       "let the agent's own monitor check the service",
	"fence_level": "write a fence_topology with level blocks",
}

// absentQuorum are the arguments of quorum beside plain majority.
var absentQuorum = []string{"tie-breaker", "wait-for-all", "last-man-standing", "two-node"}

// absentAgents are the built-in agents to come, and which agent does the work
// until then.
var absentAgents = map[string]string{
	"lvm":            "use ocf:heartbeat:LVM-activate",
	"exportfs":       "use ocf:heartbeat:exportfs",
	"ping":           "use ocf:pacemaker:ping",
	"virtual_server": "use systemd with keepalived or haproxy",
}

// absentClasses are the classes of agents to come.
var absentClasses = map[string]string{
	"lsb":     "write a systemd unit, and systemd:UNIT",
	"service": "write systemd:UNIT",
}

// absent reports one of them.
func (d *decoder) absent(rng hcl.Range, what, instead string) {
	text := "this version does not have the " + what
	if instead != "" {
		text += "; " + instead
	}
	d.errorf(rng, "Not in this version", "%s", text)
}
