package policy

import (
	"fmt"
	"strings"
)

// reason puts a step into words.
func (t *trace) reason(x *traced, s *step) Reason {
	r := Reason{Rule: s.rule, Object: s.object, Pos: s.pos}
	up := s.to > s.from
	switch s.rule {
	case "location":
		r.Text = "location " + s.object + " " + prefers(up, s.to)
	case "health":
		r.Text = "node health (node-health-strategy=" + s.object + ")"
	case "stickiness":
		r.Object, r.Pos, r.Text = x.r.id, x.r.cfg.Pos, "it is there now (resource-stickiness)"
	case "colocation":
		r.Text = t.colocationText(x, s, up)
	case "promotion-score":
		r.Text = "promotion score set by its agent"
	case "failed-too-often":
		return t.m.whyTooOften(x.r, s.n)
	case "ticket":
		r.Text = "ticket " + s.object + " is not granted here"
	case "utilization":
		r.Text = s.note
	case "resource-discovery":
		r.Text = "resource-discovery is exclusive to other nodes"
	case "clone-max":
		r.Text = fmt.Sprintf("clone-max %d of %s is reached", x.cloneOf().cloneMax, s.object)
	case "instances":
		clone := x.cloneOf()
		r.Text = fmt.Sprintf("%s has its instance there (clone-node-max %d)", s.object, clone.nodeMax)
		if e := clone.allowed.at(s.n); e == nil || e.score < 0 {
			r.Text = s.object + " may not be there"
		}
	case "shutdown-lock":
		r.Object = nodeName(x.r.lockNode)
		r.Text = "shutdown-lock keeps it for " + r.Object + ", which was shut down on purpose"
	case "status":
		return x.whyStatus(s, up)
	default:
		r.Rule, r.Text = "structure", "connections and fence devices run on cluster nodes, and what is in a container only inside of it"
		if up {
			r.Text = "it belongs inside of this container"
		}
	}
	return r
}

// cloneOf is the clone whose instance the primitive is, or is part of.
func (x *traced) cloneOf() *resource {
	for p := x.r.parent; p != nil; p = p.parent {
		if p.isClone() {
			return p
		}
	}
	return x.r
}

func prefers(up bool, to int) string {
	switch {
	case up:
		return "prefers it there"
	case to <= -infinity:
		return "forbids it there"
	}
	return "keeps it away from there"
}

func (t *trace) colocationText(x *traced, s *step, up bool) string {
	by := "colocation " + s.object
	if strings.HasPrefix(s.object, "#") {
		by = "parts of one whole"
		if p := x.r.parent; p != nil && p.kind == Group {
			by = "group " + p.name
		}
	}
	switch {
	case s.dependent && up:
		return s.with.id + ", which goes with it, prefers to be there, by " + by
	case s.dependent && s.to <= -infinity:
		return s.with.id + ", which must be with it, may not be there, by " + by
	case s.dependent:
		return s.with.id + ", which goes with it, prefers other nodes, by " + by
	}
	for _, c := range t.m.thisWithOf(x.r) {
		if c.id == s.object && c.primary == s.with {
			return t.m.togetherText(c, by)
		}
	}
	return by + " with " + s.with.id
}

// togetherText says what a colocation asks of its dependent now.
func (m *model) togetherText(c *colocation, by string) string {
	who := c.primary.id
	if c.priRole == promoted {
		who += " promoted"
	}
	verb := "should"
	if c.mandatory() {
		verb = "must"
	}
	if c.score < 0 {
		verb += " not"
	}
	homes := m.homes(c)
	if len(homes) == 0 {
		return verb + " be with " + who + ", which has no node, by " + by
	}
	names := make([]string, len(homes))
	for i, n := range homes {
		names[i] = n.name
	}
	return verb + " be with " + who + ", which is on " + strings.Join(names, ", ") + ", by " + by
}

// homes are the nodes where the primary of a colocation is in the role that
// counts.
func (m *model) homes(c *colocation) []*node {
	var set nodeSet
	c.primary.primitives(func(p *resource) {
		if p.assigned != nil && (c.priRole == unknown || p.roleHolder().next == c.priRole) {
			set.add(p.assigned)
		}
	})
	var list []*node
	for _, n := range m.nodes {
		if set.has(n) {
			list = append(list, n)
		}
	}
	return list
}

// whyStatus says what in the history of a resource changed a score.
func (x *traced) whyStatus(s *step, up bool) Reason {
	r := x.r
	out := Reason{Rule: "failed", Object: r.id, Pos: r.cfg.Pos}
	switch why, failed := r.failures[s.n.index]; {
	case r.removed:
		out.Rule, out.Text, out.Pos = "removed", r.id+" is not configured any more", Pos{}
	case up && r.bundled():
		out.Rule, out.Text = "structure", "it belongs inside of this container"
	case up:
		out.Rule, out.Text = "unmanaged", "it is there and is not managed"
	case failed:
		out.Text = why
	case len(r.active) > 1:
		out.Rule, out.Text = "multiple-active", r.id+" is active on several nodes"
	default:
		out.Text = "a failure that its history records forbids it there"
	}
	return out
}

// whyTooOften says how often it failed, and when that is forgotten.
func (m *model) whyTooOften(r *resource, n *node) Reason {
	failed := r
	r.scope().primitives(func(p *resource) {
		if !m.reachedThreshold(failed, n) && m.reachedThreshold(p, n) {
			failed = p
		}
	})
	f := m.failCount(failed, n, failCountOptions{effective: true, launched: true})
	text := fmt.Sprintf("%s failed %s times on %s, migration-threshold is %s", failed.name, scoreText(f.count), n.name, scoreText(failed.threshold))
	if f.count >= infinity {
		text = failed.name + " failed on " + n.name + " in a way that forbids the node (fail count INFINITY)"
	}
	if f.last > 0 {
		text += ", last at " + unixTime(f.last).Format("2006-01-02 15:04:05 UTC")
	}
	switch {
	case failed.failTimeout > 0 && f.last > 0:
		text += ", forgotten at " + unixTime(f.last+roundedSeconds(failed.failTimeout)+1).Format("2006-01-02 15:04:05 UTC")
	default:
		text += ", not forgotten by itself (no failure-timeout)"
	}
	return Reason{Rule: "failed-too-often", Object: failed.name, Text: text, Pos: failed.cfg.Pos}
}

// forbidden lists everything that keeps the resource from a node.
func (t *trace) forbidden(x *traced, n *node) []Reason {
	list := nodeTroubles(n)
	m, r := t.m, x.r
	m.eachLocation(r, func(l *location) {
		if e := l.nodes.at(n); e != nil && e.score <= -infinity && l.role == unknown {
			text := "location " + l.id + " forbids it there"
			if l.health {
				text = "node health (node-health-strategy=" + l.id + ")"
			}
			list = addReason(list, Reason{Rule: l.cause().rule, Object: l.id, Pos: l.pos, Text: text})
		}
	})
	if m.tooOften(r, n) {
		list = addReason(list, m.whyTooOften(r, n))
	}
	if g := r.parent; g != nil && g.kind == Group && g.colocated && g.children[0] == r {
		for _, member := range g.children[1:] {
			list = addReason(list, m.ownBans(member, n)...)
		}
	}
	for _, c := range m.thisWithOf(r) {
		if c.mandatory() && c.explicit && m.keepsAway(c, r, n) {
			list = addReason(list, Reason{Rule: "colocation", Object: c.id, Pos: c.pos, Text: m.togetherText(c, "colocation "+c.id)})
		}
	}
	for i := range x.steps {
		s := &x.steps[i]
		if s.n != n || s.to > -infinity || s.dependent && !n.eligible() || s.rule == "stopped" || s.rule == "location" ||
			s.rule == "colocation" && !s.dependent && !strings.HasPrefix(s.object, "#") {
			continue
		}
		if s.rule == "instances" && len(list) > 0 {
			continue // the consequence of what is listed already
		}
		list = addReason(list, t.reason(x, s))
		if s.dependent {
			list = addReason(list, m.dependentBans(s.with, n)...)
		}
	}
	if r.allowed.at(n) == nil && len(list) == 0 {
		list = append(list, t.whyUnknown(r, n))
	}
	return list
}

// keepsAway tells whether a mandatory colocation forbids a node.
func (m *model) keepsAway(c *colocation, r *resource, n *node) bool {
	if c.depRole >= unpromoted && r.top.promotable {
		return false
	}
	with := false
	for _, h := range m.homes(c) {
		with = with || m.sameValue(n, r, h, c.primary, c.attribute)
	}
	return with == (c.score < 0)
}

// tooOften tells whether failures of the resource, or of another instance of
// it, forbid a node.
func (m *model) tooOften(r *resource, n *node) bool {
	found := false
	r.scope().primitives(func(p *resource) {
		found = found || !p.clearingScheduled(n) && m.reachedThreshold(p, n)
	})
	return found
}

// dependentBans are the rules that keep what must be with a resource from a
// node, and what must be with that.
func (m *model) dependentBans(d *resource, n *node) []Reason {
	var list []Reason
	seen := map[*resource]bool{}
	var visit func(d *resource)
	visit = func(d *resource) {
		if seen[d] {
			return
		}
		seen[d] = true
		list = addReason(list, m.ownBans(d, n)...)
		for p := d.parent; p != nil; p = p.parent {
			list = addReason(list, m.ownBans(p, n)...)
		}
		for _, c := range m.withThisOf(d) {
			if c.score >= infinity {
				visit(c.dependent)
			}
		}
	}
	visit(d)
	return list
}

// ownBans are the rules and failures that keep a resource itself from a node.
func (m *model) ownBans(d *resource, n *node) []Reason {
	var list []Reason
	for _, l := range d.locations {
		if e := l.nodes.at(n); e != nil && e.score <= -infinity && l.role == unknown {
			list = addReason(list, Reason{Rule: "location", Object: l.id, Pos: l.pos, Text: "location " + l.id + " forbids " + d.id + " there"})
		}
	}
	d.primitives(func(p *resource) {
		if m.tooOften(p, n) {
			list = addReason(list, m.whyTooOften(p, n))
		}
	})
	return list
}

// whyUnknown says why a node was not in question at all.
func (t *trace) whyUnknown(r *resource, n *node) Reason {
	if n.probe == probeNever || r.exclusiveProbes || r.top.exclusiveProbes {
		return Reason{Rule: "resource-discovery", Object: n.name, Text: "resource-discovery leaves the node out"}
	}
	if !t.m.opt.symmetric {
		return Reason{Rule: "opt-in", Object: "symmetric-cluster", Text: "symmetric-cluster is false, and no location allows it there"}
	}
	return Reason{Rule: "node", Object: n.name, Text: "it may not run on this kind of node"}
}

// nodeTroubles says what keeps every resource from a node.
func nodeTroubles(n *node) []Reason {
	var list []Reason
	say := func(rule, text string) {
		list = append(list, Reason{Rule: rule, Object: n.name, Text: "node " + n.name + " " + text})
	}
	switch {
	case n.unclean:
		say("node-lost", strings.TrimSuffix("is unclean: "+n.uncleanWhy, ": "))
	case n.pending:
		say("joining", "has not joined completely yet")
	case !n.online:
		say("offline", "is offline")
	}
	if n.shutdown {
		say("shutdown", "is shutting down")
	}
	if n.standbyOnFail {
		say("standby-on-fail", "is in standby because a resource failed there (on-fail=standby)")
	} else if n.standby {
		say("standby", "is in standby")
	}
	if n.maintenance {
		say("maintenance", "is in maintenance")
	}
	return list
}
