package policy

import "strings"

// conclude draws the conclusions for the resource on the node.
func (rd *reading) conclude() {
	r, m, n := rd.r, rd.m, rd.n
	active := r.role > stopped
	if r.role != unknown {
		for p := r; p != nil; p = p.parent {
			p.known.add(n)
			if p.unique {
				break
			}
		}
	}
	if active && !n.online && !n.maintenance && r.managed {
		rd.lostNode()
	}
	g := rd.handling
	if n.unclean {
		g = respIgnore
	}
	m.respond(r, n, g, active)
	if r.failed && r.connection && r.guest != nil && r.guest.unclean {
		r.guest.seen = true
	}
	if active {
		m.becomeActive(r, n, rd.handling != respIgnore)
		switch g {
		case respIgnore:
		case respDemote, respBlock:
			r.failed = true
		default:
			r.failed, r.stopIfFailed = true, true
		}
	} else if hid := r.historyID; strings.Contains(hid, ":") {
		m.setHistoryID(r, "")
	} else {
		for _, a := range r.byKey[opKey{TaskStop, 0}] {
			if a.node == n {
				a.flags |= actOptional
			}
		}
	}
	if r.role == stopped && len(r.active) > 0 && r.partialTarget != nil && r.partialSource == n {
		r.role = started
	}
}

// lostNode handles a resource that ran where nobody is in touch any more.
func (rd *reading) lostNode() {
	r, m, n := rd.r, rd.m, rd.n
	switch {
	case n.isGuest():
		r.failed, r.stopIfFailed = true, true
		m.fenceNode(n, r.id+" is thought to be active there", false)
	case m.opt.fencing:
		why := r.id + " is thought to be active there"
		if n.remote && n.conn != nil && !n.conn.failed {
			n.seen = false
			why = r.id + " is active there (fencing will be revoked if remote connection can be re-established elsewhere)"
		}
		m.fenceNode(n, why, false)
	}
}

// respond does what the failures of a resource on a node call for.
func (m *model) respond(r *resource, n *node, g response, active bool) {
	switch g {
	case respDemote:
		r.failed = true
		m.create(r, TaskDemote, 0, n, false)
	case respFence:
		m.fenceNode(n, r.id+" failed there", false)
	case respStandby:
		n.standby, n.standbyOnFail = true, true
	case respBlock:
		r.managed, r.blocked = false, true
	case respBan:
		m.apply(r, n, -infinity)
	case respStop:
		r.next = stopped
	case respRestart:
		if active {
			r.failed, r.stopIfFailed = true, true
			m.create(r, TaskStop, 0, n, false)
		}
	case respRestartContainer:
		r.failed, r.stopIfFailed = true, true
		switch {
		case r.launcher != nil && r.bundled():
			m.launchStops = append(m.launchStops, r.launcher)
		case r.launcher != nil:
			m.create(r.launcher, TaskStop, 0, n, false)
		case active:
			m.create(r, TaskStop, 0, n, false)
		}
	case respResetRemote:
		r.failed, r.stopIfFailed = true, true
		if rn := r.guest; m.opt.fencing && rn != nil && rn.isRemoteNode() && !rn.wasFenced {
			m.fenceNode(rn, "remote connection is unrecoverable", false)
		}
		if active {
			m.create(r, TaskStop, 0, n, false)
		}
		if r.reconnect > 0 {
			r.next = stopped
		}
	}
}

// becomeActive notes that a resource is active on a node.
func (m *model) becomeActive(r *resource, n *node, failed bool) {
	if r.activeOn(n) {
		return
	}
	r.active = append(r.active, n)
	if r.kind == Primitive {
		if r.priority != 0 && !failed {
			m.addPriority(r, n)
		}
		if n.maintenance {
			r.managed, r.maintenance = false, true
		}
	}
	if !r.managed {
		m.apply(r, n, infinity)
		for p := r.parent; p != nil; p = p.parent {
			p.active = append(p.active, n)
		}
		return
	}
	if r.kind == Primitive && r.multiplyActive() {
		switch r.multiple {
		case "stop_only":
			m.replaceByBan(r)
		case "block":
			r.managed, r.blocked = false, true
			if p := r.parent; p != nil && (p.kind == Group || p.kind == Bundle) && p.multiple == "block" {
				for _, c := range p.children {
					c.managed, c.blocked = false, true
				}
			}
		}
	}
	if r.parent != nil {
		m.becomeActive(r.parent, n, false)
	}
}

func (m *model) addPriority(r *resource, n *node) {
	p := r.priority
	if r.role == promoted {
		p++
	}
	n.prioritySum += p
	if n.isGuest() {
		for _, host := range n.conn.launcher.active {
			host.prioritySum += p
		}
	}
}
