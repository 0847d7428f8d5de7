package cib

import (
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// topResources reads <resources>: resources and templates.
func (in *importer) topResources(c *policy.Config, parent *element) {
	for _, e := range parent.children {
		r, ok := in.resource(e, parent)
		switch {
		case !ok:
		case r.Kind == policy.Template:
			c.Templates = append(c.Templates, r)
		default:
			c.Resources = append(c.Resources, r)
		}
	}
}

// resource reads one resource with its children; ok is false for anything else
// and for resources that nothing can run any more.
func (in *importer) resource(e, parent *element) (r policy.Resource, ok bool) {
	kind, ok := resourceKind(e)
	if !ok {
		in.unknown(e, parent)
		return r, false
	}
	if class := e.attr("class"); strings.EqualFold(class, "nagios") || strings.EqualFold(class, "upstart") {
		in.fail(e, e.attr("id"), "class %q no longer exists: the resource is left out", class)
		return r, false
	}
	if kind == policy.Bundle && e.child("rkt") != nil && e.child("docker") == nil && e.child("podman") == nil {
		in.fail(e, e.attr("id"), "container runtime rkt no longer exists: the bundle is left out")
		return r, false
	}
	r = policy.Resource{
		ID:          e.attr("id"),
		Kind:        kind,
		Description: e.attr("description"),
		Class:       e.attr("class"),
		Provider:    e.attr("provider"),
		Type:        e.attr("type"),
		Template:    e.attr("template"),
		Pos:         in.pos(e),
	}
	if kind == policy.Bundle {
		r.Bundle = &policy.BundleSpec{}
	}
	for _, c := range e.children {
		in.resourcePart(&r, c, e)
	}
	if e.name == "master" {
		r.Meta = append(r.Meta, promotableSet(r.ID, in.pos(e)))
	}
	return r, true
}

// resourceKind tells by the element's name, in any case. A "master" is the old
// form of a promotable clone.
func resourceKind(e *element) (policy.Kind, bool) {
	e.name = strings.ToLower(e.name)
	switch e.name {
	case "primitive":
		return policy.Primitive, true
	case "group":
		return policy.Group, true
	case "clone", "master":
		return policy.Clone, true
	case "bundle":
		return policy.Bundle, true
	case "template":
		return policy.Template, true
	}
	return "", false
}

func promotableSet(id string, pos policy.Pos) policy.NVSet {
	return policy.NVSet{
		ID: id + "-promotable", Score: "INFINITY", Pos: pos,
		Pairs: []policy.Pair{{ID: id + "-promotable-true", Name: "promotable", Value: "true", Pos: pos}},
	}
}

// resourcePart reads one child element of a resource.
func (in *importer) resourcePart(r *policy.Resource, c, e *element) {
	switch c.name {
	case "instance_attributes":
		r.Params = append(r.Params, in.set(c))
	case "meta_attributes":
		r.Meta = append(r.Meta, in.set(c))
	case "utilization":
		r.Utilization = append(r.Utilization, in.set(c))
	case "operations":
		in.operations(&r.Operations, c)
	case "docker", "podman", "rkt", "network", "storage":
		if r.Bundle == nil {
			in.unknown(c, e)
			return
		}
		in.bundlePart(r.Bundle, c)
	default:
		if r.Kind == policy.Primitive || r.Kind == policy.Template || c.name == "template" {
			in.unknown(c, e)
		} else if child, ok := in.resource(c, e); ok {
			r.Children = append(r.Children, child)
		}
	}
}

func (in *importer) operations(o *policy.Operations, e *element) {
	if o.ID == "" {
		o.ID = e.attr("id")
	}
	if o.IDRef == "" {
		o.IDRef = e.attr("id-ref")
	}
	for _, c := range e.children {
		if c.name != "op" {
			in.unknown(c, e)
			continue
		}
		o.List = append(o.List, policy.Op{
			ID:         c.attr("id"),
			IDRef:      c.attr("id-ref"),
			Name:       c.attr("name"),
			Interval:   c.attr("interval"),
			Attributes: c.pairs("id", "id-ref", "name", "interval"),
			Params:     in.sets(c, "instance_attributes"),
			Meta:       in.sets(c, "meta_attributes"),
			Pos:        in.pos(c),
		})
	}
}

// bundlePart reads the runtime, network or storage of a bundle. Of several
// runtimes docker counts.
func (in *importer) bundlePart(b *policy.BundleSpec, e *element) {
	switch e.name {
	case "network":
		b.Network = e.pairs("id")
		for _, c := range e.children {
			b.PortMappings = append(b.PortMappings, policy.BundlePort{
				ID: c.attr("id"), Port: c.attr("port"), InternalPort: c.attr("internal-port"), Range: c.attr("range"),
			})
		}
	case "storage":
		for _, c := range e.children {
			b.Storage = append(b.Storage, policy.BundleStorage{
				ID: c.attr("id"), SourceDir: c.attr("source-dir"), SourceDirRoot: c.attr("source-dir-root"),
				TargetDir: c.attr("target-dir"), Options: c.attr("options"),
			})
		}
	default:
		if b.Runtime != "" && e.name != "docker" || e.name == "rkt" {
			in.fail(e, "", "a bundle has one container runtime: <%s> is ignored", e.name)
			return
		}
		b.Runtime, b.Container = e.name, containerPairs(e)
	}
}

// containerPairs are the attributes of the runtime; "masters" is the old name
// of "promoted-max".
func containerPairs(e *element) []policy.Pair {
	pairs := e.pairs()
	_, modern := e.lookup("promoted-max")
	for i := range pairs {
		if pairs[i].Name == "masters" && !modern {
			pairs[i].Name = "promoted-max"
		}
	}
	return pairs
}
