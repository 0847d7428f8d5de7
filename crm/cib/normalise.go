package cib

import (
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// normalise rewrites what older schemas said in other words, so that the rest
// of the program knows one vocabulary.
func (in *importer) normalise(doc *Document) {
	c := doc.Config
	renameOptions(c.Options, currentOptionName)
	for i := range c.Options {
		dropPairs(&c.Options[i], func(p policy.Pair) bool { return p.Name == "remove-after-stop" })
		for j, p := range c.Options[i].Pairs {
			if (p.Name == "stonith-action" || p.Name == "fencing-action") && p.Value == "poweroff" {
				c.Options[i].Pairs[j].Value = "off"
			}
		}
	}
	dropFailureOverrides(c.Resources)
	dropFailureOverrides(c.Templates)
	in.pingNodes(c)
	if olderThan3(doc.Schema) {
		fromSchema2(c)
	}
}

// currentOptionName maps renamed cluster options.
func currentOptionName(name string) string {
	switch name {
	case "crmd-finalization-timeout":
		return "join-finalization-timeout"
	case "crmd-integration-timeout":
		return "join-integration-timeout"
	case "crmd-transition-delay":
		return "transition-delay"
	}
	return name
}

func renameOptions(sets []policy.NVSet, rename func(string) string) {
	for i := range sets {
		for j := range sets[i].Pairs {
			sets[i].Pairs[j].Name = rename(sets[i].Pairs[j].Name)
		}
	}
}

func dropPairs(s *policy.NVSet, drop func(policy.Pair) bool) {
	kept := s.Pairs[:0]
	for _, p := range s.Pairs {
		if !drop(p) {
			kept = append(kept, p)
		}
	}
	s.Pairs = kept
}

// dropFailureOverrides removes meta-attributes that once overrode how failures
// are handled and must not reach an agent's environment any more.
func dropFailureOverrides(resources []policy.Resource) {
	for i := range resources {
		r := &resources[i]
		for j := range r.Meta {
			dropPairs(&r.Meta[j], func(p policy.Pair) bool { return p.Name == "restart-type" || p.Name == "restart_type" })
		}
		for j := range r.Operations.List {
			op := &r.Operations.List[j]
			for k := range op.Meta {
				dropPairs(&op.Meta[k], func(p policy.Pair) bool { return isFailureOverride(p.Name) })
			}
			kept := op.Attributes[:0]
			for _, p := range op.Attributes {
				if !isFailureOverride(p.Name) {
					kept = append(kept, p)
				}
			}
			op.Attributes = kept
		}
		dropFailureOverrides(r.Children)
	}
}

func isFailureOverride(name string) bool {
	return name == "can_fail" || name == "role_after_failure"
}

// pingNodes turns nodes that only answered pings into members that run nothing.
func (in *importer) pingNodes(c *policy.Config) {
	for i := range c.Nodes {
		n := &c.Nodes[i]
		if !strings.EqualFold(n.Type, "ping") {
			continue
		}
		n.Type = "member"
		c.Constraints = append(c.Constraints, policy.Constraint{Location: &policy.Location{
			ID: "ping-node-" + n.ID, Pattern: ".*", Node: n.Name, Score: "-INFINITY", Discovery: "never", Pos: n.Pos,
		}})
		in.problem(false, n.Pos, n.ID, "nodes of type \"ping\" no longer exist: it becomes a member that runs no resource")
	}
}

// olderThan3 says whether a schema name is pacemaker-0 to pacemaker-2.
func olderThan3(schema string) bool {
	version, ok := strings.CutPrefix(schema, "pacemaker-")
	if !ok {
		return false
	}
	major, ok := integer(version)
	return ok && major < 3
}

// fromSchema2 translates spellings that schema 3.0 removed.
func fromSchema2(c *policy.Config) {
	renameOptions(c.Options, func(name string) string { return strings.ReplaceAll(name, "_", "-") })
	for i := range c.Nodes {
		if strings.EqualFold(c.Nodes[i].Type, "normal") {
			c.Nodes[i].Type = "member"
		}
	}
	for i := range c.Options {
		s := &c.Options[i]
		c.ResourceDefaults = moveOption(c.ResourceDefaults, s, "default-resource-stickiness", "resource-stickiness")
		c.ResourceDefaults = moveOption(c.ResourceDefaults, s, "is-managed-default", "is-managed")
		c.OpDefaults = moveOption(c.OpDefaults, s, "default-action-timeout", "timeout")
	}
}

// moveOption moves a pair of an option set into defaults of its own. They come
// first and so lose against defaults that the document already has.
func moveOption(defaults []policy.NVSet, options *policy.NVSet, name, newName string) []policy.NVSet {
	var moved []policy.Pair
	dropPairs(options, func(p policy.Pair) bool {
		if p.Name != name {
			return false
		}
		p.Name = newName
		moved = append(moved, p)
		return true
	})
	if len(moved) == 0 {
		return defaults
	}
	set := policy.NVSet{
		ID: options.ID + "-" + newName, Score: options.Score, Rules: options.Rules, Pairs: moved, Pos: options.Pos,
	}
	return append([]policy.NVSet{set}, defaults...)
}
