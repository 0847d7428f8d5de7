package policy

import (
	"fmt"
	"strings"
)

// OCF result codes.
const (
	rcOK              = 0
	rcError           = 1
	rcInvalid         = 2
	rcUnimplemented   = 3
	rcPrivileges      = 4
	rcNotInstalled    = 5
	rcNotConfigured   = 6
	rcNotRunning      = 7
	rcPromoted        = 8
	rcFailedPromoted  = 9
	rcDegraded        = 190
	rcDegradedPromote = 191
	rcNone            = 193
)

// reading is the state kept while the history of one resource on one node is
// interpreted, oldest entry first.
type reading struct {
	m        *model
	r        *resource
	n        *node
	handling response
	failure  *OpRecord // the last one that counts
}

// result is one entry, with its status and result code as they are understood.
type result struct {
	*OpRecord
	status, rc int64
	expired    bool
}

func (o *result) probe() bool { return o.Operation == TaskMonitor && o.IntervalMS == 0 }

// maskable tells whether a failed probe only means "it cannot run here".
func (o *OpRecord) maskable() bool {
	return o.Operation == TaskMonitor && o.IntervalMS == 0 &&
		(o.RC == rcNotInstalled || o.RC == rcInvalid || o.Status == OpNotInstalled)
}

// readResourceHistory interprets what a node remembers of a resource.
func (m *model) readResourceHistory(r *resource, n *node, h *ResourceHistory) {
	m.readShutdownLock(r, n, h)
	saved := r.role
	r.role = unknown
	rd := &reading{m: m, r: r, n: n}
	ops := sortOps(h)
	for _, o := range ops {
		rd.entry(o)
	}
	m.registerRecurring(r, n, ops)
	rd.conclude()
	r.limitNext()
	if saved > r.role {
		r.role = saved
	}
}

// entry processes one entry.
func (rd *reading) entry(o *OpRecord) {
	if !validEntry(o) {
		return
	}
	x := &result{OpRecord: o, status: o.Status, rc: o.RC}
	if o.Status == OpPending && o.RC == Unset {
		x.rc = rcNone
	}
	x.expired = rd.expired(x)
	rd.remap(x)
	r, m := rd.r, rd.m
	if x.expired {
		switch {
		case !r.bundled() && o.maskable() && o.RC != o.ExpectedRC:
			if r.role <= stopped {
				r.role = unknown
			}
			return
		case x.rc == o.ExpectedRC:
		case o.IntervalMS == 0:
			return
		case rd.n.clean():
			m.markChanged(r, o)
			return
		}
	}
	if !r.bundled() && o.maskable() {
		rd.success(x, expectedRC(o))
		rd.noteFailure(o)
		r.failedProbes.add(rd.n)
		m.apply(r.scope(), rd.n, -infinity)
		return
	}
	rd.byStatus(x)
}

func validEntry(o *OpRecord) bool {
	if o.ID == "" && o.Key == "" || o.Operation == "" {
		return false
	}
	switch o.Operation {
	case TaskMonitor, TaskStart, TaskStop, TaskPromote, TaskDemote, TaskMigrateTo, TaskMigrateFrom, "asyncmon":
	default:
		return false
	}
	if o.Status < OpPending || o.Status > OpNoSecrets || o.Status == OpCancelled {
		return false
	}
	return o.RC >= 0 && o.RC <= 255 || o.Status == OpPending && o.RC == Unset
}

// expectedRC is what the decision expected, -1 if that is unknown.
func expectedRC(o *OpRecord) int64 {
	if o.ExpectedRC == Unset {
		return -1
	}
	return o.ExpectedRC
}

// remap turns the recorded status and code into what they mean here.
func (rd *reading) remap(x *result) {
	expected := expectedRC(x.OpRecord)
	switch x.rc {
	case rcDegraded:
		x.rc = rcOK
	case rcDegradedPromote:
		x.rc = rcPromoted
	}
	if !rd.r.bundled() && x.maskable() && (x.status != OpDone || x.rc != rcNotRunning) {
		x.status, x.rc = OpDone, rcNotRunning
	}
	if x.status == OpNoFenceDevice || x.status == OpNoSecrets {
		x.status = OpHardError
		return
	}
	if x.status != OpDone && x.status != OpError {
		return
	}
	if expected >= 0 && x.rc == expected {
		x.status = OpDone
	} else {
		x.status = OpError
	}
	rd.remapByCode(x, expected)
}

func (rd *reading) remapByCode(x *result, expected int64) {
	r := rd.r
	switch x.rc {
	case rcOK:
		if x.probe() && expected == rcNotRunning {
			x.status = OpDone
		}
	case rcNotRunning:
		if x.probe() || expected == rcNotRunning || !r.managed {
			x.status = OpDone
			r.role = stopped
			rd.handling = respIgnore
			r.next = unknown
		}
	case rcPromoted:
		if x.probe() && expected != rcPromoted {
			x.status = OpDone
		}
		if !x.expired || expected == rcPromoted {
			r.role = promoted
		}
	case rcFailedPromoted:
		if !x.expired {
			r.role = promoted
		}
		x.status = OpError
	case rcNotConfigured:
		x.status = OpFatalError
	case rcUnimplemented:
		if x.IntervalMS == 0 {
			rd.blockIfUnrecoverable(x)
			x.status = OpHardError
		} else {
			x.status = OpNotSupported
		}
	case rcInvalid, rcPrivileges, rcNotInstalled:
		rd.blockIfUnrecoverable(x)
		x.status = OpHardError
	default:
		if x.status == OpDone {
			x.status = OpError
		}
	}
}

// blockIfUnrecoverable gives up on a resource that cannot be stopped on a node
// that cannot be fenced.
func (rd *reading) blockIfUnrecoverable(x *result) {
	if x.Operation == TaskStop && !x.expired && !rd.m.canFence(rd.n) {
		rd.r.managed, rd.r.blocked = false, true
	}
}

// byStatus acts on the result.
func (rd *reading) byStatus(x *result) {
	r, m := rd.r, rd.m
	switch x.status {
	case OpPending:
		rd.pending(x)
		return
	case OpDone:
		rd.success(x, x.rc)
		return
	case OpNotInstalled:
		h := m.failureResponse(r, x.Operation, x.IntervalMS)
		if h == respIgnore {
			rd.handling = respBan
		}
		m.apply(r.scope(), rd.n, -infinity)
		rd.failed(x, h, roleAfterFailure(r, x.Operation, h))
		return
	case OpNotConnected:
		if rd.n.remote && rd.n.conn != nil && rd.n.conn.managed {
			rd.n.conn.failed, rd.n.conn.stopIfFailed = true, true
		}
	}
	h := m.failureResponse(r, x.Operation, x.IntervalMS)
	if h == respIgnore || h == respRestartContainer && x.Operation == TaskStop {
		rd.success(x, expectedRC(x.OpRecord))
		r.failureIgnored = true
		rd.noteFailure(x.OpRecord)
		if h == respRestartContainer && rd.handling <= respRestart {
			rd.handling = respRestartContainer
		}
		return
	}
	rd.failed(x, h, roleAfterFailure(r, x.Operation, h))
	switch x.status {
	case OpHardError:
		m.apply(r.scope(), rd.n, -infinity)
	case OpFatalError:
		m.applyAll(r.scope(), -infinity)
	}
}

// setActive makes the resource count as running.
func (rd *reading) setActive() {
	rd.r.role = started
	if rd.r.top.promotable {
		rd.r.role = unpromoted
	}
}

// success applies a result that was as it should be.
func (rd *reading) success(x *result, rc int64) {
	r := rd.r
	clears := true
	switch {
	case rc == rcNotInstalled, !r.bundled() && x.maskable():
		r.role = stopped
		clears = false
	case rc == rcNotRunning:
	default:
		clears = rd.successOf(x)
	}
	if !clears {
		return
	}
	switch rd.handling {
	case respStop, respBan, respStandby, respFence:
	case respResetRemote:
		if r.reconnect == 0 {
			rd.handling, r.next = respIgnore, unknown
		}
	default:
		rd.handling, r.next = respIgnore, unknown
	}
}

func (rd *reading) successOf(x *result) (clears bool) {
	r := rd.r
	switch x.Operation {
	case TaskStart, TaskMigrateFrom:
		r.role = started
	case TaskStop:
		r.role = stopped
	case TaskPromote:
		r.role = promoted
	case TaskDemote:
		r.role = unpromoted
		return rd.handling == respDemote
	case TaskMigrateTo:
		rd.m.readMigrateTo(rd, x.OpRecord)
		return false
	default:
		if r.role < started {
			rd.setActive()
		}
		return x.Operation == TaskMonitor && rd.failure != nil && rd.failure.key() == x.key()
	}
	return true
}

// noteFailure remembers why the resource counts as failed on the node.
func (rd *reading) noteFailure(o *OpRecord) {
	if rd.r.failures == nil {
		rd.r.failures = map[int]string{}
	}
	text := fmt.Sprintf("%s failed on %s with result %d", opText(o), rd.n.name, o.RC)
	if o.Status == OpTimeout {
		text = fmt.Sprintf("%s timed out on %s", opText(o), rd.n.name)
	}
	if o.ExitReason != "" {
		text += ": " + o.ExitReason
	}
	rd.r.failures[rd.n.index] = text
}

// failed applies a failure with its response.
func (rd *reading) failed(x *result, h response, after role) {
	r, m, n := rd.r, rd.m, rd.n
	rd.failure = x.OpRecord
	rd.noteFailure(x.OpRecord)
	rd.handling = max(rd.handling, h)
	switch x.Operation {
	case TaskStop:
		m.apply(r, n, -infinity)
	case TaskMigrateTo:
		m.readFailedMigrateTo(rd, x.OpRecord)
	case TaskMigrateFrom:
		m.readFailedMigrateFrom(rd, x.OpRecord)
	case TaskPromote:
		r.role = promoted
	case TaskDemote:
		switch {
		case h == respBlock:
			r.role, r.next = promoted, stopped
		case x.rc == rcNotRunning:
			r.role = stopped
		default:
			r.role = unpromoted
		}
	}
	if x.probe() && x.rc == rcNotInstalled {
		r.role = stopped
	} else if r.role < started {
		rd.setActive()
	}
	if after != started && r.next < after {
		r.next = after
	}
	if after == stopped {
		if r.parent != nil && r.top.isClone() && !r.top.unique {
			m.replaceByBan(r.top)
		} else {
			m.replaceByBan(r)
		}
	}
}

// pending applies an operation that is under way.
func (rd *reading) pending(x *result) {
	r, m, n := rd.r, rd.m, rd.n
	if f := rd.failure; f != nil && f.Operation == x.Operation && f.IntervalMS == x.IntervalMS {
		ft, _ := f.changedAt()
		xt, _ := x.changedAt()
		if ft >= xt {
			return
		}
	}
	switch x.Operation {
	case TaskStart:
		r.startPending = true
		rd.setActive()
	case TaskPromote:
		r.role = promoted
	case TaskMigrateTo:
		if n.unclean {
			if target := m.nodeByName(x.MigrateTarget); target != nil {
				m.create(r, TaskStop, 0, target, false)
			}
		}
	}
	if r.pendingTask == "" && !x.probe() {
		r.pendingTask, r.pendingNode = x.Operation, n
	}
}

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
		n.running = append(n.running, r)
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
