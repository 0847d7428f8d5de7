package control

import (
	"fmt"
	"strings"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// kept is what still runs on a node that is about to leave: unmanaged resources,
// and those that could not be stopped. Fence devices are nothing that runs.
func kept(plan *policy.Plan, c *policy.Config, node string) []state.Kept {
	var out []state.Kept
	for _, p := range plan.Current {
		if p.Node != node || p.Role == policy.RoleStopped {
			continue
		}
		if r := state.FindResource(c, instanceBase(p.Resource)); r != nil && r.Class == "stonith" {
			continue
		}
		out = append(out, state.Kept{Resource: p.Resource, Promoted: p.Role == policy.RolePromoted})
	}
	return out
}

// holdKept holds back what would run a second time because a node that is down
// left it running.
//
// Invariant: a node that left is down, but what it was not allowed to stop
// counts as running there until the node is back, has booted again or is
// confirmed off. Copies of a clone may run beside each other, so of clones only
// a second promotion is held.
func holdKept(s *state.State, plan *policy.Plan, held map[string]bool, blocked *[]policy.Blocked) {
	where := map[string]string{}
	for _, name := range sortedKeys(s.Nodes) {
		for _, k := range s.Nodes[name].Kept {
			if k.Promoted {
				where[policy.TaskPromote+" "+instanceBase(k.Resource)] = name
			}
			where[policy.TaskStart+" "+k.Resource] = name
		}
	}
	if len(where) == 0 {
		return
	}
	for _, a := range plan.Actions {
		if a.Kind != policy.ResourceAction || !begins(a.Task) {
			continue
		}
		key := policy.TaskStart + " " + a.Resource
		if a.Task == policy.TaskPromote {
			key = policy.TaskPromote + " " + instanceBase(a.Resource)
		} else if strings.Contains(a.Resource, ":") {
			continue
		}
		node := where[key]
		if node == "" || held[a.ID] {
			continue
		}
		held[a.ID] = true
		*blocked = append(*blocked, policy.Blocked{Resource: a.Resource, Node: a.Node, Task: a.Task, Reasons: []policy.Reason{{
			Rule: "kept", Object: node,
			Text: fmt.Sprintf("%s still ran on %s when that node left: start the cluster there again, or switch it off and confirm that it is off", a.Resource, node),
		}}})
	}
}
