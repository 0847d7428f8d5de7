package policy

import (
	"cmp"
	"fmt"
	"slices"
)

// plan writes down what the model arrived at.
func (m *model) plan() *Plan {
	p := &Plan{Actions: []Action{}, Placement: []Placement{}, Current: []Placement{}, Nodes: []NodeView{}}
	m.blocked(p)
	emitted := m.emit()
	emitted, loop := m.inOrder(emitted)
	for _, a := range loop {
		p.Blocked = append(p.Blocked, m.blockedByLoop(a))
	}
	ids := m.names(emitted)
	for _, a := range emitted {
		p.Actions = append(p.Actions, m.describe(a, ids))
	}
	m.placements(p, emitted)
	for _, n := range m.nodes {
		p.Nodes = append(p.Nodes, NodeView{
			Name: n.name, Online: n.online, Unclean: n.unclean, Pending: n.pending, Standby: n.standby,
			Maintenance: n.maintenance, Shutdown: n.shutdown, Remote: n.remote, Reason: n.uncleanWhy,
		})
	}
	p.Problems = m.problems
	if m.recheckAt != 0 {
		p.RecheckAt = unixTime(m.recheckAt)
	}
	return p
}

// inOrder sorts actions so that predecessors come first. Actions in a loop, and
// those that wait for them, can never run and are returned apart.
func (m *model) inOrder(list []*action) (sorted, loop []*action) {
	waiting := map[*action]int{}
	followers := map[*action][]*action{}
	for _, a := range list {
		a.mergeInputs()
		for _, r := range a.before {
			if r.first.emitted && m.isInput(r) {
				r.graphed = true
				waiting[a]++
				followers[r.first] = append(followers[r.first], a)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *action) int { return a.id - b.id })
	queue := make([]*action, 0, len(list))
	for _, a := range list {
		if waiting[a] == 0 {
			queue = append(queue, a)
		}
	}
	for len(queue) > 0 {
		a := queue[0]
		queue = queue[1:]
		sorted = append(sorted, a)
		for _, f := range followers[a] {
			if waiting[f]--; waiting[f] == 0 {
				queue = append(queue, f)
			}
		}
	}
	for _, a := range list {
		if waiting[a] > 0 {
			loop = append(loop, a)
		}
	}
	return sorted, loop
}

// names gives every action an id that is stable between equal plans.
func (m *model) names(list []*action) map[*action]string {
	ids := make(map[*action]string, len(list))
	taken := make(map[string]int, len(list))
	for _, a := range list {
		id := m.actionID(a)
		taken[id]++
		if k := taken[id]; k > 1 {
			id = fmt.Sprintf("%s#%d", id, k)
		}
		ids[a] = id
	}
	return ids
}

func (m *model) actionID(a *action) string {
	if a.rsc == nil {
		switch {
		case a.fenceOp == TaskOn:
			return "unfence_" + a.node.name
		case a.task == "stonith":
			return "fence_" + a.node.name
		case a.task == TaskShutdown:
			return "shutdown_" + a.node.name
		}
		return a.key.task
	}
	id := fmt.Sprintf("%s_%s_%d", a.rsc.id, a.key.task, a.key.interval)
	if a.task == TaskCancel {
		id = fmt.Sprintf("%s_cancel-%s_%d", a.rsc.id, a.key.task, a.key.interval)
	}
	if a.node != nil && (!a.is(actPseudo) || a.rsc.kind == Primitive) {
		id += "@" + a.node.name
	}
	return id
}

// describe makes an action of the plan.
func (m *model) describe(a *action, ids map[*action]string) Action {
	x := Action{ID: ids[a], Kind: ResourceAction, Task: a.task, After: []string{}, IntervalMS: a.key.interval, Detail: a.detail}
	if a.node != nil {
		x.Node = a.node.name
	}
	if a.rsc != nil {
		x.Resource = a.rsc.id
		x.HistoryID = m.historyIDFor(a.rsc)
	}
	switch {
	case a.task == "stonith":
		x.Task = a.fenceOp
		x.Kind = FenceAction
		x.FenceDelayMS = a.fenceDelay
	case a.task == TaskShutdown:
		x.Kind = NodeAction
	case a.task == "reload-agent":
		x.Task = TaskReload
	}
	if a.is(actPseudo) {
		x.Kind = PseudoAction
	}
	for _, r := range a.before {
		if r.graphed {
			x.After = append(x.After, ids[r.first])
		}
	}
	x.Reasons = m.reasons(a)
	if x.Kind == ResourceAction && a.rsc != nil {
		m.describeOperation(a, &x)
	}
	return x
}

// historyIDFor is the name under which the node keeps the resource's history.
func (m *model) historyIDFor(r *resource) string {
	switch {
	case r.historyID != "":
		return r.historyID
	case r.unique:
		return r.id
	}
	return r.name
}

// describeOperation adds what the executor needs.
func (m *model) describeOperation(a *action, x *Action) {
	r := a.rsc
	x.Class, x.Provider, x.Type = r.cfg.Class, r.cfg.Provider, r.cfg.Type
	if r.kind != Primitive {
		return
	}
	key := a.key
	info := m.opInfo(r, key)
	d := m.digestParams(r, a.node, key)
	x.Params = map[string]string{}
	for k, v := range d.all {
		if k != "CRM_meta_timeout" {
			x.Params[k] = v
		}
	}
	x.Digest = d.main
	x.Meta = m.metaFor(a, info)
	x.TimeoutMS = info.timeout
	x.StartDelayMS = info.startDelay
	x.ExpectedRC = a.targetRC
	x.Protected = r.needsFencing
	x.OnFail = m.failureResponse(r, key.task, key.interval).String()
	if a.source != nil {
		x.MigrateSource, x.MigrateTarget = a.source.name, a.target.name
	}
}

// metaFor is the table of meta-attributes that an agent gets to see.
func (m *model) metaFor(a *action, info *opInfo) map[string]string {
	t := map[string]string{}
	for k, v := range info.meta {
		t[k] = v
	}
	r := a.rsc
	if r.instance >= 0 {
		t["clone"] = itoa(int64(r.instance))
	}
	for p := r.parent; p != nil; p = p.parent {
		if !p.isClone() {
			continue
		}
		t["clone-max"] = itoa(int64(p.cloneMax))
		t["clone-node-max"] = itoa(int64(p.nodeMax))
		t["globally-unique"] = fmt.Sprint(p.unique)
		t["notify"] = fmt.Sprint(p.notify)
		if p.promotable {
			t["promoted-max"] = itoa(int64(p.promotedMax))
			t["promoted-node-max"] = itoa(int64(p.promotedNode))
		}
	}
	if a.source != nil {
		t["migrate_source"], t["migrate_target"] = a.source.name, a.target.name
	}
	for k, v := range a.env {
		t[k] = v
	}
	return t
}

// places is where a primitive is while the plan is thought through.
type places struct {
	nodes []*node
	role  map[*node]role
}

// placements computes where everything is now, and where it is when all actions
// were successful.
func (m *model) placements(p *Plan, emitted []*action) {
	gone := map[*node]bool{}
	byRsc := map[*resource][]*action{}
	for _, a := range emitted {
		if a.rsc != nil {
			byRsc[a.rsc] = append(byRsc[a.rsc], a)
		} else if a.task == "stonith" && a.fenceOp != TaskOn {
			gone[a.node] = true
		}
	}
	m.eachPrimitive(func(r *resource) {
		now := &places{role: map[*node]role{}}
		for _, n := range r.active {
			now.add(n, r.activeRole())
		}
		p.Current = append(p.Current, m.placementsOf(r, now)...)
		after := &places{role: map[*node]role{}}
		for _, n := range now.nodes {
			if !gone[n] {
				after.add(n, now.role[n])
			}
		}
		for _, a := range byRsc[r] {
			after.do(r, a)
		}
		p.Placement = append(p.Placement, m.placementsOf(r, after)...)
	})
}

// activeRole is the role of a resource where it is active.
func (r *resource) activeRole() role {
	x := max(r.role, started)
	if r.top.promotable && x == started {
		x = unpromoted
	}
	return x
}

func (s *places) add(n *node, as role) {
	if _, have := s.role[n]; !have {
		s.nodes = append(s.nodes, n)
	}
	s.role[n] = as
}

func (s *places) remove(n *node) {
	delete(s.role, n)
	s.nodes = slices.DeleteFunc(s.nodes, func(x *node) bool { return x == n })
}

// do applies one action; actions come in a valid order.
func (s *places) do(r *resource, a *action) {
	up := started
	if r.top.promotable {
		up = unpromoted
	}
	switch a.task {
	case TaskStop:
		s.remove(a.node)
	case TaskStart:
		if a.is(actPseudo) && s.role[a.node] == promoted {
			return
		}
		s.add(a.node, up)
	case TaskPromote:
		s.add(a.node, promoted)
	case TaskDemote:
		if _, have := s.role[a.node]; have {
			s.add(a.node, unpromoted)
		}
	}
}

func (m *model) placementsOf(r *resource, s *places) []Placement {
	base := Placement{
		Resource: r.id, Role: RoleStopped, Blocked: r.blocked, Unmanaged: !r.managed, Orphaned: r.removed, Disabled: r.disabled(),
	}
	if len(s.nodes) == 0 {
		if r.removed {
			return nil
		}
		return []Placement{base}
	}
	list := slices.Clone(s.nodes)
	slices.SortFunc(list, func(a, b *node) int { return cmp.Compare(a.index, b.index) })
	var out []Placement
	for _, n := range list {
		x := base
		x.Node, x.Role, x.Failed = n.name, s.role[n].public(), r.failed && r.activeOn(n)
		out = append(out, x)
	}
	return out
}
