package cib

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/policy"
)

const passingFile = "testdata/conformance-passing.txt"

const passingHeader = `# Recorded scheduler decisions that the engine reproduces, and how far: L1 the
# placement, L2 the set of actions, L3a no ordering is missing, L3b none is added.
# Written by: go test ./crm/cib -run TestRecordedDecisions -rewrite
`

// TestRecordedDecisions decides on every recorded case and fails if one does
// worse than the list of passing cases says.
func TestRecordedDecisions(t *testing.T) {
	folder, entries := conformanceSet(t)
	verdicts := make([]verdict, len(entries))
	t.Run("case", func(t *testing.T) {
		for i, entry := range entries {
			t.Run(entry.Name, func(t *testing.T) {
				t.Parallel()
				verdicts[i] = decideCase(t, folder, entry.Name)
			})
		}
	})
	if *rewrite {
		writePassing(t, entries, verdicts)
	}
	passing := readPassing(t)
	totals := make(map[string]int)
	better := 0
	for i, entry := range entries {
		levels := verdicts[i].levels()
		for _, level := range levels {
			totals[level]++
			if !slices.Contains(passing[entry.Name], level) {
				better++
			}
		}
		if len(levels) == len(allLevels) {
			totals["all"]++
		}
		for _, level := range passing[entry.Name] {
			if !slices.Contains(levels, level) {
				t.Errorf("%s no longer passes %s: %s", entry.Name, level, verdicts[i])
			}
		}
	}
	t.Logf("%d cases: L1 %d, L2 %d, L3a %d, L3b %d, all levels %d", len(entries),
		totals["L1"], totals["L2"], totals["L3a"], totals["L3b"], totals["all"])
	if better > 0 {
		t.Logf("%d levels pass that the list does not have: run with -rewrite", better)
	}
}

func decideCase(t *testing.T, folder, name string) (v verdict) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "expected", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var want expectation
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	now, err := time.Parse(time.RFC3339, want.Now)
	if err != nil {
		t.Fatal(err)
	}
	doc := readCase(t, folder, name)
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("panic: %v", p)
			v = verdict{problem: fmt.Sprintf("panic: %v", p)}
		}
	}()
	plan, err := policy.Decide(policy.Input{Now: now, Config: doc.Config, Status: doc.Status})
	if err != nil {
		return verdict{problem: err.Error()}
	}
	return judge(want, plan)
}

func writePassing(t *testing.T, entries []conformanceEntry, verdicts []verdict) {
	t.Helper()
	var lines []string
	for i, entry := range entries {
		if levels := verdicts[i].levels(); len(levels) > 0 {
			lines = append(lines, entry.Name+" "+strings.Join(levels, " ")+"\n")
		}
	}
	slices.Sort(lines)
	if err := os.WriteFile(passingFile, []byte(passingHeader+strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readPassing(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(passingFile)
	if err != nil {
		t.Fatal(err)
	}
	passing := make(map[string][]string)
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			passing[words[0]] = words[1:]
		}
	}
	return passing
}

// TestJudge holds that a recorded result agrees with itself, and that each kind
// of deviation fails its level and no other.
func TestJudge(t *testing.T) {
	want := expectation{
		Placement: []policy.Placement{{Resource: "web", Node: "n1", Role: policy.RoleStarted}},
		Actions: []policy.Action{
			{ID: "a", Kind: policy.ResourceAction, Task: policy.TaskStart, Resource: "web:0", Node: "n1"},
			{ID: "b", Kind: policy.PseudoAction, After: []string{"a"}},
			{ID: "c", Kind: policy.ResourceAction, Task: policy.TaskMonitor, Resource: "web:0", Node: "n1", IntervalMS: 10, After: []string{"b"}},
			{ID: "d", Kind: policy.FenceAction, Task: policy.TaskOff, Node: "n2"},
		},
	}
	want.Clones.Anonymous = []string{"web"}
	for _, c := range []struct {
		name   string
		change func(*policy.Plan)
		levels string
	}{
		{"the same", func(*policy.Plan) {}, "L1 L2 L3a L3b"},
		{"another number", func(p *policy.Plan) { p.Actions[0].Resource = "web:3" }, "L1 L2 L3a L3b"},
		{"elsewhere", func(p *policy.Plan) { p.Placement[0].Node = "n2" }, "L2 L3a L3b"},
		{"another interval", func(p *policy.Plan) { p.Actions[2].IntervalMS = 20 }, "L1"},
		{"one more", func(p *policy.Plan) {
			p.Actions = append(p.Actions, policy.Action{ID: "e", Kind: policy.NodeAction, Task: policy.TaskShutdown, Node: "n1"})
		}, "L1"},
		{"order missing", func(p *policy.Plan) { p.Actions[1].After = nil }, "L1 L2 L3b"},
		{"order added", func(p *policy.Plan) { p.Actions[3].After = []string{"a"} }, "L1 L2 L3a"},
		{"cycle", func(p *policy.Plan) { p.Actions[0].After = []string{"c"} }, ""},
		{"dangling", func(p *policy.Plan) { p.Actions[0].After = []string{"x"} }, ""},
	} {
		plan := &policy.Plan{Actions: slices.Clone(want.Actions), Placement: slices.Clone(want.Placement)}
		c.change(plan)
		if got := judge(want, plan); strings.Join(got.levels(), " ") != c.levels {
			t.Errorf("%s: got %v (%s), want %s", c.name, got.levels(), got, c.levels)
		}
	}
}
