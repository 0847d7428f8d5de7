package policy

import "strings"

// A live migration leaves three traces: migrate_to on the source, migrate_from
// on the target, stop on the source. These functions tell from them where the
// resource is when something of that is missing.

// recorded finds the one entry of an operation; nil if there is none or more
// than one. Partner is the other node of a migration. With rc >= 0 the entry
// must be done with that code.
func (m *model) recorded(r *resource, task string, n *node, partner string, rc int64) *OpRecord {
	h := m.history(n, r.id)
	if h == nil {
		return nil
	}
	var found *OpRecord
	for i := range h.Ops {
		o := &h.Ops[i]
		if o.Operation != task {
			continue
		}
		switch task {
		case TaskMigrateTo:
			if partner != "" && o.MigrateTarget != partner {
				continue
			}
		case TaskMigrateFrom:
			if partner != "" && o.MigrateSource != partner {
				continue
			}
		}
		if found != nil {
			return nil
		}
		found = o
	}
	if found != nil && rc >= 0 && (found.RC != rc || found.Status != OpDone) {
		return nil
	}
	return found
}

// unknownOn tells whether nothing is known of the resource on a node.
func (m *model) unknownOn(r *resource, n *node) bool {
	h := m.history(n, r.id)
	if h == nil {
		return true
	}
	for i := range h.Ops {
		if h.Ops[i].RC != rcNone {
			return false
		}
	}
	return true
}

// changedAfter tells whether something but a monitor happened on a node later.
func (m *model) changedAfter(r *resource, n *node, e *OpRecord) bool {
	h := m.history(n, r.id)
	if h == nil {
		return false
	}
	for i := range h.Ops {
		o := &h.Ops[i]
		if o == e {
			continue
		}
		switch o.Operation {
		case TaskStart, TaskStop, TaskMigrateTo, TaskMigrateFrom:
			if newer(o, e) > 0 {
				return true
			}
		}
	}
	return false
}

// newerState tells whether a node knows something later than a migration.
func (m *model) newerState(r *resource, n *node, to, from *OpRecord) bool {
	e := to
	if from != nil {
		e = from
		if to != nil && strings.EqualFold(n.name, from.MigrateSource) {
			e = to
		}
	}
	if e == nil {
		return false
	}
	if m.changedAfter(r, n, e) {
		return true
	}
	monitor := m.recorded(r, TaskMonitor, n, "", rcNotRunning)
	return monitor != nil && newer(monitor, e) > 0
}

func (r *resource) addDangling(n *node) { r.dangling = append([]*node{n}, r.dangling...) }

// migrationEnds returns the nodes of a migration entry, ok if it is well
// formed. The named nodes need not exist.
func (m *model) migrationEnds(o *OpRecord, here *node, onSource bool) (source, target *node, ok bool) {
	if o.MigrateSource == "" || o.MigrateTarget == "" {
		return nil, nil, false
	}
	mine := o.MigrateTarget
	if onSource {
		mine = o.MigrateSource
	}
	if !strings.EqualFold(mine, here.name) {
		return nil, nil, false
	}
	return m.nodeByName(o.MigrateSource), m.nodeByName(o.MigrateTarget), true
}

// readMigrateTo applies a successful migrate_to.
func (m *model) readMigrateTo(rd *reading, e *OpRecord) {
	r := rd.r
	source, target, ok := m.migrationEnds(e, rd.n, true)
	if !ok {
		return
	}
	sourceNewer := m.changedAfter(r, rd.n, e)
	var from *OpRecord
	if target != nil {
		from = m.recorded(r, TaskMigrateFrom, target, e.MigrateSource, -1)
	}
	if from != nil && sourceNewer {
		return
	}
	targetNewer := target != nil && m.newerState(r, target, e, from)
	if sourceNewer && targetNewer {
		return
	}
	if from != nil && from.RC == rcOK && from.Status == OpDone {
		r.role = stopped
		r.addDangling(rd.n)
		return
	}
	r.role = started
	targetActive := !targetNewer && target != nil && target.online
	fail := func() {
		r.failed, r.stopIfFailed, r.migratable = true, true, false
	}
	switch {
	case from != nil && from.Status != OpPending:
		if targetActive {
			m.becomeActive(r, target, true)
		} else {
			fail()
		}
	case target != nil && target.online && m.unknownOn(r, target):
	case targetActive:
		m.becomeActive(r, target, false)
		if source != nil && source.online {
			r.partialSource, r.partialTarget = source, target
		}
	case !sourceNewer:
		fail()
	}
}

// readFailedMigrateTo applies a migrate_to that failed.
func (m *model) readFailedMigrateTo(rd *reading, e *OpRecord) {
	r := rd.r
	_, target, ok := m.migrationEnds(e, rd.n, true)
	if !ok {
		return
	}
	r.role = started
	var from *OpRecord
	if target != nil {
		from = m.recorded(r, TaskMigrateFrom, target, e.MigrateSource, rcOK)
	}
	if target != nil && !m.unknownOn(r, target) && !m.newerState(r, target, e, from) {
		if target.online {
			m.becomeActive(r, target, false)
		}
	} else if !m.changedAfter(r, rd.n, e) {
		r.addDangling(rd.n)
	}
}

// readFailedMigrateFrom applies a migrate_from that failed.
func (m *model) readFailedMigrateFrom(rd *reading, e *OpRecord) {
	r := rd.r
	source, _, ok := m.migrationEnds(e, rd.n, false)
	if !ok {
		return
	}
	r.role = started
	if source == nil {
		return
	}
	to := m.recorded(r, TaskMigrateTo, source, e.MigrateTarget, rcOK)
	if !m.unknownOn(r, source) && !m.newerState(r, source, to, e) && source.online {
		m.becomeActive(r, source, true)
	}
}
