package cli

import (
	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/config"
)

// newMaintenance is "crm maintenance".
func newMaintenance(app *App) *cobra.Command {
	return &cobra.Command{
		Use:       "maintenance on|off",
		Short:     "Leave the whole cluster alone, or take it back",
		Long:      "Leave the whole cluster alone: resources keep running, and nothing is started, stopped, watched, recovered or fenced. Before it is taken back, what would happen then is shown.",
		Example:   "  crm maintenance on\n  crm maintenance off",
		Args:      takes(1, 1, "on or off"),
		ValidArgs: []string{"on", "off"},
		RunE: func(cmd *cobra.Command, args []string) error {
			on, err := onOff(args)
			if err != nil {
				return err
			}
			return app.editConfig(cmd.Context(), "maintenance "+args[0], func(set config.Set) (config.Set, []string, error) {
				if on {
					out, err := config.SetOption(set, "maintenance-mode", "true")
					return out, nil, err
				}
				out, err := config.DeleteOption(set, "maintenance-mode")
				return out, nil, err
			})
		},
	}
}
