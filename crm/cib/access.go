package cib

import (
	"maps"
	"slices"

	"github.com/holdfast-ha/holdfast/crm/config"
	"github.com/holdfast-ha/holdfast/policy"
)

// Alerts and permissions take no part in decisions, so they stand beside the
// policy's configuration, in the words of the configuration language.

// eventElements are what an alert can select, as element and as word.
var eventElements = [...][2]string{
	{"select_nodes", "nodes"}, {"select_fencing", "fencing"}, {"select_resources", "resources"}, {"select_attributes", "attributes"},
}

func (in *importer) alerts(parent *element) []config.Alert {
	var out []config.Alert
	for _, e := range parent.children {
		if e.name != "alert" {
			in.unknown(e, parent)
			continue
		}
		a := config.Alert{Name: e.attr("id"), Kind: "script", Path: e.attr("path"), Description: e.attr("description"), Pos: in.pos(e)}
		a.Params, a.Meta = in.flat(e, a.Name, "instance_attributes"), in.flat(e, a.Name, "meta_attributes")
		for _, c := range e.children {
			switch c.name {
			case "select":
				in.selection(&a, c)
			case "recipient":
				a.Recipients = append(a.Recipients, config.Recipient{
					Value: c.attr("value"), Description: c.attr("description"),
					Params: in.flat(c, a.Name, "instance_attributes"), Meta: in.flat(c, a.Name, "meta_attributes"),
				})
			case "instance_attributes", "meta_attributes":
			default:
				in.unknown(c, e)
			}
		}
		out = append(out, a)
	}
	return out
}

func (in *importer) selection(a *config.Alert, e *element) {
next:
	for _, c := range e.children {
		for _, event := range eventElements {
			if c.name != event[0] {
				continue
			}
			a.Select = append(a.Select, event[1])
			for _, attribute := range c.children {
				a.SelectAttributes = append(a.SelectAttributes, attribute.attr("name"))
			}
			continue next
		}
		in.unknown(c, e)
	}
}

// flat merges the sets of an alert: of a name that occurs several times, the
// first one counts, and rules are not supported there.
func (in *importer) flat(e *element, alert, kind string) map[string]string {
	var out map[string]string
	for _, s := range in.sets(e, kind) {
		if len(s.Rules) > 0 || s.IDRef != "" {
			in.problem(true, s.Pos, alert, "sets of an alert with a rule or an id-ref are not supported: the set is left out")
			continue
		}
		for _, p := range s.Pairs {
			if _, taken := out[p.Name]; taken || p.NoValue {
				continue
			}
			if out == nil {
				out = map[string]string{}
			}
			out[p.Name] = p.Value
		}
	}
	return out
}

// acls reads roles and who has them. The form of schemas before 2.0, with the
// permissions inside of users, is reported by its elements.
func (in *importer) acls(parent *element) (roles []config.ACLRole, users []config.ACLSubject) {
	for _, e := range parent.children {
		switch e.name {
		case "acl_role":
			roles = append(roles, in.aclRole(e))
		case "acl_target", "acl_group":
			u := config.ACLSubject{Name: e.attr("id"), Group: e.name == "acl_group", Pos: in.pos(e)}
			if name := e.attr("name"); name != "" {
				u.Name = name
			}
			for _, r := range e.children {
				if r.name == "role" {
					u.Roles = append(u.Roles, r.attr("id"))
				} else {
					in.unknown(r, e)
				}
			}
			users = append(users, u)
		default:
			in.unknown(e, parent)
		}
	}
	return roles, users
}

func (in *importer) aclRole(e *element) config.ACLRole {
	role := config.ACLRole{Name: e.attr("id"), Description: e.attr("description"), Pos: in.pos(e)}
	for _, p := range e.children {
		if p.name != "acl_permission" {
			in.unknown(p, e)
			continue
		}
		role.Permissions = append(role.Permissions, config.Permission{
			Kind: p.attr("kind"), XPath: p.attr("xpath"), Reference: p.attr("reference"), ObjectType: p.attr("object-type"),
			Attribute: p.attr("attribute"), Description: p.attr("description"),
		})
	}
	return role
}

func (x *exporter) alerts(alerts []config.Alert) []*element {
	var out []*element
	for _, a := range alerts {
		if a.Kind != "script" {
			note := newElement("!")
			note.set("text", "alert "+a.Name+": alerts of kind "+a.Kind+" exist in Holdfast only")
			out = append(out, note)
			continue
		}
		e := newElement("alert", "id", x.ids.of(a.Name, ""), "description", a.Description, "path", a.Path)
		x.flat(e, a.Meta, a.Params, a.Name)
		if len(a.Select)+len(a.SelectAttributes) > 0 {
			e.add(x.selection(a))
		}
		for _, r := range a.Recipients {
			to := newElement("recipient", "id", x.ids.of("", a.Name+"-recipient"), "description", r.Description)
			to.set("value", r.Value)
			x.flat(to, r.Meta, r.Params, to.attr("id"))
			e.add(to)
		}
		out = append(out, e)
	}
	return out
}

func (x *exporter) selection(a config.Alert) *element {
	e := newElement("select")
	for _, event := range eventElements {
		attributes := event[1] == "attributes"
		if !slices.Contains(a.Select, event[1]) && !(attributes && len(a.SelectAttributes) > 0) {
			continue
		}
		c := newElement(event[0])
		for _, name := range a.SelectAttributes {
			if attributes {
				c.add(newElement("attribute", "id", x.ids.of("", a.Name+"-attribute-"+name), "name", name))
			}
		}
		e.add(c)
	}
	return e
}

// flat adds one set for each map that has something.
func (x *exporter) flat(e *element, meta, params map[string]string, owner string) {
	for _, s := range []struct {
		name   string
		values map[string]string
	}{{"meta_attributes", meta}, {"instance_attributes", params}} {
		var set policy.NVSet
		for _, name := range slices.Sorted(maps.Keys(s.values)) {
			set.Pairs = append(set.Pairs, policy.Pair{Name: name, Value: s.values[name]})
		}
		if len(set.Pairs) > 0 {
			e.add(x.sets(s.name, []policy.NVSet{set}, owner+"-"+s.name)...)
		}
	}
}

func (x *exporter) acls(d *Document) []*element {
	var out []*element
	for _, r := range d.Roles {
		e := newElement("acl_role", "id", r.Name, "description", r.Description)
		for _, p := range r.Permissions {
			e.add(newElement("acl_permission", "id", x.ids.of("", r.Name+"-"+p.Kind), "kind", p.Kind, "xpath", p.XPath, "reference", p.Reference,
				"object-type", p.ObjectType, "attribute", p.Attribute, "description", p.Description))
		}
		out = append(out, e)
	}
	for _, u := range d.Users {
		name := "acl_target"
		if u.Group {
			name = "acl_group"
		}
		e := newElement(name, "id", u.Name)
		for _, r := range u.Roles {
			e.add(newElement("role", "id", r))
		}
		out = append(out, e)
	}
	return out
}
