package policy

import (
	"fmt"
	"strings"
)

// failureSum adds up the failures of a resource on a node.
type failureSum struct {
	count int
	last  int64 // epoch seconds of the latest
}

func (s *failureSum) add(count int, last int64) {
	s.count = addScores(s.count, count)
	s.last = max(s.last, last)
}

// failureTable indexes a node's failure attributes by resource name, with and
// without instance number.
type failureTable struct{ exact, base map[string]*failureSum }

const (
	failCountPrefix   = "fail-count-"
	lastFailurePrefix = "last-failure-"
)

// failureTable reads the attributes fail-count-NAME#OP_INTERVAL and
// last-failure-NAME#OP_INTERVAL.
func (m *model) failureTable(n *node) *failureTable {
	if n.failures != nil {
		return n.failures
	}
	t := &failureTable{exact: map[string]*failureSum{}, base: map[string]*failureSum{}}
	n.failures = t
	for _, name := range sortedKeys(n.attrs) {
		value := n.attrs[name]
		if rest, ok := strings.CutPrefix(name, failCountPrefix); ok {
			if rsc, ok := failureName(rest); ok {
				if v, good := m.colours.parseScore(value, 0); good {
					t.add(rsc, v, 0)
				}
			}
		} else if rest, ok := strings.CutPrefix(name, lastFailurePrefix); ok {
			if rsc, ok := failureName(rest); ok {
				if v, good := parseInt(value); good {
					t.add(rsc, 0, v)
				}
			}
		}
	}
	return t
}

func (t *failureTable) add(name string, count int, last int64) {
	for _, x := range []struct {
		index map[string]*failureSum
		name  string
	}{{t.exact, name}, {t.base, baseName(name)}} {
		if x.index[x.name] == nil {
			x.index[x.name] = &failureSum{}
		}
		x.index[x.name].add(count, last)
	}
}

// failureName takes NAME out of NAME#OP_INTERVAL.
func failureName(s string) (string, bool) {
	name, op, ok := strings.Cut(s, "#")
	i := strings.LastIndexByte(op, '_')
	if !ok || i < 1 || i == len(op)-1 {
		return "", false
	}
	var n int
	return name, digits(op[i+1:], &n)
}

// failCountOptions tell what to take into account.
type failCountOptions struct {
	effective bool      // expired failures do not count
	launched  bool      // failures of what the resource runs count, too
	entry     *OpRecord // the history entry in question
}

// failCount reads how often a resource failed on a node, and when last.
func (m *model) failCount(r *resource, n *node, o failCountOptions) failureSum {
	t := m.failureTable(n)
	var sum failureSum
	found := t.exact[r.historyName()]
	if !r.unique {
		found = t.base[baseName(r.historyName())]
	}
	if found != nil {
		sum = *found
	}
	if sum.count > 0 && r.failTimeout > 0 && m.failureBlocks(r, n, o.entry) {
		r.failTimeout = 0
		m.problem(false, r.name, r.cfg.Pos, "failure-timeout of %q is ignored while a failure blocks it", r.name)
	}
	if o.effective && sum.count > 0 && sum.last > 0 && r.failTimeout > 0 &&
		m.now.Unix() > sum.last+roundedSeconds(r.failTimeout) {
		sum.count = 0
	}
	if o.launched && len(r.launches) > 0 && !r.bundled() {
		for _, l := range r.launches {
			inner := m.failCount(l, n, failCountOptions{effective: o.effective})
			sum.count += inner.count
			sum.last = max(sum.last, inner.last)
		}
	}
	if sum.count == 0 {
		sum.last = 0
	}
	return sum
}

// failureBlocks tells whether a recorded failure is one with on-fail=block,
// which never expires.
func (m *model) failureBlocks(r *resource, n *node, entry *OpRecord) bool {
	ops := m.operations(r)
	for i := range ops {
		op := &ops[i]
		if attr(op.Attributes, "on-fail") != "block" {
			continue
		}
		if entry != nil {
			if blockingEntry(r, op, entry) {
				return true
			}
			continue
		}
		h := m.history(n, baseName(r.id))
		if h == nil {
			continue
		}
		for j := range h.Ops {
			if blockingEntry(r, op, &h.Ops[j]) {
				return true
			}
		}
	}
	return false
}

func blockingEntry(r *resource, op *Op, e *OpRecord) bool {
	if e.IntervalMS != op.intervalMS() || !strings.EqualFold(e.Operation, op.Name) {
		return false
	}
	name := baseName(r.id)
	if e.ID == name+"_last_failure_0" {
		return true
	}
	return e.ID == fmt.Sprintf("%s_%s_%d", name, e.Operation, e.IntervalMS) && e.RC != expectedRC(e)
}

// history finds what a node remembers under a name.
func (m *model) history(n *node, id string) *ResourceHistory {
	h := m.histories[strings.ToLower(n.name)]
	if h == nil {
		return nil
	}
	return h.resources[id]
}

// expired tells whether an entry of the history is too old to count, and
// schedules the clearing of failures that went with it.
func (rd *reading) expired(x *result) bool {
	r, m, n := rd.r, rd.m, rd.n
	if x.Status == OpNotInstalled {
		return false
	}
	expired := false
	timeout := roundedSeconds(r.failTimeout)
	lastFailure := strings.HasSuffix(x.ID, "_last_failure_0")
	if at, known := x.changedAt(); timeout > 0 && known {
		expired = m.now.Unix() >= at+timeout
		if expired && r.reconnect > 0 && x.Operation == TaskMonitor && x.IntervalMS > 0 && m.opt.fencing &&
			r.guest != nil && !r.guest.wasFenced {
			expired = false
		}
		effective := m.failCount(r, n, failCountOptions{effective: true, entry: x.OpRecord})
		if effective.count != 0 {
			m.recheck(effective.last + timeout + 1)
		}
		if expired {
			plain := m.failCount(r, n, failCountOptions{entry: x.OpRecord})
			switch {
			case plain.count != 0 && effective.count == 0:
				m.clearFailCount(r, n, "it expired")
			case plain.count != 0:
				expired = false
			case lastFailure && r.reconnect > 0:
				m.clearFailCount(r, n, "reconnect interval is set")
			}
		}
	}
	if !expired && lastFailure && (x.Operation == TaskStart || x.Operation == TaskMonitor) {
		rd.clearIfChanged(x.OpRecord)
	}
	if expired && x.probe() {
		switch x.RC {
		case rcOK, rcNotRunning, rcPromoted, rcDegraded, rcDegradedPromote:
			expired = false
		}
	}
	return expired
}

// clearIfChanged forgives failures of parameters that have changed since.
func (rd *reading) clearIfChanged(o *OpRecord) {
	r, m, n := rd.r, rd.m, rd.n
	check := func() {
		if d := m.compareDigests(r, n, o); d == digestRestart || d == digestChanged {
			m.clearFailCount(r, n, "resource parameters have changed")
		}
	}
	if m.addressUnknown(r) {
		m.deferred = append(m.deferred, check)
		return
	}
	check()
}

// clearFailCount schedules that the failures of a resource on a node are
// forgotten.
func (m *model) clearFailCount(r *resource, n *node, why string) *action {
	a := m.create(r, TaskClearFailCount, 0, n, false)
	a.setReason(Reason{Rule: "failures-cleared", Object: r.id, Text: why, Pos: r.cfg.Pos}, false)
	if m.opt.fencing && r.reconnect > 0 && r.guest != nil {
		m.orderActions(m.fenceAction(r.guest, m.opt.fencingAction), a, firstImpliesThen)
	}
	return a
}

// clearingScheduled tells whether the failures will be forgotten.
func (r *resource) clearingScheduled(n *node) bool {
	for _, a := range r.byKey[opKey{TaskClearFailCount, 0}] {
		if a.node == n {
			return true
		}
	}
	return false
}

// reachedThreshold tells whether a resource failed too often on a node.
func (m *model) reachedThreshold(r *resource, n *node) bool {
	if r.threshold == 0 || r.failureIgnored {
		return false
	}
	f := m.failCount(r, n, failCountOptions{effective: true, launched: true})
	return f.count > 0 && r.threshold-f.count <= 0
}
