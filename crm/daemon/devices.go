package daemon

import (
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/policy"
)

// devices are the configured fence devices in the fencing layer's words. The
// agents' abilities are added by whoever runs them.
func devices(c *policy.Config) []fencing.Device {
	timeout := fenceTimeout(c)
	var out []fencing.Device
	for i := range c.Resources {
		r := &c.Resources[i]
		if r.Class != "stonith" {
			continue
		}
		d := fencing.Device{Name: r.ID, Agent: r.Type, Params: plain(r.Params), Meta: plain(r.Meta), Timeout: timeout}
		d.Disabled = strings.EqualFold(d.Meta["target-role"], "Stopped")
		if list := d.Params["pcmk_host_list"]; list != "" {
			d.Targets = strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune(" ,;\t\n", c) })
		}
		out = append(out, d)
	}
	return out
}

// plain reads the sets that hold for all nodes and times; the first writer of a
// name wins.
func plain(sets []policy.NVSet) map[string]string {
	out := map[string]string{}
	for _, set := range sets {
		if len(set.Rules) > 0 {
			continue
		}
		for _, p := range set.Pairs {
			if _, taken := out[p.Name]; !taken && !p.NoValue {
				out[p.Name] = p.Value
			}
		}
	}
	return out
}

func fenceTimeout(c *policy.Config) time.Duration {
	for _, name := range []string{"fencing-timeout", "stonith-timeout"} {
		if v := state.Option(c, name); v != "" {
			if d, err := fencing.ParseDuration(v); err == nil && d > 0 {
				return d
			}
		}
	}
	return fencing.DefaultTimeout
}

// topologies gathers the configured levels by target.
func topologies(c *policy.Config) []fencing.Topology {
	var out []fencing.Topology
	index := map[string]int{}
	for _, l := range c.FencingLevels {
		key := strings.Join([]string{l.Target, l.TargetPattern, l.TargetAttribute, l.TargetValue}, "\x00")
		i, ok := index[key]
		if !ok {
			i = len(out)
			index[key] = i
			out = append(out, fencing.Topology{
				Name: topologyName(l), Target: l.Target, Pattern: l.TargetPattern, Attribute: l.TargetAttribute, Value: l.TargetValue,
			})
		}
		out[i].Levels = append(out[i].Levels, fencing.TopologyLevel{Index: l.Index, Devices: l.Devices})
	}
	return out
}

func topologyName(l policy.FenceLevel) string {
	switch {
	case l.Target != "":
		return l.Target
	case l.TargetPattern != "":
		return l.TargetPattern
	}
	return l.TargetAttribute + "=" + l.TargetValue
}

// attributes are a node's attributes, as fence topologies match them.
func attributes(s *state.State, node string) map[string]string {
	out := map[string]string{}
	for _, n := range s.Config.Policy.Nodes {
		if n.Name == node {
			out = plain(n.Attributes)
		}
	}
	if n := s.Nodes[node]; n != nil {
		for k, v := range n.Attributes {
			out[k] = v
		}
	}
	return out
}
