package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// imagining changes the input of a decision by events that somebody makes up.
// It owns the input: a document that was just read.
type imagining struct {
	in    policy.Input
	texts []string // what was imagined, for people
}

const imaginable = "node-fail=NODE, node-up=NODE, node-standby=NODE, node-online=NODE, op=RESOURCE_OPERATION_INTERVAL@NODE=RC, " +
	"quorum=yes|no, ticket-grant=TICKET, ticket-revoke=TICKET, ticket-standby=TICKET or now=TIME"

// event imagines one: "node-fail=n2".
func (g *imagining) event(text string) error {
	what, object, _ := strings.Cut(text, "=")
	switch what {
	case "node-fail":
		return g.nodeFails(object)
	case "node-up":
		return g.nodeComes(object)
	case "node-standby", "node-online":
		return g.nodeStandby(object, what == "node-standby")
	case "op":
		return g.operation(object)
	case "quorum":
		if object != "yes" && object != "no" {
			return exitf(ExitUsage, "--if quorum=%s: say yes or no", object)
		}
		g.in.Status.Quorum = object == "yes"
		g.say("quorum: %s", object)
		return nil
	case "ticket-grant", "ticket-revoke", "ticket-standby":
		return g.ticket(strings.TrimPrefix(what, "ticket-"), object)
	case "now":
		at, err := time.Parse(time.RFC3339, object)
		if err != nil {
			return exitf(ExitUsage, "--if now=%s: not an RFC 3339 time such as 2026-07-01T00:00:00Z", object)
		}
		g.in.Now = at
		g.say("it is %s", at.UTC().Format(time.RFC3339))
		return nil
	}
	return exitf(ExitUsage, "nobody knows how to imagine %q: use %s", text, imaginable)
}

func (g *imagining) say(format string, args ...any) {
	g.texts = append(g.texts, fmt.Sprintf(format, args...))
}

// node finds a configured node and its state, which is made if there is none.
func (g *imagining) node(name string) (*policy.Node, *policy.NodeState, error) {
	i := slices.IndexFunc(g.in.Config.Nodes, func(n policy.Node) bool { return strings.EqualFold(n.Name, name) || n.ID == name })
	if i < 0 {
		var known []string
		for _, n := range g.in.Config.Nodes {
			known = append(known, n.Name)
		}
		return nil, nil, exitf(ExitNoSuchObject, "there is no node %s: the file knows %s", name, strings.Join(known, ", "))
	}
	n := &g.in.Config.Nodes[i]
	list := &g.in.Status.Nodes
	j := slices.IndexFunc(*list, func(s policy.NodeState) bool { return s.ID == n.ID })
	if j < 0 {
		*list = append(*list, policy.NodeState{ID: n.ID, Name: n.Name})
		j = len(*list) - 1
	}
	return n, &(*list)[j], nil
}

func (g *imagining) nodeFails(name string) error {
	n, s, err := g.node(name)
	if err != nil {
		return err
	}
	gone, offline, member := "false", "offline", "member"
	s.InCCM, s.Online, s.Expected = &gone, &offline, &member
	g.say("node %s fails", n.Name)
	return nil
}

// nodeComes lets a node join. One that was away comes from a fresh boot: nothing
// runs there, and until-reboot attributes are gone.
func (g *imagining) nodeComes(name string) error {
	n, s, err := g.node(name)
	if err != nil {
		return err
	}
	if s.Online == nil || *s.Online == "offline" || *s.Online == "0" {
		s.History, s.Attributes = nil, nil
	}
	in, online, member := "true", "online", "member"
	s.InCCM, s.Online, s.Join, s.Expected = &in, &online, &member, &member
	g.say("node %s is up", n.Name)
	return nil
}

func (g *imagining) nodeStandby(name string, on bool) error {
	n, s, err := g.node(name)
	if err != nil {
		return err
	}
	set := policy.NVSet{ID: "imagined", Score: "INFINITY", Pairs: []policy.Pair{{Name: "standby", Value: strconv.FormatBool(on)}}}
	n.Attributes = overlay(n.Attributes, set)
	if len(s.Attributes) > 0 { // until-reboot attributes are stronger
		s.Attributes = overlay(s.Attributes, set)
	}
	g.say("node %s: standby %s", n.Name, map[bool]string{true: "on", false: "off"}[on])
	return nil
}

// overlay puts a set before others, in place of one that was imagined earlier.
func overlay(sets []policy.NVSet, set policy.NVSet) []policy.NVSet {
	sets = slices.DeleteFunc(sets, func(old policy.NVSet) bool { return old.ID == set.ID })
	return append([]policy.NVSet{set}, sets...)
}

func (g *imagining) ticket(verb, id string) error {
	known := slices.ContainsFunc(g.in.Config.Constraints, func(c policy.Constraint) bool { return c.Ticket != nil && c.Ticket.Ticket == id })
	list := &g.in.Status.Tickets
	i := slices.IndexFunc(*list, func(t policy.TicketState) bool { return t.ID == id })
	if i < 0 {
		if !known {
			return exitf(ExitNoSuchObject, "there is no ticket %q in the file", id)
		}
		*list = append(*list, policy.TicketState{ID: id, LastGranted: -1})
		i = len(*list) - 1
	}
	t := &(*list)[i]
	switch verb {
	case "grant":
		t.Granted, t.Standby, t.LastGranted = true, false, g.in.Now.Unix()
	case "revoke":
		t.Granted = false
	case "standby":
		t.Standby = true
	}
	g.say("ticket %s: %s", id, verb)
	return nil
}

// operation imagines a result: "web_monitor_10000@n1=7".
func (g *imagining) operation(text string) error {
	bad := exitf(ExitUsage, "--if op=%s: write RESOURCE_OPERATION_INTERVAL@NODE=RC, such as web_monitor_10000@n1=7 (the interval in milliseconds)", text)
	head, rcText, ok1 := cutLast(text, "=")
	key, nodeName, ok2 := cutLast(head, "@")
	op, intervalText, ok3 := cutLast(key, "_")
	rc, err1 := strconv.ParseInt(rcText, 10, 32)
	interval, err2 := strconv.ParseInt(intervalText, 10, 64)
	if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil || interval < 0 || rc < 0 {
		return bad
	}
	name, task := "", ""
	for _, t := range []string{
		policy.TaskStart, policy.TaskStop, policy.TaskMonitor, policy.TaskPromote, policy.TaskDemote,
		policy.TaskMigrateTo, policy.TaskMigrateFrom, policy.TaskReload,
	} {
		if rest, ok := strings.CutSuffix(op, "_"+t); ok && rest != "" {
			name, task = rest, t
		}
	}
	if name == "" {
		return bad
	}
	n, s, err := g.node(nodeName)
	if err != nil {
		return err
	}
	base, _, _ := strings.Cut(name, ":")
	rsc := findPrimitive(g.in.Config, base)
	if rsc == nil {
		return exitf(ExitNoSuchObject, "there is no primitive %s in the file", base)
	}
	g.record(s, rsc, name, policy.OpRecord{Operation: task, IntervalMS: interval, RC: rc, OnNode: n.Name})
	g.say("%s of %s on %s ends with %d", task, name, n.Name, rc)
	return nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func findPrimitive(c *policy.Config, name string) *policy.Resource {
	r := state.FindResource(c, name)
	if r == nil || r.Kind != policy.Primitive {
		return nil
	}
	return r
}

// record writes a result into a node's history, and counts a failure.
func (g *imagining) record(s *policy.NodeState, rsc *policy.Resource, name string, rec policy.OpRecord) {
	i := slices.IndexFunc(s.History, func(h policy.ResourceHistory) bool { return h.ID == name })
	if i < 0 {
		class, provider, typ := rsc.Class, rsc.Provider, rsc.Type
		for _, t := range g.in.Config.Templates {
			if t.ID == rsc.Template {
				class, provider, typ = t.Class, t.Provider, t.Type
			}
		}
		s.History = append(s.History, policy.ResourceHistory{ID: name, Class: class, Provider: provider, Type: typ})
		i = len(s.History) - 1
	}
	h := &s.History[i]
	rec.Key = fmt.Sprintf("%s_%s_%d", name, rec.Operation, rec.IntervalMS)
	rec.ID = rec.Key
	rec.LastChange, rec.LastRun = g.in.Now.Unix(), g.in.Now.Unix()
	rec.TransitionID = policy.Unset
	node := rec.OnNode
	for _, old := range h.Ops {
		rec.CallID = max(rec.CallID, old.CallID)
		rec.OnNode = old.OnNode // the order of records counts among equal words only
		if old.Key == rec.Key || old.ID == rec.Key {
			rec.ExpectedRC = max(old.ExpectedRC, 0)
			rec.Digest, rec.RestartDigest, rec.RestartParams = old.Digest, old.RestartDigest, old.RestartParams
			rec.SecureDigest, rec.SecureParams, rec.FeatureSet = old.SecureDigest, old.SecureParams, old.FeatureSet
		}
	}
	if rec.Digest == "" {
		rec.Digest = policy.OperationDigest(g.in, name, node, rec.Operation, rec.IntervalMS)
	}
	rec.CallID++
	probe := rec.Operation == policy.TaskMonitor && rec.IntervalMS == 0
	if probe && (rec.RC == 0 || rec.RC == 7 || rec.RC == 8) {
		rec.ExpectedRC = rec.RC // an answer, not a failure
	}
	if rec.RC != rec.ExpectedRC {
		rec.Status = policy.OpError
		bad := rec
		bad.ID = name + "_last_failure_0"
		h.Ops = slices.DeleteFunc(h.Ops, func(o policy.OpRecord) bool { return o.ID == bad.ID })
		h.Ops = append(h.Ops, bad)
		if !probe {
			g.countFailure(s, name, &rec)
		}
	}
	h.Ops = slices.DeleteFunc(h.Ops, func(o policy.OpRecord) bool { return o.ID == rec.ID })
	h.Ops = append(h.Ops, rec)
}

// countFailure raises the fail count as the cluster would: a failed stop, and a
// failed start unless start-failure-is-fatal is false, count as infinity.
func (g *imagining) countFailure(s *policy.NodeState, name string, rec *policy.OpRecord) {
	suffix := fmt.Sprintf("-%s#%s_%d", name, rec.Operation, rec.IntervalMS)
	count := "1"
	for _, set := range s.Attributes {
		for _, p := range set.Pairs {
			if p.Name == "fail-count"+suffix {
				count = p.Value
				if n, err := strconv.Atoi(p.Value); err == nil {
					count = strconv.Itoa(n + 1)
				}
			}
		}
	}
	fatal := true
	switch strings.ToLower(state.Option(g.in.Config, "start-failure-is-fatal")) {
	case "false", "off", "no", "n", "0":
		fatal = false
	}
	if rec.Operation == policy.TaskStop || rec.Operation == policy.TaskStart && fatal {
		count = "INFINITY"
	}
	if len(s.Attributes) == 0 {
		s.Attributes = []policy.NVSet{{ID: "status-" + s.ID}}
	}
	set := &s.Attributes[0]
	for _, p := range []policy.Pair{
		{Name: "fail-count" + suffix, Value: count},
		{Name: "last-failure" + suffix, Value: strconv.FormatInt(g.in.Now.Unix(), 10)},
	} {
		set.Pairs = slices.DeleteFunc(set.Pairs, func(old policy.Pair) bool { return old.Name == p.Name })
		set.Pairs = append(set.Pairs, p)
	}
}
