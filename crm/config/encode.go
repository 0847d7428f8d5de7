package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/policy"
)

// FromPolicy writes a configuration as one document of canonical HCL. Decode
// reads back the same configuration, positions and generated ids aside. Sugar
// is not folded back: every constraint is a block of its own. An id is written
// only where something refers to it.
func FromPolicy(cfg *policy.Config, name string) Document {
	d := &Decoded{Policy: cfg}
	return Encode(d, name)
}

// Encode is FromPolicy for all that a configuration holds: cluster, alerts and
// permissions too.
func Encode(d *Decoded, name string) Document {
	cfg := d.Policy
	if cfg == nil {
		cfg = &policy.Config{}
	}
	w := &writer{cfg: cfg, referenced: references(cfg)}
	w.cluster(d.Cluster)
	for _, n := range cfg.Nodes {
		w.node(n, d.Cluster.Members)
	}
	for _, s := range cfg.Options {
		w.open("options")
		w.set(s)
		w.close()
	}
	for _, s := range cfg.ResourceDefaults {
		w.open("defaults", "resource")
		w.set(s)
		w.close()
	}
	for _, s := range cfg.OpDefaults {
		w.open("defaults", "op")
		w.set(s)
		w.close()
	}
	for _, t := range cfg.Templates {
		w.resource(t, nil)
	}
	for _, r := range cfg.Resources {
		w.resource(r, nil)
	}
	w.levels(cfg.FencingLevels)
	for _, c := range cfg.Constraints {
		w.constraint(c)
	}
	for _, t := range cfg.Tags {
		w.open("tag", t.ID)
		w.raw("members", listText(t.Members))
		w.close()
	}
	w.alerts(d)
	return Document{Name: name, Text: Format([]byte(w.b.String()))}
}

// writer writes blocks; Format makes the result pretty.
type writer struct {
	b          strings.Builder
	depth      int
	cfg        *policy.Config
	referenced map[string]bool // ids that an id-ref names
}

func (w *writer) line(format string, args ...any) {
	w.b.WriteString(strings.Repeat("  ", w.depth))
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteByte('\n')
}

func (w *writer) open(typ string, labels ...string) {
	for _, l := range labels {
		typ += " " + quoted(l)
	}
	if w.depth == 0 {
		w.b.WriteByte('\n')
	}
	w.line("%s {", typ)
	w.depth++
}

func (w *writer) close() {
	w.depth--
	w.line("}")
}

// arg writes an argument with a value, unless it is empty.
func (w *writer) arg(name, value string) {
	if value != "" {
		w.line("%s = %s", name, valueText(value))
	}
}

// raw writes an argument with an expression.
func (w *writer) raw(name, expr string) { w.line("%s = %s", name, expr) }

// id writes an id that something refers to.
func (w *writer) id(id string) {
	if w.referenced[id] {
		w.raw("id", quoted(id))
	}
}

func (w *writer) cluster(c Cluster) {
	if c.Name == "" {
		return
	}
	w.open("cluster", c.Name)
	if c.FailureTimeout != 0 && c.FailureTimeout != DefaultCluster().FailureTimeout {
		w.raw("failure-timeout", quoted(durationText(c.FailureTimeout)))
	}
	for _, n := range c.Networks {
		w.open("network", n.Name)
		w.raw("port", strconv.Itoa(n.Port))
		if n.Priority != 0 {
			w.raw("priority", strconv.Itoa(n.Priority))
		}
		w.close()
	}
	if c.Watchdog != nil {
		w.open("watchdog")
		w.raw("device", quoted(c.Watchdog.Device))
		w.raw("timeout", quoted(durationText(c.Watchdog.Timeout)))
		w.close()
	}
	w.close()
}

// durationText writes a duration in the largest unit that keeps it whole.
func durationText(v time.Duration) string {
	if v%time.Second == 0 {
		return spell(v)
	}
	return strconv.FormatInt(int64(v/time.Millisecond), 10) + "ms"
}

func (w *writer) node(n policy.Node, members []Member) {
	w.open("node", n.Name)
	for _, m := range members {
		if m.Name == n.Name && len(m.Addresses) > 0 {
			w.raw("address", textList(m.Addresses))
		}
	}
	if n.ID != n.Name {
		w.raw("id", quoted(n.ID))
	}
	w.arg("type", n.Type)
	w.arg("score", n.Score)
	w.sets("attributes", n.Attributes)
	w.sets("utilization", n.Utilization)
	w.close()
}

func textList(texts []string) string {
	parts := make([]string, len(texts))
	for i, s := range texts {
		parts[i] = quoted(s)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// sets writes sets of names and values as inner blocks.
func (w *writer) sets(typ string, sets []policy.NVSet) {
	for _, s := range sets {
		w.open(typ)
		w.set(s)
		w.close()
	}
}

// set writes the inside of one set.
func (w *writer) set(s policy.NVSet) {
	if s.IDRef != "" {
		w.raw("id-ref", quoted(s.IDRef))
	}
	w.id(s.ID)
	w.arg("score", s.Score)
	w.rules(s.Rules, false)
	w.pairs(s.Pairs, []string{"id", "id-ref", "score"})
}

// pairs writes names and values; those that cannot be arguments become nvpair
// blocks.
func (w *writer) pairs(pairs []policy.Pair, reserved []string) {
	for i, p := range pairs {
		if w.direct(pairs[:i], p, reserved) {
			w.raw(p.Name, valueText(p.Value))
			continue
		}
		w.open("nvpair")
		w.arg("id-ref", p.IDRef)
		w.id(p.ID)
		if p.Name != "" {
			w.raw("name", quoted(p.Name))
		}
		if !p.NoValue && p.IDRef == "" {
			w.raw("value", valueText(p.Value))
		}
		w.close()
	}
}

// direct says whether a pair can be an argument.
func (w *writer) direct(before []policy.Pair, p policy.Pair, reserved []string) bool {
	if p.NoValue || p.IDRef != "" || w.referenced[p.ID] || !hclsyntax.ValidIdentifier(p.Name) {
		return false
	}
	for _, r := range reserved {
		if r == p.Name {
			return false
		}
	}
	for _, b := range before {
		if b.Name == p.Name {
			return false
		}
	}
	return true
}

// rules writes rules; score and role mean something in a location only.
func (w *writer) rules(rules []policy.Rule, location bool) {
	for _, r := range rules {
		w.open("rule")
		if r.IDRef != "" {
			w.raw("id-ref", quoted(r.IDRef))
			w.close()
			continue
		}
		w.id(r.ID)
		switch {
		case !location:
		case r.ScoreAttribute != "":
			w.arg("role", r.Role)
			w.raw("score", attributeRef(r.ScoreAttribute))
		default:
			w.arg("role", r.Role)
			w.arg("score", r.Score)
		}
		w.raw("when", whenText(r, false))
		w.close()
	}
}

func (w *writer) levels(levels []policy.FenceLevel) {
	type target struct{ target, pattern, attribute, value string }
	var open *target
	for i, l := range levels {
		t := target{l.Target, l.TargetPattern, l.TargetAttribute, l.TargetValue}
		if open == nil || *open != t {
			if open != nil {
				w.close()
			}
			open = &t
			w.open("fence_topology", w.topologyName(l, i))
			if l.Target != "" {
				w.raw("target", nameText(l.Target))
			}
			w.arg("target-pattern", l.TargetPattern)
			w.arg("target-attribute", l.TargetAttribute)
			w.arg("target-value", l.TargetValue)
		}
		w.open("level", strconv.Itoa(l.Index))
		w.raw("devices", listText(l.Devices))
		w.close()
	}
	if open != nil {
		w.close()
	}
}

func (w *writer) topologyName(l policy.FenceLevel, i int) string {
	if name, ok := strings.CutSuffix(l.ID, "-level-"+strconv.Itoa(l.Index)); ok && name != "" {
		return name
	}
	return orElse(l.Target, "topology-"+strconv.Itoa(i+1))
}
