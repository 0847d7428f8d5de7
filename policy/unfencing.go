package policy

import "strings"

// unfenceAction finds or creates the action that lets a node access what
// fencing takes away. It becomes required if asked for, or if a device's
// definition changed since it was done.
func (m *model) unfenceAction(n *node, why string, required bool, because *action) *action {
	key := "stonith-" + n.name + "-" + TaskOn
	known := m.clusterActs[key] != nil
	a := m.fenceAction(n, TaskOn)
	if !known {
		m.eachPrimitive(func(r *resource) {
			if !required && m.unfences(r) && m.unfencingOutdated(r, n) {
				required, why = true, r.id+" parameters changed"
			}
		})
	}
	if required && n.clean() && !n.shutdown {
		a.flags &^= actOptional
		a.setReason(Reason{Rule: "unfencing", Object: n.name, Text: why}, false)
	}
	return a
}

// unfences tells whether a device takes part in unfencing.
func (m *model) unfences(r *resource) bool {
	return r.meta["provides"] == "unfencing" || r.fenceDevice && r.needsUnfencing
}

const secretFenceParams = " passwd password user "

// unfencingOutdated tells whether a node was unfenced with other parameters.
func (m *model) unfencingOutdated(r *resource, n *node) bool {
	all, recorded := n.attrs["#digests-all"]
	if !recorded {
		return false
	}
	params := map[string]string{}
	fillMissing(params, m.paramsFor(r, n))
	dropInternal(params, false)
	agent := r.id + ":" + r.cfg.Type + ":"
	if strings.Contains(all, agent+parameterDigest(params)) {
		return false
	}
	for _, name := range strings.Fields(secretFenceParams) {
		delete(params, name)
	}
	return !strings.Contains(n.attrs["#digests-secure"], agent+parameterDigest(params))
}

// orderAfterUnfencing makes what needs an unfenced node wait for that.
func (m *model) orderAfterUnfencing(r *resource, n *node, a *action, flags relFlags) {
	if n == nil || !r.needsUnfencing && !(r.fenceDevice && m.opt.unfencing) || n.remote && !n.isRemoteNode() {
		return
	}
	on := m.unfenceAction(n, "", false, a)
	m.orderActions(on, a, flags)
	if v := n.attrs["#node-unfenced"]; v == "" || v == "0" {
		m.unfenceAction(n, "required by "+r.id+" "+a.task, true, a)
	}
}

// triggerUnfencing unfences nodes anew after the definition of a fence device
// changed.
func (m *model) triggerUnfencing(r *resource, n *node, why string) {
	if !m.opt.unfencing || !r.fenceDevice {
		return
	}
	if n.clean() && !n.shutdown {
		m.unfenceAction(n, why, true, nil)
		return
	}
	for _, o := range m.allowedNodes(r) {
		if o.clean() && !o.shutdown {
			m.unfenceAction(o, why, true, nil)
		}
	}
}
