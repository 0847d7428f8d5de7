package policy

import "strings"

// applyHealth turns the health attributes of nodes into location scores.
func (m *model) applyHealth() {
	if m.opt.healthStrategy == "none" {
		return
	}
	for _, n := range m.nodes {
		sum := 0
		if m.opt.healthStrategy == "progressive" {
			sum = m.opt.healthBase
		}
		for _, name := range sortedKeys(n.attrs) {
			if strings.HasPrefix(name, "#health") {
				if v, ok := m.colours.parseScore(n.attrs[name], 0); ok {
					sum = addScores(sum, v)
				}
			}
		}
		if sum == 0 {
			continue
		}
		for _, r := range m.resources {
			if sum < 0 && isTrue(r.meta["allow-unhealthy-nodes"]) {
				continue
			}
			l := &location{id: m.opt.healthStrategy, rsc: r, health: true}
			l.nodes.put(n, entry{score: sum})
			m.locations = append(m.locations, l)
		}
	}
}
