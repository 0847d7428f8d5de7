package config

import (
	"slices"

	"github.com/holdfast-ha/holdfast/policy"
)

// group reads a group: its resources start in the order written, on one node.
func (d *decoder) group(b *block, suffix string) (policy.Resource, bool) {
	if !b.labels("NAME") {
		return policy.Resource{}, false
	}
	name := b.label(0) + suffix
	r := policy.Resource{ID: name, Kind: policy.Group, Pos: posOf(b.head())}
	d.ranges[name] = b.head()
	d.sugar(b, name)
	r.Description = b.text("description")
	r.Params = d.nvsets(b, "params", name+"-params", setParams.of(name))
	r.Meta = d.nvsets(b, "meta", name+"-meta", setMeta)
	for _, c := range b.blocks("resource") {
		d.innerOnly(c)
		if child, ok := d.resource(c, suffix); ok {
			r.Children = append(r.Children, child)
		}
	}
	if len(b.blocks("resource")) == 0 {
		d.errorf(b.head(), "Empty group", "a group has at least one resource")
	}
	for _, g := range b.blocks("group") {
		d.errorf(g.head(), "Group inside a group", "a group holds resources only; let this one follow with \"with\" and \"after\"")
	}
	b.wanted = append(b.wanted, "clone", "promotable")
	b.done()
	return r, true
}

// innerOnly refuses what only a resource of its own can have.
func (d *decoder) innerOnly(b *block) {
	for _, inner := range b.Body.Blocks {
		if inner.Type == "clone" || inner.Type == "promotable" {
			d.errorf(inner.TypeRange, "Wrong block", "a member of a group is not cloned by itself; put %s {} into the group", inner.Type)
		}
	}
	if a := b.Body.Attributes["for_each"]; a != nil {
		d.errorf(a.NameRange, "Wrong for_each", "for_each belongs to the outermost block")
		b.asked = append(b.asked, "for_each")
	}
}

// wrapped puts the clone around a resource that has a clone or promotable
// sub-block.
func (d *decoder) wrapped(b *block, r policy.Resource, suffix string) policy.Resource {
	all := b.blocks("clone", "promotable")
	if len(all) == 0 || r.Kind == policy.Clone || r.Kind == policy.Bundle {
		return r
	}
	for _, extra := range all[1:] {
		d.errorf(extra.head(), "Duplicate block", "a %s is cloned once; the first is in line %d", b.Type, all[0].TypeRange.Start.Line)
	}
	c := all[0]
	c.labels()
	clone := policy.Resource{ID: r.ID + "-clone", Kind: policy.Clone, Pos: posOf(c.head()), Children: []policy.Resource{r}}
	if id := c.text("id"); id != "" {
		clone.ID = id + suffix
	}
	d.ranges[clone.ID] = c.head()
	clone.Description = c.text("description")
	clone.Meta = d.cloneMeta(c, clone.ID)
	clone.Params = d.nvsets(c, "params", clone.ID+"-params", setParams.of(clone.ID))
	c.done()
	d.checkPromotable(c, clone)
	return clone
}

// cloneMeta reads the arguments of a clone sub-block, which are its
// meta-attributes, and further meta blocks.
func (d *decoder) cloneMeta(c *block, id string) []policy.NVSet {
	more := d.nvsets(c, "meta", id+"-meta-more", setMeta)
	set := policy.NVSet{ID: id + "-meta", Pos: posOf(c.head())}
	if c.Type == "promotable" || c.Type == "master" {
		set.Pairs = append(set.Pairs, policy.Pair{ID: set.ID + "-promotable", Name: "promotable", Value: "true", Pos: set.Pos})
	}
	set.Pairs = append(set.Pairs, d.pairs(c, c.takeRest(), set.ID, setMeta)...)
	if len(set.Pairs) == 0 {
		return more
	}
	return append([]policy.NVSet{set}, more...)
}

// cloneBlock reads the long form: clone "NAME" { resource … }.
func (d *decoder) cloneBlock(b *block) (policy.Resource, bool) {
	if !b.labels("NAME") {
		return policy.Resource{}, false
	}
	r := policy.Resource{ID: b.label(0), Kind: policy.Clone, Pos: posOf(b.head())}
	d.ranges[r.ID] = b.head()
	d.sugar(b, r.ID)
	r.Description = b.text("description")
	for _, c := range b.blocks("resource", "group") {
		var child policy.Resource
		var ok bool
		if c.Type == "group" {
			child, ok = d.group(c, "")
		} else {
			d.innerOnly(c)
			child, ok = d.resource(c, "")
		}
		if ok {
			r.Children = append(r.Children, child)
		}
	}
	if n := len(b.blocks("resource", "group")); n != 1 {
		d.errorf(b.head(), "Wrong clone", "a clone has one resource or one group inside; this one has %d", n)
	}
	r.Params = d.nvsets(b, "params", r.ID+"-params", setParams.of(r.ID))
	r.Meta = d.cloneMeta(b, r.ID)
	b.done()
	d.checkPromotable(b, r)
	return r, len(r.Children) == 1
}

// checkPromotable refuses roles for agents that know none.
func (d *decoder) checkPromotable(b *block, clone policy.Resource) {
	if len(clone.Children) != 1 || !truth(clone.Meta, "promotable") {
		return
	}
	for _, p := range primitives(clone.Children[0]) {
		if class := d.classOf(p); class != "ocf" && class != "" && !slices.Contains(d.literalAgents, p.ID) {
			d.errorf(b.head(), "Not promotable", "%q is of class %s, and only ocf agents know the promoted role", p.ID, class)
		}
	}
}

// classOf is the class of a primitive, that of its template included.
func (d *decoder) classOf(r policy.Resource) string {
	if r.Template == "" {
		return r.Class
	}
	for _, t := range d.out.Policy.Templates {
		if t.ID == r.Template {
			return t.Class
		}
	}
	return "" // the template comes later; policy.Check sees it
}

// primitives are the primitives in a resource, itself included.
func primitives(r policy.Resource) []policy.Resource {
	if r.Kind == policy.Primitive {
		return []policy.Resource{r}
	}
	var out []policy.Resource
	for _, c := range r.Children {
		out = append(out, primitives(c)...)
	}
	return out
}

// value finds a pair in sets without rules, the way the engine would: by
// score, and the last set first.
func value(sets []policy.NVSet, name string) (string, bool) {
	ordered := slices.Clone(sets)
	slices.Reverse(ordered)
	slices.SortStableFunc(ordered, func(a, b policy.NVSet) int { return scoreOf(b.Score) - scoreOf(a.Score) })
	for _, s := range ordered {
		if len(s.Rules) > 0 {
			continue
		}
		for _, p := range s.Pairs {
			if p.Name == name && !p.NoValue {
				return p.Value, true
			}
		}
	}
	return "", false
}

func truth(sets []policy.NVSet, name string) bool {
	v, _ := value(sets, name)
	t, _ := parseBool(v)
	return t
}
