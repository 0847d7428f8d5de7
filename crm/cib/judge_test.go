package cib

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

var allLevels = []string{"L1", "L2", "L3a", "L3b"}

// expectation is the recorded result of a case.
type expectation struct {
	Now       string
	Clones    struct{ Anonymous []string }
	Unchecked []string
	Placement []policy.Placement
	Either    map[string][]policy.Placement `json:"placement_either"`
	Actions   []policy.Action
}

// verdict is how a plan compares with what was recorded.
type verdict struct {
	placement, actions, complete, minimal bool
	problem                               string // the first difference
}

func (v verdict) levels() []string {
	var out []string
	for i, ok := range []bool{v.placement, v.actions, v.complete, v.minimal} {
		if ok {
			out = append(out, allLevels[i])
		}
	}
	return out
}

// String is the first difference.
func (v verdict) String() string { return v.problem }

func judge(want expectation, plan *policy.Plan) verdict {
	names := caseNames{anonymous: want.Clones.Anonymous, unchecked: want.Unchecked}
	v := verdict{}
	keys := newKeys()
	expected, err := newGraph(keys, names, want.Actions)
	if err == nil {
		var got *graph
		if got, err = newGraph(keys, names, plan.Actions); err == nil {
			v.judgeGraphs(keys, expected, got)
		}
	}
	if err != nil {
		return verdict{problem: "invalid answer: " + err.Error()}
	}
	different := placementDifference(names, want, plan.Placement)
	v.placement = different == ""
	if different != "" {
		v.problem = different
	}
	return v
}

func (v *verdict) judgeGraphs(keys *keys, want, got *graph) {
	v.actions = true
	for k := range keys.texts {
		if want.count(k) != got.count(k) {
			v.actions = false
			v.problem = fmt.Sprintf("%s: wanted %d times, got %d", keys.texts[k], want.count(k), got.count(k))
			break
		}
	}
	size := len(keys.texts)
	wantOrder, gotOrder := want.ordering(size), got.ordering(size)
	missing, added := "", ""
	for after := range size {
		for before := range size {
			if before == after || want.count(before)*got.count(before)*want.count(after)*got.count(after) == 0 {
				continue
			}
			w, g := wantOrder[after].has(before), gotOrder[after].has(before)
			if w && !g && missing == "" {
				missing = fmt.Sprintf("missing order: %s, then %s", keys.texts[before], keys.texts[after])
			} else if g && !w && added == "" {
				added = fmt.Sprintf("added order: %s, then %s", keys.texts[before], keys.texts[after])
			}
		}
	}
	v.complete = v.actions && missing == ""
	v.minimal = v.actions && added == ""
	if v.actions {
		v.problem = missing + added
	}
}

// caseNames says how names of resources count in a case.
type caseNames struct{ anonymous, unchecked []string }

// normal drops the instance number of an instance of an anonymous clone.
func (c caseNames) normal(name string) string {
	i := strings.LastIndexByte(name, ':')
	if i > 0 && i+1 < len(name) && strings.Trim(name[i+1:], "0123456789") == "" && slices.Contains(c.anonymous, name[:i]) {
		return name[:i]
	}
	return name
}

func (c caseNames) isUnchecked(name string) bool {
	return slices.ContainsFunc(c.unchecked, func(u string) bool {
		prefix, isPattern := strings.CutSuffix(u, "*")
		return u == name || isPattern && strings.HasPrefix(name, prefix)
	})
}

// keys numbers what makes two actions the same.
type keys struct {
	ids   map[string]int
	texts []string
}

func newKeys() *keys { return &keys{ids: make(map[string]int)} }

// of is the number of an action, or -1 for a pseudo action.
func (k *keys) of(a policy.Action, names caseNames) int {
	if a.Kind == policy.PseudoAction {
		return -1
	}
	text := fmt.Sprintf("%s %s on %s", a.Kind, a.Task, a.Node)
	if a.Kind == policy.ResourceAction {
		text += " of " + names.normal(a.Resource)
		switch a.Task {
		case policy.TaskMonitor, policy.TaskCancel:
			text += fmt.Sprintf(" every %d ms", a.IntervalMS)
		case policy.TaskNotify:
			text += " " + a.Detail
		}
	}
	id, ok := k.ids[text]
	if !ok {
		id = len(k.texts)
		k.ids[text] = id
		k.texts = append(k.texts, text)
	}
	return id
}

// bits is a set of small numbers.
type bits []uint64

func (b bits) has(i int) bool { return i/64 < len(b) && b[i/64]&(1<<(i%64)) != 0 }
func (b bits) add(i int)      { b[i/64] |= 1 << (i % 64) }

func (b bits) union(other bits) {
	for i := range other {
		b[i] |= other[i]
	}
}

// graph is a list of actions with everything that precedes each.
type graph struct {
	keys    []int  // of each action
	before  []bits // closure: for each action the actions before it
	counted map[int]int
}

func newGraph(k *keys, names caseNames, actions []policy.Action) (*graph, error) {
	g := &graph{counted: make(map[int]int), before: make([]bits, len(actions))}
	index := make(map[string]int, len(actions))
	for i, a := range actions {
		if _, twice := index[a.ID]; twice || a.ID == "" {
			return nil, fmt.Errorf("action id %q is missing or used twice", a.ID)
		}
		index[a.ID] = i
		key := k.of(a, names)
		g.keys = append(g.keys, key)
		if key >= 0 {
			g.counted[key]++
		}
	}
	state := make([]int, len(actions)) // 1: being visited, 2: done
	var visit func(i int) error
	visit = func(i int) error {
		switch state[i] {
		case 1:
			return fmt.Errorf("the orderings form a cycle through %q", actions[i].ID)
		case 2:
			return nil
		}
		state[i] = 1
		g.before[i] = make(bits, len(actions)/64+1)
		for _, id := range actions[i].After {
			j, ok := index[id]
			if !ok {
				return fmt.Errorf("action %q is after %q, which does not exist", actions[i].ID, id)
			}
			if err := visit(j); err != nil {
				return err
			}
			g.before[i].add(j)
			g.before[i].union(g.before[j])
		}
		state[i] = 2
		return nil
	}
	for i := range actions {
		if err := visit(i); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *graph) count(key int) int { return g.counted[key] }

// ordering is, for each key, the keys before it.
func (g *graph) ordering(size int) []bits {
	out := make([]bits, size)
	for i := range out {
		out[i] = make(bits, size/64+1)
	}
	for i, key := range g.keys {
		if key < 0 {
			continue
		}
		for j, before := range g.keys {
			if before >= 0 && before != key && g.before[i].has(j) {
				out[key].add(before)
			}
		}
	}
	return out
}

// placementDifference is the first resource that is not where it should be.
func placementDifference(names caseNames, want expectation, got []policy.Placement) string {
	wanted, have := placesByName(names, want.Placement), placesByName(names, got)
	all := make([]string, 0, len(wanted)+len(have))
	for name := range wanted {
		all = append(all, name)
	}
	for name := range have {
		all = append(all, name)
	}
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		if names.isUnchecked(name) || slices.Equal(wanted[name], have[name]) {
			continue
		}
		if other, ok := want.Either[name]; ok && slices.Equal(placesOf(other), have[name]) {
			continue
		}
		return fmt.Sprintf("%s: wanted %v, got %v", name, wanted[name], have[name])
	}
	return ""
}

func placesByName(names caseNames, list []policy.Placement) map[string][]string {
	grouped := make(map[string][]policy.Placement)
	for _, p := range list {
		name := names.normal(p.Resource)
		grouped[name] = append(grouped[name], p)
	}
	out := make(map[string][]string)
	for name, places := range grouped {
		if texts := placesOf(places); len(texts) > 0 {
			out[name] = texts
		}
	}
	return out
}

// placesOf is a sorted list of "role on node", without what is stopped.
func placesOf(list []policy.Placement) []string {
	var out []string
	for _, p := range list {
		if p.Role != policy.RoleStopped {
			out = append(out, fmt.Sprintf("%s on %s", p.Role, p.Node))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
