package policy

import "time"

func unixTime(t int64) time.Time { return time.Unix(t, 0).UTC() }

// reasons lists the deciding rules behind an action.
func (m *model) reasons(a *action) []Reason {
	var list []Reason
	if a.hasReason {
		list = append(list, a.reason)
	}
	r := a.rsc
	if r == nil || r.kind != Primitive {
		return list
	}
	switch a.task {
	case TaskStop, TaskDemote:
		if a.is(actMigrationAbort) {
			list = append(list, Reason{Rule: "migration", Object: r.id, Text: "it has migrated away, and was not stopped here"})
		}
		list = append(list, m.whyLeaving(r, a.node)...)
		if len(list) == 0 {
			list = append(list, whyRestart(r)...)
		}
	case TaskStart, TaskPromote, TaskMigrateTo, TaskMigrateFrom:
		list = append(list, m.whyLeaving(r, r.current())...)
		list = append(list, m.whyHere(r, a.node)...)
		if len(list) == 0 && a.task == TaskStart && len(r.active) == 0 {
			list = append(list, Reason{
				Rule: "placement", Object: nodeName(a.node),
				Text: "no node scores better than " + nodeName(a.node) + " (" + scoreText(r.assignedEntry.score) + ")",
			})
		}
	}
	return list
}

// whyRestart takes over the reason of the start that needs (or prevents) a stop.
func whyRestart(r *resource) []Reason {
	for _, start := range r.byKey[opKey{TaskStart, 0}] {
		if start.hasReason && (start.required() || !start.runnable()) {
			return []Reason{start.reason}
		}
	}
	return nil
}

// whyLeaving says what is wrong with where a resource is.
func (m *model) whyLeaving(r *resource, n *node) []Reason {
	if n == nil || !r.activeOn(n) {
		return nil
	}
	var list []Reason
	switch {
	case n.unclean:
		list = append(list, Reason{Rule: "node-lost", Object: n.name, Text: "node " + n.name + " is unclean: " + n.uncleanWhy})
	case n.shutdown:
		list = append(list, Reason{Rule: "shutdown", Object: n.name, Text: "node " + n.name + " is shutting down"})
	case n.standby && r.assigned != n:
		list = append(list, Reason{Rule: "standby", Object: n.name, Text: "node " + n.name + " is in standby"})
	}
	if why, failed := r.failures[n.index]; failed && r.failed {
		list = append(list, Reason{Rule: "failed", Object: r.id, Text: why, Pos: r.cfg.Pos})
	}
	if r.disabled() && r.assigned == nil {
		list = append(list, Reason{Rule: "target-role", Object: r.name, Text: "target-role is " + r.meta["target-role"], Pos: r.cfg.Pos})
	}
	if r.removed {
		list = append(list, Reason{Rule: "removed", Object: r.id, Text: r.id + " is not configured any more"})
	}
	if e := r.allowed.at(n); r.assigned != n && e != nil && e.score <= -infinity && !n.unclean && !n.standby {
		list = append(list, m.whyBanned(r, n)...)
	}
	return list
}

// whyHere says what speaks for the node of a resource.
func (m *model) whyHere(r *resource, n *node) []Reason {
	var list []Reason
	m.eachLocation(r, func(l *location) {
		if e := l.nodes.at(n); e != nil && e.score > 0 {
			list = append(list, Reason{
				Rule: "location", Object: l.id, Pos: l.pos,
				Text: "preferred by location " + l.id + " (score " + scoreText(e.score) + ")",
			})
		}
	})
	for x := r; x != nil; x = x.parent {
		for _, c := range x.thisWith {
			if c.score > 0 && c.explicit && c.primary.location() == n {
				list = append(list, Reason{
					Rule: "colocation", Object: c.id, Pos: c.pos,
					Text: "together with " + c.primary.id + " by colocation " + c.id,
				})
			}
		}
	}
	return list
}

// whyBanned says what forbids a node.
func (m *model) whyBanned(r *resource, n *node) []Reason {
	var list []Reason
	m.eachLocation(r, func(l *location) {
		if e := l.nodes.at(n); e != nil && e.score <= -infinity {
			list = append(list, Reason{
				Rule: "location", Object: l.id, Pos: l.pos, Text: "forbidden on " + n.name + " by location " + l.id,
			})
		}
	})
	for x := r; x != nil; x = x.parent {
		for _, why := range x.placedBy {
			if why.Rule != "failed-too-often" || m.tooOften(r, n) {
				list = append(list, why)
			}
		}
		for _, c := range x.thisWith {
			if !c.mandatory() {
				continue
			}
			switch at := c.primary.location(); {
			case c.score > 0 && at == nil:
				list = append(list, Reason{Rule: "colocation", Object: c.id, Pos: c.pos, Text: "must be with " + c.primary.id + ", which has no node"})
			case c.score > 0 && at != n:
				list = append(list, Reason{Rule: "colocation", Object: c.id, Pos: c.pos, Text: "must be with " + c.primary.id + ", which is on " + at.name})
			case c.score < 0 && at == n:
				list = append(list, Reason{Rule: "colocation", Object: c.id, Pos: c.pos, Text: "must not be with " + c.primary.id + ", which is on " + n.name})
			}
		}
	}
	return list
}

func (m *model) eachLocation(r *resource, f func(*location)) {
	for x := r; x != nil; x = x.parent {
		for _, l := range x.locations {
			f(l)
		}
	}
}

// blocked lists what should happen and cannot.
func (m *model) blocked(p *Plan) {
	for _, n := range m.nodes {
		if n.unclean && !m.canFence(n) {
			p.Blocked = append(p.Blocked, Blocked{Node: n.name, Task: m.opt.fencingAction, Reasons: m.whyNotFenced(n)})
		}
	}
	m.eachPrimitive(func(r *resource) {
		switch {
		case r.blocked:
			p.Blocked = append(p.Blocked, Blocked{Resource: r.id, Node: nodeName(r.current()), Task: TaskStop, Reasons: m.whyBlocked(r)})
		case !r.managed || r.removed || r.disabled() && r.assigned == nil:
		case r.assigned != nil:
			m.blockedActions(p, r)
		case !r.spare():
			p.Blocked = append(p.Blocked, Blocked{Resource: r.id, Task: TaskStart, Reasons: m.whyNowhere(r)})
		default:
			m.blockedActions(p, r)
		}
	})
}

// spare tells whether an instance without node is not missed: it is a surplus
// one, or others of its clone run.
func (r *resource) spare() bool {
	return r.top.isClone() && (len(r.top.assignedNodes()) > 0 || len(r.top.children) > 0 && r.top.children[0] != r && r.top.children[0] != r.parent)
}

func nodeName(n *node) string {
	if n == nil {
		return ""
	}
	return n.name
}

// blockedActions lists the actions of a resource that are needed but
// impossible.
func (m *model) blockedActions(p *Plan, r *resource) {
	for _, a := range r.actions {
		if a.runnable() || a.is(actPseudo) || !r.managed {
			continue
		}
		wanted := a.required() && a.key.interval == 0
		if a.task == TaskStart && a.node != nil && a.node == r.assigned && !r.activeOn(a.node) {
			wanted = true
		}
		if !wanted || a.task == TaskMonitor || a.task == TaskMigrateTo || a.task == TaskMigrateFrom {
			continue
		}
		b := Blocked{Resource: r.id, Node: nodeName(a.node), Task: a.task}
		if a.hasReason {
			b.Reasons = append(b.Reasons, a.reason)
		}
		for _, rel := range a.before {
			f := rel.first
			if rel.asMade&unrunnableFirstBlocks != 0 && !f.runnable() && f.rsc != r {
				text := "waits for " + f.task
				object := ""
				if f.rsc != nil {
					object = f.rsc.id
					text = "waits for " + f.task + " of " + object + ", which is not possible"
				}
				b.Reasons = append(b.Reasons, Reason{Rule: "order", Object: object, Text: text})
			}
		}
		if n := a.node; n != nil && a.task == TaskStop && n.unclean {
			b.Reasons = append(b.Reasons, Reason{Rule: "node-lost", Object: n.name, Text: "node " + n.name + " is unclean and cannot be fenced now"})
		}
		p.Blocked = append(p.Blocked, b)
	}
}

func (m *model) whyNotFenced(n *node) []Reason {
	list := []Reason{{Rule: "node-lost", Object: n.name, Text: n.uncleanWhy}}
	switch {
	case !m.opt.fencing:
		list = append(list, Reason{Rule: "no-fencing", Object: "fencing-enabled", Text: "fencing is disabled"})
	case !m.haveFencer && !m.opt.haveWatchdog:
		list = append(list, Reason{Rule: "no-fencing", Text: "no fencing device is configured"})
	default:
		list = append(list, Reason{Rule: "no-quorum", Object: "no-quorum-policy", Text: "without quorum, only members may be fenced"})
	}
	return list
}

func (m *model) whyBlocked(r *resource) []Reason {
	var list []Reason
	for _, n := range r.active {
		if why, ok := r.failures[n.index]; ok {
			list = append(list, Reason{Rule: "failed", Object: r.id, Text: why, Pos: r.cfg.Pos})
		}
	}
	if len(r.active) > 1 {
		list = append(list, Reason{Rule: "multiple-active", Object: r.id, Text: r.id + " is active on several nodes"})
	}
	return list
}

func (m *model) whyNowhere(r *resource) []Reason {
	var list []Reason
	for _, n := range m.nodes {
		if n.remote && r.allowed.at(n) == nil {
			continue
		}
		text := ""
		switch {
		case n.unclean:
			text = "is unclean"
		case !n.online:
			text = "is offline"
		case n.shutdown:
			text = "is shutting down"
		case n.standby:
			text = "is in standby"
		case n.maintenance:
			text = "is in maintenance"
		}
		if text != "" {
			list = append(list, Reason{Rule: "node", Object: n.name, Text: "node " + n.name + " " + text})
			continue
		}
		if e := r.allowed.at(n); e == nil || e.score < 0 {
			why := m.whyBanned(r, n)
			if len(why) == 0 {
				why = []Reason{{Rule: "node", Object: n.name, Text: "not allowed on " + n.name}}
			}
			list = addReason(list, why...)
		}
	}
	return list
}

func (m *model) blockedByLoop(a *action) Blocked {
	b := Blocked{Task: a.task, Node: nodeName(a.node), Reasons: []Reason{{Rule: "loop", Text: "the orderings form a loop"}}}
	if a.rsc != nil {
		b.Resource = a.rsc.id
	}
	return b
}
