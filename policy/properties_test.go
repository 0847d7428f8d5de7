package policy

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawCluster makes up a cluster as the text of a fixture, so that a failure
// can be read.
func drawCluster(t *rapid.T) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	if rapid.IntRange(0, 4).Draw(t, "quorum") == 0 {
		say("no quorum")
	}
	say("option no-quorum-policy=%s", pick("policy", "stop", "freeze", "ignore", "demote"))
	say("option placement-strategy=%s concurrent-fencing=%s",
		pick("placement", "default", "utilization", "balanced", "minimal"), pick("concurrent", "true", "false"))
	nodes := []string{"n1"}
	say("nodes n1")
	for i := range rapid.IntRange(1, 3).Draw(t, "nodes") {
		n := fmt.Sprintf("n%d", i+2)
		nodes = append(nodes, n)
		say("node %s %s", n, pick("state", "online", "online", "lost", "lost", "offline", "standby", "pending", "leaving", "maintenance", "unseen"))
	}
	say("fencer F")
	var primitives []string
	for i := range rapid.IntRange(1, 6).Draw(t, "primitives") {
		name := fmt.Sprintf("r%d", i)
		primitives = append(primitives, name)
		say("primitive %s %s", name, drawOptions(t))
		if rapid.IntRange(0, 3).Draw(t, "probed") == 0 {
			say("unprobed %s", name)
		}
		for _, n := range nodes {
			if rapid.IntRange(0, 2).Draw(t, "history") == 0 {
				say("%s on %s: %s", name, n, pick("events", "start", "start, monitor 10s", "start, monitor 10s failed",
					"start, stop failed", "start, stop", "start pending", "start failed 5", "start, promote", "start, migrate_to to n1", "start, stop pending"))
			}
		}
	}
	tops := drawCollectives(t, &b, primitives)
	for i := range rapid.IntRange(0, 5).Draw(t, "constraints") {
		x, y := rapid.SampledFrom(tops).Draw(t, "x"), rapid.SampledFrom(tops).Draw(t, "y")
		switch rapid.IntRange(0, 2).Draw(t, "constraint") {
		case 0:
			say("order o%d %s then %s kind=%s symmetrical=%s", i, x, y, pick("kind", "Mandatory", "Optional", "Serialize"), pick("symmetrical", "true", "false"))
		case 1:
			say("colocation c%d %s with %s %s", i, x, y, pick("score", "INFINITY", "-INFINITY", "100", "-100"))
		default:
			say("location l%d %s on %s %s", i, x, rapid.SampledFrom(nodes).Draw(t, "n"), pick("score", "INFINITY", "-INFINITY", "100", "-100"))
		}
	}
	return b.String()
}

func drawOptions(t *rapid.T) string {
	return strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"monitor=10s", "target-role=Stopped", "is-managed=false", "allow-migrate=true", "resource-stickiness=100",
		"multiple-active=stop_only", "multiple-active=block", "multiple-active=stop_unexpected", "priority=5",
		"migration-threshold=1", "monitor.on-fail=block", "monitor.on-fail=standby", "stop.on-fail=block", "utilization.cpu=1",
	}), 0, 3, rapid.ID[string]).Draw(t, "options"), " ")
}

// drawCollectives puts some primitives into groups and clones.
func drawCollectives(t *rapid.T, b *strings.Builder, primitives []string) []string {
	var tops []string
	for i := 0; i < len(primitives); i++ {
		p := primitives[i]
		switch rapid.IntRange(0, 4).Draw(t, "collective") {
		case 0:
			if i+1 < len(primitives) {
				fmt.Fprintf(b, "group g%d %s %s\n", i, p, primitives[i+1])
				p = fmt.Sprintf("g%d", i)
				i++
			}
		case 1:
			fmt.Fprintf(b, "clone k%d %s promotable=%t interleave=%t notify=%t\n", i, p,
				rapid.Bool().Draw(t, "promotable"), rapid.Bool().Draw(t, "interleave"), rapid.Bool().Draw(t, "notify"))
			p = fmt.Sprintf("k%d", i)
		}
		tops = append(tops, p)
	}
	return tops
}

func decideText(t *rapid.T, text string) (Input, *Plan) {
	in, err := parseFixture(text)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Decide(in)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return in, plan
}

// TestSameInputSamePlan: deciding twice gives the same plan, and leaves the
// input alone.
func TestSameInputSamePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawCluster(t)
		in, first := decideText(t, text)
		second, err := Decide(in)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("two plans for one input (%v):\n%s\n%s\n%s", err, text, first, second)
		}
		fresh, err := parseFixture(text)
		if err != nil || !reflect.DeepEqual(in, fresh) {
			t.Fatalf("deciding changed its input:\n%s", text)
		}
	})
}

// predecessors finds everything that an action waits for.
func predecessors(plan *Plan) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, a := range plan.Actions {
		set := map[string]bool{}
		for _, x := range a.After {
			set[x] = true
			for y := range all[x] {
				set[y] = true
			}
		}
		all[a.ID] = set
	}
	return all
}

// TestGraphIsSound: every predecessor is an action that comes earlier, so that
// there is no loop.
func TestGraphIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawCluster(t)
		_, plan := decideText(t, text)
		seen := map[string]bool{}
		for _, a := range plan.Actions {
			for _, x := range a.After {
				if !seen[x] {
					t.Fatalf("%s waits for %s, which does not come before:\n%s\n%s", a.ID, x, text, plan)
				}
			}
			if seen[a.ID] {
				t.Fatalf("%s occurs twice:\n%s\n%s", a.ID, text, plan)
			}
			seen[a.ID] = true
		}
	})
}

// TestFencingComesFirst: nothing that requires fencing starts, or is promoted,
// while a node is unclean, unless that node's fencing comes before.
func TestFencingComesFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawCluster(t)
		_, plan := decideText(t, text)
		before := predecessors(plan)
		unclean := map[string]bool{}
		for _, n := range plan.Nodes {
			if n.Unclean {
				unclean[n.Name] = true
			}
		}
		for _, a := range plan.Actions {
			if a.Kind != ResourceAction || a.Task != TaskStart && a.Task != TaskPromote || a.Class == "stonith" {
				continue
			}
			for n := range unclean {
				if !before[a.ID]["fence_"+n] && mayBeActiveOn(plan, a.Resource, n) {
					t.Fatalf("%s does not wait for the fencing of %s:\n%s\n%s", a.ID, n, text, plan)
				}
			}
		}
	})
}

// mayBeActiveOn tells whether a resource is recorded as active on a node.
func mayBeActiveOn(plan *Plan, resource, node string) bool {
	for _, p := range plan.Current {
		if p.Resource == resource && p.Node == node {
			return true
		}
	}
	return false
}

// TestNeverTwo: when all actions were successful, no resource that may run once
// is active on two nodes, unless it was before and was left alone.
func TestNeverTwo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawCluster(t)
		_, plan := decideText(t, text)
		touched := map[string]bool{}
		for _, a := range plan.Actions {
			if a.Kind != PseudoAction && a.Task == TaskStart {
				touched[a.Resource] = true
			}
		}
		nodes := map[string][]string{}
		for _, p := range plan.Placement {
			if p.Role != RoleStopped {
				nodes[p.Resource] = append(nodes[p.Resource], p.Node)
			}
		}
		for r, list := range nodes {
			if len(list) > 1 && touched[r] {
				t.Fatalf("%s would be active on %v:\n%s\n%s", r, list, text, plan)
			}
		}
	})
}

// TestMalformedConfigurations: whatever a configuration says, Decide and Check
// come back.
func TestMalformedConfigurations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawNonsense(t)
		Check(in.Config)
		if _, err := Decide(in); err != nil && !strings.HasPrefix(err.Error(), "policy: ") {
			t.Fatal(err)
		}
	})
}

func drawNonsense(t *rapid.T) Input {
	ids := []string{"", "a", "b", "c", "d", "a:0", "n1", "n2"}
	id := func(label string) string { return rapid.SampledFrom(ids).Draw(t, label) }
	text := func(label string) string {
		return rapid.SampledFrom([]string{
			"", "1", "-1", "true", "false", "INFINITY", "-INFINITY", "Promoted", "Stopped", "P", "PT1S",
			"10s", "#default", "host", "unfencing", "fencing", "99999999999999999999", "block", "demote", "fence", "a", "b",
		}).Draw(t, label)
	}
	sets := func() []NVSet {
		var list []NVSet
		for range rapid.IntRange(0, 2).Draw(t, "sets") {
			s := NVSet{ID: id("set"), IDRef: rapid.SampledFrom([]string{"", "", "", "a", "b"}).Draw(t, "ref"), Score: text("score")}
			for range rapid.IntRange(0, 3).Draw(t, "pairs") {
				s.Pairs = append(s.Pairs, Pair{Name: rapid.SampledFrom([]string{
					"target-role", "clone-max", "clone-node-max", "promotable",
					"globally-unique", "container", "remote-node", "notify", "interleave", "requires", "failure-timeout", "clone-min",
					"is-managed", "maintenance", "no-quorum-policy", "placement-strategy", "standby", "shutdown", "terminate", "x",
				}).Draw(t, "name"), Value: text("value")})
			}
			if rapid.Bool().Draw(t, "rule") {
				s.Rules = []Rule{{ID: "r", IDRef: rapid.SampledFrom([]string{"", "", "r"}).Draw(t, "rule ref"), Conditions: []Condition{{Date: &DateTest{ID: "d", Operation: "lt", End: text("end")}}}}}
			}
			list = append(list, s)
		}
		return list
	}
	var resource func(depth int) Resource
	resource = func(depth int) Resource {
		r := Resource{
			ID: id("id"), Kind: rapid.SampledFrom([]Kind{Primitive, Primitive, Group, Clone, Bundle, Template, "?"}).Draw(t, "kind"),
			Class: rapid.SampledFrom([]string{"ocf", "stonith", ""}).Draw(t, "class"), Provider: "pacemaker",
			Type: rapid.SampledFrom([]string{"remote", "Dummy"}).Draw(t, "type"), Template: rapid.SampledFrom([]string{"", "", "a"}).Draw(t, "template"),
			Meta: sets(), Params: sets(), Utilization: sets(),
		}
		if r.Kind == Bundle && rapid.Bool().Draw(t, "spec") {
			r.Bundle = &BundleSpec{
				Runtime: "docker", Container: pairs("replicas", text("replicas"), "promoted-max", text("max")),
				Network: pairs("control-port", text("port"), "ip-range-start", rapid.SampledFrom([]string{"", "10.0.0.254", "nonsense"}).Draw(t, "ip")),
			}
		}
		for range rapid.IntRange(0, 2).Draw(t, "ops") {
			r.Operations.List = append(r.Operations.List, Op{Name: rapid.SampledFrom([]string{"monitor", "start", ""}).Draw(t, "op"), Interval: text("interval"), Attributes: pairs("on-fail", text("on-fail"), "role", text("role"))})
		}
		if depth < 3 {
			for range rapid.IntRange(0, 2).Draw(t, "children") {
				r.Children = append(r.Children, resource(depth+1))
			}
		}
		return r
	}
	c := &Config{Options: sets(), ResourceDefaults: sets(), OpDefaults: sets()}
	for range rapid.IntRange(0, 3).Draw(t, "nodes") {
		c.Nodes = append(c.Nodes, Node{ID: id("node"), Name: id("name"), Type: rapid.SampledFrom([]string{"", "remote", "?"}).Draw(t, "type"), Attributes: sets(), Score: text("score")})
	}
	for range rapid.IntRange(0, 4).Draw(t, "resources") {
		c.Resources = append(c.Resources, resource(0))
	}
	c.Templates = append(c.Templates, resource(2))
	c.Tags = []Tag{{ID: "t", Members: []string{id("member"), "t"}}}
	for range rapid.IntRange(0, 4).Draw(t, "constraints") {
		set := ResourceSet{ID: "s", IDRef: rapid.SampledFrom([]string{"", "", "s"}).Draw(t, "set ref"), Resources: []string{id("m"), id("m")}, Sequential: text("sequential"), RequireAll: text("all"), Role: text("role"), Action: rapid.SampledFrom([]string{"", "promote", "x"}).Draw(t, "action")}
		some := rapid.SampledFrom([][]ResourceSet{nil, {set}, {set, set}}).Draw(t, "sets")
		c.Constraints = append(c.Constraints, rapid.SampledFrom([]Constraint{
			{Location: &Location{ID: "l", Resource: id("r"), Node: id("n"), Score: text("s"), Pattern: rapid.SampledFrom([]string{"", "(", "!a", ".*"}).Draw(t, "pattern"), Sets: some, Discovery: text("d")}},
			{Colocation: &Colocation{ID: "c", Resource: id("r"), With: id("w"), Score: text("s"), ResourceRole: text("rr"), WithRole: text("wr"), Sets: some, ResourceInstance: text("i")}},
			{Order: &Order{ID: "o", First: id("f"), Then: id("t"), Kind: text("k"), RequireAll: text("ra"), Sets: some}},
			{Ticket: &Ticket{ID: "k", Ticket: "x", Resource: id("r"), LossPolicy: text("p"), Sets: some}},
			{},
		}).Draw(t, "constraint"))
	}
	st := &Status{Quorum: rapid.Bool().Draw(t, "quorum")}
	for range rapid.IntRange(0, 3).Draw(t, "states") {
		s := NodeState{ID: id("state"), Name: id("uname"), Attributes: sets()}
		if rapid.Bool().Draw(t, "in") {
			s.InCCM, s.Online, s.Join, s.Expected = str(text("in")), str(text("on")), str("member"), str("member")
		}
		for range rapid.IntRange(0, 3).Draw(t, "histories") {
			h := ResourceHistory{ID: id("history"), Class: "ocf", Type: "Dummy", Container: id("container"), ShutdownLock: text("lock")}
			for range rapid.IntRange(0, 3).Draw(t, "entries") {
				h.Ops = append(h.Ops, OpRecord{
					ID: id("entry"), Operation: rapid.SampledFrom([]string{"start", "stop", "monitor", "migrate_to", "migrate_from", "promote", "demote", "?"}).Draw(t, "operation"),
					CallID: rapid.Int64Range(-1, 5).Draw(t, "call"), RC: rapid.Int64Range(-1, 10).Draw(t, "rc"), Status: rapid.Int64Range(-2, 12).Draw(t, "status"),
					ExpectedRC: rapid.SampledFrom([]int64{0, 7, Unset}).Draw(t, "expected"), IntervalMS: rapid.SampledFrom([]int64{0, 10000}).Draw(t, "ms"),
					MigrateSource: id("source"), MigrateTarget: id("target"), RestartDigest: text("restart"),
				})
			}
			s.History = append(s.History, h)
		}
		st.Nodes = append(st.Nodes, s)
	}
	return Input{Config: c, Status: st}
}
