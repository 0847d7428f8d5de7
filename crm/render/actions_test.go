package render

import (
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/policy"
)

func TestActionsNameNodeOrderAndReason(t *testing.T) {
	plan := &policy.Plan{
		Actions: []policy.Action{
			{Kind: policy.FenceAction, Task: policy.TaskReboot, Node: "n2", Reasons: []policy.Reason{{Text: "no longer part of the cluster"}}},
			{Kind: policy.PseudoAction, Task: policy.TaskStop, Resource: "db", Node: "n2"},
			{Kind: policy.ResourceAction, Task: policy.TaskStart, Resource: "db", Node: "node10", Reasons: []policy.Reason{
				{Text: "the only node left"}, {Text: "location prefer-10", Pos: policy.Pos{File: "db.hcl", Line: 7}},
			}},
			{Kind: policy.ResourceAction, Task: policy.TaskMonitor, Resource: "db", Node: "node10", IntervalMS: 10000},
		},
		Blocked: []policy.Blocked{{Resource: "web", Task: policy.TaskStart, Reasons: []policy.Reason{{Rule: "no-quorum"}}}},
	}
	want := `Would run, in this order:
  n2      fence (reboot)        why: no longer part of the cluster
  node10  start db              why: the only node left; location prefer-10 (db.hcl:7)
  node10  monitor db every 10s
3 actions.

Cannot happen:
    start web  why: no-quorum
`
	var b strings.Builder
	if err := Actions(&b, plan); err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("got:\n%swant:\n%s", b.String(), want)
	}
}

func TestActionText(t *testing.T) {
	for _, c := range []struct {
		action policy.Action
		want   string
	}{
		{policy.Action{Kind: policy.ResourceAction, Task: policy.TaskMonitor, Resource: "a"}, "probe a"},
		{policy.Action{Kind: policy.ResourceAction, Task: policy.TaskMonitor, Resource: "a", IntervalMS: 1500}, "monitor a every 1500ms"},
		{policy.Action{Kind: policy.ResourceAction, Task: policy.TaskCancel, Resource: "a", IntervalMS: 5000}, "cancel monitor a every 5s"},
		{policy.Action{Kind: policy.ResourceAction, Task: policy.TaskMigrateTo, Resource: "a", MigrateTarget: "n2"}, "migrate a to n2"},
		{policy.Action{Kind: policy.ResourceAction, Task: policy.TaskMigrateFrom, Resource: "a"}, "take over a"},
		{policy.Action{Kind: policy.ResourceAction, Task: policy.TaskNotify, Resource: "a:1", Detail: "pre-stop"}, "notify a:1 (pre-stop)"},
		{policy.Action{Kind: policy.FenceAction, Task: policy.TaskOn, Node: "n1"}, "unfence"},
		{policy.Action{Kind: policy.NodeAction, Task: policy.TaskShutdown, Node: "n1"}, "shutdown"},
	} {
		if got := ActionText(c.action); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestNothingToDo(t *testing.T) {
	var b strings.Builder
	if err := Actions(&b, &policy.Plan{}); err != nil || b.String() != "Nothing to do.\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

func TestNamesSortAsNumbers(t *testing.T) {
	got := strings.Join(sortedNames([]string{"node10", "Node9", "node9", "a", "node010", "node9"}), " ")
	if want := "a Node9 node9 node10 node010"; got != want && got != "a node9 Node9 node10 node010" {
		t.Errorf("got %q, want %q", got, want)
	}
}
