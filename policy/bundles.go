package policy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
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

// bundleText is what the configuration of a bundle says, with defaults.
type bundleText struct {
	id, runtime                  string
	image, run, network, options string
	replicas                     int
	ipStart, netmask, nic, port  string
	addHost                      bool
	mounts                       []bundleMount
	ports                        [][2]string
	primitive                    *Resource
}

type bundleMount struct {
	source, target, options string
	root                    bool
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

func readBundleText(c *Resource) *bundleText {
	s := c.Bundle
	t := &bundleText{
		id: c.ID, runtime: s.Runtime, image: attr(s.Container, "image"), run: attr(s.Container, "run-command"),
		network: attr(s.Container, "network"), options: attr(s.Container, "options"),
		ipStart: attr(s.Network, "ip-range-start"), netmask: attr(s.Network, "host-netmask"),
		nic: attr(s.Network, "host-interface"), port: attr(s.Network, "control-port"), addHost: true,
	}
	if v, ok := parseBool(attr(s.Network, "add-host")); ok {
		t.addHost = v
	}
	for _, x := range s.Storage {
		mount := bundleMount{source: x.SourceDir, target: x.TargetDir, options: x.Options}
		if mount.source == "" {
			mount.source, mount.root = x.SourceDirRoot, true
		}
		if mount.source != "" && mount.target != "" {
			t.mounts = append(t.mounts, mount)
		}
	}
	for _, p := range s.PortMappings {
		switch {
		case p.Range != "":
			t.ports = append(t.ports, [2]string{p.Range, p.Range})
		case p.Port != "":
			t.ports = append(t.ports, [2]string{p.Port, either(p.InternalPort, p.Port)})
		}
	}
	for i := range c.Children {
		if c.Children[i].Kind == Primitive {
			t.primitive = &c.Children[i]
			break
		}
	}
	if t.primitive != nil {
		t.addPrivateMounts()
	}
	return t
}

// addPrivateMounts adds what the control of the container needs.
func (t *bundleText) addPrivateMounts() {
	logs := true
	for _, x := range t.mounts {
		logs = logs && x.target != "/var/log"
	}
	t.mounts = append(t.mounts, bundleMount{source: "/etc/pacemaker/authkey", target: "/etc/pacemaker/authkey"})
	if logs {
		t.mounts = append(t.mounts, bundleMount{source: "/var/log/pacemaker/bundles", target: "/var/log", root: true})
	}
	t.ports = append(t.ports, [2]string{t.controlPort(), t.controlPort()})
}

func (t *bundleText) controlPort() string { return either(t.port, "3121") }

// bundleAddresses counts up from the first address.
func bundleAddresses(first string, count int) []string {
	list := make([]string, count)
	list[0] = first
	a, err := netip.ParseAddr(first)
	for k := 1; k < count && err == nil && a.Is4(); k++ {
		b := a.As4()
		switch {
		case b[3] < 254:
			b[3]++
		case b[2] < 253:
			b[2]++
			b[3] = 1
		default:
			return list
		}
		a = netip.AddrFrom4(b)
		list[k] = a.String()
	}
	return list
}

func pairs(list ...string) []Pair {
	var out []Pair
	for i := 0; i+1 < len(list); i += 2 {
		out = append(out, Pair{Name: list[i], Value: list[i+1]})
	}
	return out
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

// containerConfig is the configuration of a replica's container.
func (t *bundleText) containerConfig(k int, addresses []string) *Resource {
	name := fmt.Sprintf("%s-%d", t.id, k)
	var sources []string
	for _, x := range t.mounts {
		if x.root {
			sources = append(sources, x.source+"/"+name)
		}
	}
	params := pairs("image", t.image, "allow_pull", "true", "force_kill", "false", "reuse", "false",
		"run_opts", t.runOptions(name, addresses[k], addresses), "mount_points", strings.Join(sources, ","))
	switch {
	case t.run != "":
		params = append(params, pairs("run_cmd", t.run)...)
	case t.primitive != nil:
		params = append(params, pairs("run_cmd", "/usr/sbin/pacemaker-remoted")...)
	}
	params = append(params, pairs("monitor_cmd", "/bin/true")...)
	return &Resource{
		ID: fmt.Sprintf("%s-%s-%d", t.id, t.runtime, k), Class: "ocf", Provider: "heartbeat", Type: t.runtime,
		Params:     []NVSet{{Pairs: params}},
		Operations: Operations{List: []Op{{Name: TaskMonitor, Interval: "60s"}}},
	}
}

// runOptions are the options with which the container is run.
func (t *bundleText) runOptions(name, address string, addresses []string) string {
	var b strings.Builder
	if t.runtime == "docker" {
		b.WriteString(" --restart=no")
	}
	if t.ipStart != "" {
		b.WriteString(" -h " + name)
	}
	b.WriteString(" -e PCMK_stderr=1")
	if t.network != "" {
		b.WriteString(" --net=" + t.network)
	}
	b.WriteString(" -e PCMK_remote_port=" + t.controlPort())
	for _, x := range t.mounts {
		source := x.source
		if x.root {
			source += "/" + name
		}
		b.WriteString(" -v " + source + ":" + x.target)
		if x.options != "" {
			b.WriteString(":" + x.options)
		}
	}
	for _, p := range t.ports {
		switch {
		case address != "":
			b.WriteString(" -p " + address + ":" + p[0] + ":" + p[1])
		case t.network != "host":
			b.WriteString(" -p " + p[0] + ":" + p[1])
		}
	}
	if t.options != "" {
		b.WriteString(" " + t.options)
	}
	b.WriteString(" ")
	for j, a := range addresses {
		switch {
		case a == "":
		case t.addHost:
			fmt.Fprintf(&b, " --add-host=%s-%d:%s", t.id, j, a)
		default:
			fmt.Fprintf(&b, " --hosts-entry=%s=%s-%d", a, t.id, j)
		}
	}
	return b.String()
}

func (t *bundleText) addressConfig(address string) *Resource {
	params := pairs("ip", address)
	if t.nic != "" {
		params = append(params, pairs("nic", t.nic)...)
	}
	params = append(params, pairs("cidr_netmask", either(t.netmask, "32"))...)
	return &Resource{
		ID: t.id + "-ip-" + xmlName(address), Class: "ocf", Provider: "heartbeat", Type: "IPaddr2",
		Params:     []NVSet{{Pairs: params}},
		Operations: Operations{List: []Op{{Name: TaskMonitor, Interval: "60s"}}},
	}
}

// xmlName replaces what may not be part of an id.
func xmlName(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == '_':
			return c
		}
		return '.'
	}, s)
}

// bundleInstances are the instances that an operation of a bundle concerns.
func (r *resource) bundleInstances(task string) []*resource {
	switch foldBack(task) {
	case TaskStart, TaskStop, TaskMonitor:
		return r.instances()
	}
	if r.bundle.inner == nil {
		return nil
	}
	return r.bundle.inner.children
}

// bundleInstanceOn is the instance whose bundle node is n.
func bundleInstanceOn(inner *resource, n *node) *resource {
	for _, c := range inner.children {
		if c.replica != nil && c.replica.node == n {
			return c
		}
	}
	return nil
}

// bundleAddress is the address of a connection that depends on where its
// container is, once that is known.
func (m *model) bundleAddress(r *resource) string {
	if !r.nesting || m.paramsFor(r, nil)["addr"] != "#uname" {
		return ""
	}
	n := r.launcher.assigned
	if n == nil {
		n = r.launcher.current()
	}
	return nodeName(n)
}

// addressUnknown tells whether a connection's address must wait for the
// assignment.
func (m *model) addressUnknown(r *resource) bool {
	return r.nesting && !m.assigningDone && m.paramsFor(r, nil)["addr"] == "#uname"
}

// assignBundle places the containers and then what belongs to each.
func (m *model) assignBundle(r *resource, prefer *node, final bool) {
	if r.assigning {
		return
	}
	r.assigning = true
	b := r.bundle
	containers := m.sortInstances(r.instances())
	m.placeInstances(r, containers, len(b.replicas), b.perHost)
	for _, p := range b.replicas {
		if p.ip != nil {
			m.assign(p.ip, prefer, final)
		}
		if p.conn == nil {
			continue
		}
		if h := p.container.assigned; h != nil && h.remote && h.conn != nil {
			m.addColocation(&colocation{
				id: "#replica-remote-with-host-remote", dependent: p.conn, primary: h.conn, score: infinity, influence: true,
			})
		}
		m.assign(p.conn, prefer, final)
		m.assignChild(p, final)
	}
	if inner := b.inner; inner != nil {
		for i := range inner.allowed {
			if inner.allowed[i].in {
				inner.allowed[i].score = -infinity
				if n := m.byIndex[i]; n.conn != nil && n.conn.replica != nil && n.conn.replica.bundle == b {
					inner.allowed[i].score = 0
				}
			}
		}
		m.assign(inner, prefer, final)
	}
	r.assigning, r.unassigned = false, false
}

// assignChild places the instance inside a container on the container's node.
func (m *model) assignChild(p *replica, final bool) {
	c := p.child
	for i := range c.allowed {
		e := &c.allowed[i]
		switch {
		case !e.in:
		case m.byIndex[i] != p.node:
			e.score = -infinity
		case !m.reachedThreshold(c, p.node):
			e.score = infinity
		}
	}
	inner := p.bundle.inner
	was := inner.assigning
	inner.assigning = true
	m.assign(c, p.node, final)
	inner.assigning = was
}

func (m *model) applyColocationWithBundle(d, p *resource, c *colocation) int {
	if p.unassigned {
		return 0
	}
	if c.dependent.hasInstances() {
		if partner := m.compatible(d, p, unknown, false); partner != nil {
			return m.applyColocation(d, partner, c)
		}
		if c.score >= infinity {
			m.bind(d, nil, nil, true, true)
		}
		return 0
	}
	sum := 0
	var homes nodeSet
	for _, x := range p.bundle.replicas {
		if c.score < infinity {
			sum = addScores(sum, m.applyColocation(d, x.container, c))
			continue
		}
		n := x.container.assigned
		if n == nil || x.container.anyBlocked() ||
			c.priRole == promoted && (x.child == nil || x.child.next != promoted) {
			continue
		}
		homes.add(n)
	}
	if c.score >= infinity {
		m.restrictTo(d, homes)
	}
	return sum
}

// bundleActions creates the actions of the parts and the events of the bundle.
func (m *model) bundleActions(r *resource) {
	for _, p := range r.bundle.replicas {
		if p.ip != nil {
			m.actionsOf(p.ip)
		}
		m.actionsOf(p.container)
		if p.conn != nil {
			m.actionsOf(p.conn)
		}
	}
	m.instanceEvents(r, r.instances(), false)
	if inner := r.bundle.inner; inner != nil {
		m.actionsOf(inner)
		if inner.promotable {
			m.promotionEvents(r, false, false, false)
			for _, t := range []string{TaskPromote, "promoted", TaskDemote, "demoted"} {
				r.newest(event(t), nil).flags |= actOptional
			}
		}
	}
}

// bundleInternal ties the parts of a bundle.
func (m *model) bundleInternal(b *resource) {
	for _, p := range b.bundle.replicas {
		c := p.container
		m.internalOf(c)
		m.order(b, start0(), c, start0(), unrunnableFirstBlocks|thenImpliesFirstGraphed)
		if p.child != nil {
			m.order(b, stop0(), p.child, stop0(), thenImpliesFirstGraphed)
		}
		m.order(b, stop0(), c, stop0(), thenImpliesFirstGraphed)
		m.order(c, start0(), b, event("running"), firstImpliesThenGraphed)
		m.order(c, stop0(), b, event("stopped"), firstImpliesThenGraphed)
		if p.ip != nil {
			m.internalOf(p.ip)
			m.order(p.ip, start0(), c, start0(), unrunnableFirstBlocks|guestAllowed)
			m.order(c, stop0(), p.ip, stop0(), thenImpliesFirst|guestAllowed)
			m.addColocation(&colocation{id: "#ip-with-container", dependent: p.ip, primary: c, score: infinity, influence: true})
		}
		if p.conn != nil {
			m.internalOf(p.conn)
		}
	}
	k := b.bundle.inner
	if k == nil {
		return
	}
	m.order(b, start0(), k, start0(), thenImpliesFirstGraphed)
	m.order(k, event("running"), b, event("running"), firstImpliesThenGraphed)
	m.order(b, stop0(), k, stop0(), thenImpliesFirstGraphed)
	m.order(k, event("stopped"), b, event("stopped"), firstImpliesThenGraphed)
	m.internalOf(k)
	if !k.promotable {
		return
	}
	m.promotableEvents(b)
	m.order(b, demote0(), k, demote0(), thenImpliesFirstGraphed)
	m.order(k, event("demoted"), b, event("demoted"), firstImpliesThenGraphed)
	m.order(b, promote0(), k, promote0(), thenImpliesFirstGraphed)
	m.order(k, event("promoted"), b, event("promoted"), firstImpliesThenGraphed)
}

// probeBundle probes the parts of a bundle.
func (m *model) probeBundle(r *resource, n *node) bool {
	any := false
	for _, p := range r.bundle.replicas {
		if p.ip != nil {
			any = m.probe(p.ip, n) || any
		}
		if p.child != nil && p.node == n {
			any = m.probe(p.child, n) || any
		}
		if m.probe(p.container, n) {
			any = true
			if r.bundle.perHost == 1 {
				for _, o := range r.bundle.replicas {
					if o != p {
						m.order(p.container, event(TaskMonitor), o.container, start0(), ordered|ifOnSameNode)
					}
				}
			}
		}
		if p.conn != nil && m.probe(p.conn, n) {
			any = true
			if probe := p.conn.newest(event(TaskMonitor), n); probe != nil {
				m.orderBeforeAction(p.container, start0(), probe, nestedRemoteProbe)
			}
		}
	}
	return any
}
