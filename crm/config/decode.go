package config

import (
	"errors"
	"slices"

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

	literalAgents []string // resources whose agents are taken as they stand
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
