package policy

import (
	"fmt"
	"slices"
	"strings"
)

// whyChosen says what decided for the node of a primitive.
func (t *trace) whyChosen(x *traced, n *node) []Reason {
	r := x.r
	if !r.managed {
		return nil // said once, for the whole resource
	}
	if !x.asked {
		return nil
	}
	var list []Reason
	for i := range x.steps {
		if s := &x.steps[i]; s.n == n && s.to > s.from {
			list = addReason(list, t.reason(x, s))
		}
	}
	rival := t.rival(x, n)
	if clone := x.cloneOf(); rival == nil && clone != r {
		return append(list, Reason{Rule: "everywhere", Object: clone.id, Text: clone.id + " has an instance on each node that may run one"})
	}
	if rival == nil {
		return append([]Reason{{Rule: "only-node", Object: n.name, Text: n.name + " is the only node that may run it"}}, list...)
	}
	mine, _ := x.total(n)
	theirs, _ := x.total(rival)
	if mine == theirs {
		list = addReason(list, t.tie(x, n, rival))
	}
	return list
}

// rival is the best other node that may run the primitive.
func (t *trace) rival(x *traced, n *node) *node {
	for _, c := range t.m.ranked(x.r.allowed, x.r.current()) {
		if c.n != n && c.score >= 0 && len(t.forbidden(x, c.n)) == 0 {
			return c.n
		}
	}
	return nil
}

// tie says what decided between nodes of equal score.
func (t *trace) tie(x *traced, winner, other *node) Reason {
	a, b := x.load[winner.index], x.load[other.index]
	switch {
	case x.r.activeOn(winner):
		return Reason{Rule: "stays", Object: winner.name, Text: "it is there already, and no node scores better"}
	case t.m.opt.placement == "balanced" && a >= b:
		return Reason{Rule: "capacity", Object: "placement-strategy", Text: winner.name + " has most capacity left"}
	case a != b && t.m.opt.placement != "minimal":
		return Reason{Rule: "fewest-resources", Object: winner.name, Text: fmt.Sprintf("%s had fewest resources (%d)", winner.name, a)}
	}
	return Reason{Rule: "first", Object: winner.name, Text: winner.name + " is the first of equal nodes"}
}

// whyBeaten compares a node with the one that was chosen.
func (t *trace) whyBeaten(x *traced, n *node) []Reason {
	winner := x.r.assigned
	if winner == nil || !x.asked {
		return nil
	}
	if clone := x.cloneOf(); clone.isClone() && len(clone.assignedNodes()) >= clone.cloneMax {
		return []Reason{{
			Rule: "clone-max", Object: clone.id, Pos: clone.cfg.Pos,
			Text: fmt.Sprintf("clone-max %d of %s is used up by other nodes", clone.cloneMax, clone.id),
		}}
	}
	mine, _ := x.total(n)
	theirs, _ := x.total(winner)
	if mine < theirs {
		return []Reason{{
			Rule: "score", Object: winner.name,
			Text: fmt.Sprintf("score %s, %s has %s", scoreText(mine), winner.name, scoreText(theirs)),
		}}
	}
	tie := t.tie(x, winner, n)
	if tie.Rule == "fewest-resources" {
		tie.Text = fmt.Sprintf("equal score %s, but %s had %s and %s %d", scoreText(mine), n.name, countText(x.load[n.index]), winner.name, x.load[winner.index])
	} else {
		tie.Text = fmt.Sprintf("equal score %s, but %s", scoreText(mine), tie.Text)
	}
	return []Reason{tie}
}

func countText(n int) string {
	if n == 1 {
		return "1 resource"
	}
	return fmt.Sprintf("%d resources", n)
}

// negative lists what brought a score below zero.
func (x *traced) negative(t *trace, n *node) []Reason {
	var list []Reason
	for i := range x.steps {
		if s := &x.steps[i]; s.n == n && s.to < s.from && s.rule != "stopped" {
			list = addReason(list, t.reason(x, s))
		}
	}
	if t.m.baseScore(n) < 0 {
		list = append(list, Reason{Rule: "node-score", Object: n.name, Text: "the base score of node " + n.name + " is " + scoreText(t.m.baseScore(n))})
	}
	return list
}

// whyStopped says why parts of the resource shall not run at all, or are left
// alone.
func (t *trace) whyStopped() []Reason {
	var list []Reason
	m := t.m
	for _, x := range t.list {
		r := x.r
		if m.opt.stopAll && r.managed {
			list = addReason(list, Reason{Rule: "stop-all", Object: "stop-all-resources", Text: "stop-all-resources is true"})
		}
		if r.disabled() {
			list = addReason(list, disabledReason(r))
		}
		if r.removed {
			list = addReason(list, Reason{Rule: "removed", Object: r.id, Text: r.id + " is not configured any more"})
		}
		if !m.quorum && r.needsQuorum && r.assigned == nil {
			list = addReason(list, Reason{Rule: "no-quorum", Object: "no-quorum-policy", Text: "there is no quorum (no-quorum-policy " + m.opt.quorumPolicy + ")"})
		}
		if r.assigned == nil {
			for _, c := range m.thisWithOf(r) {
				if c.score >= infinity && len(m.homes(c)) == 0 {
					list = addReason(list, m.whyDisabled(c.primary)...)
				}
			}
		}
		list = addReason(list, m.whyUnmanaged(r)...)
	}
	return list
}

// whyDisabled says which target roles keep another resource from running.
func (m *model) whyDisabled(r *resource) []Reason {
	if r == nil {
		return nil
	}
	var list []Reason
	r.primitives(func(p *resource) {
		if p.disabled() {
			list = addReason(list, disabledReason(p))
		}
	})
	return list
}

func disabledReason(r *resource) Reason {
	return Reason{Rule: "target-role", Object: r.name, Text: "target-role of " + r.name + " is " + r.meta["target-role"], Pos: r.cfg.Pos}
}

// whyUnmanaged says why the cluster leaves a primitive alone.
func (m *model) whyUnmanaged(r *resource) []Reason {
	switch {
	case r.managed:
		return nil
	case r.blocked:
		return append([]Reason{{Rule: "blocked", Object: r.id, Text: r.id + " is blocked until somebody looks after it"}}, m.whyBlocked(r)...)
	case m.opt.maintenance:
		return []Reason{{Rule: "maintenance-mode", Object: "maintenance-mode", Text: "the cluster is in maintenance"}}
	case slices.ContainsFunc(r.active, func(n *node) bool { return n.maintenance }):
		return nil // its node says so
	case r.maintenance:
		return []Reason{{Rule: "resource-maintenance", Object: r.name, Text: r.name + " is in maintenance", Pos: r.cfg.Pos}}
	case m.opt.fencing && !m.haveFencer && !m.opt.haveWatchdog:
		return []Reason{{Rule: "no-fencing", Object: "fencing-enabled", Text: "fencing is wanted and no fence device is configured: nothing is managed"}}
	case r.removed:
		return nil
	}
	return []Reason{{Rule: "unmanaged", Object: r.name, Text: r.name + " is not managed (is-managed)", Pos: r.cfg.Pos}}
}

// whyRole says why an instance of a promotable clone is promoted on a node, or
// what keeps it from there.
func (m *model) whyRole(r *resource, n *node) []Reason {
	var list []Reason
	clone := r.top
	m.eachLocation(r, func(l *location) {
		if e := l.nodes.at(n); e != nil && l.role == promoted {
			text := "location " + l.id + " " + prefers(e.score > 0, e.score) + " in role Promoted (" + signed(e.score) + ")"
			list = addReason(list, Reason{Rule: "promotion-location", Object: l.id, Pos: l.pos, Text: text})
		}
	})
	for _, c := range m.thisWithOf(r) {
		if c.depRole == promoted && c.mandatory() && len(m.homes(c)) > 0 && !slices.Contains(m.homes(c), n) && c.score > 0 {
			list = addReason(list, Reason{Rule: "promotion-colocation", Object: c.id, Pos: c.pos, Text: m.togetherText(c, "colocation "+c.id) + " to be promoted"})
		}
	}
	if clone.ticketForbidsPromotion() {
		list = append(list, Reason{Rule: "ticket", Object: clone.id, Text: "a ticket that promotion needs is not granted here"})
	}
	barred := slices.ContainsFunc(list, func(r Reason) bool { return r.Rule != "promotion-location" || strings.Contains(r.Text, "forbids") })
	switch score, set := m.promotionScore(r, n); {
	case r.assigned != n:
		return list
	case !set:
		list = append(list, Reason{Rule: "promotion-score", Object: r.id, Text: "its agent set no promotion score on " + n.name})
	default:
		list = append(list, Reason{Rule: "promotion-score", Object: r.id, Text: "promotion score " + scoreText(score) + " set by its agent"})
	}
	if r.next != promoted && !barred {
		var where []string
		for _, x := range clone.assignedNodes() {
			clone.primitives(func(p *resource) {
				if p.assigned == x && p.next == promoted && p.name == r.name {
					where = append(where, x.name)
				}
			})
		}
		if len(where) > 0 {
			list = append(list, Reason{Rule: "promoted-max", Object: clone.id, Pos: clone.cfg.Pos, Text: fmt.Sprintf("promoted-max %d is used up by %s", clone.promotedMax, strings.Join(where, ", "))})
		}
	}
	return list
}
