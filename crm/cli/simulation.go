package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/policy"
)

// printSimulation writes a simulated decision for people: the present, the
// problems, what would run, and how the cluster would look then.
func (a *App) printSimulation(s *simulation) error {
	doc, plan := s.doc, s.plan
	var b strings.Builder
	view := render.View{
		Config:    doc.Config,
		Nodes:     s.before.Nodes,
		Placement: s.before.Current,
		Agents:    render.HistoryAgents(doc.Status),
	}
	options := render.Options{Inactive: true, Indent: 1, Color: a.Color}

	b.WriteString("Current cluster status:\n")
	if err := render.Status(&b, view, options); err != nil {
		return err
	}
	writeProblems(&b, append(doc.Problems, plan.Problems...))
	if len(s.events) > 0 {
		b.WriteString("\nImagined:\n")
		for _, event := range s.events {
			b.WriteString("  " + event + "\n")
		}
	}
	b.WriteByte('\n')
	if err := render.Actions(&b, plan); err != nil {
		return err
	}
	view.Nodes, view.Placement = nodesAfter(plan), plan.Placement
	b.WriteString("\nRevised cluster status:\n")
	if err := render.Status(&b, view, options); err != nil {
		return err
	}
	if _, err := io.WriteString(a.Out, b.String()); err != nil {
		return exitf(ExitCannotCreate, "printing the result: %w", err)
	}
	return nil
}

func writeProblems(b *strings.Builder, problems []policy.Problem) {
	if len(problems) == 0 {
		return
	}
	b.WriteString("\nProblems of the configuration:\n")
	for _, p := range problems {
		word := "warning"
		if p.Error {
			word = "error"
		}
		where := p.Pos.String()
		if where != "" {
			where += ": "
		}
		if p.Object != "" {
			where += p.Object + ": "
		}
		fmt.Fprintf(b, "  %s: %s%s\n", word, where, p.Text)
	}
}

// nodesAfter is what the nodes look like once every action succeeded: who was
// fenced or asked to leave is gone.
func nodesAfter(plan *policy.Plan) []policy.NodeView {
	gone := make(map[string]bool)
	for _, action := range plan.Actions {
		switch action.Task {
		case policy.TaskOff, policy.TaskReboot, policy.TaskShutdown:
			gone[action.Node] = gone[action.Node] || action.Kind == policy.FenceAction || action.Kind == policy.NodeAction
		}
	}
	out := make([]policy.NodeView, len(plan.Nodes))
	for i, n := range plan.Nodes {
		if gone[n.Name] {
			n = policy.NodeView{Name: n.Name, Remote: n.Remote, Standby: n.Standby, Maintenance: n.Maintenance}
		}
		out[i] = n
	}
	return out
}
