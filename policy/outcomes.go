package policy

import "fmt"

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
