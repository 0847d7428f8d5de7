package render

import (
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

func (d *display) resourceList() {
	title := "Active Resources"
	switch {
	case d.ByNode && !d.Inactive:
		return
	case d.ByNode:
		title = "Inactive Resources"
	case d.Inactive:
		title = "Full List of Resources"
	}
	d.section(title)
	before := d.out.Len()
	var plain, rest []policy.Resource
	for _, r := range d.lookup.config.Resources {
		if d.Brief && r.Kind == policy.Primitive {
			plain = append(plain, r)
		} else {
			rest = append(rest, r)
		}
	}
	d.brief(plain)
	for _, r := range rest {
		d.resource(r)
	}
	d.removed()
	if d.out.Len() == before {
		d.item(map[bool]string{true: "No inactive resources", false: "No resources"}[d.ByNode])
	}
}

// resource shows one top-level resource, or a member of a group.
func (d *display) resource(r policy.Resource, parents ...policy.Resource) {
	if d.hidden(r) {
		return
	}
	switch r.Kind {
	case policy.Primitive:
		d.item(d.line(d.plainLine(r, parents...)))
	case policy.Group:
		d.item("Resource Group: " + r.ID + d.collectiveFlags(r) + ":")
		d.under(func() { d.members(r) })
	case policy.Clone:
		d.clone(r)
	case policy.Bundle:
		d.bundle(r)
	}
}

func (d *display) members(group policy.Resource) {
	for _, m := range group.Children {
		d.resource(m, group)
	}
}

// hidden says whether the options leave a resource out.
func (d *display) hidden(r policy.Resource) bool {
	active := d.active(r)
	switch {
	case d.ByNode:
		return active
	case d.Inactive:
		return false
	}
	return !active
}

// active says whether any part of a resource runs anywhere.
func (d *display) active(r policy.Resource) bool {
	if r.Kind == policy.Primitive {
		return slices.ContainsFunc(d.lookup.instances[r.ID], isActive)
	}
	if r.Kind == policy.Bundle && slices.ContainsFunc(d.Placement, func(p policy.Placement) bool {
		return isActive(p) && strings.HasPrefix(p.Resource, containerName(r, ""))
	}) {
		return true
	}
	return slices.ContainsFunc(r.Children, d.active)
}

func isActive(p policy.Placement) bool { return p.Role != policy.RoleStopped && p.Node != "" }

// resourceLine is what one line about a primitive says.
type resourceLine struct {
	id       string
	agent    string
	places   []policy.Placement // where it is; none: stopped
	disabled bool
	noNode   bool // the node is plain from the context
}

func (d *display) plainLine(r policy.Resource, parents ...policy.Resource) resourceLine {
	return resourceLine{
		id: r.ID, agent: d.lookup.agent(r), places: d.lookup.exact[r.ID],
		disabled: strings.EqualFold(d.lookup.inherited("target-role", r, parents...), "Stopped"),
	}
}

// line is "ID (AGENT): [ORPHANED] [FAILED] ROLE NODE (FLAGS)".
func (d *display) line(r resourceLine) string {
	active := slices.DeleteFunc(slices.Clone(r.places), func(p policy.Placement) bool { return !isActive(p) })
	var sum policy.Placement
	sum.Role = policy.RoleStopped
	for _, p := range r.places {
		sum.Failed = sum.Failed || p.Failed
		sum.Blocked = sum.Blocked || p.Blocked
		sum.Unmanaged = sum.Unmanaged || p.Unmanaged
		sum.Orphaned = sum.Orphaned || p.Orphaned
		sum.Disabled = sum.Disabled || p.Disabled
		if roleRank(p.Role) > roleRank(sum.Role) {
			sum.Role = p.Role
		}
	}
	sum.Disabled = sum.Disabled || r.disabled
	words := []string{r.id}
	if r.agent != "" {
		words[0] += " (" + r.agent + ")"
	}
	words[0] += ":"
	if sum.Orphaned {
		words = append(words, d.warn("ORPHANED"))
	}
	words = append(words, d.roleWord(sum))
	switch {
	case r.noNode || len(active) == 0:
	case len(active) == 1:
		words = append(words, active[0].Node)
	default:
		names := make([]string, len(active))
		for i, p := range active {
			names[i] = p.Node
		}
		words = append(words, nodeSet(sortedNames(names)))
	}
	if flags := d.flags(sum, active); len(flags) > 0 {
		words = append(words, "("+strings.Join(flags, ", ")+")")
	}
	return strings.Join(words, " ")
}

func roleRank(r policy.Role) int {
	return slices.Index([]policy.Role{policy.RoleStopped, policy.RoleStarted, policy.RoleUnpromoted, policy.RolePromoted}, r)
}

func (d *display) roleWord(p policy.Placement) string {
	switch {
	case p.Failed && p.Role == policy.RolePromoted:
		return d.bad("FAILED") + " " + string(p.Role)
	case p.Failed:
		return d.bad("FAILED")
	case p.Role == policy.RoleStopped && !p.Disabled:
		return d.bad(string(p.Role))
	}
	return string(p.Role)
}

func (d *display) flags(sum policy.Placement, active []policy.Placement) []string {
	var flags []string
	maintenance := d.maintenanceMode()
	for _, p := range active {
		n, known := d.lookup.nodes[p.Node]
		if known && n.Unclean && !n.Online && len(flags) == 0 {
			flags = append(flags, d.bad("UNCLEAN"))
		}
		maintenance = maintenance || n.Maintenance
	}
	if sum.Disabled {
		flags = append(flags, "disabled")
	}
	switch {
	case sum.Blocked:
		flags = append(flags, d.bad("blocked"))
	case maintenance:
		flags = append(flags, d.warn("maintenance"))
	case sum.Unmanaged:
		flags = append(flags, d.warn("unmanaged"))
	}
	return flags
}

func (d *display) maintenanceMode() bool {
	value, _ := pairValue(d.lookup.config.Options, "maintenance-mode")
	return isTrue(value)
}

// collectiveFlags is what a group, clone or bundle says after its name.
func (d *display) collectiveFlags(r policy.Resource, more ...string) string {
	flags := more
	if strings.EqualFold(d.lookup.meta(r, "target-role"), "Stopped") {
		flags = append(flags, "disabled")
	}
	managed := d.lookup.meta(r, "is-managed")
	switch {
	case d.maintenanceMode() || isTrue(d.lookup.meta(r, "maintenance")):
		flags = append(flags, "maintenance")
	case managed != "" && managed != "default" && !isTrue(managed):
		flags = append(flags, "unmanaged")
	}
	if len(flags) == 0 {
		return ""
	}
	return " (" + strings.Join(flags, ", ") + ")"
}

// removed shows resources that run and are no longer configured.
func (d *display) removed() {
	if d.ByNode {
		return
	}
	var names []string
	for name, places := range d.lookup.exact {
		if places[0].Orphaned && slices.ContainsFunc(places, isActive) && !d.configured(name) {
			names = append(names, name)
		}
	}
	for _, name := range sortedNames(names) {
		d.item(d.line(resourceLine{id: name, agent: d.agentOf(name), places: d.lookup.exact[name]}))
	}
}

func (d *display) configured(name string) bool {
	return d.lookup.agents[name] != "" || d.lookup.agents[baseName(name)] != ""
}

// agentOf is the agent of an instance, of a part of a bundle, or of a removed
// resource; "" if nobody knows.
func (d *display) agentOf(name string) string {
	for _, agents := range []map[string]string{d.lookup.agents, d.Agents} {
		for _, id := range []string{name, baseName(name)} {
			if agents[id] != "" {
				return agents[id]
			}
		}
	}
	return ""
}
