package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/policy"
)

// metadataOf asks the catalogue for an agent, once. It reports an agent that
// there is not; nil means that nothing can be checked.
func (d *decoder) metadataOf(r policy.Resource, rng hcl.Range) *agents.Metadata {
	if d.opt.Agents == nil || r.Class == "" {
		return nil
	}
	spec := agents.Spec{Class: r.Class, Provider: r.Provider, Type: r.Type}
	key := spec.String()
	if meta, ok := d.metadata[key]; ok {
		if meta == nil && !d.silent[key] {
			d.unknownAgent(spec, rng)
		}
		return meta
	}
	var meta *agents.Metadata
	var err error
	if r.Class == fenceClass {
		meta, err = d.opt.Agents.FenceMetadata(r.Type)
	} else {
		meta, err = d.opt.Agents.Lookup(spec)
	}
	if errors.Is(err, ErrUnknownAgent) {
		d.metadata[key] = nil
		d.unknownAgent(spec, rng)
		return nil
	}
	if err != nil {
		d.warnf(rng, "Agent not checked", "%s did not describe itself, so its parameters are not checked: %s", key, err)
	}
	if err != nil || meta == nil {
		meta, d.silent[key] = nil, true
	}
	d.metadata[key] = meta
	return meta
}

func (d *decoder) unknownAgent(spec agents.Spec, rng hcl.Range) {
	label := spec.String()
	if spec.Class == fenceClass {
		label = spec.Type
	}
	d.errorf(rng, "Unknown agent", "there is no agent %q on this node.%s", label, didYouMean(label, d.opt.Agents.Agents()))
}

// checkAgent checks a resource against what its agent says of itself.
func (d *decoder) checkAgent(b *block, r *policy.Resource) {
	if strings.HasPrefix(b.label(0), literalPrefix) {
		return
	}
	described, sets := *r, r.Params
	if r.Template != "" {
		for _, in := range d.instances {
			if in.Type == "template" && in.name == r.Template {
				spec, ok := d.templateSpec(in)
				if !ok {
					return
				}
				described.Class, described.Provider, described.Type = spec.Class, spec.Provider, spec.Type
				sets = slices.Concat(sets, templateNames(in))
			}
		}
	}
	meta := d.metadataOf(described, b.LabelRanges[0])
	if meta == nil {
		return
	}
	var known []string
	for _, p := range meta.Parameters {
		known = append(known, p.Name)
	}
	d.checkParams(b.Block, described, meta, known)
	if r.Kind == policy.Template {
		return
	}
	for _, p := range meta.Parameters {
		if p.Required && p.Default == "" && !given(sets, p.Name) {
			hint := ""
			if p.Short != "" {
				hint = " (" + strings.TrimSuffix(strings.TrimSpace(p.Short), ".") + ")"
			}
			d.errorf(b.head(), "Missing parameter", "%s needs the parameter %q%s", agentName(described), p.Name, hint)
		}
	}
}

// templateSpec reads a template's agent without reporting again what its own
// reading reports.
func (d *decoder) templateSpec(in instance) (agents.Spec, bool) {
	quiet := &decoder{report: report{files: d.files}, opt: d.opt, names: d.names}
	probe := policy.Resource{}
	ok := quiet.agentOf(quiet.block(in.Block, in.ctx), &probe)
	return agents.Spec{Class: probe.Class, Provider: probe.Provider, Type: probe.Type}, ok
}

// templateNames are the parameters that a template gives, by name only.
func templateNames(in instance) []policy.NVSet {
	var set policy.NVSet
	add := func(body *hclsyntax.Body) {
		for name := range body.Attributes {
			set.Pairs = append(set.Pairs, policy.Pair{Name: name})
		}
	}
	add(in.Body)
	for _, inner := range in.Body.Blocks {
		if inner.Type == "params" {
			add(inner.Body)
		}
	}
	return []policy.NVSet{set}
}

// given says whether any set has the name; one behind a rule counts.
func given(sets []policy.NVSet, name string) bool {
	return slices.ContainsFunc(sets, func(s policy.NVSet) bool {
		return s.IDRef != "" || slices.ContainsFunc(s.Pairs, func(p policy.Pair) bool { return p.Name == name || p.IDRef != "" })
	})
}

func agentName(r policy.Resource) string {
	if r.Class == "holdfast" || r.Class == fenceClass {
		return r.Type
	}
	return agents.Spec{Class: r.Class, Provider: r.Provider, Type: r.Type}.String()
}

// alwaysParams are understood by the cluster itself, for any agent.
func alwaysParam(r policy.Resource, name string) bool {
	if r.Class == fenceClass {
		return strings.HasPrefix(name, "pcmk_") || name == "stonith-timeout" || name == "priority" || name == "provides"
	}
	return strings.HasPrefix(name, "CRM_meta_") || name == "trace_ra" || name == "trace_file"
}

// checkParams looks at each written parameter.
func (d *decoder) checkParams(raw *hclsyntax.Block, r policy.Resource, meta *agents.Metadata, known []string) {
	at := paramRanges(raw)
	for _, set := range r.Params {
		for _, p := range set.Pairs {
			rng, ok := at[p.Name]
			if !ok || alwaysParam(r, p.Name) {
				continue
			}
			def := meta.Parameter(p.Name)
			if def == nil {
				d.errorf(rng, "Unknown parameter", "%s has no parameter %q.%s", agentName(r), p.Name, orKnown(p.Name, known))
				continue
			}
			if def.Secret {
				d.masked[maskKey(r.ID, "params."+p.Name)] = true
			}
			d.checkParamValue(rng, p, def)
		}
	}
}

// paramRanges finds where parameters were written: in the body and in params.
func paramRanges(raw *hclsyntax.Block) map[string]hcl.Range {
	at := map[string]hcl.Range{}
	add := func(body *hclsyntax.Body) {
		for name, a := range body.Attributes {
			at[name] = a.SrcRange
		}
	}
	for _, inner := range raw.Body.Blocks {
		if inner.Type == "params" {
			add(inner.Body)
			for _, p := range inner.Body.Blocks {
				if a := p.Body.Attributes["name"]; p.Type == "nvpair" && a != nil {
					if v, diags := a.Expr.Value(nil); !diags.HasErrors() && v.Type().FriendlyName() == "string" && v.IsKnown() && !v.IsNull() {
						at[v.AsString()] = p.DefRange()
					}
				}
			}
		}
	}
	add(raw.Body)
	return at
}

// checkParamValue compares a value with the type that the agent gives.
func (d *decoder) checkParamValue(rng hcl.Range, p policy.Pair, def *agents.Parameter) {
	if strings.HasPrefix(p.Value, secretPrefix) || p.NoValue {
		return
	}
	s := scalar{text: p.Value, rng: rng}
	switch def.Type {
	case "integer":
		if _, err := strconv.ParseInt(strings.TrimSpace(p.Value), 10, 64); err != nil {
			d.errorf(rng, "Wrong number", "%s = %q is no whole number", p.Name, p.Value)
		}
	case "boolean":
		d.checkKind(s, p.Name, isBoolean)
	case "time", "second":
		d.checkKind(s, p.Name, isDuration)
	case "select":
		if len(def.Options) > 0 && !slices.Contains(def.Options, p.Value) {
			d.notOneOf(s, p.Name, def.Options)
		}
	}
}
