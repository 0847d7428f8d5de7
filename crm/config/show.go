package config

import (
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

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
		if want[c.ID()] {
			part.Policy.Constraints = append(part.Policy.Constraints, c)
		}
	}
	for _, t := range cfg.Tags {
		if want[t.ID] {
			part.Policy.Tags = append(part.Policy.Tags, t)
		}
	}
	w := newWriter(part, part.Policy)
	w.names = namesOf(d, cfg)
	return string(w.document(part))
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
