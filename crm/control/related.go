package control

import (
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// relations groups resources that can depend on each other: members of one
// collective, and what constraints tie together. Resources of different groups
// never wait for each other.
type relations struct {
	config *policy.Config
	parent map[string]string
}

// of names the set to which a resource instance belongs.
func (r *relations) of(c *policy.Config, instance string) string {
	if r.config != c {
		r.build(c)
	}
	return r.find(instanceBase(instance))
}

// instanceBase drops an instance number.
func instanceBase(instance string) string {
	base, _, _ := strings.Cut(instance, ":")
	return base
}

func (r *relations) build(c *policy.Config) {
	r.config, r.parent = c, map[string]string{}
	var walk func(list []policy.Resource, top string)
	walk = func(list []policy.Resource, top string) {
		for i := range list {
			name := top
			if name == "" {
				name = list[i].ID
			}
			r.join(name, list[i].ID)
			walk(list[i].Children, name)
		}
	}
	walk(c.Resources, "")
	tags := map[string][]string{}
	for _, tag := range c.Tags {
		tags[tag.ID] = tag.Members
	}
	for _, k := range c.Constraints {
		var names []string
		switch {
		case k.Colocation != nil:
			names = append(setNames(k.Colocation.Sets), k.Colocation.Resource, k.Colocation.With)
		case k.Order != nil:
			names = append(setNames(k.Order.Sets), k.Order.First, k.Order.Then)
		}
		r.joinAll(names, tags)
	}
}

func setNames(sets []policy.ResourceSet) []string {
	var names []string
	for _, s := range sets {
		names = append(names, s.Resources...)
	}
	return names
}

func (r *relations) joinAll(names []string, tags map[string][]string) {
	first := ""
	for _, name := range names {
		if name == "" {
			continue
		}
		if first == "" {
			first = name
		}
		r.join(first, name)
		for _, member := range tags[name] {
			r.join(first, member)
		}
	}
}

func (r *relations) find(name string) string {
	for r.parent[name] != "" && r.parent[name] != name {
		name = r.parent[name]
	}
	return name
}

func (r *relations) join(a, b string) {
	if a, b = r.find(a), r.find(b); a != b {
		r.parent[b] = a
	}
}
