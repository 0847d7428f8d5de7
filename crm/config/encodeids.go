package config

import "github.com/holdfast-ha/holdfast/policy"

// references are all ids that an id-ref in the configuration names.
func references(cfg *policy.Config) map[string]bool {
	out := map[string]bool{}
	for _, id := range cfg.References() {
		out[id] = true
	}
	return out
}
