package config

import "github.com/holdfast-ha/holdfast/policy"

// references are all ids that an id-ref in the configuration names.
func references(cfg *policy.Config) map[string]bool {
	out := map[string]bool{}
	rules := func(list []policy.Rule) {
		for _, r := range list {
			out[r.IDRef] = true
		}
	}
	sets := func(lists ...[]policy.NVSet) {
		for _, list := range lists {
			for _, s := range list {
				out[s.IDRef] = true
				rules(s.Rules)
				for _, p := range s.Pairs {
					out[p.IDRef] = true
				}
			}
		}
	}
	sets(cfg.Options, cfg.ResourceDefaults, cfg.OpDefaults)
	for _, n := range cfg.Nodes {
		sets(n.Attributes, n.Utilization)
	}
	var walk func([]policy.Resource)
	walk = func(list []policy.Resource) {
		for _, r := range list {
			sets(r.Params, r.Meta, r.Utilization)
			out[r.Operations.IDRef] = true
			for _, o := range r.Operations.List {
				out[o.IDRef] = true
				sets(o.Params, o.Meta)
			}
			walk(r.Children)
		}
	}
	walk(cfg.Templates)
	walk(cfg.Resources)
	for _, c := range cfg.Constraints {
		if c.Location != nil {
			rules(c.Location.Rules)
		}
		for _, s := range setsOf(c) {
			out[s.IDRef] = true
		}
	}
	delete(out, "")
	return out
}

func setsOf(c policy.Constraint) []policy.ResourceSet {
	switch {
	case c.Location != nil:
		return c.Location.Sets
	case c.Colocation != nil:
		return c.Colocation.Sets
	case c.Order != nil:
		return c.Order.Sets
	case c.Ticket != nil:
		return c.Ticket.Sets
	}
	return nil
}
