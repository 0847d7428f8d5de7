package policy

import (
	"strconv"
	"strings"
)

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
