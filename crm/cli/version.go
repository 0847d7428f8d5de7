package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// newVersion is "crm version".
func newVersion(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this program",
		Example: "  crm version",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
				System  string `json:"system"`
			}{Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			return app.show(v, func() string { return fmt.Sprintf("crm %s (%s, %s)\n", v.Version, v.Go, v.System) })
		},
	}
}
