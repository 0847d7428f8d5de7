package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/policy"
)

// builtin are the agents that are part of Holdfast, by the word that names
// them. The word "systemd" stands for the class of that name.
var builtin = []string{"vip", "filesystem", "process", "systemd"}

// reservedInResource are words of ours in the body of a resource; a parameter
// of the same name goes into params {}.
var reservedInResource = []string{"description", "for_each", "prefers", "avoids", "with", "after", "targets", "unit", "id"}

// topResource reads a resource, group, clone or bundle with all inside it.
func (d *decoder) topResource(in instance) {
	var r policy.Resource
	var ok bool
	switch in.Type {
	case "resource":
		r, ok = d.resource(in.block, in.suffix)
	case "group":
		r, ok = d.group(in.block, in.suffix)
	case "bundle":
		r, ok = d.bundle(in.block)
	default:
		r, ok = d.cloneBlock(in.block)
	}
	if !ok {
		return
	}
	d.out.Policy.Resources = append(d.out.Policy.Resources, d.wrapped(in.block, r, in.suffix))
}

// resource reads a resource block, without the clone around it.
func (d *decoder) resource(b *block, suffix string) (policy.Resource, bool) {
	if !b.labels("AGENT", "NAME") {
		return policy.Resource{}, false
	}
	name := b.label(1) + suffix
	r := policy.Resource{ID: name, Kind: policy.Primitive, Pos: posOf(b.head())}
	d.ranges[name] = b.head()
	if !d.agentOf(b, &r) {
		return r, false
	}
	d.sugar(b, b.label(1)+suffix)
	d.primitiveBody(b, &r)
	d.checkAgent(b, &r)
	if r.Class == fenceClass {
		d.out.Fences = append(d.out.Fences, fenceOf(r, nil))
	}
	return r, true
}

// primitiveBody reads what resources, templates and fence devices share.
func (d *decoder) primitiveBody(b *block, r *policy.Resource) {
	r.Description = b.text("description")
	for _, word := range reservedInResource {
		if a := b.Body.Attributes[word]; a != nil && !slices.Contains(b.asked, word) {
			b.attr(word)
			d.errorf(a.NameRange, "Reserved word", "%q means nothing here; a parameter of that name goes into params { %s = … }", word, word)
		}
	}
	kind := setParams.of(r.ID)
	direct := policy.NVSet{ID: r.ID + "-params", Pos: r.Pos}
	extra := d.nvsets(b, "params", r.ID+"-params-more", kind)
	r.Meta = d.nvsets(b, "meta", r.ID+"-meta", setMeta)
	r.Utilization = d.nvsets(b, "utilization", r.ID+"-utilization", setInteger)
	r.Operations = d.operations(b, r.ID)
	if c := b.blocks("check"); len(c) > 0 {
		d.absent(c[0].head(), "block check", absentBlocks["check"])
	}
	b.wanted = append(b.wanted, "clone", "promotable")
	direct.Pairs = d.pairs(b, b.takeRest(), direct.ID, kind)
	if len(direct.Pairs) > 0 {
		r.Params = append(r.Params, direct)
	}
	r.Params = append(r.Params, extra...)
	b.done()
}

// agentOf reads the first label: which agent, or which template.
func (d *decoder) agentOf(b *block, r *policy.Resource) bool {
	label, rng := b.label(0), b.LabelRanges[0]
	if text, ok := strings.CutPrefix(label, literalPrefix); ok {
		d.literalAgentOf(text, rng, r)
		return true
	}
	if name, ok := strings.CutPrefix(label, "@"); ok {
		found, ok := d.names.entries[name]
		if !ok || found.kind != "template" {
			d.unknownName(rng, name, []string{"template"}, "template")
			return false
		}
		r.Template = name
		return true
	}
	spec, ok := d.spec(label, rng)
	if ok && spec.Class == "systemd" && label == "systemd" {
		if spec.Type = b.required("unit", `"nginx.service"`); spec.Type == "" {
			return false
		}
	}
	r.Class, r.Provider, r.Type = spec.Class, spec.Provider, spec.Type
	return ok
}

// literalAgentOf takes an agent, or the name of a template, as it stands.
func (d *decoder) literalAgentOf(text string, rng hcl.Range, r *policy.Resource) {
	if name, ok := strings.CutPrefix(text, "@"); ok {
		r.Template = name
		d.literalAgents = append(d.literalAgents, r.ID)
		if d.names.entries[name].kind != "template" && !d.partial {
			d.warnf(rng, "Unknown template", "there is no template named %q, so the resource has no agent", name)
		}
		return
	}
	spec := literalSpec(text)
	r.Class, r.Provider, r.Type = spec.Class, spec.Provider, spec.Type
	d.literalAgents = append(d.literalAgents, r.ID)
	d.warnLiteralAgent(spec, rng)
}

// spec reads the name of an agent.
func (d *decoder) spec(label string, rng hcl.Range) (agents.Spec, bool) {
	class, rest, long := strings.Cut(label, ":")
	if !long {
		return d.shortSpec(label, rng)
	}
	if instead, ok := absentClasses[class]; ok {
		d.absent(rng, "agent class "+class, instead)
		return agents.Spec{}, false
	}
	switch class {
	case "systemd", "holdfast":
		if rest != "" {
			return agents.Spec{Class: class, Type: rest}, true
		}
	case "ocf":
		if provider, typ, ok := strings.Cut(rest, ":"); ok && provider != "" && typ != "" && !strings.Contains(typ, ":") {
			return agents.Spec{Class: class, Provider: provider, Type: typ}, true
		}
		d.errorf(rng, "Unknown agent", "an ocf agent has three parts, for example \"ocf:heartbeat:%s\"", orElse(rest, "IPaddr2"))
		return agents.Spec{}, false
	case "stonith":
		d.errorf(rng, "Fence device", "a fence device has a block of its own: fence %q \"NAME\" { … }", orElse(rest, "fence_ipmilan"))
		return agents.Spec{}, false
	}
	d.errorf(rng, "Unknown agent", "there is no agent %q.%s", label, d.nearAgent(label))
	return agents.Spec{}, false
}

// shortSpec reads a name of one word: a built-in agent.
func (d *decoder) shortSpec(label string, rng hcl.Range) (agents.Spec, bool) {
	switch {
	case label == "systemd":
		return agents.Spec{Class: "systemd"}, true
	case slices.Contains(builtin, label):
		return agents.Spec{Class: "holdfast", Type: label}, true
	}
	if instead, ok := absentAgents[label]; ok {
		d.absent(rng, "agent "+label, instead)
		return agents.Spec{}, false
	}
	if strings.HasPrefix(label, "fence_") {
		d.errorf(rng, "Fence device", "a fence device has a block of its own: fence %q \"NAME\" { … }", label)
		return agents.Spec{}, false
	}
	d.errorf(rng, "Unknown agent", "there is no agent %q.%s", label, d.nearAgent(label))
	return agents.Spec{}, false
}

// nearAgent suggests an agent: the one with the same last part, or the nearest.
func (d *decoder) nearAgent(label string) string {
	known := slices.Clone(builtin)
	if d.opt.Agents != nil {
		known = append(known, d.opt.Agents.Agents()...)
	}
	last := strings.ToLower(label[strings.LastIndexByte(label, ':')+1:])
	for _, k := range known {
		if strings.HasSuffix(strings.ToLower(k), ":"+last) {
			return " Did you mean \"" + k + "\"?"
		}
	}
	if s := didYouMean(label, known); s != "" {
		return s
	}
	return " Write one of " + listed(builtin) + ", or CLASS:PROVIDER:TYPE such as \"ocf:heartbeat:IPaddr2\""
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// template reads a template: a resource from which others take what they do
// not say themselves.
func (d *decoder) template(b instance) {
	r := policy.Resource{ID: b.name, Kind: policy.Template, Pos: posOf(b.head())}
	d.ranges[b.name] = b.head()
	if strings.HasPrefix(b.label(0), "@") {
		d.errorf(b.LabelRanges[0], "Wrong template", "a template is made from an agent, not from another template")
		return
	}
	if !d.agentOf(b.block, &r) {
		return
	}
	for _, inner := range b.blocks("clone", "promotable") {
		d.errorf(inner.TypeRange, "Wrong block", "a template is not cloned; the resources made from it can be")
	}
	d.primitiveBody(b.block, &r)
	d.checkAgent(b.block, &r)
	d.out.Policy.Templates = append(d.out.Policy.Templates, r)
}
