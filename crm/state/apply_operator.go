package state

import (
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// setConfig replaces the configuration.
//
// Invariant: it is made on the version in force, so nobody's change is lost
// without being seen.
func (t *transition) setConfig(c *SetConfig) *Refusal {
	cur := t.s.Config
	if c.Base != cur.Version {
		return refuse(Stale, "the configuration was made on version %d, but version %d by %s is in force",
			c.Base, cur.Version, orSomebody(cur.Author))
	}
	if c.Policy == nil {
		return refuse(Invalid, "the configuration has no decoded form")
	}
	if cur.Version > 0 {
		t.s.Versions = bounded(t.s.Versions, keepVersions, Version{
			Version: cur.Version, Documents: cur.Documents, Author: cur.Author, Comment: cur.Comment, At: cur.At,
		})
	}
	t.s.Config = Config{
		Version: cur.Version + 1, Documents: c.Documents, Policy: c.Policy, Cluster: c.Cluster,
		Author: t.c.By, Comment: c.Comment, At: t.c.At,
	}
	// From here on every decision made before is out of date for the configuration's
	// sake, so the older reasons can go: names of long gone resources do not pile up.
	t.s.Changed = map[string]uint64{"nodes": t.s.Changed["nodes"]}
	t.once("changed")
	t.touch("config")
	t.audit("configuration version %d: %s", cur.Version+1, orText(c.Comment, "no comment"))
	return nil
}

func orSomebody(s string) string { return orText(s, "somebody") }

func orText(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (t *transition) setNode(c *SetNode) *Refusal {
	if !t.knownNode(c.Node) {
		return refuse(NoSuch, "there is no node %s", c.Node)
	}
	set := t.s.Settings.Nodes[c.Node]
	var said []string
	for _, f := range []struct {
		name string
		to   *bool
		at   *bool
	}{{"standby", c.Standby, &set.Standby}, {"standby until reboot", c.StandbyReboot, &set.StandbyReboot}, {"maintenance", c.Maintenance, &set.Maintenance}} {
		if f.to != nil && *f.to != *f.at {
			*f.at = *f.to
			said = append(said, f.name+onOff(*f.to))
		}
	}
	if len(said) == 0 {
		return nil
	}
	set.By, set.At = t.c.By, t.c.At
	t.s.Settings.Nodes = clone(t.s.Settings.Nodes)
	if set.Standby || set.StandbyReboot || set.Maintenance {
		t.s.Settings.Nodes[c.Node] = set
	} else {
		delete(t.s.Settings.Nodes, c.Node)
	}
	t.touch("nodes")
	t.audit("node %s: %s", c.Node, strings.Join(said, ", "))
	return nil
}

func onOff(b bool) string {
	if b {
		return " on"
	}
	return " off"
}

func (t *transition) knownNode(name string) bool {
	return t.s.Nodes[name] != nil || slices.ContainsFunc(t.s.Config.Policy.Nodes, func(n policy.Node) bool { return n.Name == name })
}

func (t *transition) setAttribute(c *SetAttribute) *Refusal {
	n := t.node(c.Node)
	switch {
	case n == nil:
		return refuse(NoSuch, "there is no node %s", c.Node)
	case c.Name == "":
		return refuse(Invalid, "the attribute has no name")
	}
	if old, ok := n.Attributes[c.Name]; ok == !c.Delete && old == c.Value {
		return nil
	}
	if c.Delete {
		delete(n.Attributes, c.Name)
	} else {
		n.Attributes[c.Name] = c.Value
	}
	t.touch("nodes")
	return nil
}

func (t *transition) setResource(c *SetResource) *Refusal {
	if FindResource(t.s.Config.Policy, c.Resource) == nil {
		return refuse(NoSuch, "there is no resource %s", c.Resource)
	}
	set := t.s.Settings.Resources[c.Resource]
	var said []string
	for _, f := range []struct {
		name string
		to   *string
		at   *string
	}{{"target-role", c.TargetRole, &set.TargetRole}, {"maintenance", c.Maintenance, &set.Maintenance}, {"is-managed", c.Managed, &set.Managed}} {
		if f.to != nil && *f.to != *f.at {
			*f.at = *f.to
			said = append(said, f.name+"="+orText(*f.to, "as configured"))
		}
	}
	if len(said) == 0 {
		return nil
	}
	set.By, set.At = t.c.By, t.c.At
	t.s.Settings.Resources = clone(t.s.Settings.Resources)
	if set.TargetRole == "" && set.Maintenance == "" && set.Managed == "" {
		delete(t.s.Settings.Resources, c.Resource)
	} else {
		t.s.Settings.Resources[c.Resource] = set
	}
	t.touch("config")
	t.audit("resource %s: %s", c.Resource, strings.Join(said, ", "))
	return nil
}

func (t *transition) addRule(r ManualRule) *Refusal {
	switch {
	case r.ID == "" || r.Score == "":
		return refuse(Invalid, "a manual rule needs id and score")
	case FindResource(t.s.Config.Policy, r.Resource) == nil:
		return refuse(NoSuch, "there is no resource %s", r.Resource)
	case !t.knownNode(r.Node):
		return refuse(NoSuch, "there is no node %s", r.Node)
	}
	r.By, r.At = t.c.By, t.c.At
	rules := slices.DeleteFunc(slices.Clone(t.s.Settings.Rules), func(o ManualRule) bool {
		return o.ID == r.ID || o.Expires != 0 && o.Expires < t.c.At/1000
	})
	t.s.Settings.Rules = append(rules, r)
	t.touch("config")
	t.audit("manual rule %s: %s on %s, score %s", r.ID, r.Resource, r.Node, r.Score)
	return nil
}

func (t *transition) clearRules(c *ClearRules) *Refusal {
	kept := slices.DeleteFunc(slices.Clone(t.s.Settings.Rules), func(r ManualRule) bool {
		return (c.ID == "" || r.ID == c.ID) && (c.Resource == "" || r.Resource == c.Resource)
	})
	cleared := len(t.s.Settings.Rules) - len(kept)
	if _, ok := t.s.Settings.Moves[c.Resource]; ok && c.ID == "" {
		t.s.Settings.Moves = clone(t.s.Settings.Moves)
		delete(t.s.Settings.Moves, c.Resource)
		cleared++
	}
	if cleared == 0 {
		return nil
	}
	t.s.Settings.Rules = kept
	t.touch("config")
	t.audit("manual rules of %s removed: %d", orText(c.Resource, c.ID), cleared)
	return nil
}

func (t *transition) startMove(m Move) *Refusal {
	switch {
	case FindResource(t.s.Config.Policy, m.Resource) == nil:
		return refuse(NoSuch, "there is no resource %s", m.Resource)
	case !t.knownNode(m.Node):
		return refuse(NoSuch, "there is no node %s", m.Node)
	}
	m.By, m.At = t.c.By, t.c.At
	t.s.Settings.Moves = clone(t.s.Settings.Moves)
	t.s.Settings.Moves[m.Resource] = m
	t.touch("config")
	t.audit("move %s to %s", m.Resource, m.Node)
	return nil
}

func (t *transition) endMove(e *EndMove) *Refusal {
	m, ok := t.s.Settings.Moves[e.Resource]
	if !ok || m.At != e.At {
		return nil
	}
	t.s.Settings.Moves = clone(t.s.Settings.Moves)
	delete(t.s.Settings.Moves, e.Resource)
	t.touch("config")
	return nil
}

// cleanup resets failure counts and failed results. What is active stays known
// to be active: the status never shows a running resource as stopped.
func (t *transition) cleanup(c *Cleanup) *Refusal {
	if c.Resource != "" && !t.anyHistory(c.Resource) && FindResource(t.s.Config.Policy, c.Resource) == nil {
		return refuse(NoSuch, "there is no resource %s", c.Resource)
	}
	if c.Node != "" && !t.knownNode(c.Node) {
		return refuse(NoSuch, "there is no node %s", c.Node)
	}
	members := Descendants(FindResource(t.s.Config.Policy, c.Resource))
	did := false
	for _, name := range sortedKeys(t.s.Nodes) {
		if c.Node != "" && name != c.Node {
			continue
		}
		for _, rsc := range sortedKeys(t.s.Nodes[name].History) {
			if c.Resource == "" || rsc == c.Resource || members[baseName(rsc)] {
				did = t.cleanOne(name, rsc, c) || did
			}
		}
	}
	if !did && t.c.Term != 0 {
		return refuse(Stale, "cleanup of %s on %s: there is nothing to clean up", c.Resource, c.Node) // a controller must not go on asking
	}
	t.audit("cleanup of %s on %s", orText(c.Resource, "all resources"), orText(c.Node, "all nodes"))
	return nil
}

func (t *transition) anyHistory(rsc string) bool {
	for _, n := range t.s.Nodes {
		if n.History[rsc] != nil {
			return true
		}
	}
	return false
}

func (t *transition) cleanOne(node, rsc string, c *Cleanup) bool {
	n := t.node(node)
	if c.Forget {
		t.dropHistory(n, rsc)
		return true
	}
	if !t.dropFailures(n, rsc, c.Operation) && !anyFailed(n.History[rsc]) {
		return false
	}
	h := *n.History[rsc]
	h.Records = map[string]policy.OpRecord{}
	noticed := false
	for id, r := range n.History[rsc].Records {
		if !failed(r) || c.Operation != "" && c.Operation != opKey(r) {
			h.Records[id] = r
		} else if r.Operation == Noticed {
			noticed = true
		}
	}
	if len(h.Records) == 0 || noticed {
		// Nothing but failures was known, or what was noticed once and would not be
		// said again: it is probed.
		delete(n.History, rsc)
	} else {
		n.History[rsc] = &h
	}
	t.touch("rsc:" + rsc)
	return true
}

func anyFailed(h *ResourceHistory) bool {
	for _, r := range h.Records {
		if failed(r) {
			return true
		}
	}
	return false
}

func opKey(r policy.OpRecord) string {
	_, op, _ := strings.Cut(r.Key, "_"+r.Operation)
	return r.Operation + op
}

// baseName drops an instance number: "db:0" is an instance of "db".
func baseName(rsc string) string {
	base, _, _ := strings.Cut(rsc, ":")
	return base
}

// FindResource finds a configured resource of any kind by name, or nil.
func FindResource(c *policy.Config, name string) *policy.Resource {
	return findIn(c.Resources, name)
}

func findIn(list []policy.Resource, name string) *policy.Resource {
	for i := range list {
		if list[i].ID == name {
			return &list[i]
		}
		if r := findIn(list[i].Children, name); r != nil {
			return r
		}
	}
	return nil
}

// Descendants are the names of a resource and of all that it consists of.
func Descendants(r *policy.Resource) map[string]bool {
	all := map[string]bool{}
	var walk func(*policy.Resource)
	walk = func(r *policy.Resource) {
		all[r.ID] = true
		for i := range r.Children {
			walk(&r.Children[i])
		}
	}
	if r != nil {
		walk(r)
	}
	return all
}
