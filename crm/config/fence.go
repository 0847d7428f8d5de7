package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/holdfast-ha/holdfast/policy"
)

// fenceClass is the class of fence devices among resources.
const fenceClass = "stonith"

// fence reads a fence device: a primitive of class stonith, and a Fence.
func (d *decoder) fence(b instance) {
	agent, literal := strings.CutPrefix(b.label(0), literalPrefix)
	r := policy.Resource{ID: b.name, Kind: policy.Primitive, Class: fenceClass, Type: agent, Pos: posOf(b.head())}
	d.ranges[b.name] = b.head()
	if literal {
		d.warnf(b.LabelRanges[0], "Agent not checked", "the fence agent %q is taken as it stands: try the device before relying on it", agent)
	} else if !validName(agent) {
		d.errorf(b.LabelRanges[0], "Unknown agent", "%q is no name of a fence agent; write for example \"fence_ipmilan\"", agent)
		return
	}
	for _, inner := range b.blocks("clone", "promotable") {
		d.errorf(inner.TypeRange, "Wrong block", "a fence device is not cloned: any node can use it as it is")
	}
	targets := b.nodes("targets")
	d.primitiveBody(b.block, &r)
	if len(targets) > 0 {
		d.hostList(b, &r, targets)
	}
	d.checkAgent(b.block, &r)
	d.out.Policy.Resources = append(d.out.Policy.Resources, r)
	d.out.Fences = append(d.out.Fences, fenceOf(r, targets))
}

// hostList writes targets as the parameter that agents know it by.
// It stands among the parameters where targets stands among the arguments.
func (d *decoder) hostList(b instance, r *policy.Resource, targets []string) {
	a := b.Body.Attributes["targets"]
	if _, ok := value(r.Params, "pcmk_host_list"); ok {
		d.errorf(a.NameRange, "Said twice", "targets and pcmk_host_list mean the same; keep targets")
		return
	}
	pair := policy.Pair{ID: r.ID + "-params-pcmk_host_list", Name: "pcmk_host_list", Value: strings.Join(targets, " "), Pos: posOf(a.NameRange)}
	if len(r.Params) == 0 || r.Params[0].ID != r.ID+"-params" {
		r.Params = append([]policy.NVSet{{ID: r.ID + "-params", Pos: r.Pos}}, r.Params...)
	}
	pairs := r.Params[0].Pairs
	i := slices.IndexFunc(pairs, func(p policy.Pair) bool {
		return b.Body.Attributes[p.Name].SrcRange.Start.Byte > a.SrcRange.Start.Byte
	})
	if i < 0 {
		i = len(pairs)
	}
	r.Params[0].Pairs = slices.Insert(pairs, i, pair)
}

// fenceOf is a device as the fencing layer takes it.
func fenceOf(r policy.Resource, targets []string) Fence {
	f := Fence{Name: r.ID, Agent: r.Type, Targets: targets, Ops: r.Operations.List, Pos: r.Pos, Params: flat(r.Params), Meta: flat(r.Meta)}
	for name, v := range f.Params {
		if strings.HasPrefix(v, secretPrefix) {
			f.Secrets = append(f.Secrets, name)
		}
	}
	slices.Sort(f.Secrets)
	return f
}

// flat merges sets without rules into one map; nil when there is nothing.
func flat(sets []policy.NVSet) map[string]string {
	var out map[string]string
	for _, s := range sets {
		for _, p := range s.Pairs {
			v, ok := value(sets, p.Name)
			if !ok {
				continue
			}
			if out == nil {
				out = map[string]string{}
			}
			out[p.Name] = v
		}
	}
	return out
}

// fenceTopology reads a topology: which devices fence a target, level by level.
func (d *decoder) fenceTopology(b instance) {
	base := policy.FenceLevel{}
	if a := b.attr("target"); a != nil {
		base.Target, _ = d.node(a.Expr, b.ctx)
	}
	base.TargetPattern = b.text("target-pattern")
	d.checkPattern(b.block, "target-pattern", "")
	base.TargetAttribute = b.text("target-attribute")
	base.TargetValue = b.text("target-value")
	by := count(b.Body.Attributes["target"] != nil, base.TargetPattern != "", base.TargetAttribute != "")
	if by != 1 || (base.TargetAttribute == "") != (base.TargetValue == "") {
		d.errorf(b.head(), "Wrong target", "a fence_topology has exactly one of target, target-pattern, and target-attribute with target-value")
	}
	seen := map[int]hcl.Range{}
	for _, l := range b.blocks("level") {
		d.fenceLevel(l, b.name, base, seen)
	}
	if len(seen) == 0 {
		d.errorf(b.head(), "Missing level", "a fence_topology needs a level, for example level \"1\" { devices = [ipmi] }")
	}
	b.done()
}

func (d *decoder) fenceLevel(b *block, name string, level policy.FenceLevel, seen map[int]hcl.Range) {
	if !b.labels("1") {
		return
	}
	n, err := strconv.Atoi(b.label(0))
	if err != nil || n < 1 || n > 9 {
		d.errorf(b.LabelRanges[0], "Wrong level", "levels are numbered 1 to 9, not %q", b.label(0))
	}
	if first, ok := seen[n]; ok {
		d.errorf(b.head(), "Duplicate level", "level %d is already in line %d", n, first.Start.Line)
	}
	seen[n] = b.head()
	level.ID, level.Index, level.Pos = name+"-level-"+strconv.Itoa(n), n, posOf(b.head())
	level.Devices = b.members("devices", []string{"fence"}, "fence device")
	b.done()
	d.out.Policy.FencingLevels = append(d.out.Policy.FencingLevels, level)
}
