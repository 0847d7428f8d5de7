package cib

import (
	"io"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// ExportSchema is the schema that exported documents claim to follow.
const ExportSchema = "pacemaker-3.9"

// Export writes a configuration as a CIB without status, for Pacemaker and for
// tools that read its XML. Reading it back gives the same configuration. Ids are
// made where there are none, unique and valid in XML; the same configuration
// always gives the same text. It fails on a value that XML cannot hold.
func Export(cfg *policy.Config, w io.Writer) error {
	return (&Document{Config: cfg}).Export(w)
}

// Export writes the configuration, the alerts and the permissions of a document.
func (d *Document) Export(w io.Writer) error {
	return d.tree().write(w)
}

// tree is the document as elements.
func (d *Document) tree() *element {
	cfg := d.Config
	if cfg == nil {
		cfg = &policy.Config{}
	}
	x := exporter{ids: newIDs(cfg)}
	for _, r := range d.Roles {
		for _, p := range r.Permissions {
			x.ids.keep(p.Reference)
		}
	}
	configuration := newElement("configuration")
	configuration.add(
		x.section("crm_config", x.sets("cluster_property_set", cfg.Options, "cluster-options")...),
		x.section("nodes", x.nodes(cfg.Nodes)...),
		x.section("resources", append(x.resources(cfg.Templates), x.resources(cfg.Resources)...)...),
		x.section("constraints", x.constraints(cfg.Constraints)...),
	)
	for _, optional := range []*element{
		x.section("tags", x.tags(cfg.Tags)...),
		x.section("fencing-topology", x.levels(cfg.FencingLevels)...),
		x.section("acls", x.acls(d)...),
		x.section("alerts", x.alerts(d.Alerts)...),
		x.section("rsc_defaults", x.sets("meta_attributes", cfg.ResourceDefaults, "rsc-defaults")...),
		x.section("op_defaults", x.sets("meta_attributes", cfg.OpDefaults, "op-defaults")...),
	} {
		if len(optional.children) > 0 {
			configuration.add(optional)
		}
	}
	root := newElement("cib", "crm_feature_set", "3.19.0", "validate-with", ExportSchema, "epoch", "1", "num_updates", "0", "admin_epoch", "0")
	root.add(configuration, newElement("status"))
	return root
}

// exporter makes elements of the policy's vocabulary.
type exporter struct{ ids *ids }

func (x *exporter) section(name string, children ...*element) *element {
	e := newElement(name)
	e.add(children...)
	return e
}

func (x *exporter) nodes(nodes []policy.Node) []*element {
	var out []*element
	for _, n := range nodes {
		e := newElement("node", "id", n.ID, "uname", n.Name, "type", n.Type, "score", n.Score)
		e.add(x.sets("instance_attributes", n.Attributes, n.Name+"-attributes")...)
		e.add(x.sets("utilization", n.Utilization, n.Name+"-utilization")...)
		out = append(out, e)
	}
	return out
}

func (x *exporter) tags(tags []policy.Tag) []*element {
	var out []*element
	for _, t := range tags {
		e := newElement("tag", "id", t.ID)
		for _, m := range t.Members {
			e.add(newElement("obj_ref", "id", m))
		}
		out = append(out, e)
	}
	return out
}

func (x *exporter) levels(levels []policy.FenceLevel) []*element {
	var out []*element
	for _, l := range levels {
		target := l.Target + l.TargetPattern + l.TargetAttribute
		out = append(out, newElement("fencing-level",
			"id", x.ids.of(l.ID, target+"-level-"+strconv.Itoa(l.Index)), "target", l.Target, "target-pattern", l.TargetPattern,
			"target-attribute", l.TargetAttribute, "target-value", l.TargetValue, "index", strconv.Itoa(l.Index), "devices", strings.Join(l.Devices, ","),
		))
	}
	return out
}

// sets writes sets of names and values; base begins the ids of those without.
func (x *exporter) sets(name string, sets []policy.NVSet, base string) []*element {
	var out []*element
	for _, s := range sets {
		if s.IDRef != "" {
			out = append(out, newElement(name, "id-ref", s.IDRef))
			continue
		}
		id := x.ids.of(s.ID, base)
		e := newElement(name, "id", id, "score", s.Score)
		e.add(x.rules(s.Rules, id)...)
		for _, p := range s.Pairs {
			e.add(x.pair(p, id))
		}
		out = append(out, e)
	}
	return out
}

func (x *exporter) pair(p policy.Pair, set string) *element {
	if p.IDRef != "" {
		e := newElement("nvpair", "id-ref", p.IDRef, "name", p.Name)
		if !p.NoValue {
			e.set("value", p.Value)
		}
		return e
	}
	e := newElement("nvpair", "id", x.ids.of(p.ID, set+"-"+p.Name))
	e.set("name", p.Name)
	if !p.NoValue {
		e.set("value", p.Value)
	}
	return e
}
