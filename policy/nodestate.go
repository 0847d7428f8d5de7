package policy

import (
	"strings"
)

// nodeHistory is what the status remembers of one node's operations.
type nodeHistory struct {
	state     *NodeState
	resources map[string]*ResourceHistory
}

// readStatus brings the model to the cluster's present: who is here, what runs
// where, what failed.
func (m *model) readStatus() {
	for i := range m.st.Tickets {
		m.readTicket(&m.st.Tickets[i])
	}
	for i := range m.st.Nodes {
		m.readNodeState(&m.st.Nodes[i])
	}
	m.readHistories()
	for _, r := range m.launchStops {
		if n := r.current(); n != nil {
			m.create(r, TaskStop, 0, n, false)
		}
	}
	m.finishRemoteNodes()
}

// findNode finds the node of a state, nil if it is unknown.
func (m *model) findNode(s *NodeState) *node {
	if s.ID == "" {
		return nil
	}
	if n := m.nodeByID[strings.ToLower(s.ID)]; n != nil {
		return n
	}
	if s.Name == "" {
		return nil
	}
	return m.nodeNamed[strings.ToLower(s.Name)]
}

func (m *model) nodeByName(name string) *node {
	if name == "" {
		return nil
	}
	return m.nodeNamed[strings.ToLower(name)]
}

// readNodeState decides what one node is: online, unclean, pending …
func (m *model) readNodeState(s *NodeState) {
	n := m.findNode(s)
	if n == nil {
		return
	}
	m.noteState(n, s)
	if n.remote {
		v, _ := parseInt(s.Fenced)
		n.wasFenced = v != 0
		return
	}
	m.readTransient(n, s)
	n.standby = isTrue(n.attrs["standby"])
	n.maintenance = isTrue(n.attrs["maintenance"])
	n.unclean, n.uncleanWhy = false, ""
	n.seen = true
	m.readMembership(n, s)
	if !n.online || n.shutdown {
		n.score = -infinity
	}
	if n.online && !m.quorum && m.opt.quorumPolicy == "fence" {
		m.fenceNode(n, "cluster does not have quorum", false)
	}
}

// memberSince reads since when a node is a member: -1 never, 0 not now.
func (m *model) memberSince(text *string) int64 {
	if text == nil {
		return -1
	}
	if b, ok := parseBool(*text); ok {
		if b {
			return m.now.Unix()
		}
		return 0
	}
	if v, ok := parseInt(*text); ok && v >= 0 {
		return v
	}
	return -1
}

// onlineSince reads since when a node's controller is in touch: 0 not at all.
func onlineSince(text *string) int64 {
	switch {
	case text == nil, strings.EqualFold(*text, "offline"):
		return 0
	case strings.EqualFold(*text, "online"):
		return 1
	}
	if v, ok := parseInt(*text); ok && v >= 0 {
		return v
	}
	return 0
}

// noteState keeps the status entry of a node, and finds its history by name.
func (m *model) noteState(n *node, s *NodeState) {
	n.state = s
	if s.Name == "" {
		return
	}
	h := &nodeHistory{state: s, resources: map[string]*ResourceHistory{}}
	for i := range s.History {
		h.resources[s.History[i].ID] = &s.History[i]
	}
	m.histories[strings.ToLower(s.Name)] = h
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// readMembership applies the rules that tell lost nodes from those that left.
func (m *model) readMembership(n *node, s *NodeState) {
	since, online := m.memberSince(s.InCCM), onlineSince(s.Online)
	expectedDown := s.Expected == nil || *s.Expected == "down"
	n.shutdown = n.shutdownRequested()
	n.online, n.pending = false, false
	if m.opt.fencing {
		m.readFencibleNode(n, s, since, online, expectedDown)
		return
	}
	switch {
	case since <= 0:
	case online > 0:
		n.online = strings.EqualFold(deref(s.Join), "member")
	case !n.shutdown && strings.EqualFold(deref(s.Expected), "member"):
		n.unclean, n.uncleanWhy = true, "peer is unexpectedly down"
	}
}

// readFencibleNode is readMembership where fencing is enabled: the first rule
// that matches decides.
func (m *model) readFencibleNode(n *node, s *NodeState, since, online int64, expectedDown bool) {
	member := since > 0
	join := deref(s.Join)
	terminate := n.terminationRequested()
	n.online = member
	switch {
	case n.shutdown:
		n.online = online > 0
	case since < 0:
		n.online = false
		m.fenceNode(n, "peer has not been seen by the cluster", false)
	case join == "banned":
		m.fenceNode(n, "peer failed membership criteria", false)
	case terminate && !member && online <= 0 && join == "down":
		n.online = false
	case terminate:
		m.fenceNode(n, "fencing was requested", false)
	case expectedDown && m.pendingTooLong(since, online):
		m.fenceNode(n, "peer pending timed out on joining the process group", false)
	case expectedDown && (member || online > 0):
		n.pending, n.standby = true, true
	case expectedDown:
	case !member:
		m.fenceNode(n, "peer is no longer part of the cluster", true)
	case online <= 0:
		m.fenceNode(n, "peer process is no longer available", false)
	case join == "member":
	case join == "pending" || join == "down":
		n.pending, n.standby = true, true
	default:
		m.fenceNode(n, "peer was in an unknown state", false)
	}
}

// terminationRequested tells whether the administrator wants the node fenced.
func (n *node) terminationRequested() bool {
	v := n.attrs["terminate"]
	if b, ok := parseBool(v); ok {
		return b
	}
	i, _ := parseInt(v)
	return i > 0
}

// pendingTooLong tells whether a node took longer to join than it may.
func (m *model) pendingTooLong(since, online int64) bool {
	if m.opt.pendingTimeout <= 0 || since <= 0 || online > 0 {
		return false
	}
	until := since + roundedSeconds(m.opt.pendingTimeout)
	if m.now.Unix() >= until {
		return true
	}
	m.recheck(until)
	return false
}

// readHistories reads what every node remembers. A remote node's history can
// be read only when its connection's state is known, hence the rounds.
func (m *model) readHistories() {
	for m.readRound(false) {
	}
	if m.opt.fencing {
		m.readRound(true)
	}
}

// readRound reads the nodes that are ready (or all that are left). Reading one
// node can make another one known or ready.
func (m *model) readRound(all bool) bool {
	progress := false
	for i := range m.st.Nodes {
		s := &m.st.Nodes[i]
		n := m.findNode(s)
		if n == nil || s.Name == "" || n.historyRead || !all && !m.historyReady(n) {
			continue
		}
		if n.state == nil {
			m.noteState(n, s)
		}
		m.readNodeHistory(n)
		progress = true
	}
	return progress
}

func (m *model) historyReady(n *node) bool {
	switch {
	case n.isGuest():
		return n.conn.role == started && n.conn.launcher.role == started
	case n.remote:
		return n.conn != nil && (m.opt.shutdownLock || n.conn.role == started)
	}
	return m.opt.fencing || m.opt.shutdownLock || n.online
}
