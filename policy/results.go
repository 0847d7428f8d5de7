package policy

// OCF result codes.
const (
	rcOK              = 0
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
