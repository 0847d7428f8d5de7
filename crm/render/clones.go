package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// clone shows a clone: its instances one by one if they differ, or the nodes of
// each role in one line.
func (d *display) clone(r policy.Resource) {
	if len(r.Children) == 0 {
		d.item("Clone Set: " + r.ID + " []" + d.collectiveFlags(r) + ":")
		return
	}
	child := r.Children[0]
	promotable := isTrue(d.lookup.inherited("promotable", child, r))
	unique := d.lookup.isUnique(r, child)
	var kinds []string
	if promotable {
		kinds = append(kinds, "promotable")
	}
	if unique {
		kinds = append(kinds, "unique")
	}
	d.item("Clone Set: " + r.ID + " [" + child.ID + "]" + d.collectiveFlags(r, kinds...) + ":")
	d.under(func() {
		c := cloneDisplay{display: d, clone: r, child: child, promotable: promotable}
		if unique {
			c.everyInstance()
		} else {
			c.byRole()
		}
	})
}

func (l *lookup) isUnique(clone, child policy.Resource) bool {
	if value := l.inherited("globally-unique", child, clone); value != "" {
		return isTrue(value)
	}
	return count(l.inherited("clone-node-max", child, clone), 1) > 1
}

// numbered says whether a name is that of an instance with its own identity.
func (l *lookup) numbered(name string) bool {
	return l.unique[baseName(name)]
}

// cloneDisplay is one clone on its way to the display.
type cloneDisplay struct {
	*display
	clone, child policy.Resource
	promotable   bool
}

// primitives are the members of one instance.
func (c *cloneDisplay) primitives() []policy.Resource {
	if c.child.Kind == policy.Group {
		return c.child.Children
	}
	return []policy.Resource{c.child}
}

// everyInstance lists numbered instances.
func (c *cloneDisplay) everyInstance() {
	highest := c.lookup.cloneMax(c.clone) - 1
	for _, m := range c.primitives() {
		for _, p := range c.lookup.instances[m.ID] {
			if _, number, ok := cutLast(p.Resource, ':'); ok && isActive(p) {
				highest = max(highest, count(number, 0))
			}
		}
	}
	for n := 0; n <= highest; n++ {
		suffix := fmt.Sprintf(":%d", n)
		c.instance(suffix, func(m policy.Resource) []policy.Placement { return c.lookup.exact[m.ID+suffix] })
	}
}

// instance lists one instance in full.
func (c *cloneDisplay) instance(suffix string, places func(policy.Resource) []policy.Placement) {
	show := func() {
		for _, m := range c.primitives() {
			line := c.plainLine(m, c.child, c.clone)
			line.id, line.places = m.ID+suffix, c.roles(places(m))
			running := slices.ContainsFunc(line.places, isActive)
			if !running && !c.Inactive || running && c.ByNode {
				continue
			}
			c.item(c.line(line))
		}
	}
	if c.child.Kind != policy.Group {
		show()
		return
	}
	c.item("Resource Group: " + c.child.ID + suffix + ":")
	c.under(show)
}

// roles calls what merely started in a promotable clone unpromoted.
func (c *cloneDisplay) roles(places []policy.Placement) []policy.Placement {
	places = slices.Clone(places)
	for i := range places {
		if c.promotable && places[i].Role == policy.RoleStarted {
			places[i].Role = policy.RoleUnpromoted
		}
	}
	return places
}

// byRole sums up interchangeable instances, and lists those in full that are
// not simply well.
func (c *cloneDisplay) byRole() {
	nodes, at := c.places()
	roles := make(map[policy.Role][]string)
	shown := 0
	for _, node := range nodes {
		if role, ok := c.plain(at[node], node); ok {
			roles[role] = append(roles[role], node)
		} else {
			c.instance("", func(m policy.Resource) []policy.Placement { return at[node][m.ID] })
		}
		shown++
	}
	if c.ByNode {
		roles = nil
	}
	for _, role := range []policy.Role{policy.RolePromoted, policy.RoleUnpromoted, policy.RoleStarted} {
		if names := roles[role]; len(names) > 0 {
			c.item(string(role) + ": " + nodeSet(names))
		}
	}
	if c.Inactive && shown < c.lookup.cloneMax(c.clone) {
		c.stopped(nodes)
	}
}

// places are the nodes on which anything of the clone runs, in order, and the
// placements there by primitive.
func (c *cloneDisplay) places() (nodes []string, at map[string]map[string][]policy.Placement) {
	at = make(map[string]map[string][]policy.Placement)
	for _, m := range c.primitives() {
		for _, p := range c.lookup.instances[m.ID] {
			if !isActive(p) {
				continue
			}
			if at[p.Node] == nil {
				at[p.Node] = make(map[string][]policy.Placement)
				nodes = append(nodes, p.Node)
			}
			at[p.Node][m.ID] = append(at[p.Node][m.ID], p)
		}
	}
	return sortedNames(nodes), at
}

// plain says whether all members are well on a node, and their common role.
func (c *cloneDisplay) plain(at map[string][]policy.Placement, node string) (policy.Role, bool) {
	if n := c.lookup.nodes[node]; n.Unclean && !n.Online {
		return "", false
	}
	role := policy.RoleStopped
	for _, m := range c.primitives() {
		places := at[m.ID]
		if len(places) != 1 {
			return "", false
		}
		p := places[0]
		if p.Failed || p.Blocked || p.Unmanaged || p.Orphaned {
			return "", false
		}
		if roleRank(p.Role) > roleRank(role) {
			role = p.Role
		}
	}
	if c.promotable && role == policy.RoleStarted {
		role = policy.RoleUnpromoted
	}
	return role, true
}

// stopped lists the nodes without an instance.
func (c *cloneDisplay) stopped(active []string) {
	var names []string
	for _, n := range c.Nodes {
		if !n.Remote && !slices.Contains(active, n.Name) {
			names = append(names, n.Name)
		}
	}
	if len(names) == 0 {
		return
	}
	word := c.bad("Stopped")
	if strings.EqualFold(c.lookup.inherited("target-role", c.child, c.clone), "Stopped") {
		word = "Stopped (disabled)"
	}
	c.item(word + ": " + nodeSet(sortedNames(names)))
}
