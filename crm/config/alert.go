package config

import (
	"slices"
)

// setAlertMeta are the meta-attributes of alerts and recipients.
var setAlertMeta = setKind{what: "meta-attribute", scope: inOptions, known: map[string]valueKind{
	"timeout": isTimeout, "timestamp-format": anyValue, "enabled": isBoolean,
}}

var eventKinds = []string{"nodes", "fencing", "resources", "attributes"}

// alert reads an alert.
func (d *decoder) alert(b instance) {
	a := Alert{Name: b.name, Kind: b.label(0), Pos: posOf(b.head())}
	switch a.Kind {
	case "script":
		a.Path = b.required("path", `"/etc/holdfast/alert.sh"`)
	case "mail":
		a.To = b.required("to", `"ops@example.com"`)
		a.SMTP = b.required("smtp", `"smtp.example.com:587"`)
		a.From = b.text("from")
	case "webhook":
		a.URL = b.required("url", `"https://pager.example.com/hook"`)
	default:
		d.errorf(b.LabelRanges[0], "Unknown alert", "there is no alert %q.%s", a.Kind, orKnown(a.Kind, []string{"script", "mail", "webhook"}))
		return
	}
	if at := b.attr("secret"); at != nil && a.Kind == "webhook" {
		if s, ok := d.scalar(at.Expr, b.ctx); ok {
			a.Secret = s.text
			d.masked[maskKey(a.Name, "secret")] = true
		}
	}
	a.Select = b.texts("select")
	for _, s := range a.Select {
		if !slices.Contains(eventKinds, s) {
			d.errorf(b.Body.Attributes["select"].Expr.Range(), "Wrong value", "there are no %q to select.%s", s, orKnown(s, eventKinds))
		}
	}
	a.SelectAttributes = b.texts("select-attributes")
	a.Params, a.Meta = d.alertSets(b.block, a.Name)
	for _, r := range b.blocks("recipient") {
		if !r.labels("VALUE") {
			continue
		}
		to := Recipient{Value: r.label(0), Description: r.text("description")}
		to.Params, to.Meta = d.alertSets(r, a.Name)
		r.text("id")
		r.done()
		a.Recipients = append(a.Recipients, to)
	}
	a.Description = b.text("description")
	b.done()
	if !d.opt.AlertsWork {
		d.warnf(b.head(), "Alert without effect", "this version keeps the alert %q and sends nothing", a.Name)
	}
	d.out.Alerts = append(d.out.Alerts, a)
}

// alertSets reads the parameters and meta-attributes of an alert or recipient.
func (d *decoder) alertSets(b *block, owner string) (params, meta map[string]string) {
	params = flat(d.nvsets(b, "params", owner+"-params", setKind{what: "parameter", secrets: true, owner: owner, scope: inOptions}))
	meta = flat(d.nvsets(b, "meta", owner+"-meta", setAlertMeta))
	return params, meta
}

// aclRole reads a role: what its holders may see and change.
func (d *decoder) aclRole(b instance) {
	role := ACLRole{Name: b.name, Description: b.text("description"), Pos: posOf(b.head())}
	for _, p := range b.blocks("permission") {
		if !p.labels("read|write|deny") {
			continue
		}
		perm := Permission{Kind: p.label(0), XPath: p.text("xpath"), Reference: p.text("reference"), ObjectType: p.text("object-type"), Attribute: p.text("attribute")}
		if !slices.Contains([]string{"read", "write", "deny"}, perm.Kind) {
			d.errorf(p.LabelRanges[0], "Wrong permission", "a permission is \"read\", \"write\" or \"deny\", not %q", perm.Kind)
		}
		if count(perm.XPath != "", perm.Reference != "", perm.ObjectType != "") != 1 {
			d.errorf(p.head(), "Wrong permission", "a permission has exactly one of xpath, reference and object-type")
		}
		perm.Description = p.text("description")
		p.done()
		role.Permissions = append(role.Permissions, perm)
	}
	b.done()
	d.aclWarning(b)
	d.out.Roles = append(d.out.Roles, role)
}

// aclSubject reads a user or a group of users.
func (d *decoder) aclSubject(b instance) {
	s := ACLSubject{Name: b.name, Group: b.Type == "acl_group", Pos: posOf(b.head())}
	s.Roles = b.members("roles", []string{"acl role"}, "role")
	b.done()
	d.aclWarning(b)
	d.out.Users = append(d.out.Users, s)
}

func (d *decoder) aclWarning(b instance) {
	if !d.opt.ACLsWork {
		d.warnf(b.head(), "Permission without effect", "this version keeps %q and enforces nothing: whoever reaches the socket may do all", b.name)
	}
}
