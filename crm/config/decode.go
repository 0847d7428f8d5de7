package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/policy"
)

// ErrUnknownAgent is what an AgentCatalog answers for an agent that it does
// not have.
var ErrUnknownAgent = errors.New("there is no such agent")

// instance is one object to decode: a top-level block, or one turn of its
// for_each.
type instance struct {
	*block
	name   string // with the suffix of for_each
	suffix string
}

// decoder holds one reading of a configuration.
type decoder struct {
	report
	opt       Options
	out       *Decoded
	base      *hcl.EvalContext
	names     namespace
	instances []instance
	metadata  map[string]*agents.Metadata // by spec, so that each agent is asked once
	silent    map[string]bool             // agents that gave no metadata
	ranges    map[string]hcl.Range        // object -> its block's head, for lints
	masked    map[string]bool
	topology  map[string]hcl.Range
	clusterAt hcl.Range
}

// Decode reads a configuration. It reports all problems at once. The result is
// complete and consistent when no diagnostic is an error; otherwise it holds
// what could be read, which completion may use and the cluster must not.
func Decode(set Set, opt Options) (*Decoded, Diagnostics) {
	d := &decoder{
		report:   report{files: map[string]*file{}},
		opt:      opt,
		out:      &Decoded{Cluster: DefaultCluster(), Policy: &policy.Config{}},
		names:    newNamespace(opt.KnownNodes),
		metadata: map[string]*agents.Metadata{},
		silent:   map[string]bool{},
		ranges:   map[string]hcl.Range{},
		masked:   map[string]bool{},
		topology: map[string]hcl.Range{},
	}
	blocks := d.parse(NewSet(set.Documents...))
	d.readValues(blocks)
	d.declareAll(blocks)
	for _, in := range d.instances {
		if in.Type == "cluster" { // the nodes' addresses count its networks
			d.read(in)
		}
	}
	for _, in := range d.instances {
		if in.Type != "cluster" {
			d.read(in)
		}
	}
	d.finishNames()
	for key := range d.masked {
		d.out.Masked = append(d.out.Masked, key)
	}
	slices.Sort(d.out.Masked)
	if !opt.NoLints && !d.found.HasErrors() {
		d.lint()
	}
	return d.out, d.finish()
}

// parse reads all documents and gives their top-level blocks in order.
func (d *decoder) parse(set Set) []*hclsyntax.Block {
	var blocks []*hclsyntax.Block
	for _, doc := range set.Documents {
		if old := d.files[doc.Name]; old != nil {
			d.errorf(hcl.Range{Filename: doc.Name, Start: hcl.InitialPos, End: hcl.InitialPos}, "Duplicate document", "two documents are named %q", doc.Name)
			continue
		}
		d.files[doc.Name] = &file{name: doc.Name, text: doc.Text}
		if rng, why := checkLimits(doc.Text, doc.Name); why != "" {
			d.errorf(rng, "Document too complex", "%s", why)
			d.partial = true
			continue
		}
		f, diags := hclsyntax.ParseConfig(doc.Text, doc.Name, hcl.InitialPos)
		body, ok := f.Body.(*hclsyntax.Body)
		if ok {
			d.files[doc.Name].body = body
		}
		d.addHCL(diags)
		if !ok || diags.HasErrors() {
			d.partial = true
			continue // half a document would only draw errors about the other half
		}
		top := &block{Block: &hclsyntax.Block{Type: "document", Body: body}, d: d}
		for _, a := range top.rest() {
			d.errorf(a.NameRange, "Unknown argument", "%q stands outside of any block; put it into one, for example locals { %s = … }", a.Name, a.Name)
		}
		blocks = append(blocks, body.Blocks...)
	}
	return blocks
}

// read decodes one object.
func (d *decoder) read(in instance) {
	switch in.Type {
	case "cluster":
		d.cluster(in)
	case "node":
		d.member(in)
	case "options":
		d.options(in)
	case "defaults":
		d.defaults(in)
	case "fence":
		d.fence(in)
	case "fence_topology":
		d.fenceTopology(in)
	case "resource", "group", "clone", "master", "bundle":
		d.topResource(in)
	case "template":
		d.template(in)
	case "location":
		d.location(in)
	case "colocation":
		d.colocation(in)
	case "order":
		d.order(in)
	case "spread":
		d.spread(in)
	case "ticket":
		d.ticket(in)
	case "tag":
		d.tag(in)
	case "alert":
		d.alert(in)
	case "acl_role":
		d.aclRole(in)
	case "acl_user", "acl_group":
		d.aclSubject(in)
	}
}

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
		d.duplicate(rng, in.name, first)
		return false
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

// finishNames fills in the words for completion.
func (d *decoder) finishNames() {
	n := &d.out.Names
	for _, m := range d.out.Policy.Nodes {
		n.Nodes = append(n.Nodes, m.Name)
	}
	for _, name := range d.opt.KnownNodes {
		if !slices.Contains(n.Nodes, name) {
			n.Nodes = append(n.Nodes, name)
		}
	}
	for _, name := range d.names.order {
		switch d.names.entries[name].kind {
		case "resource", "group", "clone", "bundle":
			n.Resources = append(n.Resources, name)
		case "fence":
			n.Fences = append(n.Fences, name)
		case "location", "colocation", "order", "ticket":
			n.Constraints = append(n.Constraints, name)
		case "template":
			n.Templates = append(n.Templates, name)
		case "tag":
			n.Tags = append(n.Tags, name)
		}
	}
}
