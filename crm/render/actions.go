package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// Actions writes what a plan would run, in order and with reasons, and what
// should happen but cannot.
func Actions(w io.Writer, plan *policy.Plan) error {
	var b strings.Builder
	rows := actionRows(plan)
	if len(rows) == 0 {
		b.WriteString("Nothing to do.\n")
	} else {
		b.WriteString("Would run, in this order:\n")
		writeRows(&b, rows)
		fmt.Fprintf(&b, "%s.\n", plural(len(rows), "action"))
	}
	if len(plan.Blocked) > 0 {
		b.WriteString("\nCannot happen:\n")
		var rows []row
		for _, x := range plan.Blocked {
			rows = append(rows, row{node: x.Node, what: strings.TrimSpace(x.Task + " " + x.Resource), why: why(x.Reasons)})
		}
		writeRows(&b, rows)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// row is one line: where, what, why.
type row struct{ node, what, why string }

func actionRows(plan *policy.Plan) []row {
	var rows []row
	for _, a := range plan.Actions {
		if a.Kind != policy.PseudoAction {
			rows = append(rows, row{node: a.Node, what: ActionText(a), why: why(a.Reasons)})
		}
	}
	return rows
}

// ActionText says what an action does, without its node: "start db:0",
// "monitor db every 10s", "fence (reboot)".
func ActionText(a policy.Action) string {
	switch {
	case a.Kind == policy.FenceAction && a.Task == policy.TaskOn:
		return "unfence"
	case a.Kind == policy.FenceAction:
		return "fence (" + a.Task + ")"
	case a.Kind == policy.NodeAction:
		return a.Task
	case a.Task == policy.TaskMonitor && a.IntervalMS == 0:
		return "probe " + a.Resource
	case a.Task == policy.TaskMonitor:
		return "monitor " + a.Resource + " every " + interval(a.IntervalMS)
	case a.Task == policy.TaskCancel:
		return "cancel monitor " + a.Resource + " every " + interval(a.IntervalMS)
	case a.Task == policy.TaskMigrateTo:
		return migration("migrate", a.Resource, " to ", a.MigrateTarget)
	case a.Task == policy.TaskMigrateFrom:
		return migration("take over", a.Resource, " from ", a.MigrateSource)
	case a.Task == policy.TaskClearFailCount:
		return "clear failures of " + a.Resource
	case a.Task == policy.TaskDelete || a.Task == policy.TaskLRMDelete:
		return "forget history of " + a.Resource
	case a.Detail != "":
		return a.Task + " " + a.Resource + " (" + a.Detail + ")"
	}
	return a.Task + " " + a.Resource
}

func migration(verb, resource, preposition, node string) string {
	if node == "" {
		return verb + " " + resource
	}
	return verb + " " + resource + preposition + node
}

func interval(ms int64) string {
	if ms%1000 == 0 {
		return fmt.Sprintf("%ds", ms/1000)
	}
	return fmt.Sprintf("%dms", ms)
}

// why joins reasons and names where each was written.
func why(reasons []policy.Reason) string {
	var parts []string
	for _, r := range reasons {
		text := r.Text
		if text == "" {
			text = strings.TrimSpace(r.Rule + " " + r.Object)
		}
		if pos := r.Pos.String(); pos != "" {
			text += " (" + pos + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

func writeRows(b *strings.Builder, rows []row) {
	nodes, whats := 0, 0
	for _, r := range rows {
		nodes, whats = max(nodes, len(r.node)), max(whats, len(r.what))
	}
	for _, r := range rows {
		line := fmt.Sprintf("  %-*s  %-*s", nodes, r.node, min(whats, 40), r.what)
		if r.why != "" {
			line += "  why: " + r.why
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
