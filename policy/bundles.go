package policy

import (
	"fmt"
	"strconv"
)

// bundle is what a bundle consists of.
type bundle struct {
	replicas    []*replica
	perHost     int
	promotedMax int
	inner       *resource // the clone of the primitive inside, nil if there is none
}

// replica is one container of a bundle with what belongs to it.
type replica struct {
	bundle    *bundle
	index     int
	address   string
	container *resource
	ip        *resource // nil without an address
	conn      *resource // nil without a primitive
	child     *resource // the instance inside, nil without a primitive
	node      *node     // that the child runs on
}

// unpackBundle reads a bundle and makes its implicit resources.
func (m *model) unpackBundle(r *resource) bool {
	spec := r.cfg.Bundle
	if spec == nil || spec.Runtime != "docker" && spec.Runtime != "podman" {
		m.problem(true, r.id, r.cfg.Pos, "bundle %q names no runtime that is known; it is ignored", r.id)
		return false
	}
	t := readBundleText(r.cfg)
	b := &bundle{perHost: 1}
	if v, ok := attrGiven(spec.Container, "replicas-per-host"); ok {
		b.perHost = intAtLeast(v, 1)
	}
	b.promotedMax = intAtLeast(either(attr(spec.Container, "promoted-max"), attr(spec.Container, "masters")), 0)
	t.replicas = m.limitInstances(r, max(1, b.promotedMax), maxReplicas)
	if v, ok := attrGiven(spec.Container, "replicas"); ok {
		t.replicas = m.limitInstances(r, intAtLeast(v, 1), maxReplicas)
	}
	if t.primitive != nil && t.ipStart == "" && t.port == "" {
		m.problem(true, r.id, r.cfg.Pos, "bundle %q with a primitive needs ip-range-start or control-port; it is ignored", r.id)
		return false
	}
	if t.ipStart == "" && t.port != "" {
		b.perHost = 1
	}
	r.unique = b.perHost > 1
	r.bundle = b
	addresses := bundleAddresses(t.ipStart, t.replicas)
	if t.primitive != nil && !m.addInnerClone(r, t) {
		return false
	}
	for k := range t.replicas {
		if !m.addReplica(r, t, addresses, k) {
			return false
		}
	}
	if b.inner != nil {
		r.children = append(r.children, b.inner)
	}
	return true
}

func (m *model) addInnerClone(r *resource, t *bundleText) bool {
	b := r.bundle
	c := &Resource{ID: r.id + "-clone", Kind: Clone, Pos: r.cfg.Pos, Children: []Resource{*t.primitive}}
	meta := pairs("ordered", "true", "clone-max", strconv.Itoa(t.replicas), "clone-node-max", strconv.Itoa(b.perHost),
		"globally-unique", fmt.Sprint(b.perHost > 1))
	if b.promotedMax > 0 {
		c.ID = r.id + "-master"
		meta = append(meta, pairs("promotable", "true", "promoted-max", strconv.Itoa(b.promotedMax))...)
	}
	c.Meta = []NVSet{{ID: c.ID + "-meta", Pairs: meta}}
	b.inner = m.unpack(c, r, -1)
	if b.inner == nil {
		return false
	}
	for _, inst := range b.inner.children {
		inst.exclusiveProbes = true
		inst.allowed = nil
		if inst.notify {
			b.inner.notify = true
		}
		if inst.onGuest != "" {
			for _, x := range []*resource{r, b.inner} {
				x.onGuest = inst.onGuest
				x.meta["container-attribute-target"] = inst.onGuest
			}
		}
	}
	return true
}

func (m *model) addReplica(r *resource, t *bundleText, addresses []string, k int) bool {
	p := &replica{bundle: r.bundle, index: k, address: addresses[k]}
	r.bundle.replicas = append(r.bundle.replicas, p)
	add := func(c *Resource) *resource {
		c.Kind, c.Pos = Primitive, r.cfg.Pos
		x := m.unpack(c, r, -1)
		if x != nil {
			x.replica = p
			r.children = append(r.children, x)
		}
		return x
	}
	if p.container = add(t.containerConfig(k, addresses)); p.container == nil {
		return false
	}
	p.container.container = true
	if t.ipStart != "" {
		if p.ip = add(t.addressConfig(addresses[k])); p.ip == nil {
			return false
		}
	}
	if t.primitive == nil {
		return true
	}
	p.child = r.bundle.inner.children[k]
	p.child.replica = p
	id := fmt.Sprintf("%s-%d", r.id, k)
	if m.byID[id] != nil {
		id = fmt.Sprintf("holdfast-internal-%s-remote-%d", p.child.id, k)
	}
	addr := either(addresses[k], "#uname")
	conn := connectionConfig(id, pairs("internal_rsc", "true", "container", p.container.id), pairs("addr", addr, "port", t.controlPort()))
	if p.conn = add(conn); p.conn == nil {
		return false
	}
	p.conn.nesting = true
	m.launch(p.container, p.conn)
	m.addBundleNode(r, p)
	if len(p.child.utilization) > 0 {
		p.container.utilization, p.child.utilization = p.child.utilization, nil
	}
	if p.address != "" {
		p.child.meta["external-ip"] = p.address
	}
	return true
}

// addBundleNode makes the node that a replica's child runs on.
func (m *model) addBundleNode(r *resource, p *replica) {
	n := m.nodeByName(p.conn.id)
	if n == nil {
		n = m.addNode(p.conn.id, p.conn.id, true, -infinity)
	}
	n.remote, n.conn, n.score, n.probe = true, p.conn, -infinity, probeNever
	n.attrs["#kind"] = "container"
	p.node, p.conn.guest = n, n
	for _, top := range m.resources {
		top.walk(func(x *resource) { banOn(x, n) })
	}
	for i := range p.conn.allowed {
		if p.conn.allowed[i].in && m.byIndex[i].remote {
			p.conn.allowed[i].score = -infinity
		}
	}
	p.child.allowed = nil
	p.child.allowed.put(n, entry{score: 500, probe: probeExclusive})
	r.bundle.inner.allowed.put(n, entry{score: -infinity, probe: probeExclusive})
}

func banOn(r *resource, n *node) {
	if e := r.allowed.at(n); e != nil {
		e.score, e.probe = -infinity, probeNever
	}
}
