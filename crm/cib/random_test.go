package cib

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/crm/config"
	"github.com/holdfast-ha/holdfast/policy"
)

// TestAnyConfigurationRoundTrips writes random configurations, sensible and
// absurd ones, as HCL and as XML and reads them back: nothing may be lost.
func TestAnyConfigurationRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t, names: map[string]bool{}}
		cfg := g.config()
		want := config.Canonical(cfg)
		text := config.FromPolicy(cfg, "a.hcl")
		d, diags := config.Decode(config.NewSet(text), config.Options{NoLints: true})
		if diags.HasErrors() {
			t.Fatalf("what was written cannot be read:\n%s\n%s", diags.Errors(), text.Text)
		}
		if got := config.Canonical(d.Policy); !reflect.DeepEqual(want, got) {
			t.Fatalf("another configuration after HCL (-want +got):\n%s\n%s", cmp.Diff(want, got), text.Text)
		}
		if again := config.Encode(d, "a.hcl"); !bytes.Equal(again.Text, text.Text) {
			t.Fatalf("written twice, two texts:\n%s", cmp.Diff(string(text.Text), string(again.Text)))
		}
		whole := config.EncodeWithIDs(&config.Decoded{Policy: cfg}, "a.hcl")
		if _, diags := config.Decode(config.NewSet(whole), config.Options{NoLints: true}); diags.HasErrors() {
			t.Fatalf("with all ids it cannot be read:\n%s\n%s", diags.Errors(), whole.Text)
		}
		var xml bytes.Buffer
		if err := Export(cfg, &xml); err != nil {
			t.Fatal(err)
		}
		back, _, _, err := Import(&xml, "a.xml")
		if err != nil {
			t.Fatal(err)
		}
		if got := config.Canonical(back); !reflect.DeepEqual(want, got) {
			t.Fatalf("another configuration after XML (-want +got):\n%s", cmp.Diff(want, got))
		}
	})
}

// generator draws parts of a configuration.
type generator struct {
	t     *rapid.T
	names map[string]bool // taken
	all   []string        // names of resources, to refer to
	refs  []string        // ids of sets, to refer to
	n     int
}

func (g *generator) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(g.t, label)
}

// chance is true about once in n times.
func (g *generator) chance(n int, label string) bool {
	return rapid.IntRange(1, n).Draw(g.t, label) == 1
}

func (g *generator) times(most int, label string) int {
	return rapid.IntRange(0, most).Draw(g.t, label)
}

// text is a value: mostly something that a configuration could hold.
func (g *generator) text(label string) string {
	if g.chance(3, label+" is odd") {
		return rapid.StringMatching(`[ -~]{0,6}|secret:x|\$\{a\}|%\{if|[0-9.-]{1,5}|é\t\n"`).Draw(g.t, label)
	}
	return g.pick(label, "true", "false", "10", "10s", "PT5M", "INFINITY", "-INFINITY", "00", "yes", "Started", "master", "fence", "stop", "n1", "")
}

// word is a text that is not empty.
func (g *generator) word(label string) string {
	if s := g.text(label); s != "" {
		return s
	}
	return "x"
}

// name is a new name.
func (g *generator) name(kind string) string {
	name := g.pick("name", "web", "db", "a-b", "x.y", "n1", "Promoted", "start", "true", "for", "options") + g.pick("suffix", "", "-clone", ".start", "-with-web")
	for g.names[name] {
		g.n++
		name = fmt.Sprintf("%s%d", kind, g.n)
	}
	g.names[name] = true
	return name
}

func (g *generator) id(label string) string {
	g.n++
	id := fmt.Sprintf("id-%s-%d", label, g.n)
	return id
}

func (g *generator) config() *policy.Config {
	cfg := &policy.Config{
		Options: g.sets("options", 2), ResourceDefaults: g.sets("defaults", 2), OpDefaults: g.sets("op-defaults", 1),
	}
	for i := range g.times(3, "nodes") {
		name := fmt.Sprintf("n%d", i+1)
		n := policy.Node{ID: name, Name: name, Type: g.pick("type", "", "member", "remote", "odd"), Attributes: g.sets("node", 1), Utilization: g.sets("use", 1)}
		if g.chance(2, "number") {
			n.ID = fmt.Sprint(i + 1)
		}
		if g.chance(4, "score") {
			n.Score = g.word("score")
		}
		cfg.Nodes = append(cfg.Nodes, n)
	}
	for range g.times(2, "templates") {
		r := g.primitive("t")
		r.Kind, r.Template = policy.Template, ""
		if r.Class == "" {
			r.Class, r.Type = "systemd", "x"
		}
		cfg.Templates = append(cfg.Templates, r)
	}
	for range g.times(4, "resources") {
		cfg.Resources = append(cfg.Resources, g.resource())
	}
	for range g.times(5, "constraints") {
		cfg.Constraints = append(cfg.Constraints, g.constraint())
	}
	for range g.times(2, "levels") {
		cfg.FencingLevels = append(cfg.FencingLevels, g.level())
	}
	for range g.times(1, "tags") {
		cfg.Tags = append(cfg.Tags, policy.Tag{ID: g.name("tag"), Members: []string{g.ref(), g.ref()}})
	}
	return cfg
}

func (g *generator) sets(label string, most int) []policy.NVSet {
	var out []policy.NVSet
	for range g.times(most, label) {
		if len(g.refs) > 0 && g.chance(6, "set by reference") {
			out = append(out, policy.NVSet{IDRef: g.pick("set", g.refs...)})
			continue
		}
		s := policy.NVSet{ID: g.id("set")}
		if g.chance(3, "referred") {
			g.refs = append(g.refs, s.ID)
		}
		if g.chance(4, "score") {
			s.Score = g.word("score")
		}
		if g.chance(4, "rule") {
			s.Rules = []policy.Rule{g.rule(2)}
		}
		for range g.times(3, "pairs") {
			s.Pairs = append(s.Pairs, g.pair())
		}
		out = append(out, s)
	}
	return out
}

func (g *generator) pair() policy.Pair {
	p := policy.Pair{
		ID: g.id("pair"), Value: g.text("value"),
		Name: g.pick("name", "priority", "target-role", "is-managed", "timeout", "id", "with", "1st", "clone-max", "nobody", "promotable", "remote-node", "stonith-enabled", "pcmk_host_list"),
	}
	if p.Name == "remote-node" && p.Value == "" {
		p.Value = "guest"
	}
	if g.chance(8, "no value") {
		p.Value, p.NoValue = "", true
	}
	return p
}

func (g *generator) rule(depth int) policy.Rule {
	r := policy.Rule{ID: g.id("rule"), BooleanOp: g.pick("join", "", "and", "or")}
	if g.chance(2, "score") {
		r.Score = g.word("score")
	} else if g.chance(3, "attribute") {
		r.ScoreAttribute = g.pick("attribute", "pingd", "a b", "x.y")
	}
	if g.chance(4, "role") {
		r.Role = g.pick("role", "Started", "master", "odd")
	}
	for range g.times(3, "conditions") {
		r.Conditions = append(r.Conditions, g.condition(depth))
	}
	return r
}

func (g *generator) condition(depth int) policy.Condition {
	switch rapid.IntRange(0, 6).Draw(g.t, "condition") {
	case 0:
		if depth > 0 {
			r := g.rule(depth - 1)
			return policy.Condition{Rule: &r}
		}
	case 1:
		t := &policy.DateTest{ID: g.id("date"), Operation: g.pick("date", "gt", "lt", "in_range", "date_spec", "odd")}
		if g.chance(2, "start") {
			t.Start = g.pick("start", "2026-01-01", "soon")
		}
		if g.chance(2, "end") {
			t.End = g.pick("end", "2026-02-01 20:00:00Z", "later")
		}
		if g.chance(2, "spec") {
			t.HasSpec, t.SpecID, t.Spec = true, g.id("spec"), []policy.Pair{{Name: "hours", Value: g.pick("hours", "9-16", "always")}}
		}
		if g.chance(3, "duration") {
			t.HasDuration, t.DurationID, t.Duration = true, g.id("duration"), []policy.Pair{{Name: "days", Value: "2"}}
		}
		return policy.Condition{Date: t}
	case 2:
		class := g.text("class")
		return policy.Condition{Resource: &policy.ResourceTest{ID: g.id("rsc"), Class: &class}}
	case 3:
		return policy.Condition{Op: &policy.OpTest{ID: g.id("op"), Name: g.pick("op", "", "monitor"), Interval: g.pick("interval", "", "10s")}}
	}
	t := &policy.AttributeTest{
		ID: g.id("expr"), Attribute: g.pick("attribute", "#uname", "#kind", "rack", "a b", "x.y", "", "#odd"),
		Operation: g.pick("operation", "eq", "ne", "lt", "gte", "defined", "not_defined", "odd"), ValueSource: g.pick("source", "", "", "literal", "param", "meta"),
		Type: g.pick("type", "", "", "number", "string", "version", "integer", "odd"),
	}
	if g.chance(2, "has value") {
		t.Value, t.HasValue = g.text("value"), true
	}
	return policy.Condition{Attribute: t}
}

// agentsToDraw are classes, providers and types.
var agentsToDraw = [][3]string{
	{"ocf", "heartbeat", "IPaddr2"},
	{"ocf", "pacemaker", "remote"},
	{"ocf", "", "odd"},
	{"systemd", "", "nginx"},
	{"systemd", "", "a@b:c"},
	{"lsb", "", "/etc/x"},
	{"service", "", "x"},
	{"holdfast", "", "vip"},
	{"holdfast", "", "nothing"},
	{"stonith", "", "fence_xvm"},
	{"stonith", "", "external/ipmi"},
	{"stonith", "odd", "x"},
}

func (g *generator) primitive(prefix string) policy.Resource {
	r := policy.Resource{ID: g.name(prefix), Kind: policy.Primitive, Params: g.sets("params", 2), Meta: g.sets("meta", 2), Utilization: g.sets("use", 1)}
	g.all = append(g.all, r.ID)
	if g.chance(6, "from a template") {
		r.Template = g.ref()
	} else {
		a := rapid.SampledFrom(agentsToDraw).Draw(g.t, "agent")
		r.Class, r.Provider, r.Type = a[0], a[1], a[2]
	}
	if g.chance(5, "description") {
		r.Description = g.text("description")
	}
	for range g.times(3, "operations") {
		op := policy.Op{ID: g.id("op"), Name: g.pick("op", "monitor", "monitor", "start", "odd"), Interval: g.pick("interval", "0", "10s", "10", "odd"), Params: g.sets("op-params", 1)}
		for _, name := range []string{"timeout", "on-fail", "role", "enabled", "odd"} {
			if g.chance(4, name) {
				op.Attributes = append(op.Attributes, policy.Pair{Name: name, Value: g.text(name)})
			}
		}
		r.Operations.List = append(r.Operations.List, op)
	}
	return r
}

func (g *generator) group() policy.Resource {
	r := policy.Resource{ID: g.name("g"), Kind: policy.Group, Meta: g.sets("meta", 1), Params: g.sets("params", 1)}
	g.all = append(g.all, r.ID)
	for range 1 + g.times(1, "members") {
		r.Children = append(r.Children, g.primitive("p"))
	}
	return r
}

func (g *generator) resource() policy.Resource {
	inner := func() policy.Resource {
		if g.chance(2, "group") {
			return g.group()
		}
		return g.primitive("p")
	}
	switch rapid.IntRange(0, 3).Draw(g.t, "shape") {
	case 0:
		return g.primitive("p")
	case 1:
		return g.group()
	case 2:
		r := policy.Resource{Kind: policy.Clone, Meta: g.sets("meta", 2), Children: []policy.Resource{inner()}}
		r.ID = r.Children[0].ID + "-clone"
		if g.names[r.ID] || g.chance(2, "own name") {
			r.ID = g.name("c")
		}
		g.names[r.ID] = true
		g.all = append(g.all, r.ID)
		return r
	}
	r := policy.Resource{ID: g.name("b"), Kind: policy.Bundle, Meta: g.sets("meta", 1), Bundle: &policy.BundleSpec{
		Runtime:   g.pick("runtime", "docker", "podman"),
		Container: []policy.Pair{{Name: "image", Value: g.word("image")}, {Name: "replicas", Value: g.text("replicas")}, {Name: "odd", Value: g.text("odd")}},
		Storage:   []policy.BundleStorage{{ID: g.id("storage"), SourceDir: g.word("dir"), TargetDir: g.word("dir")}},
	}}
	if g.chance(2, "network") {
		r.Bundle.Network = []policy.Pair{{Name: "control-port", Value: g.text("port")}}
		r.Bundle.PortMappings = []policy.BundlePort{{ID: g.id("port"), Port: g.word("port")}}
	}
	g.all = append(g.all, r.ID)
	if g.chance(2, "child") {
		r.Children = []policy.Resource{g.primitive("p")}
	}
	return r
}

// ref is the name of a resource, or of nothing.
func (g *generator) ref() string {
	if len(g.all) == 0 || g.chance(5, "nothing") {
		return g.pick("gone", "gone", "gone.start", "g one")
	}
	return g.pick("resource", g.all...)
}

func (g *generator) node() string { return g.pick("node", "n1", "n2", "gone", "a b", "x.y") }

func (g *generator) role() string {
	return g.pick("role", "", "", "Promoted", "Master", "started", "odd")
}

func (g *generator) maybe(label string) string {
	if g.chance(3, label) {
		return g.text(label)
	}
	return ""
}

func (g *generator) resourceSets() []policy.ResourceSet {
	var out []policy.ResourceSet
	for range 1 + g.times(1, "sets") {
		out = append(out, policy.ResourceSet{
			ID: g.id("set"), Resources: []string{g.ref(), g.ref()}, Sequential: g.maybe("sequential"), Action: g.maybe("action"), Role: g.role(), Score: g.maybe("score"),
		})
	}
	return out
}

func (g *generator) constraint() policy.Constraint {
	switch rapid.IntRange(0, 4).Draw(g.t, "constraint") {
	case 0:
		l := &policy.Location{ID: g.name("l"), Resource: g.ref(), Role: g.role(), Discovery: g.maybe("discovery")}
		if g.chance(4, "pattern") {
			l.Resource, l.Pattern = "", g.pick("pattern", "^a.*", "!b", "(")
		}
		if g.chance(2, "rule") {
			l.Rules = []policy.Rule{g.rule(2)}
		} else {
			l.Node, l.Score = g.node(), g.text("score")
		}
		return policy.Constraint{Location: l}
	case 1:
		c := &policy.Colocation{ID: g.name("c"), Score: g.maybe("score"), Influence: g.maybe("influence")}
		if g.chance(3, "sets") {
			c.Sets = g.resourceSets()
		} else {
			c.Resource, c.With, c.ResourceRole, c.WithRole = g.ref(), g.ref(), g.role(), g.role()
		}
		return policy.Constraint{Colocation: c}
	case 2:
		o := &policy.Order{ID: g.name("o"), Kind: g.maybe("kind"), Symmetrical: g.maybe("symmetrical"), Score: g.maybe("score")}
		if g.chance(3, "sets") {
			o.Sets = g.resourceSets()
		} else {
			o.First, o.Then, o.FirstAction, o.ThenAction = g.ref(), g.ref(), g.pick("action", "", "start", "promote", "odd"), g.pick("action", "", "start", "odd")
		}
		return policy.Constraint{Order: o}
	case 3:
		return policy.Constraint{Ticket: &policy.Ticket{ID: g.name("t"), Ticket: g.word("ticket"), Resource: g.ref(), ResourceRole: g.role(), LossPolicy: g.maybe("loss")}}
	}
	return g.sugar()
}

// sugar is a constraint that looks as if a resource had made it.
func (g *generator) sugar() policy.Constraint {
	a, b, score := g.ref(), g.ref(), g.pick("score", "INFINITY", "-INFINITY", "5", "-5")
	fresh := func(id string) string {
		if g.names[id] || id != string(bytes.ReplaceAll([]byte(id), []byte(" "), nil)) {
			return g.name("s")
		}
		g.names[id] = true
		return id
	}
	switch rapid.IntRange(0, 2).Draw(g.t, "sugar") {
	case 0:
		word := g.pick("word", "prefers", "avoids")
		return policy.Constraint{Location: &policy.Location{ID: fresh(a + "-" + word + "-n1"), Resource: a, Node: "n1", Score: score}}
	case 1:
		return policy.Constraint{Colocation: &policy.Colocation{ID: fresh(a + "-with-" + b), Resource: a, With: b, WithRole: g.role(), Score: score}}
	}
	return policy.Constraint{Order: &policy.Order{ID: fresh(a + "-after-" + b), First: b, Then: a, Kind: "Mandatory"}}
}

func (g *generator) level() policy.FenceLevel {
	l := policy.FenceLevel{ID: g.id("level"), Index: rapid.IntRange(1, 9).Draw(g.t, "index"), Devices: []string{g.pick("device", append(g.all, "gone")...)}}
	switch rapid.IntRange(0, 2).Draw(g.t, "target") {
	case 0:
		l.Target = g.node()
	case 1:
		l.TargetPattern = g.pick("pattern", "n.*", "(")
	default:
		l.TargetAttribute, l.TargetValue = g.word("attribute"), g.word("value")
	}
	return l
}
