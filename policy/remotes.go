package policy

import (
	"strings"
)

// Remote nodes are reached through a connection resource; guest nodes are
// inside of a resource that the cluster runs.

// connectionConfig is the configuration of a generated connection.
func connectionConfig(id string, meta, params []Pair) *Resource {
	return &Resource{
		ID: id, Kind: Primitive, Class: "ocf", Provider: "pacemaker", Type: "remote",
		Meta: []NVSet{{Pairs: meta}}, Params: []NVSet{{Pairs: params}},
		Operations: Operations{List: []Op{{
			Name: TaskMonitor, Interval: "30s", Attributes: pairs("timeout", "30s"),
		}}},
	}
}

// withImplicitResources finds the remote and guest nodes that resources imply.
// Connections of guests are appended to the configured resources.
func (m *model) withImplicitResources() []*Resource {
	var list, guests []*Resource
	guest := func(c *Resource) {
		if g := guestConfig(c); g != nil {
			guests = append(guests, g)
			if m.nodeByName(g.ID) == nil {
				m.addNode(g.ID, g.ID, true, 0)
			}
		}
	}
	for i := range m.cfg.Resources {
		c := &m.cfg.Resources[i]
		list = append(list, c)
		switch c.Kind {
		case Primitive:
			if strings.EqualFold(c.Class, "ocf") && strings.EqualFold(c.Provider, "pacemaker") && strings.EqualFold(c.Type, "remote") {
				if m.nodeByName(c.ID) == nil {
					m.addNode(c.ID, c.ID, true, 0)
				}
			}
			guest(c)
		case Group:
			for j := range c.Children {
				guest(&c.Children[j])
			}
		}
	}
	return append(list, guests...)
}

// guestConfig makes the connection of the guest node that a resource runs; nil
// if it runs none.
func guestConfig(c *Resource) *Resource {
	meta := map[string]string{}
	for _, s := range c.Meta {
		for _, p := range s.Pairs {
			if p.Name != "" && !p.NoValue {
				meta[p.Name] = p.Value
			}
		}
	}
	name := meta["remote-node"]
	if name == "" {
		return nil
	}
	own := pairs("internal_rsc", "true", "container", c.ID)
	if v, ok := meta["remote-allow-migrate"]; ok {
		own = append(own, pairs("allow-migrate", v)...)
	}
	if v, ok := meta["is-managed"]; ok {
		own = append(own, pairs("is-managed", v)...)
	}
	var params []Pair
	if v := meta["remote-addr"]; v != "" {
		params = append(params, pairs("addr", v)...)
	}
	if v := meta["remote-port"]; v != "" {
		params = append(params, pairs("port", v)...)
	}
	g := connectionConfig(name, own, params)
	g.Operations.List = append(g.Operations.List, Op{
		Name: TaskStart, Interval: "0", Attributes: pairs("timeout", either(meta["remote-connect-timeout"], "60s")),
	})
	g.Pos = c.Pos
	return g
}

// linkRemoteNode connects a connection with the node of its name.
func (m *model) linkRemoteNode(r *resource) {
	if !r.connection {
		return
	}
	n := m.nodeByName(r.id)
	if n == nil || !n.remote {
		return
	}
	n.conn, r.guest = r, n
	if r.launcher == nil && r.meta["container"] == "" {
		n.unclean = m.opt.startupFencing
	} else {
		n.attrs["#kind"] = "container"
	}
}

// updateRemoteState decides whether a remote node is online, from the state of
// its connection.
func (m *model) updateRemoteState(n *node) {
	c := n.conn
	if c == nil {
		n.online = false
		return
	}
	l := c.launcher
	var host *node
	if l != nil && len(c.active) == 1 {
		host = c.active[0]
	}
	if c.role == started {
		n.online = true
		if c.next == stopped {
			n.shutdown = true
		}
	}
	switch {
	case l != nil && l.failed:
		n.online, n.resetNeeded = false, true
	case c.failed:
		n.online = false
	case c.role == stopped || l != nil && l.role == stopped:
		n.online, n.resetNeeded = false, false
	case host != nil && !host.online && host.unclean:
		n.online, n.resetNeeded = false, true
	}
}

// readRemoteState reads the status entry of a remote node.
func (m *model) readRemoteState(n *node) {
	s := n.state
	if !n.resetNeeded {
		n.unclean, n.uncleanWhy = false, ""
		n.seen = true
	}
	m.readTransient(n, s)
	if n.shutdownRequested() {
		n.shutdown = true
	}
	n.standby = n.standby || isTrue(n.attrs["standby"])
	if isTrue(n.attrs["maintenance"]) || n.conn != nil && !n.conn.managed {
		n.maintenance = true
	}
	if v, ok := n.attrs["resource-discovery-enabled"]; ok && !isTrue(v) && (n.isGuest() || m.opt.fencing) {
		n.noProbes = true
	}
}

// finishRemoteNodes settles the remote nodes after all histories were read.
func (m *model) finishRemoteNodes() {
	for _, n := range m.nodes {
		if !n.remote {
			continue
		}
		if n.shutdown && n.conn != nil {
			n.conn.next = stopped
		}
		if !n.historyRead {
			m.updateRemoteState(n)
		}
	}
}

// connectionAssigned tells the node what will become of its connection.
func (m *model) connectionAssigned(r *resource) {
	n := r.guest
	if n == nil {
		return
	}
	if r.assigned != nil && r.next != stopped {
		n.online = true
		if !n.seen {
			n.unclean = false
		}
		return
	}
	n.shutdown = true
}

// connState is what can be done on a remote node.
type connState uint8

const (
	connectionUnknown connState = iota
	connectionAlive
	connectionResting
	connectionStopped
	connectionFailed
)

// connectionState tells in which state the connection of a remote node is.
func (m *model) connectionState(n *node) connState {
	c := n.conn
	host := c.current()
	if c.next == stopped || c.assigned == nil {
		switch {
		case host != nil && host.unclean:
			return connectionFailed
		case !c.failed:
			return connectionStopped
		case c.next == stopped && c.reconnect > 0 && n.wasFenced && !n.shutdownRequested():
			return connectionUnknown
		}
		return connectionFailed
	}
	switch {
	case host == nil:
		return connectionUnknown
	case !host.clean():
		return connectionResting
	case len(c.active) > 1 && c.partialSource != nil && c.partialTarget != nil:
		return connectionResting
	}
	return connectionAlive
}

// orderRemoteConnections ties every action on a remote node to its connection.
func (m *model) orderRemoteConnections() {
	remote := false
	for _, n := range m.nodes {
		remote = remote || n.remote
	}
	if !remote {
		return
	}
	for i := len(m.actions) - 1; i >= 0; i-- {
		a := m.actions[i]
		if a.rsc == nil {
			continue
		}
		if a.task == TaskClearFailCount && a.rsc.connection {
			m.orderAfterAction(a, a.rsc, start0(), ordered)
			continue
		}
		n := a.node
		if n == nil || !n.remote || n.conn == nil || a.is(actPseudo) {
			continue
		}
		if a.task == TaskStart {
			stops := a.rsc.byKey[stop0()]
			for j := len(stops) - 1; j >= 0; j-- {
				if stops[j].node != nil && stops[j].node != n {
					m.orderBeforeAction(n.conn, start0(), stops[j], ordered)
				}
			}
		}
		if n.isGuest() {
			m.orderOnGuest(a, n)
		} else {
			m.orderOnRemote(a, n)
		}
	}
}

// afterConnection makes an action wait for the start of the connection.
func (m *model) afterConnection(a *action, conn *resource, flags relFlags) {
	m.orderBeforeAction(conn, start0(), a, guestAllowed|unrunnableFirstBlocks|flags)
}

// beforeDisconnect makes the stop of the connection wait for an action.
func (m *model) beforeDisconnect(a *action, conn *resource, flags relFlags) {
	m.orderAfterAction(a, conn, stop0(), guestAllowed|flags)
}

func (m *model) orderOnRemote(a *action, n *node) {
	c := n.conn
	state := m.connectionState(n)
	switch task := a.task; {
	case task == TaskStart, task == TaskPromote:
		flags := relFlags(0)
		if state == connectionFailed {
			flags = firstImpliesThen
		}
		m.afterConnection(a, c, flags)
	case task == TaskStop, task == TaskMigrateTo, task == TaskMigrateFrom:
		switch {
		case state == connectionAlive:
			m.beforeDisconnect(a, c, thenImpliesFirst)
		case state == connectionFailed:
			m.fenceNode(n, "resources are active but connection is unrecoverable", false)
		case c.next == stopped:
			m.beforeDisconnect(a, c, thenImpliesFirst)
		default:
			m.afterConnection(a, c, 0)
		}
	case task == TaskDemote:
		if state == connectionResting || state == connectionUnknown {
			m.afterConnection(a, c, 0)
		}
	case a.key.interval > 0:
		m.afterConnection(a, c, firstImpliesThen)
	default:
		if task == TaskMonitor && state == connectionFailed {
			m.fenceNode(n, "resources are in unknown state and connection is unrecoverable", false)
		}
		if c.current() != nil && state == connectionStopped {
			m.beforeDisconnect(a, c, unrunnableFirstBlocks)
		} else {
			m.afterConnection(a, c, 0)
		}
	}
}

func (m *model) orderOnGuest(a *action, n *node) {
	c, l := n.conn, n.conn.launcher
	if l.failed {
		m.fenceNode(n, "container failed", false)
	}
	switch task := a.task; {
	case task == TaskStart, task == TaskPromote:
		m.orderBeforeAction(l, start0(), a, guestAllowed|unrunnableFirstBlocks|firstImpliesThen)
		m.afterConnection(a, c, 0)
	case task == TaskStop, task == TaskDemote, task == TaskMigrateTo, task == TaskMigrateFrom:
		if !l.failed {
			m.beforeDisconnect(a, c, 0)
		}
	case a.key.interval > 0:
		if task != TaskCancel {
			m.afterConnection(a, c, firstImpliesThen)
		}
	default:
		m.afterConnection(a, c, 0)
	}
}
