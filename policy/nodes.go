package policy

import (
	"slices"
	"strings"
)

// probeMode tells whether a resource may be probed on a node.
type probeMode uint8

const (
	probeAlways probeMode = iota
	probeNever
	probeExclusive
)

// node is one machine: a cluster member, or a remote, guest or bundle node
// that a connection resource stands for.
type node struct {
	index  int
	id     string
	name   string
	cfg    *Node      // nil if only implied
	state  *NodeState // nil if the status does not know it
	remote bool
	conn   *resource // of a remote node

	online        bool
	unclean       bool
	pending       bool
	standby       bool
	standbyOnFail bool
	maintenance   bool
	shutdown      bool
	seen          bool
	resetNeeded   bool // guest: recover its launcher; remote: fence it
	wasFenced     bool // remote: the status says that it was fenced already
	noProbes      bool
	historyRead   bool
	uncleanWhy    string

	score       int // what every resource starts from
	probe       probeMode
	attrs       map[string]string
	utilization map[string]int

	numAssigned   int
	prioritySum   int
	fence         *action // the default fencing of this node
	delayEligible bool    // lost, so that the priority delay may apply
	failures      *failureTable
}

// isGuest tells guest and bundle nodes from the rest.
func (n *node) isGuest() bool { return n.remote && n.conn != nil && n.conn.launcher != nil }

// isRemoteNode is true for nodes with a connection of their own.
func (n *node) isRemoteNode() bool { return n.remote && !n.isGuest() }

// eligible tells whether resources may be placed on the node.
func (n *node) eligible() bool {
	return n.online && !n.shutdown && !n.unclean && !n.standby && !n.maintenance
}

// clean tells whether what runs on the node is known to be as recorded.
func (n *node) clean() bool { return n.online && !n.unclean }

// addNode creates a node and sorts it in.
func (m *model) addNode(id, name string, remote bool, score int) *node {
	n := &node{
		index: len(m.byIndex), id: id, name: name, remote: remote, score: score,
		attrs: map[string]string{}, utilization: map[string]int{},
	}
	n.attrs["#kind"] = "cluster"
	if remote {
		n.attrs["#kind"] = "remote"
	}
	m.byIndex = append(m.byIndex, n)
	if _, dup := m.nodeByID[strings.ToLower(id)]; !dup {
		m.nodeByID[strings.ToLower(id)] = n
	}
	if _, dup := m.nodeNamed[strings.ToLower(name)]; !dup {
		m.nodeNamed[strings.ToLower(name)] = n
	}
	i, _ := slices.BinarySearchFunc(m.nodes, n, func(a, b *node) int {
		if lessName(b.name, a.name) {
			return 1
		}
		return -1
	})
	m.nodes = slices.Insert(m.nodes, i, n)
	return n
}

// readNodes creates the configured nodes.
func (m *model) readNodes() {
	for i := range m.cfg.Nodes {
		c := &m.cfg.Nodes[i]
		if c.ID == "" {
			m.problem(true, c.Name, c.Pos, "a node without id is ignored")
			continue
		}
		remote := strings.EqualFold(c.Type, "remote")
		if !remote && c.Type != "" && !strings.EqualFold(c.Type, "member") {
			m.problem(true, c.ID, c.Pos, "node type %q is unknown; this and all later nodes are ignored", c.Type)
			return
		}
		score, _ := m.colours.parseScore(c.Score, 0)
		name := c.Name
		if name == "" {
			name = c.ID
		}
		if m.nodeNamed[strings.ToLower(name)] != nil {
			m.problem(false, name, c.Pos, "several nodes are called %q", name)
		}
		n := m.addNode(c.ID, name, remote, score)
		n.cfg = c
		n.unclean = !remote && m.opt.startupFencing
		m.setBuiltinAttributes(n)
		m.fill(n.attrs, paramSets, c.Attributes, "", &ruleContext{})
		m.fillUtilization(n.utilization, c.Utilization)
		m.setSiteName(n)
	}
}

func (m *model) setBuiltinAttributes(n *node) {
	n.attrs["#uname"] = n.name
	n.attrs["#id"] = n.id
	n.attrs["#is_dc"] = "false"
	if m.st.DC != "" && strings.EqualFold(m.st.DC, n.id) {
		n.attrs["#is_dc"] = "true"
	}
	if m.opt.clusterName != "" {
		n.attrs["#cluster-name"] = m.opt.clusterName
	}
}

func (m *model) setSiteName(n *node) {
	if _, set := n.attrs["#site-name"]; set {
		return
	}
	if site := n.attrs["site-name"]; site != "" {
		n.attrs["#site-name"] = site
	} else if m.opt.clusterName != "" {
		n.attrs["#site-name"] = m.opt.clusterName
	}
}

// fillUtilization reads utilization sets; names ignore case.
func (m *model) fillUtilization(to map[string]int, sets []NVSet) {
	if len(sets) == 0 {
		return
	}
	table := map[string]string{}
	m.fill(table, utilizationSets, sets, "", &ruleContext{})
	for _, name := range sortedKeys(table) {
		key := strings.ToLower(name)
		if _, have := to[key]; !have {
			v, _ := parseInt(table[name])
			to[key] = int(min(max(v, -maxInt32-1), maxInt32))
		}
	}
}

// readTransient adds the attributes that last until the next reboot.
func (m *model) readTransient(n *node, s *NodeState) {
	m.setBuiltinAttributes(n)
	fresh := map[string]string{}
	m.fill(fresh, paramSets, s.Attributes, "", &ruleContext{})
	for k, v := range fresh {
		n.attrs[k] = v
	}
	m.fillUtilization(n.utilization, s.Utilization)
	m.setSiteName(n)
	n.failures = nil
}

// shutdownRequested tells whether the node asked to leave.
func (n *node) shutdownRequested() bool {
	v, set := n.attrs["shutdown"]
	return set && v != "" && v != "0"
}

// entry is what a resource knows about a node that it may run on.
type entry struct {
	score int
	count int // instances placed there, for clones
	probe probeMode
	in    bool
}

// table holds a resource's entries by node index.
type table []entry

// at returns the entry of a node, or nil if the node is not in the table.
func (t table) at(n *node) *entry {
	if n == nil || n.index >= len(t) || !t[n.index].in {
		return nil
	}
	return &t[n.index]
}

// put sets the entry of a node.
func (t *table) put(n *node, e entry) *entry {
	for len(*t) <= n.index {
		*t = append(*t, entry{})
	}
	e.in = true
	(*t)[n.index] = e
	return &(*t)[n.index]
}

func (t table) clone() table { return slices.Clone(t) }

// usable tells whether an entry's node may be chosen.
func (e *entry) usable(n *node) bool { return e != nil && e.score >= 0 && n.eligible() }

// anyUsable tells whether some node of the table may be chosen.
func (m *model) anyUsable(t table) bool {
	for i := range t {
		if t[i].in && t[i].score >= 0 && m.byIndex[i].eligible() {
			return true
		}
	}
	return false
}

// apply adds a score for one node to a resource and all its descendants.
func (m *model) apply(r *resource, n *node, score int) {
	for _, c := range r.children {
		m.apply(c, n, score)
	}
	e := r.allowed.at(n)
	if e == nil {
		e = r.allowed.put(n, entry{score: n.score, probe: n.probe})
	}
	e.score = addScores(e.score, score)
}

// applyAll adds a score for every node. A total ban drops the assignment.
func (m *model) applyAll(r *resource, score int) {
	for _, n := range m.nodes {
		m.apply(r, n, score)
	}
	if score <= -infinity {
		r.assigned = nil
	}
}

// replaceByBan makes every node impossible for the resource itself.
func (m *model) replaceByBan(r *resource) {
	r.allowed = nil
	for _, n := range m.nodes {
		r.allowed.put(n, entry{score: -infinity, probe: n.probe})
	}
}

// nodeSet is a set of nodes.
type nodeSet []bool

func (s nodeSet) has(n *node) bool { return n != nil && n.index < len(s) && s[n.index] }

func (s *nodeSet) add(n *node) {
	for len(*s) <= n.index {
		*s = append(*s, false)
	}
	(*s)[n.index] = true
}

func (s nodeSet) empty() bool { return !slices.Contains(s, true) }
