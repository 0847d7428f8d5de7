package api

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// resources is the tree of what is configured, and what still runs though it is
// configured no more.
func (b *statusBuilder) resources() {
	configured := map[string]bool{}
	for i := range b.config.Resources {
		r := b.resource(&b.config.Resources[i], configured)
		b.out.Resources = append(b.out.Resources, r)
	}
	agents := map[string]string{}
	for _, p := range b.out.Placement {
		name := instanceBase(p.Resource)
		if !p.Orphaned || configured[name] || configured[p.Resource] || !active(p) {
			continue
		}
		configured[p.Resource] = true
		if len(agents) == 0 {
			agents = render.HistoryAgents(b.state.Status(b.cluster.Leader, b.cluster.Quorum))
		}
		b.out.Resources = append(b.out.Resources, Resource{
			ID: p.Resource, Kind: policy.Primitive, Agent: agents[p.Resource], Role: p.Role, Orphaned: true, Instances: []policy.Placement{p},
		})
	}
}

func (b *statusBuilder) resource(c *policy.Resource, configured map[string]bool) Resource {
	configured[c.ID] = true
	r := Resource{ID: c.ID, Kind: c.Kind, Description: c.Description, Role: policy.RoleStopped}
	if c.Kind == policy.Primitive {
		class, provider, typ := c.Class, c.Provider, c.Type
		if t := template(b.config, c.Template); t != nil {
			class, provider, typ = t.Class, t.Provider, t.Type
		}
		r.Agent = render.Agent(class, provider, typ)
		for _, p := range b.out.Placement {
			if instanceBase(p.Resource) == c.ID {
				r.add(p)
			}
		}
	}
	for i := range c.Children {
		child := b.resource(&c.Children[i], configured)
		r.Role = higher(r.Role, child.Role)
		r.Failed = r.Failed || child.Failed
		r.Unmanaged = r.Unmanaged || child.Unmanaged
		r.Disabled = r.Disabled || child.Disabled
		r.Children = append(r.Children, child)
	}
	for _, x := range b.out.Blocked {
		if instanceBase(x.Resource) == c.ID {
			for _, why := range x.Reasons {
				r.Blocked = append(r.Blocked, why.Text)
			}
		}
	}
	r.Blocked = slices.Compact(r.Blocked)
	for _, op := range b.out.Pending {
		if instanceBase(op.Resource) == c.ID && op.Task != policy.TaskMonitor {
			r.Pending = op.Task + " on " + op.Node
		}
	}
	return r
}

func (r *Resource) add(p policy.Placement) {
	if active(p) {
		r.Instances = append(r.Instances, p)
		r.Role = higher(r.Role, p.Role)
	}
	r.Failed = r.Failed || p.Failed
	r.Unmanaged = r.Unmanaged || p.Unmanaged
	r.Disabled = r.Disabled || p.Disabled
	r.Orphaned = r.Orphaned || p.Orphaned
}

func template(c *policy.Config, id string) *policy.Resource {
	for i := range c.Templates {
		if id != "" && c.Templates[i].ID == id {
			return &c.Templates[i]
		}
	}
	return nil
}

func higher(a, b policy.Role) policy.Role {
	order := []policy.Role{policy.RoleStopped, policy.RoleStarted, policy.RoleUnpromoted, policy.RolePromoted}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// shape is the configuration without parameters, which may be secret, and
// without what a display does not show.
func shape(c *policy.Config) *policy.Config {
	return &policy.Config{
		Options: c.Options, ResourceDefaults: c.ResourceDefaults,
		Resources: bare(c.Resources), Templates: bare(c.Templates),
	}
}

func bare(list []policy.Resource) []policy.Resource {
	out := slices.Clone(list)
	for i := range out {
		out[i].Params, out[i].Utilization, out[i].Operations = nil, nil, policy.Operations{}
		out[i].Children = bare(out[i].Children)
	}
	return out
}

// manual lists everything that operators asked for beside the configuration.
func (b *statusBuilder) manual() {
	set := b.state.Settings
	for _, name := range sortedKeys(set.Nodes) {
		n := set.Nodes[name]
		if n.Standby || n.StandbyReboot {
			text := "node " + name + " is in standby"
			if n.StandbyReboot {
				text += " until it boots"
			}
			b.rule(ManualRule{Kind: "node", ID: "standby-" + name, Object: name, Text: text, Undo: "crm node online " + name, Author: n.By, At: milli(n.At)})
		}
		if n.Maintenance {
			b.rule(ManualRule{
				Kind: "node", ID: "maintenance-" + name, Object: name, Text: "node " + name + " is in maintenance: nothing is started, stopped or recovered there",
				Undo: "crm node ready " + name, Author: n.By, At: milli(n.At),
			})
		}
	}
	for _, name := range sortedKeys(set.Resources) {
		b.resourceSetting(name, set.Resources[name])
	}
	for _, r := range set.Rules {
		b.location(r)
	}
	for _, name := range sortedKeys(set.Moves) {
		m := set.Moves[name]
		b.rule(ManualRule{
			Kind: "move", ID: "move-" + name, Object: name, Node: m.Node, Text: name + " is moving to " + m.Node,
			Undo: "crm resource clear " + name, Author: m.By, At: milli(m.At), Expires: time.Unix(m.Until, 0).UTC(),
		})
	}
}

func (b *statusBuilder) rule(r ManualRule) { b.out.Manual = append(b.out.Manual, r) }

func (b *statusBuilder) resourceSetting(name string, set state.ResourceSetting) {
	add := func(id, text, undo string) {
		b.rule(ManualRule{Kind: "resource", ID: id + "-" + name, Object: name, Text: text, Undo: undo, Author: set.By, At: milli(set.At)})
	}
	if set.TargetRole != "" {
		text, undo := name+" shall be "+set.TargetRole, "crm resource start "+name
		if set.TargetRole == "Stopped" {
			text = name + " is stopped by hand"
		} else {
			undo = "crm resource stop " + name
		}
		add("target-role", text, undo)
	}
	switch {
	case isTrue(set.Maintenance):
		add("maintenance", name+" is in maintenance", "crm resource maintenance "+name+" off")
	case set.Maintenance != "":
		add("maintenance", name+" is kept out of maintenance", "crm resource clear "+name)
	}
	switch {
	case isTrue(set.Managed):
		add("managed", name+" is managed, whatever the configuration says", "crm resource unmanage "+name)
	case set.Managed != "":
		add("managed", name+" is not managed", "crm resource manage "+name)
	}
}

func (b *statusBuilder) location(r state.ManualRule) {
	m := ManualRule{
		Kind: "prefer", ID: r.ID, Object: r.Resource, Node: r.Node, Text: r.Resource + " prefers " + r.Node + " (" + r.Score + ")",
		Undo: "crm resource clear " + r.Resource, Author: r.By, At: milli(r.At),
	}
	if strings.HasPrefix(r.Score, "-") {
		m.Kind, m.Text = "ban", r.Resource+" may not run on "+r.Node
		if n, err := strconv.Atoi(r.Score); err == nil {
			m.Text = r.Resource + " avoids " + r.Node + " (" + strconv.Itoa(n) + ")"
		}
	}
	if r.Expires > 0 {
		m.Expires = time.Unix(r.Expires, 0).UTC()
		if !b.now.Before(m.Expires) {
			return // over: it does nothing any more
		}
	}
	b.rule(m)
}
