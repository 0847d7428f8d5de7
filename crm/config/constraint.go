package config

import (
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/holdfast-ha/holdfast/policy"
)

// location reads a location: which nodes a resource prefers, avoids or shuns.
func (d *decoder) location(b instance) {
	l := policy.Location{ID: b.name, Pos: posOf(b.head())}
	l.Pattern = b.text("rsc-pattern")
	d.checkPattern(b.block, "rsc-pattern", "!")
	if t, ok := d.ref(b.block, "resource"); ok {
		l.Resource, l.Role = t.means, t.role
		if t.action != "" {
			d.noAction(t)
		}
	}
	l.Sets = d.sets(b.block, b.name)
	if n := count(b.Body.Attributes["resource"] != nil, l.Pattern != "", len(l.Sets) > 0); n != 1 {
		d.errorf(b.head(), "Wrong location", "a location says which resource by exactly one of resource, rsc-pattern and set")
	}
	if a := b.attr("node"); a != nil {
		l.Node, _ = d.node(a.Expr, b.ctx)
		if b.Body.Attributes["score"] == nil {
			d.errorf(b.head(), "Missing score", "a location with a node needs a score, for example score = 100 or score = -INFINITY")
		}
	}
	l.Score = b.score("score")
	l.Rules = d.rules(b.block, b.name, inLocation)
	if hasNode := b.Body.Attributes["node"] != nil; hasNode == (len(b.blocks("rule")) > 0) {
		d.errorf(b.head(), "Wrong location", "a location says which nodes either by node and score, or by rule {}")
	}
	if role := b.role("role"); role != "" {
		l.Role = role
	}
	l.Discovery = b.word("resource-discovery", "always", "never", "exclusive")
	b.done()
	d.addLocation(l)
}

func count(all ...bool) int {
	n := 0
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}

// checkPattern reports a pattern that is no regular expression.
func (d *decoder) checkPattern(b *block, name, invert string) {
	s, ok := b.scalarOf(name)
	if !ok || s.text == "" {
		return
	}
	if _, err := regexp.CompilePOSIX(strings.TrimPrefix(s.text, invert)); err != nil {
		d.unfit(s, s.rng, "Wrong pattern", "%s is no regular expression: %s", name, err)
	}
}

// ref reads an argument that names a resource.
func (d *decoder) ref(b *block, name string) (target, bool) {
	a := b.attr(name)
	if a == nil {
		return target{}, false
	}
	return d.resolve(a.Expr, b.ctx, placeable, "resource")
}

// colocation reads a colocation.
func (d *decoder) colocation(b instance) {
	c := policy.Colocation{ID: b.name, Pos: posOf(b.head())}
	resource, okResource := d.ref(b.block, "resource")
	with, okWith := d.ref(b.block, "with")
	if okResource && d.noAction(resource) {
		c.Resource, c.ResourceRole = resource.means, resource.role
	}
	if okWith && d.noAction(with) {
		c.With, c.WithRole = with.means, with.role
	}
	d.longRole(b.block, "resource-role", &c.ResourceRole)
	d.longRole(b.block, "with-role", &c.WithRole)
	c.ResourceInstance, c.WithInstance = b.text("resource-instance"), b.text("with-instance")
	if okResource && okWith {
		d.notSelf(with, resource.text, resource.means)
	}
	c.Sets = d.sets(b.block, b.name)
	d.pairOrSets(b.block, "resource", "with", len(c.Sets))
	c.Score = b.score("score")
	c.NodeAttribute = b.text("node-attribute")
	c.Influence = b.boolean("influence")
	b.done()
	d.addColocation(c)
}

// longRole reads a role that does not stand behind the name: literal names
// cannot have one there.
func (d *decoder) longRole(b *block, name string, role *string) {
	if r := b.role(name); r != "" {
		*role = r
	}
}

// longAction does the same for an action.
func (d *decoder) longAction(b *block, name string, action *string) {
	if a := b.word(name, actions...); a != "" {
		*action = a
	}
}

// pairOrSets sees that a constraint names its resources one way.
func (d *decoder) pairOrSets(b *block, one, two string, sets int) {
	has := count(b.Body.Attributes[one] != nil, b.Body.Attributes[two] != nil)
	if sets > 0 && has == 0 || sets == 0 && has == 2 && len(b.blocks("set")) == 0 {
		return
	}
	d.errorf(b.head(), "Wrong "+b.Type, "%s has either %s and %s, or set {} blocks", article(b.Type), one, two)
}

// order reads an order.
func (d *decoder) order(b instance) {
	o := policy.Order{ID: b.name, Pos: posOf(b.head())}
	first, okFirst := d.ref(b.block, "first")
	then, okThen := d.ref(b.block, "then")
	if okFirst && d.noRole(first) {
		o.First, o.FirstAction = first.means, first.action
	}
	if okThen && d.noRole(then) {
		o.Then, o.ThenAction = then.means, then.action
	}
	d.longAction(b.block, "first-action", &o.FirstAction)
	d.longAction(b.block, "then-action", &o.ThenAction)
	o.FirstInstance, o.ThenInstance = b.text("first-instance"), b.text("then-instance")
	if okFirst && okThen {
		d.notSelf(then, first.text, first.means)
		if o.ThenAction == "" && o.FirstAction != "" && o.FirstAction != "start" {
			d.warnf(then.rng, "Action taken over", "%q without an action means %s.%s here, as in the first; write %s.start if that is meant",
				then.text, then.text, o.FirstAction, then.text)
		}
	}
	o.Sets = d.sets(b.block, b.name)
	d.pairOrSets(b.block, "first", "then", len(o.Sets))
	o.Kind = b.word("kind", "Mandatory", "Optional", "Serialize")
	o.Score = b.score("score")
	o.Symmetrical = b.boolean("symmetrical")
	o.RequireAll = b.boolean("require-all")
	b.done()
	d.addOrder(o)
}

// ticket reads a ticket constraint.
func (d *decoder) ticket(b instance) {
	t := policy.Ticket{ID: b.name, Pos: posOf(b.head())}
	t.Ticket = b.required("ticket", `"app"`)
	if r, ok := d.ref(b.block, "resource"); ok && d.noAction(r) {
		t.Resource, t.ResourceRole = r.means, r.role
	}
	d.longRole(b.block, "resource-role", &t.ResourceRole)
	t.Sets = d.sets(b.block, b.name)
	if count(b.Body.Attributes["resource"] != nil, len(b.blocks("set")) > 0) != 1 {
		d.errorf(b.head(), "Wrong ticket", "a ticket has either a resource or set {} blocks")
	}
	t.LossPolicy = b.word("loss-policy", "stop", "demote", "fence", "freeze")
	b.done()
	d.out.Policy.Constraints = append(d.out.Policy.Constraints, policy.Constraint{Ticket: &t})
}

// sets reads the set blocks of a constraint.
func (d *decoder) sets(b *block, owner string) []policy.ResourceSet {
	var out []policy.ResourceSet
	for i, s := range b.blocks("set") {
		s.labels()
		out = append(out, d.set(s, numbered(owner+"-set", i)))
	}
	return out
}

func (d *decoder) set(b *block, id string) policy.ResourceSet {
	set := policy.ResourceSet{Pos: posOf(b.head())}
	if set.IDRef = b.text("id-ref"); set.IDRef != "" {
		b.done()
		return set
	}
	set.ID = orElse(b.text("id"), id)
	set.Resources = b.members("resources", placeable, "resource")
	if b.Body.Attributes["resources"] != nil && len(set.Resources) == 0 && !d.found.HasErrors() {
		d.errorf(b.head(), "Empty set", "a set names at least one resource")
	}
	set.Sequential = b.boolean("sequential")
	set.RequireAll = b.boolean("require-all")
	set.Ordering = b.word("ordering", "group", "listed")
	set.Action = b.word("action", actions...)
	set.Role = b.role("role")
	set.Score = b.score("score")
	set.Kind = b.word("kind", "Mandatory", "Optional", "Serialize")
	b.done()
	return set
}

// spread reads a spread: resources that keep away from each other. It makes
// one colocation for each pair, NAME-A-B; the one listed first chooses first.
func (d *decoder) spread(b instance) {
	type member struct {
		means, text string
		rng         hcl.Range
	}
	var all []member
	if a := b.attr("resources"); a != nil {
		for _, e := range d.elements(a.Expr, b.ctx) {
			if t, ok := d.resolve(e, b.ctx, placeable, "resource"); ok && d.noAction(t) {
				all = append(all, member{t.means, t.text, t.rng})
			}
		}
	}
	if a := b.Body.Attributes["resources"]; a == nil || len(all) < 2 && !d.found.HasErrors() {
		d.errorf(b.head(), "Wrong spread", "a spread needs resources = [a, b, …], two at least")
	}
	score := b.score("score")
	if score == "" {
		score = "-" + infinity
	}
	if score[0] != '-' {
		d.errorf(b.Body.Attributes["score"].Expr.Range(), "Wrong score", "resources that spread have a negative score; %s would pull them together", score)
	}
	b.done()
	for j := range all {
		for i := range j {
			id := b.name + "-" + all[i].text + "-" + all[j].text
			if d.declare(id, "colocation", id, all[j].rng) {
				d.addColocation(policy.Colocation{ID: id, Resource: all[j].means, With: all[i].means, Score: score, Pos: posOf(b.head())})
			}
		}
	}
}

// tag reads a tag: a name for several objects.
func (d *decoder) tag(b instance) {
	t := policy.Tag{ID: b.name, Pos: posOf(b.head())}
	t.Members = b.members("members", taggable, "object")
	b.done()
	d.out.Policy.Tags = append(d.out.Policy.Tags, t)
}
