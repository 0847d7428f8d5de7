package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/policy"
)

// refText writes a reference with a role or an action.
func refText(name, word string) string {
	if word == "" {
		return nameText(name)
	}
	if bareWord(name) {
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

func (w *writer) constraint(c policy.Constraint) {
	switch {
	case c.Location != nil:
		w.location(*c.Location)
	case c.Colocation != nil:
		v := c.Colocation
		w.open("colocation", v.ID)
		w.roleRef("resource", "resource-role", v.Resource, v.ResourceRole, "")
		w.roleRef("with", "with-role", v.With, v.WithRole, v.Resource)
		w.fields("resource-instance", v.ResourceInstance, "with-instance", v.WithInstance)
		w.optional("score", v.Score, scoreCheck("score"))
		w.arg("node-attribute", v.NodeAttribute)
		w.optional("influence", v.Influence, kindCheck("influence", isBoolean))
	case c.Order != nil:
		o := c.Order
		w.open("order", o.ID)
		w.actionRef("first", o.First, o.FirstAction, "")
		w.actionRef("then", o.Then, o.ThenAction, o.First)
		w.fields("first-instance", o.FirstInstance, "then-instance", o.ThenInstance)
		w.optional("kind", o.Kind, wordCheck("Mandatory", "Optional", "Serialize"))
		w.optional("score", o.Score, scoreCheck("score"))
		w.optional("symmetrical", o.Symmetrical, kindCheck("symmetrical", isBoolean))
		w.optional("require-all", o.RequireAll, kindCheck("require-all", isBoolean))
	case c.Ticket != nil:
		t := c.Ticket
		w.open("ticket", t.ID)
		w.arg("ticket", t.Ticket)
		w.roleRef("resource", "resource-role", t.Resource, t.ResourceRole, "")
		w.optional("loss-policy", t.LossPolicy, wordCheck("stop", "demote", "fence", "freeze"))
	default:
		return
	}
	for _, s := range c.Sets() {
		w.resourceSet(s)
	}
	w.close()
}

func (w *writer) location(l policy.Location) {
	w.open("location", l.ID)
	if l.Resource != "" {
		w.raw("resource", w.target(l.Resource, placeable))
	}
	if l.Pattern != "" {
		w.judged("rsc-pattern", l.Pattern, func(d *decoder, s scalar) {
			s.text = strings.TrimPrefix(s.text, "!")
			patternCheck(d, s)
		})
	}
	if l.Node != "" {
		w.raw("node", w.nodeRef(l.Node))
	}
	if l.Score != "" || l.Node != "" {
		w.judged("score", l.Score, scoreCheck("score"))
	}
	w.optional("role", canonicalRole(l.Role), roleCheck)
	w.optional("resource-discovery", l.Discovery, wordCheck("always", "never", "exclusive"))
	w.rules(l.Rules, inLocation)
}

// roleRef writes a reference with its role: behind the name if both are plain,
// else in an argument of its own. other is what the object may not be.
func (w *writer) roleRef(name, roleName, id, role, other string) {
	w.wordRef(name, roleName, id, canonicalRole(role), other, roleWords, roleCheck)
}

// actionRef does the same for an action.
func (w *writer) actionRef(name, id, action, other string) {
	w.wordRef(name, name+"-action", id, action, other, actions, wordCheck(actions...))
}

func (w *writer) wordRef(name, wordName, id, word, other string, words []string, check func(*decoder, scalar)) {
	text := ""
	if id != "" {
		text = w.target(id, placeable)
		if id == other {
			text = literalText(id)
		}
	}
	_, another := w.names.entries[id+"."+word]
	if text == nameText(id) && slices.Contains(words, word) && !another {
		w.raw(name, refText(id, word))
		return
	}
	if text != "" {
		w.raw(name, text)
	}
	w.optional(wordName, word, check)
}

func (w *writer) resourceSet(s policy.ResourceSet) {
	w.open("set")
	if s.IDRef != "" {
		w.raw("id-ref", quoted(s.IDRef))
		w.close()
		return
	}
	w.id(s.ID)
	w.raw("resources", w.targets(s.Resources, placeable))
	w.optional("sequential", s.Sequential, kindCheck("sequential", isBoolean))
	w.optional("require-all", s.RequireAll, kindCheck("require-all", isBoolean))
	w.optional("ordering", s.Ordering, wordCheck("group", "listed"))
	w.optional("action", s.Action, wordCheck(actions...))
	w.optional("role", canonicalRole(s.Role), roleCheck)
	w.optional("score", s.Score, scoreCheck("score"))
	w.optional("kind", s.Kind, wordCheck("Mandatory", "Optional", "Serialize"))
	w.close()
}

func (w *writer) alerts(d *Decoded) {
	for _, a := range d.Alerts {
		w.open("alert", a.Kind, a.Name)
		w.fields("description", a.Description, "path", a.Path, "to", a.To, "from", a.From, "smtp", a.SMTP, "url", a.URL)
		if a.Secret != "" {
			w.raw("secret", valueText(a.Secret))
		}
		if len(a.Select) > 0 {
			w.raw("select", textList(a.Select))
		}
		if len(a.SelectAttributes) > 0 {
			w.raw("select-attributes", textList(a.SelectAttributes))
		}
		w.flat("params", a.Params, setParams)
		w.flat("meta", a.Meta, setAlertMeta)
		for _, r := range a.Recipients {
			w.open("recipient", r.Value)
			w.arg("description", r.Description)
			w.flat("params", r.Params, setParams)
			w.flat("meta", r.Meta, setAlertMeta)
			w.close()
		}
		w.close()
	}
	for _, r := range d.Roles {
		w.open("acl_role", r.Name)
		w.arg("description", r.Description)
		for _, p := range r.Permissions {
			w.open("permission", p.Kind)
			w.fields("xpath", p.XPath, "reference", p.Reference, "object-type", p.ObjectType, "attribute", p.Attribute,
				"description", p.Description)
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
		w.raw("roles", w.targets(u.Roles, []string{"acl role"}))
		w.close()
	}
}

func (w *writer) flat(typ string, values map[string]string, kind setKind) {
	if len(values) == 0 {
		return
	}
	var pairs []policy.Pair
	for _, name := range sortedKeys(values) {
		pairs = append(pairs, policy.Pair{Name: name, Value: values[name]})
	}
	w.open(typ)
	w.pairs(pairs, []string{"id", "id-ref", "score"}, kind)
	w.close()
}
