package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A fixture is a cluster in a few lines of text, one fact per line:
//
//	now 2026-01-01 12:00:00           the time of the decision
//	option NAME=VALUE …               cluster properties
//	no quorum
//	nodes n1 n2                       members, online
//	node n3 lost|offline|standby|pending|leaving|maintenance|unseen
//	remote r1                         a remote node's entry among the nodes
//	attribute n1 NAME=VALUE …         until the next reboot
//	fencer F                          a fence device, running on the first node
//	template T NAME=VALUE …
//	primitive web NAME=VALUE …        meta-attributes, and these words:
//	    monitor=10s monitor.on-fail=stop stop.timeout=5s  operations
//	    param.port=80                 a parameter
//	    utilization.cpu=2
//	    template=T class=systemd
//	group g a b NAME=VALUE …          of primitives from above
//	clone c a NAME=VALUE …            of a primitive or group from above
//	location L web on n1 100 [role Promoted]
//	location L web where SCORE ATTRIBUTE OPERATION [VALUE]
//	colocation C web with db INFINITY [roles Promoted Started]
//	order O db then web [NAME=VALUE …]
//	order O promote db then start web
//	ticket T web [loss-policy=fence]
//	unprobed web …                    nothing is known of these (default: all is)
//	web on n1: start, monitor 10s     what happened there, oldest first
//	web on n1: start failed 1, stop failed, start pending
//
//	capacity n1 cpu=4                 utilization of a node
//
// Lines may be indented; "#" after a blank begins a comment.
type fixture struct {
	now      time.Time
	cfg      *Config
	st       *Status
	unprobed map[string]bool
	call     int64
	history  map[string]map[string][]OpRecord // node, resource
}

func parseFixture(text string) (Input, error) {
	f := &fixture{
		now: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), cfg: &Config{}, st: &Status{Quorum: true},
		unprobed: map[string]bool{}, history: map[string]map[string][]OpRecord{},
	}
	for number, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(" "+line, " #")
		if words := strings.Fields(line); len(words) > 0 {
			if err := f.line(words, line); err != nil {
				return Input{}, fmt.Errorf("line %d: %q: %w", number+1, strings.TrimSpace(line), err)
			}
		}
	}
	f.finish()
	return Input{Now: f.now, Config: f.cfg, Status: f.st}, nil
}

func mustFixture(t testing.TB, text string) Input {
	t.Helper()
	in, err := parseFixture(text)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func str(s string) *string { return &s }

func (f *fixture) line(w []string, line string) error {
	if len(w) > 2 && w[1] == "on" && strings.HasSuffix(w[2], ":") {
		_, events, _ := strings.Cut(line, ":")
		return f.events(w[0], strings.TrimSuffix(w[2], ":"), events)
	}
	switch w[0] {
	case "now":
		var err error
		f.now, err = time.Parse("2006-01-02 15:04:05", strings.Join(w[1:], " "))
		return err
	case "option":
		f.cfg.Options = addPairs(f.cfg.Options, w[1:])
	case "defaults":
		f.cfg.ResourceDefaults = addPairs(f.cfg.ResourceDefaults, w[1:])
	case "no":
		f.st.Quorum = false
	case "nodes":
		for _, n := range w[1:] {
			f.node(n, "online")
		}
	case "node":
		f.node(w[1], w[2])
	case "attribute":
		s := f.state(w[1])
		s.Attributes = addPairs(s.Attributes, w[2:])
	case "capacity":
		for i := range f.cfg.Nodes {
			if n := &f.cfg.Nodes[i]; n.Name == w[1] {
				n.Utilization = addPairs(n.Utilization, w[2:])
			}
		}
	case "fencer":
		f.cfg.Resources = append(f.cfg.Resources, Resource{ID: w[1], Kind: Primitive, Class: "stonith", Type: "fence_test"})
		return f.events(w[1], f.st.Nodes[0].ID, "start")
	case "template", "primitive":
		f.primitive(w)
	case "group", "clone":
		return f.collective(w)
	case "location":
		f.location(w)
	case "colocation":
		c := &Colocation{ID: w[1], Resource: w[2], With: w[4], Score: w[5]}
		if len(w) > 8 {
			c.ResourceRole, c.WithRole = w[7], w[8]
		}
		f.cfg.Constraints = append(f.cfg.Constraints, Constraint{Colocation: c})
	case "order":
		f.order(w)
	case "ticket":
		c := &Ticket{ID: "ticket-" + w[1] + "-" + w[2], Ticket: w[1], Resource: w[2], LossPolicy: attr(nameValues(w[3:]), "loss-policy")}
		f.cfg.Constraints = append(f.cfg.Constraints, Constraint{Ticket: c})
	case "unprobed":
		for _, r := range w[1:] {
			f.unprobed[r] = true
		}
	default:
		return fmt.Errorf("%q is no word of a fixture", w[0])
	}
	return nil
}

func nameValues(words []string) []Pair {
	var out []Pair
	for _, x := range words {
		name, value, _ := strings.Cut(x, "=")
		out = append(out, Pair{Name: name, Value: value})
	}
	return out
}

func addPairs(sets []NVSet, words []string) []NVSet {
	if len(sets) == 0 {
		sets = []NVSet{{ID: "set"}}
	}
	sets[0].Pairs = append(sets[0].Pairs, nameValues(words)...)
	return sets
}

func (f *fixture) node(name, state string) {
	s := NodeState{ID: name, Name: name, InCCM: str("true"), Online: str("online"), Join: str("member"), Expected: str("member")}
	f.cfg.Nodes = append(f.cfg.Nodes, Node{ID: name, Name: name})
	switch state {
	case "lost":
		s.InCCM, s.Online = str("false"), str("offline")
	case "offline":
		s.InCCM, s.Online, s.Join, s.Expected = str("false"), str("offline"), str("down"), str("down")
	case "pending":
		s.Online, s.Join = str("online"), str("pending")
	case "standby", "maintenance":
		s.Attributes = addPairs(nil, []string{state + "=true"})
	case "leaving":
		s.Attributes = addPairs(nil, []string{"shutdown=1767268800"})
	case "unseen":
		return
	}
	f.st.Nodes = append(f.st.Nodes, s)
}

func (f *fixture) state(name string) *NodeState {
	for i := range f.st.Nodes {
		if f.st.Nodes[i].ID == name {
			return &f.st.Nodes[i]
		}
	}
	f.st.Nodes = append(f.st.Nodes, NodeState{ID: name, Name: name})
	return &f.st.Nodes[len(f.st.Nodes)-1]
}

func (f *fixture) primitive(w []string) {
	r := Resource{ID: w[1], Kind: Primitive, Class: "ocf", Provider: "test", Type: "Dummy"}
	for _, p := range nameValues(w[2:]) {
		head, tail, dotted := strings.Cut(p.Name, ".")
		switch {
		case p.Name == "class":
			r.Class, r.Provider = p.Value, ""
		case p.Name == "agent":
			r.Provider, r.Type, _ = strings.Cut(p.Value, ":")
		case p.Name == "template":
			r.Template = p.Value
		case p.Name == "monitor" || p.Name == "monitor-promoted" || p.Name == "monitor-stopped":
			op := Op{ID: w[1] + "-" + p.Name, Name: "monitor", Interval: p.Value}
			if _, role, ok := strings.Cut(p.Name, "-"); ok {
				op.Attributes = pairs("role", role)
			}
			r.Operations.List = append(r.Operations.List, op)
		case head == "param" && dotted:
			r.Params = addPairs(r.Params, []string{tail + "=" + p.Value})
		case head == "utilization" && dotted:
			r.Utilization = addPairs(r.Utilization, []string{tail + "=" + p.Value})
		case dotted:
			f.opAttribute(&r, head, tail, p.Value)
		default:
			r.Meta = addPairs(r.Meta, []string{p.Name + "=" + p.Value})
		}
	}
	if w[0] == "template" {
		r.Kind = Template
		f.cfg.Templates = append(f.cfg.Templates, r)
		return
	}
	f.cfg.Resources = append(f.cfg.Resources, r)
}

func (f *fixture) opAttribute(r *Resource, name, attribute, value string) {
	for i := range r.Operations.List {
		if op := &r.Operations.List[i]; op.Name == name {
			op.Attributes = append(op.Attributes, Pair{Name: attribute, Value: value})
			return
		}
	}
	r.Operations.List = append(r.Operations.List, Op{Name: name, Interval: "0", Attributes: pairs(attribute, value)})
}

// collective wraps resources from above into a group or clone.
func (f *fixture) collective(w []string) error {
	c := Resource{ID: w[1], Kind: Kind(w[0])}
	for _, x := range w[2:] {
		if strings.Contains(x, "=") {
			c.Meta = addPairs(c.Meta, []string{x})
			continue
		}
		i := slices.IndexFunc(f.cfg.Resources, func(r Resource) bool { return r.ID == x })
		if i < 0 {
			return fmt.Errorf("there is no resource %q above", x)
		}
		c.Children = append(c.Children, f.cfg.Resources[i])
		f.cfg.Resources = slices.Delete(f.cfg.Resources, i, i+1)
	}
	f.cfg.Resources = append(f.cfg.Resources, c)
	return nil
}

func (f *fixture) location(w []string) {
	c := &Location{ID: w[1], Resource: w[2]}
	if w[3] == "on" {
		c.Node, c.Score = w[4], w[5]
		if len(w) > 7 {
			c.Role = w[7]
		}
	} else {
		t := &AttributeTest{ID: w[1] + "-test", Attribute: w[5], Operation: w[6]}
		if len(w) > 7 {
			t.Value, t.HasValue = w[7], true
		}
		c.Rules = []Rule{{ID: w[1] + "-rule", Score: w[4], Conditions: []Condition{{Attribute: t}}}}
	}
	f.cfg.Constraints = append(f.cfg.Constraints, Constraint{Location: c})
}

func (f *fixture) order(w []string) {
	c := &Order{ID: w[1]}
	rest := w[2:]
	side := func() (action, id string) {
		if len(rest) > 1 && slices.Contains([]string{"start", "stop", "promote", "demote"}, rest[0]) {
			action, rest = rest[0], rest[1:]
		}
		id, rest = rest[0], rest[1:]
		return action, id
	}
	c.FirstAction, c.First = side()
	rest = rest[1:] // then
	c.ThenAction, c.Then = side()
	options := nameValues(rest)
	c.Kind, c.Symmetrical, c.RequireAll = attr(options, "kind"), attr(options, "symmetrical"), attr(options, "require-all")
	f.cfg.Constraints = append(f.cfg.Constraints, Constraint{Order: c})
}

// events reads "start, monitor 10s failed 1, stop pending".
func (f *fixture) events(rsc, node, text string) error {
	if f.history[node] == nil {
		f.history[node] = map[string][]OpRecord{}
	}
	for _, e := range strings.Split(text, ",") {
		w := strings.Fields(e)
		if len(w) == 0 {
			continue
		}
		f.call++
		o := OpRecord{
			Operation: w[0], CallID: f.call, Status: OpDone, LastChange: f.now.Unix() - 3600 + f.call,
			OnNode: node, MagicOK: true, Decider: "d", TransitionID: f.call,
		}
		for i := 1; i < len(w); i++ {
			switch x := w[i]; x {
			case "failed":
				o.RC, o.Status = 1, OpError
				if i+1 < len(w) {
					i++
					v, _ := parseInt(w[i])
					o.RC = v
				}
			case "timeout":
				o.RC, o.Status = 1, OpTimeout
			case "pending":
				o.RC, o.Status, o.CallID = 193, OpPending, -1
			case "promoted":
				o.RC, o.ExpectedRC = 8, 8
			case "to", "from":
				i++
				if x == "to" {
					o.MigrateSource, o.MigrateTarget = node, w[i]
				} else {
					o.MigrateSource, o.MigrateTarget = w[i], node
				}
			default:
				ms, ok := parseInterval(x)
				if !ok {
					return fmt.Errorf("%q is no interval", x)
				}
				o.IntervalMS = ms
			}
		}
		o.ID = fmt.Sprintf("%s_%s_%d_%d", rsc, o.Operation, o.IntervalMS, f.call)
		o.Key = fmt.Sprintf("%s_%s_%d", rsc, o.Operation, o.IntervalMS)
		f.history[node][rsc] = append(f.history[node][rsc], o)
	}
	return nil
}

// finish fills in the probes that nobody wrote down, and the digests.
func (f *fixture) finish() {
	m := newModel(Input{Now: f.now, Config: f.cfg, Status: &Status{Quorum: true}})
	m.readOptions()
	m.readNodes()
	m.readResources()
	for i := range f.st.Nodes {
		s := &f.st.Nodes[i]
		m.eachPrimitive(func(r *resource) {
			id := r.id
			if !r.unique {
				if r.instance > 0 {
					return
				}
				id = r.name
			}
			ops := f.history[s.ID][id]
			if len(ops) == 0 {
				if f.unprobed[id] || m.nodeByName(s.Name) == nil {
					return
				}
				ops = []OpRecord{{ID: id + "_last_0", Key: id + "_monitor_0", Operation: TaskMonitor, RC: 7, ExpectedRC: 7, OnNode: s.ID, CallID: 1}}
			}
			for j := range ops {
				ops[j].Digest = m.digestParams(r, m.nodeByName(s.Name), opKey{ops[j].Operation, ops[j].IntervalMS}).main
			}
			s.History = append(s.History, ResourceHistory{ID: id, Class: r.cfg.Class, Provider: r.cfg.Provider, Type: r.cfg.Type, Ops: ops})
			delete(f.history[s.ID], id)
		})
		for _, id := range sortedKeys(f.history[s.ID]) {
			s.History = append(s.History, ResourceHistory{ID: id, Class: "ocf", Provider: "test", Type: "Dummy", Ops: f.history[s.ID][id]})
		}
	}
}
