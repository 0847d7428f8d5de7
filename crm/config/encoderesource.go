package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/policy"
)

// resource writes a resource of any kind. clone is the clone around it, whose
// sub-block it gets; top says that nothing else is around it.
func (w *writer) resource(r policy.Resource, clone *policy.Resource, top bool) {
	if r.Kind == policy.Clone {
		w.notPromotable(r)
	}
	if !top && clone == nil {
		w.b.WriteByte('\n')
	}
	switch {
	case r.Kind == policy.Clone && shortClone(r):
		w.resource(r.Children[0], &r, false)
		return
	case r.Kind == policy.Clone:
		w.longClone(r)
	case r.Kind == policy.Group:
		w.open("group", r.ID)
		w.description(r)
		w.sugar(r.ID)
		w.sets("params", r.Params, setParams)
		w.sets("meta", r.Meta, setMeta)
		for _, c := range r.Children {
			w.resource(c, nil, false)
		}
	case r.Kind == policy.Bundle:
		w.bundle(r)
	case r.Kind == policy.Template:
		w.open("template", w.agentLabel(r), r.ID)
		w.primitive(r, false)
	case top && plainFence(r):
		w.open("fence", fenceLabel(r.Type), r.ID)
		w.primitive(r, true)
	default:
		w.open("resource", w.agentLabel(r), r.ID)
		w.primitive(r, false)
	}
	if clone != nil {
		w.clone(r, *clone)
	}
	w.close()
}

// shortClone says whether a clone can be a sub-block of what it holds.
func shortClone(r policy.Resource) bool {
	return len(r.Children) == 1 && (r.Children[0].Kind == policy.Primitive || r.Children[0].Kind == policy.Group)
}

// plainFence says whether a primitive is a fence device as people write it.
func plainFence(r policy.Resource) bool {
	return r.Kind == policy.Primitive && r.Class == fenceClass && r.Provider == "" && r.Template == ""
}

func fenceLabel(agent string) string {
	if !validName(agent) {
		return literalPrefix + agent
	}
	return agent
}

func (w *writer) description(r policy.Resource) {
	if r.Description != "" {
		w.raw("description", quoted(r.Description))
	}
}

// agentLabel is the first label of a resource block.
func agentLabel(r policy.Resource) string {
	want := agents.Spec{Class: r.Class, Provider: r.Provider, Type: r.Type}
	label := agentSpec(r)
	switch {
	case r.Template != "":
		return "@" + r.Template
	case r.Class == "systemd" && r.Provider == "" && r.Type != "":
		return "systemd"
	case r.Class == "holdfast":
		label = r.Type
	}
	var got agents.Spec
	if fits(func(d *decoder) { got, _ = d.spec(label, hcl.Range{}) }) && got == want {
		return label
	}
	return literalAgent(want)
}

// agentLabel also says literally what the reader refuses here: a template that
// does not exist, and an agent that cannot be promoted in a promotable clone.
func (w *writer) agentLabel(r policy.Resource) string {
	switch {
	case r.Template != "" && (w.names.entries[r.Template].kind != "template" || w.literal[r.ID]):
		return literalPrefix + "@" + r.Template
	case r.Template == "" && w.literal[r.ID]:
		return literalAgent(agents.Spec{Class: r.Class, Provider: r.Provider, Type: r.Type})
	}
	return agentLabel(r)
}

// notPromotable marks the primitives whose agents know no promoted role.
func (w *writer) notPromotable(clone policy.Resource) {
	if !truth(clone.Meta, "promotable") {
		return
	}
	d := &decoder{out: &Decoded{Policy: w.cfg}}
	for _, p := range primitives(clone) {
		if class := d.classOf(p); class != "ocf" && class != "" {
			w.literal[p.ID] = true
		}
	}
}

func (w *writer) primitive(r policy.Resource, fence bool) {
	w.description(r)
	if r.Template == "" && w.agentLabel(r) == "systemd" {
		w.raw("unit", quoted(r.Type))
	}
	if r.Kind == policy.Primitive && !fence {
		w.sugar(r.ID)
	}
	params := r.Params
	if len(params) > 0 && w.plainSet(params[0]) {
		for _, p := range params[0].Pairs {
			if p.Name == "pcmk_host_list" && fence && w.hostTargets(p.Value) {
				continue
			}
			w.raw(p.Name, valueText(p.Value))
		}
		params = params[1:]
	}
	w.sets("params", params, setParams)
	w.sets("meta", r.Meta, setMeta)
	w.sets("utilization", r.Utilization, setInteger)
	w.operations(r)
}

// plainSet says whether a set can be the arguments of a block.
func (w *writer) plainSet(s policy.NVSet) bool {
	if s.IDRef != "" || s.Score != "" || len(s.Rules) > 0 || len(s.Pairs) == 0 || w.referenced[s.ID] {
		return false
	}
	for i, p := range s.Pairs {
		if !w.direct(s.Pairs[:i], p, reservedInResource) {
			return false
		}
	}
	return true
}

// hostTargets writes pcmk_host_list as targets, if it is just that.
func (w *writer) hostTargets(list string) bool {
	names := strings.Split(list, " ")
	for i, n := range names {
		if _, known := w.names.nodes[n]; !validNode(n) || !known && len(w.names.nodes) > 0 || slices.Contains(names[:i], n) {
			return false
		}
	}
	w.raw("targets", listText(names))
	return true
}

func (w *writer) operations(r policy.Resource) {
	ops := r.Operations
	if ops.IDRef != "" || w.referenced[ops.ID] {
		w.open("operations")
		w.arg("id-ref", ops.IDRef)
		w.id(ops.ID)
		w.close()
	}
	for i, op := range ops.List {
		name := op.Name
		if !slices.Contains(opNames, name) {
			name = literalPrefix + name
		}
		w.open("op", name)
		w.arg("id-ref", op.IDRef)
		switch {
		case w.referenced[op.ID]:
			w.id(op.ID)
		case op.IDRef == "" && repeats(ops.List[:i], op):
			w.raw("id", quoted(numbered(opID(r.ID, op), i)))
		}
		w.interval(op)
		w.opAttributes(op)
		w.sets("params", op.Params, setOpParams)
		w.sets("meta", op.Meta, setOpMeta)
		w.close()
	}
}

// repeats says whether the reader takes an operation for one of those before.
func repeats(before []policy.Op, op policy.Op) bool {
	every, _ := parseDuration(op.Interval)
	return slices.ContainsFunc(before, func(o policy.Op) bool {
		other, _ := parseDuration(o.Interval)
		return o.Name == op.Name && other == every
	})
}

func (w *writer) interval(op policy.Op) {
	every, err := parseDuration(op.Interval)
	switch {
	case op.Interval == "" && (op.Name != "monitor" || op.IDRef != ""):
	case op.Interval == "" || err != nil || op.Name != "monitor" && every > 0:
		w.raw("interval", literalText(op.Interval))
	default:
		w.raw("interval", quoted(op.Interval))
	}
}

func (w *writer) opAttributes(op policy.Op) {
	for i, a := range op.Attributes {
		kind, known := opKinds[a.Name]
		repeated := slices.ContainsFunc(op.Attributes[:i], func(b policy.Pair) bool { return b.Name == a.Name })
		if !known || repeated || a.Name == "interval" {
			w.pairs([]policy.Pair{{Name: a.Name, Value: a.Value}}, []string{a.Name}, setAny)
			continue
		}
		value := a.Value
		if a.Name == "role" {
			value = canonicalRole(value)
		}
		w.judged(a.Name, value, func(d *decoder, s scalar) {
			d.checkKind(s, a.Name, kind)
			if a.Name == "on-fail" {
				d.checkOnFail(s, op)
			}
		})
	}
}

// clone writes the sub-block that makes a clone of what it stands in.
func (w *writer) clone(child, clone policy.Resource) {
	typ, direct, meta := "clone", []policy.Pair(nil), clone.Meta
	if len(meta) > 0 && w.plainSet(meta[0]) {
		direct, meta = meta[0].Pairs, meta[1:]
		if direct[0].Name == "promotable" && direct[0].Value == "true" {
			typ, direct = "promotable", direct[1:]
		}
	}
	w.open(typ)
	if clone.ID != child.ID+"-clone" {
		w.raw("id", quoted(clone.ID))
	}
	w.cloneBody(clone, direct, meta)
	w.close()
}

func (w *writer) cloneBody(clone policy.Resource, direct []policy.Pair, meta []policy.NVSet) {
	w.description(clone)
	for _, p := range direct {
		w.raw(p.Name, pairText(p, setMeta))
	}
	w.sets("meta", meta, setMeta)
	w.sets("params", clone.Params, setParams)
}

// longClone writes a clone as the block around what it holds.
func (w *writer) longClone(r policy.Resource) {
	w.open("clone", r.ID)
	w.sugar(r.ID)
	w.cloneBody(r, nil, r.Meta)
	for _, c := range r.Children {
		w.resource(c, nil, false)
	}
}

func (w *writer) bundle(r policy.Resource) {
	w.open("bundle", r.ID)
	w.description(r)
	w.sugar(r.ID)
	if b := r.Bundle; b != nil {
		w.open(b.Runtime)
		w.knownPairs(b.Container, containerArgs)
		w.close()
		if len(b.Network)+len(b.PortMappings) > 0 {
			w.open("network")
			w.knownPairs(b.Network, networkArgs)
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
	w.sets("params", r.Params, setParams)
	w.sets("meta", r.Meta, setMeta)
	for _, c := range r.Children {
		w.resource(c, nil, false)
	}
}

// knownPairs writes arguments of a fixed set; others become nvpair blocks.
func (w *writer) knownPairs(pairs []policy.Pair, known map[string]valueKind) {
	for _, p := range pairs {
		if kind, ok := known[p.Name]; ok {
			w.judged(p.Name, p.Value, kindCheck(p.Name, kind))
			continue
		}
		w.pairs([]policy.Pair{p}, []string{p.Name}, setAny)
	}
}

// fields writes several arguments, name and value in turn; empty ones are left
// out.
func (w *writer) fields(pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		w.arg(pairs[i], pairs[i+1])
	}
}
