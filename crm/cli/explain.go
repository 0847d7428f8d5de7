package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/policy"
)

// newExplain is "crm explain".
func newExplain(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "explain RESOURCE [NODE]",
		Short:             "Say why a resource is where it is, and why it is not elsewhere",
		Example:           "  crm explain web\n  crm explain web n2",
		Args:              takes(1, 2, "a resource and, optionally, a node"),
		ValidArgsFunction: app.completeResourceThenNode,
		RunE: func(cmd *cobra.Command, args []string) error {
			node := ""
			if len(args) > 1 {
				node = args[1]
			}
			x, err := app.API().Explain(cmd.Context(), args[0], node)
			if err != nil {
				return err
			}
			return app.show(x, func() string { return explainText(x) })
		},
	}
}

func explainText(x *api.Explanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", x.Resource, placesText(x.Now))
	if wanted := placesText(x.Wanted); wanted != placesText(x.Now) {
		fmt.Fprintf(&b, "wanted: %s\n", wanted)
	}
	for _, a := range x.Actions {
		fmt.Fprintf(&b, "  will %s on %s%s\n", render.ActionText(a), a.Node, because(a.Reasons))
	}
	for _, blocked := range x.Blocked {
		fmt.Fprintf(&b, "  can not %s\n", blockedText([]policy.Blocked{blocked}))
	}
	var rows [][]string
	for _, n := range x.Nodes {
		word := "no"
		if n.Here {
			word = "here"
		} else if n.Can {
			word = "could"
		}
		rows = append(rows, []string{"  " + n.Node, word, n.Text})
	}
	b.WriteString("Nodes:\n" + table(rows))
	if len(x.Rules) > 0 {
		b.WriteString("Rules:\n")
		var rows [][]string
		for _, r := range x.Rules {
			rows = append(rows, []string{"  " + r.ID, r.Text, r.Pos.String()})
		}
		b.WriteString(table(rows))
	}
	if len(x.Settings) > 0 {
		b.WriteString("Manual rules:\n")
		for _, m := range x.Settings {
			fmt.Fprintf(&b, "  %s, by %s (undo: %s)\n", m.Text, m.Author, m.Undo)
		}
	}
	return b.String()
}

func because(reasons []policy.Reason) string {
	var texts []string
	for _, r := range reasons {
		text := r.Text
		if pos := r.Pos.String(); pos != "" {
			text += " (" + pos + ")"
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return ""
	}
	return ": " + strings.Join(texts, "; ")
}

func placesText(list []policy.Placement) string {
	if len(list) == 0 {
		return "runs nowhere"
	}
	var out []string
	for _, p := range list {
		out = append(out, fmt.Sprintf("%s %s on %s", p.Resource, p.Role, p.Node))
	}
	return strings.Join(out, ", ")
}
