package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// argument is one named value of an object, for comparing and for printing.
type argument struct {
	name, value string
	masked      bool
}

// object is one thing of a configuration as a flat list of arguments.
type object struct {
	kind, id string
	pos      policy.Pos
	args     []argument
}

// listing collects objects in a stable order.
type listing struct {
	d   *Decoded
	all []object
}

func (d *Decoded) object(id string) (object, bool) {
	for _, o := range d.objects() {
		if o.id == id {
			return o, true
		}
	}
	return object{}, false
}

// objects lists everything in the configuration: first the cluster and its
// nodes, then fencing, resources, constraints, and the rest.
func (d *Decoded) objects() []object {
	l := &listing{d: d}
	l.cluster()
	p := d.Policy
	if p == nil {
		p = &policy.Config{}
	}
	for _, n := range p.Nodes {
		o := l.add("node", n.ID, n.Pos)
		if n.Name != n.ID {
			o.arg("name", n.Name)
		}
		o.arg("type", n.Type)
		o.arg("score", n.Score)
		for _, m := range d.Cluster.Members {
			if m.Name == n.Name {
				o.arg("address", strings.Join(m.Addresses, ", "))
			}
		}
		l.sets(o, "attributes", n.Attributes)
		l.sets(o, "utilization", n.Utilization)
	}
	l.setObjects("options", "options", p.Options)
	l.setObjects("defaults", "defaults.resource", p.ResourceDefaults)
	l.setObjects("defaults", "defaults.op", p.OpDefaults)
	for _, t := range p.Templates {
		l.resource("template", t, "")
	}
	for _, r := range p.Resources {
		l.resource("", r, "")
	}
	for _, f := range p.FencingLevels {
		o := l.add("fence_topology", f.ID, f.Pos)
		o.arg("target", f.Target)
		o.arg("target-pattern", f.TargetPattern)
		if f.TargetAttribute != "" {
			o.arg("target-attribute", f.TargetAttribute+"="+f.TargetValue)
		}
		o.arg("devices", strings.Join(f.Devices, ", "))
	}
	for _, c := range p.Constraints {
		l.constraint(c)
	}
	for _, t := range p.Tags {
		l.add("tag", t.ID, t.Pos).arg("members", strings.Join(t.Members, ", "))
	}
	l.alerts()
	return l.all
}

// add begins an object; arguments go to the returned pointer before the next.
func (l *listing) add(kind, id string, pos policy.Pos) *object {
	l.all = append(l.all, object{kind: kind, id: id, pos: pos})
	return &l.all[len(l.all)-1]
}

func (o *object) arg(name, value string) {
	if value != "" {
		o.args = append(o.args, argument{name: name, value: value})
	}
}

func (l *listing) cluster() {
	c := l.d.Cluster
	o := l.add("cluster", orElse(c.Name, "cluster"), c.Pos)
	for _, n := range c.Networks {
		v := "port " + strconv.Itoa(n.Port)
		if n.Priority != 0 {
			v += ", priority " + strconv.Itoa(n.Priority)
		}
		o.arg("network."+n.Name, v)
	}
	o.arg("quorum", c.Quorum)
	o.arg("failure-timeout", c.FailureTimeout.String())
	if c.Watchdog != nil {
		o.arg("watchdog", c.Watchdog.Device+", "+c.Watchdog.Timeout.String())
	}
}

// setObjects lists options or defaults, whose sets are objects of their own.
func (l *listing) setObjects(kind, id string, sets []policy.NVSet) {
	for i, s := range sets {
		o := l.add(kind, numbered(id, i), s.Pos)
		o.arg("score", s.Score)
		o.arg("id-ref", s.IDRef)
		for _, r := range s.Rules {
			o.arg("rule", ruleText(r))
		}
		for _, p := range s.Pairs {
			o.arg(pairName(p), p.Value)
		}
	}
}

func pairName(p policy.Pair) string {
	if p.Name == "" {
		return "nvpair.id-ref " + p.IDRef
	}
	return p.Name
}

// sets lists the pairs of an object's sets as "meta.priority", and those of a
// second set as "meta[2].priority".
func (l *listing) sets(o *object, kind string, sets []policy.NVSet) {
	for i, s := range sets {
		prefix := kind
		if i > 0 {
			prefix = fmt.Sprintf("%s[%d]", kind, i+1)
		}
		o.arg(prefix+" score", s.Score)
		o.arg(prefix+" id-ref", s.IDRef)
		for _, r := range s.Rules {
			o.arg(prefix+" rule", ruleText(r))
		}
		for _, p := range s.Pairs {
			name := pairName(p)
			masked := strings.HasSuffix(kind, "params") && (l.d.IsMasked(o.id, "params."+name) || secretive(name))
			o.args = append(o.args, argument{name: prefix + "." + name, value: p.Value, masked: masked})
		}
	}
}

// secretive names hold secrets even when nobody said so.
func secretive(name string) bool {
	n := strings.ToLower(name)
	return strings.Contains(n, "passw") || n == "passwd" || strings.HasSuffix(n, "secret") || n == "snmp_priv_passwd"
}

func (l *listing) resource(kind string, r policy.Resource, parent string) {
	if kind == "" {
		kind = string(r.Kind)
		if r.Kind == policy.Primitive {
			kind = "resource"
		}
		if r.Class == fenceClass {
			kind = "fence"
		}
	}
	o := l.add(kind, r.ID, r.Pos)
	if r.Class != "" {
		o.arg("agent", agentName(r))
	}
	if r.Template != "" {
		o.arg("agent", "@"+r.Template)
	}
	o.arg("in", parent)
	o.arg("description", r.Description)
	var children []string
	for _, c := range r.Children {
		children = append(children, c.ID)
	}
	o.arg("members", strings.Join(children, ", "))
	l.bundle(o, r.Bundle)
	l.sets(o, "params", r.Params)
	l.sets(o, "meta", r.Meta)
	l.sets(o, "utilization", r.Utilization)
	o.arg("operations", r.Operations.ID+r.Operations.IDRef)
	for _, op := range r.Operations.List {
		l.op(o, op)
	}
	for _, c := range r.Children {
		l.resource("", c, r.ID)
	}
}

func (l *listing) op(o *object, op policy.Op) {
	name := "op." + op.Name
	if op.Interval != "" {
		name += "." + op.Interval
	}
	if op.IDRef != "" {
		name += " id-ref " + op.IDRef
	}
	var parts []string
	for _, a := range op.Attributes {
		parts = append(parts, a.Name+"="+a.Value)
	}
	o.args = append(o.args, argument{name: name, value: strings.Join(parts, " ")})
	l.sets(o, name+".params", op.Params)
	l.sets(o, name+".meta", op.Meta)
}

func (l *listing) bundle(o *object, b *policy.BundleSpec) {
	if b == nil {
		return
	}
	o.arg("runtime", b.Runtime)
	for _, p := range b.Container {
		o.arg(b.Runtime+"."+p.Name, p.Value)
	}
	for _, p := range b.Network {
		o.arg("network."+p.Name, p.Value)
	}
	for _, p := range b.PortMappings {
		o.arg("port-mapping", strings.TrimSpace(p.Port+" "+p.InternalPort+" "+p.Range))
	}
	for _, s := range b.Storage {
		o.arg("storage-mapping", s.SourceDir+s.SourceDirRoot+" "+s.TargetDir+" "+s.Options)
	}
}

func (l *listing) alerts() {
	for _, a := range l.d.Alerts {
		o := l.add("alert", a.Name, a.Pos)
		for _, p := range [][2]string{
			{"kind", a.Kind},
			{"description", a.Description},
			{"path", a.Path},
			{"to", a.To},
			{"from", a.From},
			{"smtp", a.SMTP},
			{"url", a.URL},
			{"select", strings.Join(a.Select, ", ")},
			{"select-attributes", strings.Join(a.SelectAttributes, ", ")},
		} {
			o.arg(p[0], p[1])
		}
		if a.Secret != "" {
			o.args = append(o.args, argument{name: "secret", value: a.Secret, masked: true})
		}
		l.flat(o, "params", a.Params)
		l.flat(o, "meta", a.Meta)
		for _, r := range a.Recipients {
			o.args = append(o.args, argument{name: "recipient", value: r.Value})
			l.flat(o, "recipient.params", r.Params)
			l.flat(o, "recipient.meta", r.Meta)
		}
	}
	for _, r := range l.d.Roles {
		o := l.add("acl_role", r.Name, r.Pos)
		o.arg("description", r.Description)
		for _, p := range r.Permissions {
			o.arg("permission."+p.Kind, strings.TrimSpace(p.XPath+p.Reference+p.ObjectType+" "+p.Attribute))
		}
	}
	for _, u := range l.d.Users {
		kind := "acl_user"
		if u.Group {
			kind = "acl_group"
		}
		l.add(kind, u.Name, u.Pos).arg("roles", strings.Join(u.Roles, ", "))
	}
}

func (l *listing) flat(o *object, prefix string, m map[string]string) {
	for _, name := range sortedKeys(m) {
		masked := l.d.IsMasked(o.id, "params."+name) || secretive(name)
		o.args = append(o.args, argument{name: prefix + "." + name, value: m[name], masked: masked})
	}
}
