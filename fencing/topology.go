package fencing

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Topology says in which order which devices fence the targets that it is
// about. Exactly one of Target, Pattern and Attribute is set.
type Topology struct {
	Name      string
	Target    string // a node's name
	Pattern   string // a regular expression that matches anywhere in a node's name
	Attribute string // a node attribute that has the value Value
	Value     string
	Levels    []TopologyLevel
}

// TopologyLevel is tried after all levels of a smaller index failed. All its
// devices must succeed, one after the other in the order given.
type TopologyLevel struct {
	Index   int // 1 to 9
	Devices []string
}

// String is one line: the targets, then the levels.
func (t Topology) String() string {
	text := t.Name + ": " + t.Target
	switch {
	case t.Target != "":
	case t.Pattern != "":
		text = fmt.Sprintf("%s: nodes like %q", t.Name, t.Pattern)
	default:
		text = fmt.Sprintf("%s: nodes with %s = %q", t.Name, t.Attribute, t.Value)
	}
	for _, l := range t.Levels {
		text += fmt.Sprintf(", level %d %s", l.Index, strings.Join(l.Devices, "+"))
	}
	return text
}

// specificity orders the kinds: a node's own name beats a pattern, a pattern
// beats an attribute.
func (t Topology) specificity() int {
	switch {
	case t.Target != "":
		return 0
	case t.Pattern != "":
		return 1
	default:
		return 2
	}
}

func (t Topology) matches(target string, attrs map[string]string) (bool, *Problem) {
	switch {
	case t.Target != "":
		return t.Target == target, nil
	case t.Pattern != "":
		re, err := regexp.Compile(t.Pattern)
		if err != nil {
			p := problemf(t.Name, "target-pattern %q is not a regular expression: %v", t.Pattern, err)
			return false, &p
		}
		return re.MatchString(target), nil
	case t.Attribute != "":
		value, ok := attrs[t.Attribute]
		return ok && value == t.Value, nil
	default:
		p := problemf(t.Name, "names no target: add target, target-pattern or target-attribute")
		return false, &p
	}
}

// selectLevels returns the levels for a target, by index. Of several matching
// topologies the first of the most specific kind counts, together with others
// that select by the very same words (one level each, as a CIB writes them).
func selectLevels(target string, topologies []Topology, attrs map[string]string) ([]TopologyLevel, []Problem) {
	var problems []Problem
	var chosen []Topology
	for _, t := range topologies {
		ok, p := t.matches(target, attrs)
		if p != nil {
			problems = append(problems, *p)
		}
		if !ok {
			continue
		}
		switch {
		case len(chosen) == 0 || t.specificity() < chosen[0].specificity():
			chosen = []Topology{t}
		case t.Target == chosen[0].Target && t.Pattern == chosen[0].Pattern &&
			t.Attribute == chosen[0].Attribute && t.Value == chosen[0].Value:
			chosen = append(chosen, t)
		}
	}
	byIndex := map[int][]string{}
	for _, t := range chosen {
		for _, l := range t.Levels {
			if l.Index < 1 || l.Index > 9 {
				problems = append(problems, problemf(t.Name, "level %d is left out: levels count from 1 to 9", l.Index))
				continue
			}
			byIndex[l.Index] = append(byIndex[l.Index], l.Devices...)
		}
	}
	var levels []TopologyLevel
	for index := 1; index <= 9; index++ {
		if names, ok := byIndex[index]; ok {
			levels = append(levels, TopologyLevel{Index: index, Devices: dedupe(names)})
		}
	}
	return levels, problems
}

// dedupe keeps the first of equal names.
func dedupe(names []string) []string {
	var out []string
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
