package config

import (
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// resource writes a resource of any kind. clone is the clone around it, whose
// sub-block it gets.
func (w *writer) resource(r policy.Resource, clone *policy.Resource) {
	switch {
	case r.Kind == policy.Clone && len(r.Children) > 0:
		w.resource(r.Children[0], &r)
		return
	case r.Kind == policy.Group:
		w.open("group", r.ID)
		w.description(r)
		w.sets("params", r.Params)
		w.sets("meta", r.Meta)
		for _, c := range r.Children {
			w.resource(c, nil)
		}
	case r.Kind == policy.Bundle:
		w.bundle(r)
	case r.Class == fenceClass && r.Kind == policy.Primitive:
		w.open("fence", r.Type, r.ID)
		w.primitive(r)
	case r.Kind == policy.Template:
		w.open("template", agentLabel(r), r.ID)
		w.primitive(r)
	default:
		w.open("resource", agentLabel(r), r.ID)
		w.primitive(r)
	}
	if clone != nil {
		w.clone(r, *clone)
	}
	w.close()
}

func (w *writer) description(r policy.Resource) {
	if r.Description != "" {
		w.raw("description", quoted(r.Description))
	}
}

// agentLabel is the first label of a resource block.
func agentLabel(r policy.Resource) string {
	switch {
	case r.Template != "":
		return "@" + r.Template
	case r.Class == "systemd":
		return "systemd"
	case r.Class == "holdfast":
		return r.Type
	}
	return agentSpec(r)
}

func (w *writer) primitive(r policy.Resource) {
	w.description(r)
	if r.Class == "systemd" && r.Template == "" {
		w.raw("unit", quoted(r.Type))
	}
	params := r.Params
	if len(params) > 0 && plainSet(params[0]) && !w.referenced[params[0].ID] && w.allDirect(params[0].Pairs) {
		pairs := params[0].Pairs
		if r.Class == fenceClass {
			pairs = w.targets(pairs)
		}
		w.pairs(pairs, nil)
		params = params[1:]
	}
	w.sets("params", params)
	w.sets("meta", r.Meta)
	w.sets("utilization", r.Utilization)
	w.operations(r.Operations)
}

func plainSet(s policy.NVSet) bool {
	return s.IDRef == "" && s.Score == "" && len(s.Rules) == 0 && len(s.Pairs) > 0
}

func (w *writer) allDirect(pairs []policy.Pair) bool {
	for i, p := range pairs {
		if !w.direct(pairs[:i], p, reservedInResource) {
			return false
		}
	}
	return true
}

// targets folds pcmk_host_list back into targets.
func (w *writer) targets(pairs []policy.Pair) []policy.Pair {
	i := slices.IndexFunc(pairs, func(p policy.Pair) bool { return p.Name == "pcmk_host_list" })
	if i < 0 {
		return pairs
	}
	names := strings.Split(pairs[i].Value, " ")
	if slices.ContainsFunc(names, func(n string) bool { return !validNode(n) }) {
		return pairs
	}
	w.raw("targets", listText(names))
	return slices.Delete(slices.Clone(pairs), i, i+1)
}

func (w *writer) operations(ops policy.Operations) {
	if ops.IDRef != "" || w.referenced[ops.ID] {
		w.open("operations")
		w.arg("id-ref", ops.IDRef)
		w.id(ops.ID)
		w.close()
	}
	for _, op := range ops.List {
		w.open("op", op.Name)
		w.arg("id-ref", op.IDRef)
		w.id(op.ID)
		if op.Interval != "" {
			w.raw("interval", quoted(op.Interval))
		} else if op.Name == "monitor" && op.IDRef == "" {
			w.raw("interval", `"0"`)
		}
		for _, a := range op.Attributes {
			w.raw(a.Name, valueText(a.Value))
		}
		w.sets("params", op.Params)
		w.sets("meta", op.Meta)
		w.close()
	}
}

// clone writes the sub-block that makes a clone of what it stands in.
func (w *writer) clone(child, clone policy.Resource) {
	meta := clone.Meta
	var direct []policy.Pair
	typ := "clone"
	if len(meta) > 0 && plainSet(meta[0]) && !w.referenced[meta[0].ID] && w.allDirect(meta[0].Pairs) {
		direct, meta = meta[0].Pairs, meta[1:]
		if direct[0].Name == "promotable" && direct[0].Value == "true" {
			typ, direct = "promotable", direct[1:]
		}
	}
	w.open(typ)
	if clone.ID != child.ID+"-clone" {
		w.raw("id", quoted(clone.ID))
	}
	w.description(clone)
	for _, p := range direct {
		w.raw(p.Name, valueText(p.Value))
	}
	w.sets("meta", meta)
	w.sets("params", clone.Params)
	w.close()
}

func (w *writer) bundle(r policy.Resource) {
	w.open("bundle", r.ID)
	w.description(r)
	if b := r.Bundle; b != nil {
		w.open(b.Runtime)
		w.pairs(b.Container, nil)
		w.close()
		if len(b.Network)+len(b.PortMappings) > 0 {
			w.open("network")
			w.pairs(b.Network, nil)
			for _, p := range b.PortMappings {
				w.open("port-mapping")
				w.fields("id", p.ID, "port", p.Port, "internal-port", p.InternalPort, "range", p.Range)
				w.close()
			}
			w.close()
		}
		if len(b.Storage) > 0 {
			w.open("storage")
			for _, s := range b.Storage {
				w.open("storage-mapping")
				w.fields("id", s.ID, "source-dir", s.SourceDir, "source-dir-root", s.SourceDirRoot, "target-dir", s.TargetDir, "options", s.Options)
				w.close()
			}
			w.close()
		}
	}
	w.sets("params", r.Params)
	w.sets("meta", r.Meta)
	for _, c := range r.Children {
		w.resource(c, nil)
	}
}

// fields writes several arguments, name and value in turn; empty ones are left
// out.
func (w *writer) fields(pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		w.arg(pairs[i], pairs[i+1])
	}
}
