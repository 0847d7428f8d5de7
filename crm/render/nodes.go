package render

import (
	"slices"

	"github.com/holdfast-ha/holdfast/policy"
)

func (d *display) nodeList() {
	if len(d.Nodes) == 0 {
		return
	}
	d.section("Node List")
	nodes := slices.Clone(d.Nodes)
	slices.SortFunc(nodes, func(a, b policy.NodeView) int { return compareNames(a.Name, b.Name) })
	if d.ByNode {
		for _, n := range nodes {
			d.nodeWithResources(n)
		}
		return
	}
	ordinary := make(map[string][]string)
	for _, n := range nodes {
		if n.Unclean || n.Pending || n.Standby || n.Maintenance {
			d.item(d.nodeKind(n) + " " + n.Name + ": " + d.nodeState(n))
			continue
		}
		group := d.nodeGroup(n)
		ordinary[group] = append(ordinary[group], n.Name)
	}
	for _, group := range []string{"Online", "OFFLINE", "RemoteOnline", "RemoteOFFLINE", "GuestOnline"} {
		if names := ordinary[group]; len(names) > 0 {
			title := group
			if group == "OFFLINE" || group == "RemoteOFFLINE" {
				title = d.bad(group)
			}
			d.item(title + ": " + nodeSet(names))
		}
	}
}

func (d *display) nodeKind(n policy.NodeView) string {
	switch {
	case d.lookup.guests[n.Name]:
		return "GuestNode"
	case n.Remote:
		return "RemoteNode"
	}
	return "Node"
}

// nodeGroup is the summary line that a node without peculiarities is in.
func (d *display) nodeGroup(n policy.NodeView) string {
	prefix := map[string]string{"GuestNode": "Guest", "RemoteNode": "Remote", "Node": ""}[d.nodeKind(n)]
	if n.Online {
		return prefix + "Online"
	}
	return prefix + "OFFLINE"
}

func (d *display) nodeState(n policy.NodeView) string {
	switch {
	case n.Unclean && n.Online:
		return d.bad("UNCLEAN (online)")
	case n.Unclean && n.Pending:
		return d.bad("UNCLEAN (pending)")
	case n.Unclean:
		return d.bad("UNCLEAN (offline)")
	case n.Pending:
		return d.warn("pending")
	case n.Standby && !n.Online:
		return d.bad("OFFLINE") + " (standby)"
	case n.Standby && d.busy(n.Name):
		return d.warn("standby (with active resources)")
	case n.Standby:
		return d.warn("standby")
	case n.Maintenance && !n.Online:
		return d.bad("OFFLINE") + " (maintenance)"
	case n.Maintenance:
		return d.warn("maintenance")
	case n.Online:
		return "online"
	}
	return d.bad("OFFLINE")
}

// busy says whether anything runs on a node.
func (d *display) busy(node string) bool {
	return slices.ContainsFunc(d.Placement, func(p policy.Placement) bool {
		return p.Node == node && p.Role != policy.RoleStopped
	})
}

// nodeWithResources shows a node and what runs there.
func (d *display) nodeWithResources(n policy.NodeView) {
	d.item(d.nodeKind(n) + " " + n.Name + ": " + d.nodeState(n) + ":")
	var active []policy.Placement
	for _, p := range d.Placement {
		if p.Node == n.Name && p.Role != policy.RoleStopped {
			active = append(active, p)
		}
	}
	if len(active) == 0 {
		return
	}
	slices.SortStableFunc(active, func(a, b policy.Placement) int { return compareNames(a.Resource, b.Resource) })
	d.under(func() {
		d.item("Resources:")
		d.under(func() { d.activeOn(active) })
	})
}

func (d *display) activeOn(active []policy.Placement) {
	if d.Brief {
		d.briefLines(active)
		return
	}
	for _, p := range active {
		id := baseName(p.Resource)
		if d.lookup.agents[p.Resource] != "" || d.lookup.numbered(p.Resource) {
			id = p.Resource
		}
		d.item(d.line(resourceLine{id: id, agent: d.agentOf(p.Resource), places: []policy.Placement{p}, noNode: true}))
	}
}
