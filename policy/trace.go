package policy

import (
	"fmt"
	"strings"
)

// A trace writes down what changes the scores of the resources that somebody
// asks about. An ordinary decision has none: every hook is then one comparison
// with nil, and no text is made before somebody wants to read it.
type trace struct {
	m    *model
	name string // as asked: "web", "web:0"
	list []*traced
	of   map[*resource]*traced
}

// traced is what is known of one primitive.
type traced struct {
	r     *resource
	last  table
	steps []step
	load  []int // resources on each node when this one was placed
	asked bool  // its node was chosen by score
}

// step is one change of a score, by one rule.
type step struct {
	cause
	n        *node
	from, to int
	note     string // what can only be said at this moment
}

// cause is a rule that may change scores.
type cause struct {
	rule   string
	object string
	pos    Pos
	with   *resource // the other side of a colocation

	dependent bool // with is the side that follows
}

// startTrace begins to watch the primitives of a resource. What the status has
// done to their scores up to here is the first step.
func (m *model) startTrace(name string) bool {
	t := &trace{m: m, name: name, of: map[*resource]*traced{}}
	for _, top := range m.resources {
		top.walk(func(x *resource) {
			if x.id == name || x.name == name {
				x.primitives(t.add)
			}
		})
	}
	if len(t.list) == 0 {
		return false
	}
	m.trace = t
	m.noted(cause{rule: "status"})
	return true
}

func (t *trace) add(r *resource) {
	if t.of[r] != nil {
		return
	}
	x := &traced{r: r}
	if t.m.opt.symmetric {
		for _, n := range t.m.nodes {
			if r.allowed.at(n) != nil {
				x.last.put(n, entry{score: t.m.baseScore(n)})
			}
		}
	}
	t.list = append(t.list, x)
	t.of[r] = x
}

// noted puts down every change since the last call to one cause.
func (m *model) noted(c cause) {
	if m.trace == nil {
		return
	}
	for _, x := range m.trace.list {
		x.compare(m, c)
	}
}

func (x *traced) compare(m *model, c cause) {
	for _, n := range m.nodes {
		was, is := x.last.at(n), x.r.allowed.at(n)
		if is == nil || was != nil && was.score == is.score {
			continue
		}
		s := step{cause: c, n: n, to: is.score}
		if was != nil {
			s.from = was.score
		}
		if c.rule == "utilization" {
			s.note = x.r.needText(n)
		}
		x.steps = append(x.steps, s)
	}
	x.last = x.r.allowed.clone()
}

// baseScore is the configured score of a node; a lost or leaving one has another
// score by now, which no table starts from.
func (m *model) baseScore(n *node) int {
	if n.cfg == nil {
		return 0
	}
	score, _ := m.colours.parseScore(n.cfg.Score, 0)
	return score
}

// savepoint remembers where the trace of a resource's primitives is, for an
// assignment that is only tried. The result takes the trace back to there.
func (m *model) savepoint(r *resource) func() {
	if m.trace == nil {
		return func() {}
	}
	lengths := map[*traced]int{}
	lasts := map[*traced]table{}
	r.primitives(func(p *resource) {
		if x := m.trace.of[p]; x != nil {
			lengths[x], lasts[x] = len(x.steps), x.last.clone()
		}
	})
	return func() {
		for x, k := range lengths {
			x.steps, x.last = x.steps[:k], lasts[x].clone()
		}
	}
}

// choosing notes how full the nodes are when a primitive is placed.
func (m *model) choosing(r *resource) {
	if m.trace == nil || m.trace.of[r] == nil {
		return
	}
	x := m.trace.of[r]
	x.asked = true
	x.load = make([]int, len(m.byIndex))
	for _, n := range m.nodes {
		x.load[n.index] = n.numAssigned
	}
}

// needText compares what a resource needs with what a node has left now.
func (r *resource) needText(n *node) string {
	var parts []string
	for _, name := range sortedKeys(r.utilization) {
		if need, left := r.utilization[name], n.utilization[name]; need > left {
			parts = append(parts, fmt.Sprintf("needs %s %d, %s has %d left", name, need, n.name, left))
		}
	}
	if len(parts) == 0 {
		return "with all that must run with it, it needs more than " + n.name + " has left"
	}
	return strings.Join(parts, "; ")
}
