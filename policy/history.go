package policy

import (
	"slices"
	"strconv"
	"strings"
)

// readNodeHistory reads every resource that a node remembers.
func (m *model) readNodeHistory(n *node) {
	if n.remote {
		m.updateRemoteState(n)
		m.readRemoteState(n)
	}
	n.historyRead = true
	var launchedHere bool
	owners := make([]*resource, len(n.state.History))
	for i := range n.state.History {
		h := &n.state.History[i]
		if h.ID == "" || len(h.Ops) == 0 && !m.opt.shutdownLock {
			continue
		}
		r := m.owner(h, n)
		if r == nil {
			continue
		}
		owners[i] = r
		launchedHere = launchedHere || r.removedLaunched
		m.readResourceHistory(r, n, h)
	}
	if launchedHere {
		for i := range n.state.History {
			r, c := owners[i], n.state.History[i].Container
			if l := m.byID[c]; r != nil && c != "" && l != nil && r.removedLaunched && r.launcher == nil {
				m.launch(l, r)
			}
		}
	}
}

// owner finds the primitive that an entry of the history belongs to, creating
// a removed one if the configuration does not know it.
func (m *model) owner(h *ResourceHistory, n *node) *resource {
	r := m.byID[h.ID]
	if r == nil {
		if list := m.byHistory[h.ID]; len(list) > 0 {
			r = list[0]
		}
	}
	switch {
	case r == nil:
		if z := m.byID[baseName(h.ID)+":0"]; z != nil && !z.unique {
			r = z
		}
	case r.isCollective():
		r = nil
	}
	if r != nil && r.top.isClone() && !r.top.unique {
		if r.bundled() {
			r = bundleInstanceOn(r.top, n)
		} else {
			r = m.chooseInstance(r.top, n, baseName(h.ID))
		}
	}
	if r == nil || r.isCollective() {
		return m.removedResource(h, n)
	}
	if h.ID != r.id && h.ID != r.historyID {
		m.setHistoryID(r, h.ID)
	}
	return r
}

func (m *model) setHistoryID(r *resource, id string) {
	if old := r.historyID; old != "" {
		m.byHistory[old] = slices.DeleteFunc(m.byHistory[old], func(x *resource) bool { return x == r })
	}
	r.historyID = id
	if id != "" {
		m.byHistory[id] = append(m.byHistory[id], r)
	}
}

// matching is the primitive of an instance that a history name means.
func (r *resource) matching(name string) *resource {
	var found *resource
	r.primitives(func(p *resource) {
		if found == nil && (p.name == name || p.id == name) {
			found = p
		}
	})
	return found
}

// firstPlace is the first node on which something of an instance is, or is
// about to be.
func (r *resource) firstPlace() *node {
	var place *node
	r.primitives(func(p *resource) {
		if place == nil && len(p.active) > 0 {
			place = p.active[0]
		}
		if place == nil {
			place = p.pendingNode
		}
	})
	return place
}

// chooseInstance picks the instance of an anonymous clone that an entry of
// the history shall stand for.
func (m *model) chooseInstance(clone *resource, n *node, name string) *resource {
	var free *resource
	skipInactive := false
	for _, inst := range clone.children {
		place := inst.firstPlace()
		if place == n {
			if p := inst.matching(name); p != nil {
				if len(p.active) == 0 {
					return p
				}
				skipInactive, free = true, nil
			}
			continue
		}
		if place != nil || free != nil || skipInactive || inst.anyBlocked() {
			continue
		}
		p := inst.matching(name)
		if p != nil && (p.pendingNode == nil || p.pendingNode == n) {
			free = p
		}
	}
	if free != nil && !free.needsFencing && (!n.online || n.unclean) && !n.isGuest() &&
		clone.cloneMax != len(m.nodes) {
		free = nil
	}
	if free == nil {
		inst := m.newInstance(clone)
		if inst == nil {
			return nil
		}
		free = inst.matching(name)
	}
	return free
}

// removedResource makes a primitive for history of something that is no longer
// configured.
func (m *model) removedResource(h *ResourceHistory, n *node) *resource {
	c := &Resource{ID: h.ID, Kind: Primitive, Class: h.Class, Provider: h.Provider, Type: h.Type}
	if h.Container != "" {
		c.Meta = []NVSet{{Pairs: []Pair{{Name: "container", Value: h.Container}}}}
	}
	r := m.unpack(c, nil, -1)
	if r == nil {
		return nil
	}
	r.removed = true
	r.order = 1 << 30
	m.resources = append(m.resources, r)
	if m.opt.stopRemoved {
		m.applyAll(r, -infinity)
		r.next = stopped
	} else {
		r.managed = false
	}
	if r.connection {
		rn := m.nodeByName(r.id)
		if rn == nil {
			rn = m.addNode(r.id, r.id, true, 0)
		}
		m.linkRemoteNode(r)
		rn.shutdown = true
	}
	r.removedLaunched = h.Container != ""
	return r
}

// newer compares two entries of the history: 1 if a is newer, -1 if older, 0
// if neither can be told.
func newer(a, b *OpRecord) int {
	sameNode := strings.EqualFold(a.OnNode, b.OnNode)
	if sameNode && a.ID == b.ID {
		return 0
	}
	ca, cb := callID(a), callID(b)
	switch {
	case ca < 0 && cb < 0:
		return 0
	case sameNode && ca >= 0 && ca < cb:
		return -1
	case sameNode && cb >= 0 && ca > cb:
		return 1
	case ca >= 0 && cb >= 0:
		la, lb := lastChange(a), lastChange(b)
		switch {
		case la >= 0 && la < lb:
			return -1
		case lb >= 0 && la > lb:
			return 1
		}
		return 0
	}
	return newerPending(a, b, ca < 0)
}

// newerPending decides where exactly one of the two is under way.
func newerPending(a, b *OpRecord, aPending bool) int {
	if !a.MagicOK || !b.MagicOK {
		return 0
	}
	ta, tb := a.TransitionID, b.TransitionID
	switch {
	case !strings.EqualFold(a.Decider, b.Decider) || ta == tb:
		if aPending {
			return 1
		}
		return -1
	case ta >= 0 && ta < tb || tb == -1:
		return -1
	case tb >= 0 && tb < ta || ta == -1:
		return 1
	}
	return 0
}

func callID(o *OpRecord) int64 {
	if o.CallID == Unset || o.CallID < 0 {
		return -1
	}
	return o.CallID
}

func lastChange(o *OpRecord) int64 {
	if o.LastChange == Unset || o.LastChange == 0 {
		return -1
	}
	return o.LastChange
}

// changedAt is when the result last changed; ok is false if that is unknown.
func (o *OpRecord) changedAt() (int64, bool) {
	if o.LastChange == Unset || o.LastChange == 0 {
		return 0, false
	}
	return o.LastChange, true
}

// sortOps brings the entries of one resource into order of time. The relation
// is not transitive, so the way of sorting is part of the meaning.
func sortOps(h *ResourceHistory) []*OpRecord {
	list := make([]*OpRecord, 0, len(h.Ops))
	for i := len(h.Ops) - 1; i >= 0; i-- {
		list = append(list, &h.Ops[i])
	}
	return mergeSort(list, newer)
}

// mergeSort splits at floor(n/2) and keeps the first half's element on ties.
func mergeSort[T any](list []T, cmp func(a, b T) int) []T {
	if len(list) < 2 {
		return list
	}
	half := len(list) / 2
	a, b := mergeSort(slices.Clone(list[:half]), cmp), mergeSort(slices.Clone(list[half:]), cmp)
	out := list[:0]
	for len(a) > 0 && len(b) > 0 {
		if cmp(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// activeOps finds from which entry on operations belong to the present run.
func activeOps(ops []*OpRecord) (start, stop int) {
	start, stop = -1, -1
	implied, goodMonitor := -1, -1
	for i, o := range ops {
		switch o.Operation {
		case TaskStop:
			if o.Status == OpDone {
				stop = i
			}
		case TaskStart, TaskMigrateFrom:
			start = i
		case TaskPromote, TaskDemote:
			implied = i
		case TaskMonitor:
			if (o.RC == 0 || o.RC == 8) && goodMonitor <= stop {
				goodMonitor = i
			}
		}
	}
	if start < 0 {
		start = implied
		if implied < 0 {
			start = goodMonitor
		}
	}
	return start, stop
}

// registerRecurring notes which recurring operations a node runs now.
func (m *model) registerRecurring(r *resource, n *node, ops []*OpRecord) {
	if !n.online {
		return
	}
	start, stop := activeOps(ops)
	from := start
	if start < stop {
		from = stop + 1
	}
	for _, o := range ops[max(from, 0):] {
		if o.IntervalMS > 0 && o.Status != OpPending && o.Operation != "" {
			m.create(r, o.Operation, o.IntervalMS, n, true)
		}
	}
}

// key names the operation of an entry.
func (o *OpRecord) key() string {
	if o.Key != "" {
		return o.Key
	}
	return o.ID
}

// opText is how people know an operation: "monitor every 10s".
func opText(o *OpRecord) string {
	if o.IntervalMS > 0 {
		return o.Operation + " every " + strconv.FormatInt(o.IntervalMS/1000, 10) + "s"
	}
	return o.Operation
}
