package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
)

// newFence is "crm fence".
func newFence(app *App) *cobra.Command {
	confirm := newNodeConfirmOff(app)
	confirm.Use = "confirm NODE"
	confirm.Example = "  crm fence confirm n3"
	return app.noun("fence", "Look at fencing: devices, history; confirm by hand", newFenceDevices(app), newFenceHistory(app), confirm)
}

func newFenceDevices(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "devices",
		Short:   "List the fence devices, and which nodes nobody can fence",
		Example: "  crm fence devices",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, err := app.API().Status(cmd.Context())
			if err != nil {
				return err
			}
			var out struct {
				Devices     []api.Resource    `json:"devices"`
				Unprotected map[string]string `json:"unprotected,omitempty"`
			}
			out.Unprotected = map[string]string{}
			for _, r := range st.Resources {
				if strings.HasPrefix(r.Agent, "stonith:") {
					out.Devices = append(out.Devices, r)
				}
			}
			var unprotected []string
			for _, n := range st.Nodes {
				if n.Unprotected != "" {
					out.Unprotected[n.Name] = n.Unprotected
					unprotected = append(unprotected, "  * "+n.Unprotected)
				}
			}
			return app.show(out, func() string {
				text := "There are no fence devices.\n"
				if len(out.Devices) > 0 {
					text = resourcesText(out.Devices)
				}
				if !st.Options.Fencing {
					text += "Fencing is switched off (fencing-enabled=false).\n"
				}
				if len(unprotected) > 0 {
					text += "Not protected:\n" + strings.Join(unprotected, "\n") + "\n"
				}
				return text
			})
		},
	}
}

func newFenceHistory(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "history [NODE]",
		Short:             "List what was fenced, when, by whom and with which proof",
		Example:           "  crm fence history\n  crm fence history n3 -o json",
		Args:              takes(0, 1, "at most a node"),
		ValidArgsFunction: completeOne(app.completeNodes),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := app.API().Status(cmd.Context())
			if err != nil {
				return err
			}
			list := []api.FenceRecord{}
			for _, f := range st.FenceLog {
				if len(args) == 0 || f.Target == args[0] {
					list = append(list, f)
				}
			}
			return app.show(list, func() string { return fenceHistoryText(list) })
		},
	}
}

func fenceHistoryText(list []api.FenceRecord) string {
	if len(list) == 0 {
		return "Nothing was fenced.\n"
	}
	var b strings.Builder
	for _, f := range list {
		result := "confirmed"
		if !f.OK {
			result = "FAILED: " + f.Error
		}
		fmt.Fprintf(&b, "%s  %s of %s (boot %d) by %s, %s, took %s\n", stamp(f.Ended), f.Action, f.Target, f.Boot, f.Executor, result,
			f.Ended.Sub(f.Begun).Round(time.Millisecond))
		if f.Reason != "" {
			fmt.Fprintf(&b, "    why: %s\n", f.Reason)
		}
		if r := f.Receipt; r != nil {
			fmt.Fprintf(&b, "    proof: %s\n", r.Proof)
		}
	}
	return b.String()
}
