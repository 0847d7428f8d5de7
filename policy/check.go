package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Check lists everything wrong with a configuration, in the order of the
// document: what makes it unacceptable as errors, what will be ignored or
// replaced by a default as warnings.
func Check(c *Config) []Problem {
	if c == nil {
		return nil
	}
	k := &checker{cfg: c, seen: map[string]Pos{}, resources: map[string]*Resource{}}
	k.nodes()
	k.collect(c.Templates)
	k.collect(c.Resources)
	for i := range c.Resources {
		k.resource(&c.Resources[i])
	}
	k.tags()
	for i := range c.Constraints {
		k.constraint(&c.Constraints[i])
	}
	k.levels()
	k.decide()
	return k.problems
}

type checker struct {
	cfg       *Config
	problems  []Problem
	seen      map[string]Pos
	resources map[string]*Resource
}

func (k *checker) errorf(object string, pos Pos, format string, args ...any) {
	k.problems = append(k.problems, Problem{Error: true, Object: object, Pos: pos, Text: fmt.Sprintf(format, args...)})
}

func (k *checker) warnf(object string, pos Pos, format string, args ...any) {
	k.problems = append(k.problems, Problem{Object: object, Pos: pos, Text: fmt.Sprintf(format, args...)})
}

// id notes an id that must be unique among resources, templates, tags and
// constraints.
func (k *checker) id(id string, pos Pos, what string) {
	if id == "" {
		k.errorf("", pos, "a %s has no id", what)
		return
	}
	if first, dup := k.seen[id]; dup {
		text := fmt.Sprintf("id %q is used twice", id)
		if first.String() != "" {
			text += "; the first is at " + first.String()
		}
		k.errorf(id, pos, "%s", text)
	}
	k.seen[id] = pos
}

func (k *checker) nodes() {
	names := map[string]bool{}
	for _, n := range k.cfg.Nodes {
		if n.ID == "" {
			k.errorf(n.Name, n.Pos, "a node has no id")
		}
		name := strings.ToLower(either(n.Name, n.ID))
		if names[name] {
			k.errorf(name, n.Pos, "node %q is configured twice", either(n.Name, n.ID))
		}
		names[name] = true
		switch strings.ToLower(n.Type) {
		case "", "member", "remote":
		default:
			k.errorf(n.ID, n.Pos, "node type %q is unknown; use member or remote", n.Type)
		}
	}
}

func (k *checker) collect(list []Resource) {
	for i := range list {
		r := &list[i]
		k.id(r.ID, r.Pos, string(r.Kind))
		k.resources[r.ID] = r
		k.collect(r.Children)
	}
}

func (k *checker) resource(r *Resource) {
	switch r.Kind {
	case Primitive:
		k.primitive(r)
	case Group:
		k.children(r, Primitive)
	case Clone:
		k.children(r, Primitive, Group)
		if len(r.Children) > 1 {
			k.errorf(r.ID, r.Pos, "clone %q must contain exactly one primitive or group", r.ID)
		}
	case Bundle:
		if r.Bundle == nil {
			k.errorf(r.ID, r.Pos, "bundle %q has no container", r.ID)
		}
	default:
		k.errorf(r.ID, r.Pos, "resource %q has the unknown kind %q", r.ID, r.Kind)
	}
	for i := range r.Children {
		k.resource(&r.Children[i])
	}
}

func (k *checker) children(r *Resource, kinds ...Kind) {
	if len(r.Children) == 0 {
		k.errorf(r.ID, r.Pos, "%s %q is empty", r.Kind, r.ID)
	}
	for i := range r.Children {
		if c := &r.Children[i]; !slices.Contains(kinds, c.Kind) {
			k.errorf(c.ID, c.Pos, "%s %q cannot be part of %s %q", c.Kind, c.ID, r.Kind, r.ID)
		}
	}
}

func (k *checker) primitive(r *Resource) {
	if r.Template != "" {
		if t := k.resources[r.Template]; t == nil || t.Kind != Template {
			k.errorf(r.ID, r.Pos, "resource %q takes from template %q, which does not exist", r.ID, r.Template)
		}
	} else if r.Class == "" || r.Type == "" {
		k.errorf(r.ID, r.Pos, "resource %q names no agent (class and type)", r.ID)
	}
	for i := range r.Operations.List {
		op := &r.Operations.List[i]
		if op.IDRef != "" {
			continue
		}
		if op.Name == "" {
			k.errorf(r.ID, op.Pos, "an operation of %q has no name", r.ID)
		}
		if _, ok := parseInterval(op.Interval); !ok {
			k.errorf(r.ID, op.Pos, "interval %q of operation %s of %q is no duration", op.Interval, op.Name, r.ID)
		}
		if v, given := attrGiven(op.Attributes, "timeout"); given {
			if _, ok := parseMS(v); !ok {
				k.errorf(r.ID, op.Pos, "timeout %q of operation %s of %q is no duration", v, op.Name, r.ID)
			}
		}
	}
}

func (k *checker) tags() {
	for _, t := range k.cfg.Tags {
		k.id(t.ID, t.Pos, "tag")
		for _, x := range t.Members {
			if _, ok := k.seen[x]; !ok && k.resources[x] == nil {
				k.warnf(t.ID, t.Pos, "tag %q names %q, which does not exist", t.ID, x)
			}
		}
	}
}

// names tells whether a constraint may name an id.
func (k *checker) names(id string) bool {
	if k.resources[id] != nil {
		return true
	}
	for _, t := range k.cfg.Tags {
		if t.ID == id {
			return true
		}
	}
	for r := range strings.SplitSeq(id, ":") {
		return r != id && k.resources[r] != nil // an instance, "web:0"
	}
	return false
}

func (k *checker) reference(constraint, id string, pos Pos) {
	if id != "" && !k.names(id) {
		k.errorf(constraint, pos, "constraint %q names resource %q, which does not exist", constraint, id)
	}
}

func (k *checker) sets(constraint string, sets []ResourceSet, pos Pos) {
	for _, s := range sets {
		for _, id := range s.Resources {
			k.reference(constraint, id, pos)
		}
	}
}

func (k *checker) score(constraint, text string, pos Pos) {
	if _, ok := (healthColours{}).parseScore(text, 0); !ok && text != "" {
		k.errorf(constraint, pos, "score %q of constraint %q is no score; use a number or INFINITY", text, constraint)
	}
}

func (k *checker) role(constraint, text string, pos Pos) {
	if text != "" && parseRole(text) == unknown {
		k.errorf(constraint, pos, "role %q of constraint %q is unknown; use Started, Promoted, Unpromoted or Stopped", text, constraint)
	}
}

func (k *checker) constraint(x *Constraint) {
	switch {
	case x.Location != nil:
		k.location(x.Location)
	case x.Colocation != nil:
		c := x.Colocation
		k.id(c.ID, c.Pos, "colocation")
		k.reference(c.ID, c.Resource, c.Pos)
		k.reference(c.ID, c.With, c.Pos)
		k.sets(c.ID, c.Sets, c.Pos)
		k.score(c.ID, c.Score, c.Pos)
		k.role(c.ID, c.ResourceRole, c.Pos)
		k.role(c.ID, c.WithRole, c.Pos)
		if len(c.Sets) == 0 && (c.Resource == "" || c.With == "") {
			k.errorf(c.ID, c.Pos, "colocation %q needs two resources", c.ID)
		}
	case x.Order != nil:
		k.order(x.Order)
	case x.Ticket != nil:
		c := x.Ticket
		k.id(c.ID, c.Pos, "ticket constraint")
		k.reference(c.ID, c.Resource, c.Pos)
		k.sets(c.ID, c.Sets, c.Pos)
		if c.Ticket == "" {
			k.errorf(c.ID, c.Pos, "constraint %q names no ticket", c.ID)
		}
	}
}

func (k *checker) location(c *Location) {
	k.id(c.ID, c.Pos, "location")
	k.reference(c.ID, c.Resource, c.Pos)
	k.sets(c.ID, c.Sets, c.Pos)
	k.score(c.ID, c.Score, c.Pos)
	k.role(c.ID, c.Role, c.Pos)
	if c.Resource == "" && c.Pattern == "" && len(c.Sets) == 0 {
		k.errorf(c.ID, c.Pos, "location %q names no resource", c.ID)
	}
	if c.Node == "" && len(c.Rules) == 0 {
		k.errorf(c.ID, c.Pos, "location %q names neither a node nor a rule", c.ID)
	}
	if c.Pattern != "" {
		if _, err := regexp.CompilePOSIX(strings.TrimPrefix(c.Pattern, "!")); err != nil {
			k.errorf(c.ID, c.Pos, "pattern %q of location %q is no regular expression", c.Pattern, c.ID)
		}
	}
}

func (k *checker) order(c *Order) {
	k.id(c.ID, c.Pos, "order")
	k.reference(c.ID, c.First, c.Pos)
	k.reference(c.ID, c.Then, c.Pos)
	k.sets(c.ID, c.Sets, c.Pos)
	switch c.Kind {
	case "", "Mandatory", "Optional", "Serialize":
	default:
		k.errorf(c.ID, c.Pos, "kind %q of order %q is unknown; use Mandatory, Optional or Serialize", c.Kind, c.ID)
	}
	if len(c.Sets) == 0 && (c.First == "" || c.Then == "") {
		k.errorf(c.ID, c.Pos, "order %q needs two resources", c.ID)
	}
}

func (k *checker) levels() {
	for _, l := range k.cfg.FencingLevels {
		if l.Index < 1 || l.Index > 9 {
			k.errorf(l.ID, l.Pos, "index %d of fencing level %q is not between 1 and 9", l.Index, l.ID)
		}
		for _, id := range l.Devices {
			if r := k.resources[id]; r == nil {
				k.errorf(l.ID, l.Pos, "fencing level %q names device %q, which does not exist", l.ID, id)
			}
		}
	}
}

// decide adds what a decision on an empty cluster finds, such as options
// without a valid value.
func (k *checker) decide() {
	m := newModel(Input{Config: k.cfg, Status: &Status{Quorum: true}})
	m.readOptions()
	m.readNodes()
	m.readResources()
	m.readConstraints()
	m.addInternalConstraints()
	m.eachPrimitive(func(r *resource) {
		m.recurringOps(r)
		for _, op := range m.operations(r) {
			m.opInfo(r, opKey{op.Name, op.intervalMS()})
		}
	})
	have := map[string]bool{}
	for _, p := range k.problems {
		have[p.Object] = true
	}
	for _, p := range m.problems {
		if !have[p.Object] {
			k.problems = append(k.problems, p)
		}
	}
}
