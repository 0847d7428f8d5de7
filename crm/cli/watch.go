package cli

import (
	"encoding/json"

	"github.com/spf13/cobra"
)

// newWatch is "crm watch".
func newWatch(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "watch [WORD…]",
		Short:             "Show the state of the cluster again on each change",
		Long:              "Show the state of the cluster again on each change, until interrupted. With -o json each state is one line. The words are those of 'crm status'.",
		Example:           "  crm watch\n  crm -o json watch",
		ValidArgsFunction: app.completeStatus,
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := newStatusView(args)
			if err != nil {
				return err
			}
			if len(v.names) > 0 || v.words["simple"] {
				return exitf(ExitUsage, "crm watch shows the whole cluster: its words are %v", wordList())
			}
			return app.watch(cmd.Context(), v)
		},
	}
}

// printLine writes a value as one line of JSON.
func (a *App) printLine(value any) error {
	if err := json.NewEncoder(a.Out).Encode(value); err != nil {
		return exitf(ExitCannotCreate, "printing the result: %w", err)
	}
	return nil
}
