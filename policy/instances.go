package policy

import (
	"fmt"
	"strconv"
	"strings"
)

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
