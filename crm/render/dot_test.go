package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/policy"
)

// TestDot: sorted, whatever the order of the plan, and quoted.
func TestDot(t *testing.T) {
	plan := &policy.Plan{Actions: []policy.Action{
		{ID: "fence_n2", Kind: policy.FenceAction, Task: policy.TaskReboot, Node: "n2"},
		{ID: "web_start_0", Kind: policy.PseudoAction, Task: policy.TaskStart, Resource: "web"},
		{ID: `a"b_start_0@n1`, Kind: policy.ResourceAction, Task: policy.TaskStart, Resource: `a"b`, Node: "n1", After: []string{"web_start_0", "fence_n2"}},
	}}
	var b strings.Builder
	if err := Dot(&b, plan); err != nil {
		t.Fatal(err)
	}
	want := `digraph plan {
  rankdir=LR;
  node [shape=box];
  "a\"b_start_0@n1" [label="start a\"b\nn1"];
  "fence_n2" [label="fence (reboot)\nn2", color=red];
  "web_start_0" [label="start web", style=dotted];
  "fence_n2" -> "a\"b_start_0@n1";
  "web_start_0" -> "a\"b_start_0@n1";
}
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
