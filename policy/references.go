package policy

// References are all ids that an id-ref names, always in the same order, and as
// often as they are named.
func (c *Config) References() []string {
	var out []string
	note := func(ref string) {
		if ref != "" {
			out = append(out, ref)
		}
	}
	var rules func([]Rule)
	rules = func(list []Rule) {
		for _, r := range list {
			note(r.IDRef)
			for _, k := range r.Conditions {
				if k.Rule != nil {
					rules([]Rule{*k.Rule})
				}
			}
		}
	}
	sets := func(lists ...[]NVSet) {
		for _, list := range lists {
			for _, s := range list {
				note(s.IDRef)
				rules(s.Rules)
				for _, p := range s.Pairs {
					note(p.IDRef)
				}
			}
		}
	}
	sets(c.Options, c.ResourceDefaults, c.OpDefaults)
	for _, n := range c.Nodes {
		sets(n.Attributes, n.Utilization)
	}
	var walk func([]Resource)
	walk = func(list []Resource) {
		for _, r := range list {
			sets(r.Params, r.Meta, r.Utilization)
			note(r.Operations.IDRef)
			for _, o := range r.Operations.List {
				note(o.IDRef)
				sets(o.Params, o.Meta)
			}
			walk(r.Children)
		}
	}
	walk(c.Templates)
	walk(c.Resources)
	for _, k := range c.Constraints {
		if k.Location != nil {
			rules(k.Location.Rules)
		}
		for _, s := range k.Sets() {
			note(s.IDRef)
		}
	}
	return out
}
