package policy

import (
	"slices"
	"strconv"
)

// readResources turns the configured resources into the model's.
func (m *model) readResources() {
	for i := range m.cfg.Tags {
		t := &m.cfg.Tags[i]
		if m.tags[t.ID] == nil {
			m.tags[t.ID] = t
		}
	}
	configured := m.withImplicitResources()
	for _, c := range configured {
		if r := m.unpack(c, nil, -1); r != nil {
			m.resources = append(m.resources, r)
		}
	}
	for _, r := range m.resources {
		m.linkLaunchers(r)
		m.linkRemoteNode(r)
	}
	slices.SortStableFunc(m.resources, func(a, b *resource) int { return b.priority - a.priority })
}

// unpack makes a resource (and all below it) of its configuration; nil if that
// is unusable.
func (m *model) unpack(c *Resource, parent *resource, instance int) *resource {
	if c.ID == "" {
		m.problem(true, "", c.Pos, "a resource without id is ignored")
		return nil
	}
	def := c
	if c.Kind == Primitive && c.Template != "" {
		if def = m.expandTemplate(c); def == nil {
			return nil
		}
		m.noteTemplate(c.Template, c.ID)
	}
	r := &resource{
		id: c.ID, name: c.ID, cfg: def, kind: c.Kind, parent: parent, instance: instance,
		unassigned: true, role: stopped, byKey: map[opKey][]*action{},
	}
	if instance >= 0 {
		r.id = c.ID + ":" + strconv.Itoa(instance)
	}
	r.top = r
	if parent != nil && parent.kind != Bundle {
		r.top = parent.top
	}
	m.readMeta(r)
	m.readFlags(r)
	ok := true
	switch c.Kind {
	case Primitive:
		m.fillOwnUtilization(r)
	case Group:
		ok = m.unpackGroup(r)
	case Clone:
		ok = m.unpackClone(r)
	case Bundle:
		ok = m.unpackBundle(r)
	default:
		m.problem(true, c.ID, c.Pos, "resource kind %q is unknown; the resource is ignored", c.Kind)
		ok = false
	}
	if !ok {
		r.walk(func(x *resource) {
			if m.byID[x.id] == x {
				delete(m.byID, x.id)
			}
		})
		return nil
	}
	m.register(r)
	m.allowInitialNodes(r)
	return r
}

// register makes a resource known by its id.
func (m *model) register(r *resource) {
	if m.byID[r.id] == nil {
		m.byID[r.id] = r
	}
	r.order = len(m.byID)
}

func (m *model) fillOwnUtilization(r *resource) {
	if len(r.cfg.Utilization) > 0 {
		r.utilization = map[string]int{}
		m.fillUtilization(r.utilization, r.cfg.Utilization)
	}
}

// allowInitialNodes fills the table of a symmetric cluster. Children that were
// unpacked before some node existed get it here, too.
func (m *model) allowInitialNodes(r *resource) {
	guest := r.connection && r.meta["container"] != ""
	if m.opt.symmetric || guest {
		for _, n := range m.nodes {
			m.allowInitial(r, n)
		}
	}
}

func (m *model) allowInitial(r *resource, n *node) {
	if r.exclusiveProbes || n.probe == probeNever {
		return
	}
	for _, c := range r.children {
		m.allowInitial(c, n)
	}
	if r.allowed.at(n) == nil {
		r.allowed.put(n, entry{score: n.score, probe: n.probe})
	}
}

// What one clone or bundle may ask for, against typing errors that would
// exhaust the memory. A replica of a bundle is a node of its own.
const (
	maxInstances = 2000
	maxReplicas  = 200
)

// linkLaunchers connects resources with the container that their
// meta-attribute names.
func (m *model) linkLaunchers(r *resource) {
	r.primitives(func(p *resource) {
		name := p.meta["container"]
		if name == "" || name == p.id || p.launcher != nil {
			return
		}
		l := m.byID[name]
		if l == nil {
			m.problem(true, p.id, p.cfg.Pos, "container %q of resource %q does not exist", name, p.id)
			return
		}
		m.launch(l, p)
	})
}

// launch makes one resource the launcher of another, unless that would make it
// its own.
func (m *model) launch(launcher, r *resource) {
	for l := launcher; l != nil; l = l.launcher {
		if l == r {
			m.problem(true, r.id, r.cfg.Pos, "container %q of resource %q runs inside of it; it is ignored", launcher.id, r.id)
			return
		}
	}
	r.launcher = launcher
	launcher.launches = append(launcher.launches, r)
}
