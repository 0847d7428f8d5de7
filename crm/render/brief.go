package render

import (
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-ha/holdfast/policy"
)

// brief counts plain resources by agent and node:
// "2/3 (ocf:heartbeat:IPaddr2): Active n1".
func (d *display) brief(resources []policy.Resource) {
	agents := make(map[string]string)
	total := make(map[string]int)
	var active []policy.Placement
	var stopped []string
	for _, r := range resources {
		if d.ByNode && d.active(r) {
			continue
		}
		agent := d.lookup.agent(r)
		agents[r.ID] = agent
		total[agent]++
		if !d.active(r) {
			stopped = append(stopped, agent)
		}
		active = append(active, d.lookup.exact[r.ID]...)
	}
	active = slices.DeleteFunc(active, func(p policy.Placement) bool { return !isActive(p) })
	d.countLines(active, agents, total)
	if !d.Inactive {
		return
	}
	slices.Sort(stopped)
	for _, agent := range slices.Compact(stopped) {
		if !slices.ContainsFunc(active, func(p policy.Placement) bool { return agents[p.Resource] == agent }) {
			d.item(fmt.Sprintf("0/%d (%s): Active", total[agent], agent))
		}
	}
}

// briefLines counts what runs on one node.
func (d *display) briefLines(active []policy.Placement) {
	counts := make(map[string]int)
	for _, p := range active {
		counts[d.agentOf(p.Resource)]++
	}
	for _, agent := range slices.Sorted(maps.Keys(counts)) {
		d.item(fmt.Sprintf("%d (%s): Active", counts[agent], agent))
	}
}

func (d *display) countLines(active []policy.Placement, agents map[string]string, total map[string]int) {
	type key struct{ agent, node string }
	counts := make(map[key]int)
	var keys []key
	for _, p := range active {
		k := key{agents[p.Resource], p.Node}
		if counts[k] == 0 {
			keys = append(keys, k)
		}
		counts[k]++
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.agent != b.agent {
			return compareNames(a.agent, b.agent)
		}
		return compareNames(a.node, b.node)
	})
	for _, k := range keys {
		number := fmt.Sprint(counts[k])
		if d.Inactive {
			number = fmt.Sprintf("%d/%d", counts[k], total[k.agent])
		}
		d.item(fmt.Sprintf("%s (%s): Active %s", number, k.agent, k.node))
	}
}
