package render

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// Dot writes the graph of a plan in Graphviz's language: a box for each action,
// an arrow to what waits for it. Fencing is red, events that run nothing are
// dotted. Equal plans give equal text.
func Dot(w io.Writer, plan *policy.Plan) error {
	var b strings.Builder
	b.WriteString("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n")
	actions := slices.Clone(plan.Actions)
	slices.SortFunc(actions, func(x, y policy.Action) int { return strings.Compare(x.ID, y.ID) })
	for _, a := range actions {
		label := ActionText(a)
		if a.Node != "" {
			label += "\n" + a.Node
		}
		style := ""
		switch a.Kind {
		case policy.FenceAction:
			style = ", color=red"
		case policy.PseudoAction:
			style = ", style=dotted"
		}
		fmt.Fprintf(&b, "  %s [label=%s%s];\n", strconv.Quote(a.ID), strconv.Quote(label), style)
	}
	for _, a := range actions {
		after := slices.Clone(a.After)
		slices.Sort(after)
		for _, id := range slices.Compact(after) {
			fmt.Fprintf(&b, "  %s -> %s;\n", strconv.Quote(id), strconv.Quote(a.ID))
		}
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}
