package config

import (
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/holdfast-ha/holdfast/policy"
)

// namesOf are the names that a written configuration will have, as the reader
// will see them: what a bare name means, and which nodes there are.
func namesOf(d *Decoded, cfg *policy.Config) namespace {
	n := newNamespace(d.Names.Nodes)
	add := func(id, kind, means string) {
		if _, taken := n.entries[id]; !taken {
			n.entries[id] = entry{name: id, kind: kind, means: means}
		}
	}
	for _, m := range cfg.Nodes {
		n.nodes[m.Name] = hcl.Range{}
	}
	for _, t := range cfg.Templates {
		add(t.ID, "template", t.ID)
	}
	var walk func(r policy.Resource, outer string, top bool)
	walk = func(r policy.Resource, outer string, top bool) {
		kind := string(r.Kind)
		switch {
		case r.Kind == policy.Primitive && top && plainFence(r):
			kind = "fence"
		case r.Kind == policy.Primitive:
			kind = "resource"
			remoteNames(n, r)
		case outer == "" && (r.Kind == policy.Clone || r.Kind == policy.Bundle):
			outer = r.ID
		}
		add(r.ID, kind, orElse(outer, r.ID))
		for _, c := range r.Children {
			walk(c, outer, false)
		}
	}
	for _, r := range cfg.Resources {
		walk(r, "", true)
	}
	for _, c := range cfg.Constraints {
		add(c.ID(), constraintKind(c), c.ID())
	}
	for _, t := range cfg.Tags {
		add(t.ID, "tag", t.ID)
	}
	for _, r := range d.Roles {
		add(r.Name, "acl role", r.Name)
	}
	return n
}

// remoteNames enters the nodes that a resource makes, like declareRemote.
func remoteNames(n namespace, r policy.Resource) {
	if agentLabel(r) == "ocf:pacemaker:remote" {
		n.nodes[r.ID] = hcl.Range{}
	}
	for _, s := range r.Meta {
		if i := slices.IndexFunc(s.Pairs, func(p policy.Pair) bool { return p.Name == "remote-node" }); i >= 0 && s.Pairs[i].IDRef == "" {
			n.nodes[s.Pairs[i].Value] = hcl.Range{}
		}
	}
}

func constraintKind(c policy.Constraint) string {
	switch {
	case c.Location != nil:
		return "location"
	case c.Colocation != nil:
		return "colocation"
	case c.Order != nil:
		return "order"
	}
	return "ticket"
}

// fits says whether a check of the reader finds nothing to refuse.
func fits(check func(*decoder)) bool {
	d := &decoder{report: report{files: map[string]*file{}}, masked: map[string]bool{}}
	check(d)
	return !d.found.HasErrors()
}

// literalText writes a text that is to be kept as it stands.
func literalText(s string) string { return "literal(" + quoted(s) + ")" }

// judged writes an argument with a value that the reader checks.
func (w *writer) judged(name, value string, check func(*decoder, scalar)) {
	w.raw(name, judgedText(value, check))
}

func judgedText(value string, check func(*decoder, scalar)) string {
	if check != nil && !fits(func(d *decoder) { check(d, scalar{text: value}) }) {
		return literalText(value)
	}
	return plainText(value)
}

// optional is judged unless the value is empty.
func (w *writer) optional(name, value string, check func(*decoder, scalar)) {
	if value != "" {
		w.judged(name, value, check)
	}
}

// The checks, by what an argument is.
func scoreCheck(name string) func(*decoder, scalar) {
	return func(d *decoder, s scalar) { d.checkScore(s, name) }
}

func kindCheck(name string, kind valueKind) func(*decoder, scalar) {
	return func(d *decoder, s scalar) { d.checkKind(s, name, kind) }
}

// patternCheck is for regular expressions; a leading "!" is taken away before.
func patternCheck(d *decoder, s scalar) {
	if _, err := regexp.CompilePOSIX(s.text); err != nil {
		d.unfit(s, s.rng, "Wrong pattern", "%s", err)
	}
}

func wordCheck(allowed ...string) func(*decoder, scalar) {
	return func(d *decoder, s scalar) {
		if !slices.Contains(allowed, s.text) {
			d.notOneOf(s, "", allowed)
		}
	}
}

func roleCheck(d *decoder, s scalar) {
	if _, ok := roleNamed(s.text); !ok {
		d.notOneOf(s, "role", roleWords)
	}
}

// target writes a reference: bare when a bare name means just this object.
func (w *writer) target(id string, kinds []string) string {
	found, ok := w.names.entries[id]
	if !ok || found.means != id || !slices.Contains(kinds, found.kind) {
		return literalText(id)
	}
	return nameText(id)
}

func (w *writer) targets(ids []string, kinds []string) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = w.target(id, kinds)
	}
	return listOf(parts)
}

// nodeRef writes the name of a node.
func (w *writer) nodeRef(name string) string {
	if _, ok := w.names.nodes[name]; !ok && len(w.names.nodes) > 0 {
		return literalText(name)
	}
	return nameText(name)
}
