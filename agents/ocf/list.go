package ocf

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/holdfast-ha/holdfast/agents"
)

// Providers lists, sorted, who provides agents on this node.
func (a *Agent) Providers() []string {
	var names []string
	dir := filepath.Join(a.cfg.Root, "resource.d")
	entries, _ := os.ReadDir(dir) // no directory: no agents
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.IsDir() && plainName(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

// Types lists, sorted, the agents of one provider: its executable files.
func (a *Agent) Types(provider string) []string {
	if !plainName(provider) {
		return nil
	}
	var names []string
	dir := filepath.Join(a.cfg.Root, "resource.d", provider)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(dir, e.Name())) // follows links
		if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && plainName(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

// List is every agent on this node, by provider and type.
func (a *Agent) List() []agents.Spec {
	var specs []agents.Spec
	for _, provider := range a.Providers() {
		for _, name := range a.Types(provider) {
			specs = append(specs, agents.Spec{Class: "ocf", Provider: provider, Type: name})
		}
	}
	return specs
}
