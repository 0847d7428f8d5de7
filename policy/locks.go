package policy

// Shutdown locks keep a resource with a node that is being restarted on
// purpose.

// readShutdownLock takes a lock from the history, or ends one that is too old.
func (m *model) readShutdownLock(r *resource, n *node, h *ResourceHistory) {
	if !m.opt.shutdownLock || h.ShutdownLock == "" {
		return
	}
	at, ok := parseInt(h.ShutdownLock)
	if !ok || at == 0 {
		return
	}
	if limit := m.opt.shutdownLockLimit; limit > 0 && m.now.Unix() > at+roundedSeconds(limit) {
		m.create(r, TaskLRMDelete, 0, n, false).
			setReason(Reason{Rule: "shutdown-lock", Object: r.id, Text: "the shutdown lock expired"}, true)
		return
	}
	r.lockNode, r.lockTime = n, at
}

// applyShutdownLocks bans locked resources from all other nodes.
func (m *model) applyShutdownLocks() {
	if !m.opt.shutdownLock {
		return
	}
	for _, r := range m.resources {
		switch r.kind {
		case Primitive:
			m.applyLock(r)
		case Group:
			for _, c := range r.children {
				m.applyLock(c)
			}
		}
	}
}

func (m *model) applyLock(r *resource) {
	if r.fenceDevice || r.connection {
		return
	}
	if r.lockNode != nil {
		if len(r.active) > 0 {
			m.create(r, TaskLRMDelete, 0, r.lockNode, false).
				setReason(Reason{Rule: "shutdown-lock", Object: r.id, Text: "the resource is active elsewhere"}, true)
			r.lockNode = nil
		}
	} else if len(r.active) == 1 && r.active[0].shutdown && !r.active[0].unclean {
		r.lockNode = r.active[0]
		at, _ := parseInt(r.lockNode.attrs["shutdown"])
		if at <= 0 {
			at = m.now.Unix()
		}
		r.lockTime = at
	}
	if r.lockNode == nil {
		return
	}
	if limit := m.opt.shutdownLockLimit; limit > 0 {
		m.recheck(r.lockTime + roundedSeconds(limit) + 1)
	}
	for _, n := range m.nodes {
		if n != r.lockNode {
			m.apply(r, n, -infinity)
		}
	}
}
