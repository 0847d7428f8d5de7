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
// reads back the same configuration: its Canonical form is the same. What the
// reader would refuse is written literally. A constraint is folded into the
// resource (with, after, prefers, avoids) when that makes the very same
// constraint in the same place of their order. An id is written only where
// something refers to it.
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
	return Document{Name: name, Text: newWriter(d, cfg).document(d)}
}

// EncodeWithIDs is Encode with every id of sets, pairs, operations and rules,
// whether something refers to it or not.
func EncodeWithIDs(d *Decoded, name string) Document {
	cfg := d.Policy
	if cfg == nil {
		cfg = &policy.Config{}
	}
	w := newWriter(d, cfg)
	for id := range innerIDs(cfg) {
		w.referenced[id] = true
	}
	return Document{Name: name, Text: w.document(d)}
}

func newWriter(d *Decoded, cfg *policy.Config) *writer {
	w := &writer{cfg: cfg, referenced: references(cfg), names: namesOf(d, cfg), rest: cfg.Constraints, literal: map[string]bool{}}
	for _, r := range d.Roles {
		for _, p := range r.Permissions {
			if p.Reference != "" {
				w.referenced[p.Reference] = true
			}
		}
	}
	return w
}

// document writes everything, objects before the constraints on them.
func (w *writer) document(d *Decoded) []byte {
	cfg := w.cfg
	w.cluster(d.Cluster)
	for _, n := range cfg.Nodes {
		w.node(n, d.Cluster.Members)
	}
	for _, s := range cfg.Options {
		w.open("options")
		w.set(s, setOptions)
		w.close()
	}
	for _, s := range cfg.ResourceDefaults {
		w.open("defaults", "resource")
		w.set(s, setResourceDefaults)
		w.close()
	}
	for _, s := range cfg.OpDefaults {
		w.open("defaults", "op")
		w.set(s, setOpDefaults)
		w.close()
	}
	for _, t := range cfg.Templates {
		w.resource(t, nil, true)
	}
	for _, r := range cfg.Resources {
		w.resource(r, nil, true)
	}
	w.levels(cfg.FencingLevels)
	for _, c := range w.rest {
		w.constraint(c)
	}
	for _, t := range cfg.Tags {
		w.open("tag", t.ID)
		w.raw("members", w.targets(t.Members, taggable))
		w.close()
	}
	w.alerts(d)
	return Format([]byte(w.b.String()))
}

// writer writes blocks; Format makes the result pretty.
type writer struct {
	b          strings.Builder
	depth      int
	cfg        *policy.Config
	referenced map[string]bool // ids that an id-ref names
	names      namespace
	rest       []policy.Constraint // those not yet folded into a resource
	literal    map[string]bool     // primitives whose agents are to be taken as they stand
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
		w.line("%s = %s", name, plainText(value))
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
	w.optional("type", n.Type, wordCheck("member", "remote"))
	w.optional("score", n.Score, scoreCheck("score"))
	w.sets("attributes", n.Attributes, setAny)
	w.sets("utilization", n.Utilization, setInteger)
	w.close()
}

func textList(texts []string) string {
	parts := make([]string, len(texts))
	for i, s := range texts {
		parts[i] = quoted(s)
	}
	return listOf(parts)
}

func listOf(parts []string) string { return "[" + strings.Join(parts, ", ") + "]" }

// sets writes sets of names and values as inner blocks.
func (w *writer) sets(typ string, sets []policy.NVSet, kind setKind) {
	for _, s := range sets {
		w.open(typ)
		w.set(s, kind)
		w.close()
	}
}

// set writes the inside of one set.
func (w *writer) set(s policy.NVSet, kind setKind) {
	if s.IDRef != "" {
		w.raw("id-ref", quoted(s.IDRef))
	}
	w.id(s.ID)
	w.optional("score", s.Score, scoreCheck("score"))
	w.rules(s.Rules, kind.scope)
	w.pairs(s.Pairs, []string{"id", "id-ref", "score"}, kind)
}

// pairs writes names and values; those that cannot be arguments become nvpair
// blocks.
func (w *writer) pairs(pairs []policy.Pair, reserved []string, kind setKind) {
	for i, p := range pairs {
		if w.direct(pairs[:i], p, reserved) {
			w.raw(p.Name, pairText(p, kind))
			continue
		}
		w.open("nvpair")
		w.arg("id-ref", p.IDRef)
		w.id(p.ID)
		if p.Name != "" {
			w.raw("name", quoted(p.Name))
		}
		if !p.NoValue {
			w.raw("value", pairText(p, kind))
		}
		w.close()
	}
}

// pairText is the value of a pair.
func pairText(p policy.Pair, kind setKind) string {
	if kind.secrets {
		return valueText(p.Value)
	}
	return judgedText(p.Value, func(d *decoder, s scalar) { d.checkPair(s, p.Name, kind) })
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

// levels writes a topology for each run of levels of one target.
func (w *writer) levels(levels []policy.FenceLevel) {
	type target struct{ target, pattern, attribute, value string }
	var open *target
	used, seen := map[string]bool{}, map[int]bool{}
	for i, l := range levels {
		t := target{l.Target, l.TargetPattern, l.TargetAttribute, l.TargetValue}
		if open == nil || *open != t || seen[l.Index] {
			if open != nil {
				w.close()
			}
			open, seen = &t, map[int]bool{}
			name := w.topologyName(l, i)
			for n := 1; used[name]; n++ {
				name = numbered(w.topologyName(l, i), n)
			}
			used[name] = true
			w.open("fence_topology", name)
			w.topologyTarget(l)
		}
		seen[l.Index] = true
		w.open("level", strconv.Itoa(l.Index))
		w.raw("devices", w.targets(l.Devices, []string{"fence"}))
		w.close()
	}
	if open != nil {
		w.close()
	}
}

func (w *writer) topologyTarget(l policy.FenceLevel) {
	if l.Target != "" {
		w.raw("target", w.nodeRef(l.Target))
	}
	w.optional("target-pattern", l.TargetPattern, patternCheck)
	w.arg("target-attribute", l.TargetAttribute)
	w.arg("target-value", l.TargetValue)
}

func (w *writer) topologyName(l policy.FenceLevel, i int) string {
	if name, ok := strings.CutSuffix(l.ID, "-level-"+strconv.Itoa(l.Index)); ok && name != "" {
		return name
	}
	return orElse(l.Target, "topology-"+strconv.Itoa(i+1))
}
