package policy

import (
	"fmt"
	"time"
)

// model is everything one decision knows and builds. It lives for one call of
// Decide.
type model struct {
	cfg *Config
	st  *Status
	now time.Time

	opt     options
	colours healthColours
	quorum  bool

	nodes     []*node // in display order
	byIndex   []*node
	nodeByID  map[string]*node // lower-case id
	nodeNamed map[string]*node // lower-case name

	resources  []*resource // top level
	byID       map[string]*resource
	byHistory  map[string][]*resource
	byTemplate map[string][]string
	tags       map[string]*Tag
	haveFencer bool // a fencing device exists

	tickets map[string]*ticket

	locations []*location // in order of creation
	orderings []*ordering

	actions     []*action // in order of creation
	clusterActs map[string]*action
	deferred    []func() // checks that wait for the assignment
	launchStops []*resource

	refIndex  *refs
	recheckAt int64
	problems  []Problem
	seenProbs map[Problem]bool
	histories map[string]*nodeHistory // by lower-case node name

	assigningDone bool
	trace         *trace // of explanations only
	updates       int    // how many updates of actions are left
}

func newModel(in Input) *model {
	return &model{
		cfg: in.Config, st: in.Status, now: in.Now.Truncate(time.Second), quorum: in.Status.Quorum,
		nodeByID: map[string]*node{}, nodeNamed: map[string]*node{},
		byID: map[string]*resource{}, byHistory: map[string][]*resource{},
		byTemplate: map[string][]string{}, tags: map[string]*Tag{},
		tickets: map[string]*ticket{}, clusterActs: map[string]*action{},
		seenProbs: map[Problem]bool{}, histories: map[string]*nodeHistory{},
	}
}

// problem notes something wrong with the configuration, once.
func (m *model) problem(isError bool, object string, pos Pos, format string, args ...any) {
	p := Problem{Error: isError, Object: object, Text: fmt.Sprintf(format, args...), Pos: pos}
	if !m.seenProbs[p] {
		m.seenProbs[p] = true
		m.problems = append(m.problems, p)
	}
}

// recheck notes a moment (epoch seconds) at which the decision may change.
func (m *model) recheck(t int64) {
	if t > m.now.Unix() && (m.recheckAt == 0 || t < m.recheckAt) {
		m.recheckAt = t
	}
}
