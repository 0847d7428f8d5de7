package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// declareAll gives every object its name, so that references may come before
// what they name, and lists the objects to decode.
func (d *decoder) declareAll(blocks []*hclsyntax.Block) {
	for _, raw := range blocks {
		switch {
		case raw.Type == "variable" || raw.Type == "locals":
		case shapes[raw.Type] != nil:
			d.declareBlock(d.block(raw, d.base))
		default:
			d.unknownBlock(raw)
		}
	}
}

// unknownBlock reports a block that there is not, or not yet.
func (d *decoder) unknownBlock(raw *hclsyntax.Block) {
	if instead, ok := absentBlocks[raw.Type]; ok {
		d.absent(raw.DefRange(), "block "+raw.Type, instead)
		return
	}
	known := []string{"variable", "locals"}
	for name := range shapes {
		known = append(known, name)
	}
	d.errorf(raw.TypeRange, "Unknown block", "there is no block %q.%s", raw.Type, orKnown(raw.Type, known))
}

// shapes are the labels of the top-level blocks; the last one is the name.
var shapes = map[string][]string{
	"cluster": {"NAME"}, "node": {"NAME"}, "options": {}, "defaults": {"resource|op"},
	"fence": {"AGENT", "NAME"}, "fence_topology": {"NAME"}, "resource": {"AGENT", "NAME"}, "group": {"NAME"},
	"clone": {"NAME"}, "master": {"NAME"}, "bundle": {"NAME"}, "template": {"AGENT", "NAME"},
	"location": {"NAME"}, "colocation": {"NAME"}, "order": {"NAME"}, "spread": {"NAME"}, "ticket": {"NAME"},
	"tag": {"NAME"}, "alert": {"script|mail|webhook", "NAME"},
	"acl_role": {"NAME"}, "acl_user": {"NAME"}, "acl_group": {"NAME"},
}

// repeatable blocks may have for_each.
var repeatable = []string{"resource", "group", "fence", "location", "colocation", "order", "ticket"}

// declareBlock names what one block makes.
func (d *decoder) declareBlock(b *block) {
	if !b.labels(shapes[b.Type]...) {
		return
	}
	turns := []each{{ctx: b.ctx}}
	if slices.Contains(repeatable, b.Type) {
		turns = b.expand()
	}
	last := max(len(b.Labels)-1, 0)
	for _, turn := range turns {
		in := instance{block: d.block(b.Block, turn.ctx), suffix: turn.suffix}
		in.asked = []string{"for_each"}
		if !slices.Contains(repeatable, b.Type) {
			in.asked = nil
		}
		in.name = b.label(last) + turn.suffix
		if turn.suffix != "" {
			d.names.repeats[b.label(last)] = append(d.names.repeats[b.label(last)], in.name)
		}
		if d.declareInstance(in) {
			d.instances = append(d.instances, in)
		}
	}
}

// declareInstance enters the names of one object; false when it has none.
func (d *decoder) declareInstance(in instance) bool {
	switch in.Type {
	case "cluster", "options", "defaults":
		return true
	case "node":
		return d.declareNode(in)
	case "fence_topology":
		if first, ok := d.topology[in.name]; ok {
			d.duplicate(in.LabelRanges[0], in.name, first)
			return false
		}
		d.topology[in.name] = in.LabelRanges[0]
		return true
	case "resource", "group", "clone", "master", "bundle":
		return d.declareTree(in.Block, in.suffix, "")
	case "location", "colocation", "order", "ticket", "template", "tag", "fence":
		return d.declare(in.name, in.Type, in.name, in.LabelRanges[len(in.LabelRanges)-1])
	}
	return d.declare(in.name, strings.ReplaceAll(in.Type, "_", " "), in.name, in.LabelRanges[len(in.LabelRanges)-1])
}

func (d *decoder) declareNode(in instance) bool {
	rng := in.LabelRanges[0]
	if !validNode(in.name) {
		d.errorf(rng, "Wrong name", "%q cannot be the name of a node; use letters, digits, _ - and .", in.name)
		return false
	}
	if first, ok := d.names.nodes[in.name]; ok && first.Filename != "" {
		if in.Body.Attributes["id"] == nil {
			d.duplicate(rng, in.name, first)
			return false
		}
		// Pacemaker tells nodes apart by their ids and tolerates this.
		d.warnf(rng, "Duplicate name", "another node is named %q at %s:%d: one of them is a leftover", in.name, first.Filename, first.Start.Line)
		return true
	}
	d.names.nodes[in.name] = rng
	return true
}

// declareTree names a resource and what is inside it. A name inside a clone or
// a bundle means the clone or the bundle, given as outer.
func (d *decoder) declareTree(raw *hclsyntax.Block, suffix, outer string) bool {
	if len(raw.Labels) == 0 {
		return outer != "" // reported when it is read
	}
	name := raw.Labels[len(raw.Labels)-1] + suffix
	rng := raw.LabelRanges[len(raw.LabelRanges)-1]
	kind := raw.Type
	if kind == "master" {
		kind = "clone"
	}
	if outer == "" {
		switch {
		case kind == "clone" || kind == "bundle":
			outer = name
		default:
			outer = d.declareWrapper(raw, name, suffix)
		}
	}
	means := outer
	if means == "" {
		means = name
	}
	if !d.declare(name, kind, means, rng) {
		return false
	}
	if label := raw.Labels[len(raw.Labels)-1]; suffix != "" && !slices.Contains(d.names.repeats[label], name) {
		d.names.repeats[label] = append(d.names.repeats[label], name)
	}
	if kind == "resource" {
		d.declareRemote(raw, name)
		return true
	}
	for _, child := range raw.Body.Blocks {
		if child.Type == "resource" || (child.Type == "group" && kind == "clone") {
			if !d.declareTree(child, suffix, outer) {
				return false
			}
		}
	}
	return true
}

// declareWrapper names the clone that a clone or promotable sub-block makes.
func (d *decoder) declareWrapper(raw *hclsyntax.Block, name, suffix string) string {
	for _, inner := range raw.Body.Blocks {
		if inner.Type != "clone" && inner.Type != "promotable" {
			continue
		}
		id, rng := name+"-clone", inner.TypeRange
		if a := inner.Body.Attributes["id"]; a != nil {
			s, ok := d.scalar(a.Expr, d.base)
			if !ok {
				return ""
			}
			id, rng = s.text+suffix, a.Expr.Range()
		}
		if d.declare(id, "clone", id, rng) {
			return id
		}
		return ""
	}
	return ""
}

// declareRemote enters the nodes that resources make: the remote node behind a
// connection, and the guest node that meta-attribute remote-node names.
func (d *decoder) declareRemote(raw *hclsyntax.Block, name string) {
	if raw.Labels[0] == "ocf:pacemaker:remote" {
		d.names.nodes[name] = raw.DefRange()
	}
	for _, inner := range raw.Body.Blocks {
		if a := inner.Body.Attributes["remote-node"]; inner.Type == "meta" && a != nil {
			if guest := literal(a.Expr); guest != "" {
				d.names.nodes[guest] = a.SrcRange
			}
		}
	}
}
