package policy

import "strings"

// resource is one resource or one instance of one, with what was read of it,
// where it shall be, and which actions that takes. Groups, clones, their
// instances and bundles are resources with children.
type resource struct {
	id        string // with the instance number, "web:0"
	name      string // as configured, "web"
	historyID string // the name under which some node's history knows it
	cfg       *Resource
	kind      Kind
	parent    *resource
	top       *resource // outermost ancestor below any bundle
	children  []*resource
	instance  int // number within the clone, or -1
	meta      map[string]string
	order     int // of creation

	priority    int
	stickiness  int
	threshold   int   // migration-threshold
	failTimeout int64 // ms
	reconnect   int64 // ms, of remote connections
	multiple    string
	onGuest     string // container-attribute-target

	critical, notify, managed, maintenance, blocked    bool
	failed, stopIfFailed, failureIgnored, startPending bool
	removed, removedLaunched                           bool
	unique, promotable, migratable                     bool
	needsFencing, needsQuorum, needsUnfencing          bool
	fenceDevice, connection                            bool
	exclusiveProbes, nesting, container                bool
	reloading, restarting, stopUnexpected              bool

	launcher *resource   // the container or VM that runs this one
	launches []*resource // what this one runs
	guest    *node       // the node that this connection stands for

	// groups and clones
	ordered, colocated, interleave               bool
	cloneMax, nodeMax, promotedMax, promotedNode int
	cloned                                       *Resource // what instances are made of
	nextInstance                                 int
	bundle                                       *bundle // of bundles
	replica                                      *replica

	// from the status
	role           role
	next           role
	active         []*node
	known          nodeSet
	partialSource  *node
	partialTarget  *node
	dangling       []*node
	pendingTask    string
	pendingNode    *node
	lockNode       *node
	lockTime       int64
	failures       map[int]string // why it failed, by node index
	changedEntries map[*OpRecord]bool

	// placement
	allowed        table
	assigned       *node
	assignedEntry  entry
	unassigned     bool
	assigning      bool
	merging        bool
	promo          int
	promoSummed    bool
	promoAdded     bool
	choosingRoles  bool
	thisWith       []*colocation
	withThis       []*colocation
	locations      []*location
	tickets        []*ticketUse
	utilization    map[string]int
	placedBy       []Reason
	params         map[int]map[string]string // by node index, -1: for no node
	paramsFixed    map[string]string         // when no rule can make a difference
	paramsAreFixed bool

	// actions
	actions  []*action
	byKey    map[opKey][]*action
	opInfos  map[opKey]*opInfo
	opsCache *Operations
	notes    map[string]*notification
	digests  map[digestKey]*digests
}

// isCollective tells resources with children from primitives.
func (r *resource) isCollective() bool { return r.kind != Primitive }

// isClone tells whether the resource makes instances (also inside a bundle).
func (r *resource) isClone() bool { return r.kind == Clone }

// bundled tells whether some ancestor is a bundle.
func (r *resource) bundled() bool {
	for p := r.parent; p != nil; p = p.parent {
		if p.kind == Bundle {
			return true
		}
	}
	return false
}

// outermost is the ancestor without parent, bundles included.
func (r *resource) outermost() *resource {
	for r.parent != nil {
		r = r.parent
	}
	return r
}

// isAncestorOf tells whether o is somewhere below r.
func (r *resource) isAncestorOf(o *resource) bool {
	for p := o.parent; p != nil; p = p.parent {
		if p == r {
			return true
		}
	}
	return false
}

// scope is what a ban concerns: all instances of an anonymous clone are one.
func (r *resource) scope() *resource {
	if r.unique {
		return r
	}
	return r.top
}

// primitives calls f for each primitive, in order.
func (r *resource) primitives(f func(*resource)) {
	if r.kind == Primitive {
		f(r)
		return
	}
	for _, c := range r.children {
		c.primitives(f)
	}
}

// eachPrimitive calls f for each primitive of the cluster.
func (m *model) eachPrimitive(f func(*resource)) {
	for i := 0; i < len(m.resources); i++ {
		m.resources[i].primitives(f)
	}
}

// walk calls f for the resource and everything below it.
func (r *resource) walk(f func(*resource)) {
	f(r)
	for _, c := range r.children {
		c.walk(f)
	}
}

// any tells whether f holds for the resource or something below it.
func (r *resource) any(f func(*resource) bool) bool {
	if f(r) {
		return true
	}
	for _, c := range r.children {
		if c.any(f) {
			return true
		}
	}
	return false
}

func (r *resource) anyBlocked() bool { return r.any(func(x *resource) bool { return x.blocked }) }
func (r *resource) anyFailed() bool  { return r.any(func(x *resource) bool { return x.failed }) }

// isRemoteConnection tells connections of remote (not guest) nodes.
func (r *resource) isRemoteConnection() bool { return r.connection && r.meta["container"] == "" }

// activeOn tells whether the resource is active on a node.
func (r *resource) activeOn(n *node) bool {
	for _, a := range r.active {
		if a == n {
			return true
		}
	}
	return false
}

// current is the node that counts where one is needed, nil if inactive.
func (r *resource) current() *node {
	if len(r.active) == 0 {
		return nil
	}
	if r.partialSource != nil && r.activeOn(r.partialSource) {
		return r.partialSource
	}
	if !r.needsFencing {
		for _, n := range r.active {
			if n.clean() {
				return n
			}
		}
	}
	return r.active[0]
}

// activeCounts returns on how many nodes it is active, and how many are clean.
func (r *resource) activeCounts() (all, clean int) {
	for _, n := range r.active {
		if n.clean() {
			clean++
		}
	}
	return len(r.active), clean
}

// multiplyActive tells whether a primitive runs on more nodes than it may.
func (r *resource) multiplyActive() bool {
	all, clean := r.activeCounts()
	if r.needsFencing {
		return all > 1
	}
	return clean > 1
}

// state is the current role; of collectives the highest of the children.
func (r *resource) state() role {
	switch r.kind {
	case Primitive:
		return r.role
	case Bundle:
		return unknown
	}
	best := unknown
	for _, c := range r.children {
		best = max(best, c.state())
	}
	return best
}

// nextState is the role to be; of collectives the highest of the children.
func (r *resource) nextState() role {
	if r.kind == Primitive {
		return r.next
	}
	best := unknown
	for _, c := range r.children {
		best = max(best, c.nextState())
	}
	return best
}

// assignedNodes are the distinct nodes to which its primitives are assigned.
func (r *resource) assignedNodes() []*node {
	var list []*node
	r.primitives(func(p *resource) {
		if p.assigned == nil {
			return
		}
		for _, n := range list {
			if n == p.assigned {
				return
			}
		}
		list = append(list, p.assigned)
	})
	return list
}

// location is the one node to which it is assigned, nil if there is not
// exactly one.
func (r *resource) location() *node {
	if r.kind == Primitive {
		return r.assigned
	}
	if list := r.assignedNodes(); len(list) == 1 {
		return list[0]
	}
	return nil
}

// historyName is the id in fail counts and attributes.
func (r *resource) historyName() string {
	if r.historyID != "" {
		return r.historyID
	}
	return r.id
}

// targetRole is the role that the administrator asks for at most; unknown if
// there is no limit.
func (r *resource) targetRole() role {
	v := r.meta["target-role"]
	if v == "" || strings.EqualFold(v, "started") || strings.EqualFold(v, "default") {
		return unknown
	}
	switch want := parseRole(v); {
	case want == stopped:
		return stopped
	case want == unpromoted && r.top.promotable:
		return unpromoted
	}
	return unknown
}

// disabled tells whether target-role asks for less than running fully.
func (r *resource) disabled() bool {
	want := parseRole(r.meta["target-role"])
	return want == stopped || want == unpromoted && r.top.promotable
}

// limitNext lowers the next role to what the administrator asks for.
func (r *resource) limitNext() {
	if want := r.targetRole(); want != unknown && (r.next == unknown || r.next > want) {
		r.next = want
	}
}
