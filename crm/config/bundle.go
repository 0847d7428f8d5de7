package config

import (
	"github.com/holdfast-ha/holdfast/policy"
)

var (
	containerArgs = map[string]valueKind{
		"image": anyValue, "replicas": isInteger, "replicas-per-host": isInteger, "promoted-max": isInteger, "masters": isInteger,
		"run-command": anyValue, "network": anyValue, "options": anyValue,
	}
	networkArgs = map[string]valueKind{
		"ip-range-start": anyValue, "host-netmask": isInteger, "host-interface": anyValue, "control-port": isInteger, "add-host": isBoolean,
	}
)

// bundle reads a bundle: containers of one image, with addresses and storage,
// and optionally one resource inside.
func (d *decoder) bundle(b *block) (policy.Resource, bool) {
	if !b.labels("NAME") {
		return policy.Resource{}, false
	}
	spec := &policy.BundleSpec{}
	r := policy.Resource{ID: b.label(0), Kind: policy.Bundle, Pos: posOf(b.head()), Bundle: spec}
	d.ranges[r.ID] = b.head()
	d.sugar(b, r.ID)
	r.Description = b.text("description")
	runtimes := b.blocks("docker", "podman")
	if len(runtimes) != 1 {
		d.errorf(b.head(), "Wrong bundle", "a bundle has one podman {} or docker {} block")
	}
	for _, c := range runtimes {
		spec.Runtime = c.Type
		spec.Container = d.knownArgs(c, containerArgs)
		c.required("image", `"images.example.com/app:4"`)
		c.done()
	}
	if n := b.one("network"); n != nil {
		d.bundleNetwork(n, spec)
	}
	if s := b.one("storage"); s != nil {
		d.bundleStorage(s, spec)
	}
	for i, c := range b.blocks("resource") {
		d.innerOnly(c)
		if i > 0 {
			d.errorf(c.head(), "Wrong bundle", "a bundle holds one resource")
		}
		if child, ok := d.resource(c, ""); ok {
			r.Children = append(r.Children, child)
		}
	}
	r.Meta = d.nvsets(b, "meta", r.ID+"-meta", setMeta)
	r.Params = d.nvsets(b, "params", r.ID+"-params", setParams.of(r.ID))
	b.done()
	return r, true
}

// knownArgs reads those arguments that the table has, in document order.
func (d *decoder) knownArgs(b *block, known map[string]valueKind) []policy.Pair {
	var out []policy.Pair
	for _, a := range b.rest() {
		kind, ok := known[a.Name]
		if !ok {
			continue // done reports it
		}
		if s, ok := b.scalarOf(a.Name); ok {
			d.checkKind(s, a.Name, kind)
			out = append(out, policy.Pair{Name: a.Name, Value: s.text, Pos: posOf(a.NameRange)})
		}
	}
	for _, p := range b.blocks("nvpair") { // the form of attributes that nobody knows
		pair := d.nvpair(p, "", setAny)
		out = append(out, policy.Pair{Name: pair.Name, Value: pair.Value, Pos: pair.Pos})
	}
	for name := range known {
		b.asked = append(b.asked, name) // for suggestions
	}
	return out
}

func (d *decoder) bundleNetwork(b *block, spec *policy.BundleSpec) {
	spec.Network = d.knownArgs(b, networkArgs)
	for _, p := range b.blocks("port-mapping") {
		port := policy.BundlePort{ID: p.text("id"), Port: p.text("port"), InternalPort: p.text("internal-port"), Range: p.text("range")}
		if (port.Port == "") == (port.Range == "") {
			d.errorf(p.head(), "Wrong port mapping", "a port-mapping has either port or range")
		}
		p.done()
		spec.PortMappings = append(spec.PortMappings, port)
	}
	b.done()
}

func (d *decoder) bundleStorage(b *block, spec *policy.BundleSpec) {
	for _, s := range b.blocks("storage-mapping") {
		m := policy.BundleStorage{
			ID: s.text("id"), SourceDir: s.text("source-dir"), SourceDirRoot: s.text("source-dir-root"),
			TargetDir: s.required("target-dir", `"/data"`), Options: s.text("options"),
		}
		if (m.SourceDir == "") == (m.SourceDirRoot == "") {
			d.errorf(s.head(), "Wrong storage mapping", "a storage-mapping has either source-dir or source-dir-root")
		}
		s.done()
		spec.Storage = append(spec.Storage, m)
	}
	b.done()
}
