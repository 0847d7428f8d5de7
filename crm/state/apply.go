package state

import (
	"fmt"
	"maps"
	"slices"
)

// Entry is one committed entry of the log.
type Entry struct {
	Index uint64
	Term  uint64
	Data  []byte
}

// Kind tells refusals apart where a caller acts differently.
type Kind string

// The kinds of refusal.
const (
	Stale    Kind = "stale"    // the premise has passed: read again, decide again
	NoSuch   Kind = "no-such"  // the object does not exist
	Conflict Kind = "conflict" // it stands against something that is under way or true
	Invalid  Kind = "invalid"  // it can never be right
)

// Refusal says why a command changed nothing.
type Refusal struct {
	Kind Kind   `json:"kind"`
	Text string `json:"text"`
}

// Error is the text.
func (r *Refusal) Error() string { return r.Text }

func refuse(k Kind, format string, args ...any) *Refusal {
	return &Refusal{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// Outcome is what Apply says of a command.
type Outcome struct {
	Refused *Refusal `json:"refused,omitempty"`
	Version int64    `json:"version,omitempty"` // configuration in force
	Index   uint64   `json:"index"`
	Ops     []string `json:"ops,omitempty"` // operations that were begun
}

// Apply is the state machine: the state after a committed entry. It never
// changes s. Data that cannot be read, and commands that are refused, leave
// everything but Index, Term and Clock as it was.
func Apply(s *State, e Entry) (*State, Outcome) {
	next := *s
	next.Index, next.Term = e.Index, e.Term
	c, err := DecodeCommand(e.Data)
	if err != nil {
		return &next, Outcome{Refused: refuse(Invalid, "%v", err), Index: e.Index, Version: s.Config.Version}
	}
	next.Clock = max(next.Clock, c.At)
	if c.Term != 0 && c.Term != e.Term {
		return &next, Outcome{
			Refused: refuse(Stale, "decided in term %d, committed in term %d", c.Term, e.Term),
			Index:   e.Index, Version: s.Config.Version,
		}
	}
	trial := next
	t := &transition{s: &trial, c: c, out: Outcome{Index: e.Index}}
	if r := t.run(); r != nil {
		return &next, Outcome{Refused: r, Index: e.Index, Version: s.Config.Version}
	}
	t.out.Version = trial.Config.Version
	return &trial, t.out
}

// Rehearse says why a command would be refused on a state, or nil. The log may
// still decide otherwise: something can come between.
func Rehearse(s *State, c Command) *Refusal {
	trial := *s
	t := &transition{s: &trial, c: &c}
	return t.run()
}

// transition is one command being applied to a private copy. Its helpers copy
// each map and node at most once before the first change.
type transition struct {
	s      *State
	c      *Command
	out    Outcome
	copied map[string]bool
}

func (t *transition) run() *Refusal {
	c := t.c
	switch {
	case c.SetConfig != nil:
		return t.setConfig(c.SetConfig)
	case c.Join != nil:
		return t.join(c.Join)
	case c.Lost != nil:
		return t.lost(c.Lost)
	case c.Leave != nil:
		return t.leave(c.Leave)
	case c.Left != nil:
		return t.left(c.Left)
	case c.Forget != nil:
		return t.forget(c.Forget)
	case c.Begin != nil:
		return t.begin(c.Begin)
	case c.Result != nil:
		return t.result(c.Result)
	case c.Expire != nil:
		return t.expire(c.Expire)
	case c.FenceBegin != nil:
		return t.fenceBegin(c.FenceBegin)
	case c.FenceEnd != nil:
		return t.fenceEnd(c.FenceEnd)
	case c.FenceConfirm != nil:
		return t.fenceConfirm(c.FenceConfirm)
	case c.SetNode != nil:
		return t.setNode(c.SetNode)
	case c.SetAttribute != nil:
		return t.setAttribute(c.SetAttribute)
	case c.SetResource != nil:
		return t.setResource(c.SetResource)
	case c.AddRule != nil:
		return t.addRule(*c.AddRule)
	case c.ClearRules != nil:
		return t.clearRules(c.ClearRules)
	case c.StartMove != nil:
		return t.startMove(*c.StartMove)
	case c.EndMove != nil:
		return t.endMove(c.EndMove)
	case c.Cleanup != nil:
		return t.cleanup(c.Cleanup)
	}
	return refuse(Invalid, "the command is empty")
}

// once says whether what is about to be changed must still be copied.
func (t *transition) once(what string) bool {
	if t.copied[what] {
		return false
	}
	if t.copied == nil {
		t.copied = map[string]bool{}
	}
	t.copied[what] = true
	return true
}

func clone[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}

// node is a private copy of a node, made on first use, or nil.
func (t *transition) node(name string) *Node {
	n := t.s.Nodes[name]
	if n == nil {
		return nil
	}
	if t.once("nodes") {
		t.s.Nodes = clone(t.s.Nodes)
	}
	if t.once("node " + name) {
		own := *n
		own.Attributes = clone(n.Attributes)
		own.History = clone(n.History)
		own.Failures = clone(n.Failures)
		t.s.Nodes[name] = &own
	}
	return t.s.Nodes[name]
}

func (t *transition) addNode(name string) *Node {
	if n := t.node(name); n != nil {
		return n
	}
	if t.once("nodes") {
		t.s.Nodes = clone(t.s.Nodes)
	}
	t.once("node " + name)
	n := &Node{Name: name, Phase: PhaseDown, Attributes: map[string]string{}, History: map[string]*ResourceHistory{}, Failures: map[string]Failure{}}
	t.s.Nodes[name] = n
	return n
}

func (t *transition) pending() map[string]*Operation {
	if t.once("pending") {
		t.s.Pending = clone(t.s.Pending)
	}
	return t.s.Pending
}

func (t *transition) fencings() map[string]*Fencing {
	if t.once("fencing") {
		t.s.Fencing = clone(t.s.Fencing)
	}
	return t.s.Fencing
}

// touch records that decisions resting on a topic are out of date.
func (t *transition) touch(topic string) {
	if t.once("changed") {
		t.s.Changed = clone(t.s.Changed)
	}
	t.s.Changed[topic] = t.s.Index
}

func (t *transition) audit(format string, args ...any) {
	t.s.Audit = bounded(t.s.Audit, keepAudit, AuditRecord{At: t.c.At, By: t.c.By, What: fmt.Sprintf(format, args...)})
}

// bounded appends to a copy and drops the oldest beyond limit.
func bounded[T any](list []T, limit int, item T) []T {
	list = append(slices.Clip(slices.Clone(list)), item)
	if over := len(list) - limit; over > 0 {
		list = slices.Clone(list[over:])
	}
	return list
}

// dropPending voids the operations that an executor of a node still owes.
func (t *transition) dropPending(node string) {
	for _, id := range sortedKeys(t.s.Pending) {
		if t.s.Pending[id].Node == node {
			delete(t.pending(), id)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
