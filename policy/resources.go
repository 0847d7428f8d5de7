package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
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

func (r *resource) agentContext() *ruleContext {
	c := &ruleContext{}
	if r.kind == Primitive {
		c.hasAgent, c.class, c.provider, c.agent = true, r.cfg.Class, r.cfg.Provider, r.cfg.Type
	}
	return c
}

// readMeta builds the table of meta-attributes: first writer wins.
func (m *model) readMeta(r *resource) {
	t := map[string]string{"id": r.cfg.ID}
	set := func(name, value string) {
		if value != "" && value != "#default" {
			t[name] = value
		}
	}
	set("class", r.cfg.Class)
	set("provider", r.cfg.Provider)
	set("type", r.cfg.Type)
	if r.instance >= 0 {
		t["clone"] = strconv.Itoa(r.instance)
	}
	ctx := r.agentContext()
	m.fill(t, metaSets, r.cfg.Meta, "", ctx)
	for p := r.parent; p != nil; p = p.parent {
		explicit := map[string]string{}
		m.fill(explicit, metaSets, p.cfg.Meta, "", ctx)
		fillMissing(t, explicit)
	}
	m.fill(t, metaSets, m.cfg.ResourceDefaults, "", ctx)
	if r.parent != nil {
		fillMissing(t, r.parent.meta)
	}
	r.meta = t
}

func fillMissing(to, from map[string]string) {
	for k, v := range from {
		if _, have := to[k]; !have && v != "#default" {
			to[k] = v
		}
	}
}

// readFlags gives the meta-attributes meaning that every resource shares.
func (m *model) readFlags(r *resource) {
	meta := r.meta
	r.priority, _ = m.colours.parseScore(meta["priority"], 0)
	critical, given := meta["critical"]
	r.critical = !given || isTrue(critical)
	r.notify = isTrue(meta["notify"])
	r.internal = isTrue(meta["internal_rsc"])
	if r.kind == Primitive {
		r.connection = strings.EqualFold(r.cfg.Class, "ocf") && strings.EqualFold(r.cfg.Provider, "pacemaker") &&
			strings.EqualFold(r.cfg.Type, "remote")
		r.fenceDevice = strings.EqualFold(r.cfg.Class, "stonith")
		m.haveFencer = m.haveFencer || r.fenceDevice
	}
	migrate, given := meta["allow-migrate"]
	r.migratable = isTrue(migrate) || !given && r.isRemoteConnection()
	m.readManaged(r)
	m.readUniqueness(r)
	r.onGuest = meta["container-attribute-target"]
	r.multiple = "stop_start"
	for _, v := range []string{"stop_only", "block", "stop_unexpected"} {
		if strings.EqualFold(meta["multiple-active"], v) {
			r.multiple = v
		}
	}
	r.stickiness, _ = m.colours.parseScore(meta["resource-stickiness"], 0)
	r.threshold = infinity
	if v, ok := m.colours.parseScore(meta["migration-threshold"], infinity); ok && v >= 0 {
		r.threshold = v
	}
	m.readRequires(r)
	r.failTimeout, _ = parseInterval(meta["failure-timeout"])
	if r.isRemoteConnection() {
		if v, ok := m.paramsFor(r, nil)["reconnect_interval"]; ok {
			r.reconnect, _ = parseInterval(v)
			r.failTimeout = r.reconnect
		}
	}
	m.readTargetRole(r)
}

func (m *model) readManaged(r *resource) {
	r.managed = true
	if v, ok := r.meta["is-managed"]; ok && !strings.EqualFold(v, "default") {
		r.managed = isTrue(v)
	}
	if m.opt.maintenance || isTrue(r.meta["maintenance"]) {
		r.managed, r.maintenance = false, true
	}
}

func (m *model) readUniqueness(r *resource) {
	if r.top.kind != Clone {
		r.unique = true
		return
	}
	if v, ok := r.meta["globally-unique"]; ok {
		r.unique = isTrue(v)
	} else {
		v, ok := parseInt(r.meta["clone-node-max"])
		r.unique = ok && v > 1
	}
	r.promotable = isTrue(r.meta["promotable"])
}

// readRequires finds out what must be true before the resource may start.
func (m *model) readRequires(r *resource) {
	v := strings.ToLower(r.meta["requires"])
	switch v {
	case "nothing", "quorum", "fencing", "unfencing":
	default:
		switch {
		case r.fenceDevice, r.connection:
			v = "quorum"
		case m.opt.unfencing:
			v = "unfencing"
		case m.opt.fencing:
			v = "fencing"
		case m.opt.quorumPolicy == "ignore":
			v = "nothing"
		default:
			v = "quorum"
		}
	}
	if v == "unfencing" && (r.fenceDevice || !m.opt.fencing) {
		v = "quorum"
	}
	r.needsQuorum = v == "quorum"
	r.needsFencing = v == "fencing" || v == "unfencing"
	r.needsUnfencing = v == "unfencing"
}

func (m *model) readTargetRole(r *resource) {
	r.next = r.targetRole()
	v := r.meta["target-role"]
	if v == "" || strings.EqualFold(v, "default") {
		return
	}
	switch want := parseRole(v); {
	case want == unknown:
		m.problem(true, r.name, r.cfg.Pos, "target-role %q is no role; it is ignored", v)
	case want > started && !r.top.promotable && r.kind == Primitive:
		m.problem(true, r.name, r.cfg.Pos, "target-role %q needs a promotable clone; it is ignored", v)
	}
}

// paramsFor evaluates the parameters of a resource on a node (nil: on none).
func (m *model) paramsFor(r *resource, n *node) map[string]string {
	if !r.paramsAreFixed && r.params == nil {
		fixed := true
		for p := r; p != nil; p = p.parent {
			fixed = fixed && !m.hasRules(paramSets, p.cfg.Params)
		}
		r.params = map[int]map[string]string{}
		if fixed {
			r.paramsAreFixed = true
			r.paramsFixed = m.evalParams(r, nil)
		}
	}
	if r.paramsAreFixed {
		return r.paramsFixed
	}
	index := -1
	if n != nil {
		index = n.index
	}
	t, ok := r.params[index]
	if !ok {
		t = m.evalParams(r, n)
		r.params[index] = t
	}
	return t
}

func (m *model) evalParams(r *resource, n *node) map[string]string {
	ctx := &ruleContext{}
	if n != nil {
		ctx.attrs = n.attrs
	}
	t := map[string]string{}
	for p := r; p != nil; p = p.parent {
		m.fill(t, paramSets, p.cfg.Params, "", ctx)
	}
	return t
}

// forgetParams drops cached parameters, after node attributes changed.
func (r *resource) forgetParams() {
	if !r.paramsAreFixed {
		r.params = nil
	}
}

// expandTemplate merges a primitive with the template it takes from.
func (m *model) expandTemplate(c *Resource) *Resource {
	var t *Resource
	for i := range m.cfg.Templates {
		if m.cfg.Templates[i].ID == c.Template {
			t = &m.cfg.Templates[i]
		}
	}
	if t == nil || c.Template == c.ID {
		m.problem(true, c.ID, c.Pos, "template %q does not exist; resource %q is ignored", c.Template, c.ID)
		return nil
	}
	r := *t
	r.ID, r.Kind, r.Pos, r.Template = c.ID, Primitive, c.Pos, c.Template
	r.Meta = slices.Concat(t.Meta, c.Meta)
	r.Params = slices.Concat(t.Params, c.Params)
	r.Utilization = slices.Concat(t.Utilization, c.Utilization)
	r.Operations = m.mergeOperations(t.Operations, c.Operations)
	return &r
}

// mergeOperations adds those of the template that the primitive does not name
// itself. The interval makes no difference.
func (m *model) mergeOperations(t, own Operations) Operations {
	t, own = m.resolveOperations(t), m.resolveOperations(own)
	if len(own.List) == 0 {
		return t
	}
	type key struct {
		name string
		role string
	}
	keyOf := func(op *Op) key {
		r := attr(op.Attributes, "role")
		switch r {
		case "Started", "Unpromoted", "Slave":
			r = ""
		case "Master":
			r = "Promoted"
		}
		return key{op.Name, r}
	}
	have := map[key]bool{}
	merged := Operations{List: slices.Clone(own.List)}
	for i := range own.List {
		have[keyOf(&own.List[i])] = true
	}
	for i := range t.List {
		if !have[keyOf(&t.List[i])] {
			merged.List = append(merged.List, t.List[i])
		}
	}
	return merged
}

func (m *model) resolveOperations(o Operations) Operations {
	if o.IDRef != "" {
		if target := m.refs().ops[o.IDRef]; target != nil {
			return *target
		}
		m.problem(true, o.IDRef, Pos{}, "id-ref %q names no operations", o.IDRef)
		return Operations{}
	}
	return o
}

func (m *model) noteTemplate(template, id string) {
	if list := m.byTemplate[template]; !slices.Contains(list, id) {
		m.byTemplate[template] = append(list, id)
	}
}

// attr finds a value in a list of pairs.
func attr(pairs []Pair, name string) string {
	v, _ := attrGiven(pairs, name)
	return v
}

func attrGiven(pairs []Pair, name string) (string, bool) {
	for i := range pairs {
		if pairs[i].Name == name && !pairs[i].NoValue {
			return pairs[i].Value, true
		}
	}
	return "", false
}

// unpackGroup reads the members of a group.
func (m *model) unpackGroup(r *resource) bool {
	yes := func(name string) bool {
		v, ok := parseBool(r.meta[name])
		return v || !ok
	}
	r.ordered, r.colocated = yes("ordered"), yes("collocated")
	for i := range r.cfg.Children {
		c := &r.cfg.Children[i]
		if c.Kind != Primitive {
			continue
		}
		if child := m.unpack(c, r, r.instance); child != nil {
			r.children = append(r.children, child)
		}
	}
	if len(r.children) == 0 {
		m.problem(true, r.id, r.cfg.Pos, "group %q has no usable member; it is ignored", r.name)
	}
	return len(r.children) > 0
}

// unpackClone reads a clone and makes its instances.
func (m *model) unpackClone(r *resource) bool {
	for i := range r.cfg.Children {
		if k := r.cfg.Children[i].Kind; k == Primitive || k == Group {
			r.cloned = &r.cfg.Children[i]
			break
		}
	}
	if r.cloned == nil {
		m.problem(true, r.id, r.cfg.Pos, "clone %q has nothing to clone; it is ignored", r.name)
		return false
	}
	m.readCloneOptions(r)
	if !m.checkCloneClasses(r) {
		return false
	}
	if _, set := r.meta["resource-stickiness"]; !set {
		r.meta["resource-stickiness"] = "1"
	}
	r.meta["globally-unique"] = fmt.Sprint(r.unique)
	for n := 0; n < max(r.cloneMax, 1); n++ {
		if m.newInstance(r) == nil {
			return false
		}
	}
	return true
}

func (m *model) readCloneOptions(r *resource) {
	count := func(name, old string, def int) int {
		v, ok := r.meta[name]
		if !ok && old != "" {
			v, ok = r.meta[old]
		}
		if !ok {
			return def
		}
		return intAtLeast(v, 0)
	}
	r.cloneMax = m.limitInstances(r, count("clone-max", "", max(1, len(m.nodes))), maxInstances)
	r.nodeMax = count("clone-node-max", "", 1)
	if r.promotable {
		r.promotedMax = count("promoted-max", "master-max", 1)
		r.promotedNode = count("promoted-node-max", "master-node-max", 1)
	}
	r.ordered = isTrue(r.meta["ordered"])
	r.interleave = isTrue(r.meta["interleave"])
	if !r.unique && r.nodeMax > 1 {
		m.problem(true, r.id, r.cfg.Pos, "clone-node-max of %q needs globally-unique; 1 is used", r.name)
		r.nodeMax = 1
	}
}

// What one clone or bundle may ask for, against typing errors that would
// exhaust the memory. A replica of a bundle is a node of its own.
const (
	maxInstances = 2000
	maxReplicas  = 200
)

func (m *model) limitInstances(r *resource, n, most int) int {
	if n > most {
		m.problem(true, r.id, r.cfg.Pos, "%q asks for %d instances; %d is the most", r.id, n, most)
		return most
	}
	return n
}

// checkCloneClasses corrects options that the cloned agents cannot honour.
func (m *model) checkCloneClasses(r *resource) bool {
	classes := []*Resource{r.cloned}
	if r.cloned.Kind == Group {
		classes = nil
		for i := range r.cloned.Children {
			classes = append(classes, &r.cloned.Children[i])
		}
	}
	for _, c := range classes {
		class := c.Class
		if c.Template != "" {
			for i := range m.cfg.Templates {
				if m.cfg.Templates[i].ID == c.Template {
					class = m.cfg.Templates[i].Class
				}
			}
		}
		if r.promotable && !strings.EqualFold(class, "ocf") {
			m.problem(true, r.id, r.cfg.Pos, "agents of class %q cannot be promoted; clone %q is ignored", class, r.name)
			return false
		}
		if r.unique && !strings.EqualFold(class, "ocf") && !strings.EqualFold(class, "stonith") {
			m.problem(true, r.id, r.cfg.Pos, "agents of class %q cannot be globally unique; clone %q is anonymous", class, r.name)
			r.unique = false
			r.nodeMax = 1
			r.cloneMax = min(r.cloneMax, max(1, len(m.nodes)))
		}
	}
	return true
}

// newInstance adds an instance to a clone. Those above clone-max are surplus.
func (m *model) newInstance(r *resource) *resource {
	n := r.nextInstance
	surplus := len(r.children) >= r.cloneMax
	r.meta["clone-max"] = strconv.Itoa(r.cloneMax)
	c := m.unpack(r.cloned, r, n)
	if c == nil {
		return nil
	}
	r.nextInstance++
	if surplus {
		c.walk(func(x *resource) { x.removed = true })
	}
	r.children = append(r.children, c)
	return c
}

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
