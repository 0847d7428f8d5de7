package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/policy"
)

// refText writes a reference with a role or an action.
func refText(name, word string) string {
	if word == "" {
		return nameText(name)
	}
	if hclsyntax.ValidIdentifier(name) {
		return name + "." + word
	}
	return quoted(name + "." + word)
}

// attributeRef writes node.attr.NAME.
func attributeRef(name string) string {
	if hclsyntax.ValidIdentifier(name) {
		return "node.attr." + name
	}
	return "node.attr[" + quoted(name) + "]"
}

// ref writes an argument that is a reference, unless it is empty.
func (w *writer) ref(name, object, word string) {
	if object != "" {
		w.raw(name, refText(object, word))
	}
}

func (w *writer) constraint(c policy.Constraint) {
	switch {
	case c.Location != nil:
		l := c.Location
		w.open("location", l.ID)
		w.ref("resource", l.Resource, "")
		w.arg("rsc-pattern", l.Pattern)
		w.ref("node", l.Node, "")
		w.fields("score", l.Score, "role", l.Role, "resource-discovery", l.Discovery)
		w.rules(l.Rules, true)
	case c.Colocation != nil:
		v := c.Colocation
		w.open("colocation", v.ID)
		w.ref("resource", v.Resource, v.ResourceRole)
		w.ref("with", v.With, v.WithRole)
		w.fields("score", v.Score, "node-attribute", v.NodeAttribute, "influence", v.Influence)
	case c.Order != nil:
		o := c.Order
		w.open("order", o.ID)
		w.ref("first", o.First, o.FirstAction)
		w.ref("then", o.Then, o.ThenAction)
		w.fields("kind", o.Kind, "score", o.Score, "symmetrical", o.Symmetrical, "require-all", o.RequireAll)
	case c.Ticket != nil:
		t := c.Ticket
		w.open("ticket", t.ID)
		w.arg("ticket", t.Ticket)
		w.ref("resource", t.Resource, t.ResourceRole)
		w.arg("loss-policy", t.LossPolicy)
	default:
		return
	}
	for _, s := range setsOf(c) {
		w.resourceSet(s)
	}
	w.close()
}

func (w *writer) resourceSet(s policy.ResourceSet) {
	w.open("set")
	if s.IDRef != "" {
		w.raw("id-ref", quoted(s.IDRef))
		w.close()
		return
	}
	w.id(s.ID)
	w.raw("resources", listText(s.Resources))
	w.fields("sequential", s.Sequential, "require-all", s.RequireAll, "ordering", s.Ordering, "action", s.Action,
		"role", s.Role, "score", s.Score, "kind", s.Kind)
	w.close()
}

func (w *writer) alerts(d *Decoded) {
	for _, a := range d.Alerts {
		w.open("alert", a.Kind, a.Name)
		w.fields("path", a.Path, "to", a.To, "from", a.From, "smtp", a.SMTP, "url", a.URL, "secret", a.Secret)
		if len(a.Select) > 0 {
			w.raw("select", textList(a.Select))
		}
		if len(a.SelectAttributes) > 0 {
			w.raw("select-attributes", textList(a.SelectAttributes))
		}
		w.flat("params", a.Params)
		w.flat("meta", a.Meta)
		for _, r := range a.Recipients {
			w.open("recipient", r.Value)
			w.flat("params", r.Params)
			w.flat("meta", r.Meta)
			w.close()
		}
		w.close()
	}
	for _, r := range d.Roles {
		w.open("acl_role", r.Name)
		for _, p := range r.Permissions {
			w.open("permission", p.Kind)
			w.fields("xpath", p.XPath, "reference", p.Reference, "object-type", p.ObjectType, "attribute", p.Attribute)
			w.close()
		}
		w.close()
	}
	for _, u := range d.Users {
		typ := "acl_user"
		if u.Group {
			typ = "acl_group"
		}
		w.open(typ, u.Name)
		w.raw("roles", listText(u.Roles))
		w.close()
	}
}

func (w *writer) flat(typ string, values map[string]string) {
	if len(values) == 0 {
		return
	}
	var pairs []policy.Pair
	for _, name := range sortedKeys(values) {
		pairs = append(pairs, policy.Pair{Name: name, Value: values[name]})
	}
	w.open(typ)
	w.pairs(pairs, []string{"id", "id-ref", "score"})
	w.close()
}

// Show is the canonical HCL of single objects, constraints and options
// included, for a view of the configuration that hides who wrote it where. An
// id that does not exist shows nothing.
func Show(d *Decoded, ids ...string) string {
	part := &Decoded{Policy: &policy.Config{}}
	want := map[string]bool{}
	for _, id := range ids {
		want[id] = true
	}
	cfg := d.Policy
	if cfg == nil {
		return ""
	}
	for _, n := range cfg.Nodes {
		if want[n.Name] {
			part.Policy.Nodes = append(part.Policy.Nodes, n)
			part.Cluster.Members = d.Cluster.Members
		}
	}
	for _, t := range cfg.Templates {
		if want[t.ID] {
			part.Policy.Templates = append(part.Policy.Templates, t)
		}
	}
	for _, r := range cfg.Resources {
		if holds(r, want) {
			part.Policy.Resources = append(part.Policy.Resources, r)
		}
	}
	for _, l := range cfg.FencingLevels {
		if want[l.ID] || want[strings.SplitN(l.ID, "-level-", 2)[0]] {
			part.Policy.FencingLevels = append(part.Policy.FencingLevels, l)
		}
	}
	for _, c := range cfg.Constraints {
		if want[constraintID(c)] {
			part.Policy.Constraints = append(part.Policy.Constraints, c)
		}
	}
	for _, t := range cfg.Tags {
		if want[t.ID] {
			part.Policy.Tags = append(part.Policy.Tags, t)
		}
	}
	return string(Encode(part, "").Text)
}

// holds says whether a resource or anything inside it is wanted.
func holds(r policy.Resource, want map[string]bool) bool {
	if want[r.ID] {
		return true
	}
	for _, c := range r.Children {
		if holds(c, want) {
			return true
		}
	}
	return false
}

func constraintID(c policy.Constraint) string {
	switch {
	case c.Location != nil:
		return c.Location.ID
	case c.Colocation != nil:
		return c.Colocation.ID
	case c.Order != nil:
		return c.Order.ID
	case c.Ticket != nil:
		return c.Ticket.ID
	}
	return ""
}
