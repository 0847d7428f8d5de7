package cib

import "github.com/holdfast-ha/holdfast/policy"

func (x *exporter) resources(list []policy.Resource) []*element {
	var out []*element
	for _, r := range list {
		out = append(out, x.resource(r))
	}
	return out
}

func (x *exporter) resource(r policy.Resource) *element {
	e := newElement(string(r.Kind), "id", r.ID, "description", r.Description, "class", r.Class, "provider", r.Provider, "type", r.Type, "template", r.Template)
	e.add(x.sets("meta_attributes", r.Meta, r.ID+"-meta")...)
	e.add(x.sets("instance_attributes", r.Params, r.ID+"-params")...)
	e.add(x.sets("utilization", r.Utilization, r.ID+"-utilization")...)
	if o := r.Operations; o.ID != "" || o.IDRef != "" || len(o.List) > 0 {
		e.add(x.operations(o, r.ID))
	}
	if r.Bundle != nil {
		e.add(x.bundle(r.Bundle, r.ID)...)
	}
	e.add(x.resources(r.Children)...)
	return e
}

func (x *exporter) operations(o policy.Operations, owner string) *element {
	e := newElement("operations", "id-ref", o.IDRef)
	if o.ID != "" {
		e.set("id", x.ids.of(o.ID, ""))
	}
	for _, op := range o.List {
		e.add(x.op(op, owner))
	}
	return e
}

func (x *exporter) op(op policy.Op, owner string) *element {
	e := newElement("op", "id-ref", op.IDRef)
	if op.IDRef == "" {
		e.set("id", x.ids.of(op.ID, owner+"-"+op.Name+"-"+op.Interval))
		e.set("name", op.Name)
		interval := op.Interval
		if interval == "" {
			interval = "0" // the schema demands one
		}
		e.set("interval", interval)
	}
	for _, a := range op.Attributes {
		if _, twice := e.lookup(a.Name); !twice {
			e.set(a.Name, a.Value)
		}
	}
	base := owner + "-" + op.Name
	e.add(x.sets("instance_attributes", op.Params, base+"-params")...)
	e.add(x.sets("meta_attributes", op.Meta, base+"-meta")...)
	return e
}

// bundle writes the container, the network and the storage of a bundle.
func (x *exporter) bundle(b *policy.BundleSpec, owner string) []*element {
	var out []*element
	if b.Runtime != "" {
		out = append(out, withPairs(newElement(b.Runtime), b.Container))
	}
	if len(b.Network)+len(b.PortMappings) > 0 {
		e := withPairs(newElement("network"), b.Network)
		for _, p := range b.PortMappings {
			e.add(newElement("port-mapping", "id", x.ids.of(p.ID, owner+"-port"), "port", p.Port, "internal-port", p.InternalPort, "range", p.Range))
		}
		out = append(out, e)
	}
	if len(b.Storage) > 0 {
		e := newElement("storage")
		for _, s := range b.Storage {
			e.add(newElement("storage-mapping", "id", x.ids.of(s.ID, owner+"-storage"), "source-dir", s.SourceDir, "source-dir-root", s.SourceDirRoot,
				"target-dir", s.TargetDir, "options", s.Options))
		}
		out = append(out, e)
	}
	return out
}

// withPairs gives an element pairs as attributes, the first of each name.
func withPairs(e *element, pairs []policy.Pair) *element {
	for _, p := range pairs {
		if _, twice := e.lookup(p.Name); !twice {
			e.set(p.Name, p.Value)
		}
	}
	return e
}
