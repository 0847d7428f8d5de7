package state

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/policy"
)

// Input is what the policy engine decides on at a time: the configuration with
// the operators' settings laid over it, and the status as the state knows it.
// dc names the leader.
func (s *State) Input(now time.Time, dc string, quorum bool) policy.Input {
	return policy.Input{Now: now, Config: s.Effective(now), Status: s.Status(dc, quorum)}
}

// overlay is the score of the operators' settings: the first writer wins, so
// nothing in the configuration text is above it.
const overlay = "INFINITY"

// Effective is the configuration with the operators' settings laid over it. It
// shares what it does not change.
func (s *State) Effective(now time.Time) *policy.Config {
	c := *s.Config.Policy
	c.Options = append([]policy.NVSet{planToFence}, c.Options...)
	c.Nodes = s.effectiveNodes()
	if len(s.Settings.Resources) > 0 {
		c.Resources = s.overlayResources(c.Resources)
	}
	c.Constraints = append(slices.Clip(slices.Clone(c.Constraints)), s.manualConstraints(now)...)
	return &c
}

// planToFence lets the engine plan fencing also where no device is configured.
// Left to itself it would then manage nothing at all, and not say why. The
// controller holds back, with a reason, what nobody could fence, and a fencing
// without a device fails with one.
var planToFence = policy.NVSet{ID: "plan-to-fence", Score: overlay, Pairs: []policy.Pair{{Name: "have-watchdog", Value: "true"}}}

// effectiveNodes are the configured nodes and those that only joined.
func (s *State) effectiveNodes() []policy.Node {
	nodes := slices.Clone(s.Config.Policy.Nodes)
	for _, name := range sortedKeys(s.Nodes) {
		if !slices.ContainsFunc(nodes, func(n policy.Node) bool { return n.Name == name }) {
			nodes = append(nodes, policy.Node{ID: name, Name: name})
		}
	}
	for i := range nodes {
		set, ok := s.Settings.Nodes[nodes[i].Name]
		if !ok {
			continue
		}
		var pairs []policy.Pair
		if set.Standby || set.StandbyReboot {
			pairs = append(pairs, policy.Pair{Name: "standby", Value: "true"})
		}
		if set.Maintenance {
			pairs = append(pairs, policy.Pair{Name: "maintenance", Value: "true"})
		}
		nodes[i].Attributes = append([]policy.NVSet{{ID: nodes[i].Name + "-settings", Score: overlay, Pairs: pairs}}, nodes[i].Attributes...)
	}
	return nodes
}

func (s *State) overlayResources(list []policy.Resource) []policy.Resource {
	list = slices.Clone(list)
	for i := range list {
		r := &list[i]
		if set, ok := s.Settings.Resources[r.ID]; ok {
			r.Meta = append([]policy.NVSet{{ID: r.ID + "-settings", Score: overlay, Pairs: settingPairs(set)}}, r.Meta...)
		}
		r.Children = s.overlayResources(r.Children)
	}
	return list
}

func settingPairs(set ResourceSetting) []policy.Pair {
	var pairs []policy.Pair
	for _, p := range []policy.Pair{
		{Name: "target-role", Value: set.TargetRole},
		{Name: "maintenance", Value: set.Maintenance},
		{Name: "is-managed", Value: set.Managed},
	} {
		if p.Value != "" {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// manualConstraints are the operators' bans, preferences and moves. A move is a
// preference above every stickiness that ends when the resource has arrived.
func (s *State) manualConstraints(now time.Time) []policy.Constraint {
	var out []policy.Constraint
	for _, r := range s.Settings.Rules {
		if r.Expires == 0 || r.Expires > now.Unix() {
			out = append(out, policy.Constraint{Location: &policy.Location{ID: r.ID, Resource: r.Resource, Node: r.Node, Score: r.Score}})
		}
	}
	for _, name := range sortedKeys(s.Settings.Moves) {
		if m := s.Settings.Moves[name]; m.Until > now.Unix() {
			out = append(out, policy.Constraint{Location: &policy.Location{ID: "move-" + name, Resource: name, Node: m.Node, Score: "INFINITY"}})
		}
	}
	return out
}

// NextExpiry is when a manual rule or a move runs out next, or zero.
func (s *State) NextExpiry(now time.Time) time.Time {
	var next int64
	earlier := func(t int64) {
		if t > now.Unix() && (next == 0 || t < next) {
			next = t
		}
	}
	for _, r := range s.Settings.Rules {
		earlier(r.Expires)
	}
	for _, m := range s.Settings.Moves {
		earlier(m.Until)
	}
	if next == 0 {
		return time.Time{}
	}
	return time.Unix(next, 0)
}

// Status is the present in the engine's words.
func (s *State) Status(dc string, quorum bool) *policy.Status {
	st := &policy.Status{Quorum: quorum, DC: s.nodeID(dc)}
	names := sortedKeys(s.Nodes)
	for _, n := range s.Config.Policy.Nodes {
		if s.Nodes[n.Name] == nil {
			names = append(names, n.Name)
		}
	}
	for _, name := range names {
		st.Nodes = append(st.Nodes, s.nodeState(name))
	}
	return st
}

func (s *State) nodeID(name string) string {
	for _, n := range s.Config.Policy.Nodes {
		if n.Name == name {
			return n.ID
		}
	}
	return name
}

// nodeState says in a CIB's words: a member is in the membership and online; a
// lost node has left the membership while it was expected there; everything
// else, a node that never joined included, is known to be down, because the
// state, unlike a cluster that starts without memory, knows all who ever joined.
func (s *State) nodeState(name string) policy.NodeState {
	n := s.Nodes[name]
	ns := policy.NodeState{ID: s.nodeID(name), Name: name}
	no, offline, online, member, down := "false", "offline", "online", "member", "down"
	yes := "true"
	switch {
	case n == nil || n.Phase == PhaseDown:
		ns.InCCM, ns.Online, ns.Join, ns.Expected = &no, &offline, &down, &down
	case n.Phase == PhaseLost:
		ns.InCCM, ns.Online, ns.Join, ns.Expected = &no, &offline, &down, &member
	default:
		ns.InCCM, ns.Online, ns.Join, ns.Expected = &yes, &online, &member, &member
	}
	if n != nil {
		ns.Attributes = n.transientAttributes()
		ns.History = s.history(n)
	}
	return ns
}

func (n *Node) transientAttributes() []policy.NVSet {
	set := policy.NVSet{ID: n.Name + "-until-reboot"}
	add := func(name, value string) { set.Pairs = append(set.Pairs, policy.Pair{Name: name, Value: value}) }
	for _, name := range sortedKeys(n.Attributes) {
		add(name, n.Attributes[name])
	}
	if n.Leaving {
		add("shutdown", strconv.FormatInt(max(n.Since/1000, 1), 10))
	}
	for _, key := range sortedKeys(n.Failures) {
		f := n.Failures[key]
		count := strconv.FormatInt(f.Count, 10)
		if f.Count >= infinity {
			count = "INFINITY"
		}
		add("fail-count-"+key, count)
		add("last-failure-"+key, strconv.FormatInt(f.Last, 10))
	}
	if len(set.Pairs) == 0 {
		return nil
	}
	return []policy.NVSet{set}
}

// history is the node's operation history with what is in flight added, so that
// a decision sees a start under way as already active.
func (s *State) history(n *Node) []policy.ResourceHistory {
	byName := map[string]*policy.ResourceHistory{}
	for name, h := range n.History {
		r := &policy.ResourceHistory{ID: name, Class: h.Class, Provider: h.Provider, Type: h.Type}
		for _, id := range sortedKeys(h.Records) {
			r.Ops = append(r.Ops, h.Records[id])
		}
		byName[name] = r
	}
	for _, id := range sortedKeys(s.Pending) {
		op := s.Pending[id]
		if op.Node != n.Name || !changes(op.Action.Task) || op.Action.Task == policy.TaskDelete {
			continue
		}
		name := op.Action.HistoryID
		r := byName[name]
		if r == nil {
			r = &policy.ResourceHistory{ID: name, Class: op.Class, Provider: op.Provider, Type: op.Type}
			byName[name] = r
		}
		r.Ops = append(r.Ops, op.pendingRecord())
	}
	var out []policy.ResourceHistory
	for _, name := range sortedKeys(byName) {
		out = append(out, *byName[name])
	}
	return out
}

func (o *Operation) pendingRecord() policy.OpRecord {
	name, task := o.Action.HistoryID, o.Action.Task
	return policy.OpRecord{
		ID: name + "_pending_0", Key: fmt.Sprintf("%s_%s_%d", name, task, o.Action.IntervalMS), Operation: task,
		IntervalMS: o.Action.IntervalMS, CallID: -1, RC: 193, Status: policy.OpPending,
		ExpectedRC: int64(o.Action.ExpectedRC), TransitionID: int64(o.Index), Decider: "holdfast", MagicOK: true,
		OnNode: o.Node, LastChange: o.At / 1000, MigrateSource: o.Action.MigrateSource, MigrateTarget: o.Action.MigrateTarget,
		// Without them the engine would take it for one with other parameters: it would
		// forgive the resource's failures and want it restarted.
		Digest: o.Action.Digest, RestartDigest: o.Action.RestartDigest, RestartParams: o.Action.RestartParams,
	}
}

// AllStopped is the state as if the configuration wanted nothing to run. It is
// for a node that must end alone; nobody else ever sees it.
func AllStopped(s *State) *State {
	next := *s
	c := *s.Config.Policy
	stop := policy.NVSet{ID: "stop-all", Score: overlay, Pairs: []policy.Pair{{Name: "stop-all-resources", Value: "true"}, {Name: "no-quorum-policy", Value: "ignore"}}}
	c.Options = append([]policy.NVSet{stop}, c.Options...)
	next.Config.Policy = &c
	return &next
}
