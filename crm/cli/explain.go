package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/policy"
)

// newExplain is "crm explain".
func newExplain(app *App) *cobra.Command {
	var file, now string
	cmd := &cobra.Command{
		Use:   "explain RESOURCE [NODE]",
		Short: "Say why a resource is where it is, and why it is not elsewhere",
		Long: `Say why a resource is where it is; for every other node what keeps it from
there, or its score beside the winner's, and the smallest change that would let
it run there. With --cib the answer is about the cluster of a CIB file.`,
		Example:           "  crm explain web\n  crm explain web n2\n  crm explain --cib pe-input-42.bz2 web",
		Args:              takes(1, 2, "a resource and, optionally, a node"),
		ValidArgsFunction: app.completeResourceThenNode,
		RunE: func(cmd *cobra.Command, args []string) error {
			node := ""
			if len(args) > 1 {
				node = args[1]
			}
			x, err := app.explain(cmd.Context(), file, now, args[0], node)
			if err != nil {
				return err
			}
			return app.show(x, func() string { return explainText(x) })
		},
	}
	cmd.Flags().StringVar(&file, "cib", "", "explain the cluster of a CIB file, \"-\" for standard input")
	cmd.Flags().StringVar(&now, "now", "", "with --cib: the time of the decision, RFC 3339 (default: when the CIB was recorded, else the present)")
	return cmd
}

// explain asks the daemon, or decides on a file.
func (a *App) explain(ctx context.Context, file, now, resource, node string) (*api.Explanation, error) {
	if file == "" {
		if now != "" {
			return nil, exitf(ExitUsage, "--now is for --cib: the cluster has its own time")
		}
		return a.API().Explain(ctx, resource, node)
	}
	doc, err := readCIB(a, file)
	if err != nil {
		return nil, err
	}
	at, err := decisionTime(now, doc)
	if err != nil {
		return nil, err
	}
	in := policy.Input{Now: at, Config: doc.Config, Status: doc.Status}
	x, err := policy.Explain(in, resource, node)
	if err != nil {
		return nil, exitf(ExitNoSuchObject, "%s: %w", file, err)
	}
	return &api.Explanation{Explanation: x, Fixes: render.Fixes(in, x)}, nil
}

func explainText(x *api.Explanation) string {
	var b strings.Builder
	b.WriteString(x.Text())
	if len(x.Settings) > 0 {
		b.WriteString("Manual rules:\n")
		for _, m := range x.Settings {
			fmt.Fprintf(&b, "  %s, by %s (undo: %s)\n", m.Text, m.Author, m.Undo)
		}
	}
	return b.String()
}
