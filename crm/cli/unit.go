package cli

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/packaging"
)

// newUnit is "crm unit".
func newUnit(app *App) *cobra.Command {
	var install bool
	cmd := &cobra.Command{
		Use:   "unit",
		Short: "Print or install the systemd unit of the daemon",
		Long: `Print the systemd unit of the daemon, for this program where it is now. With
--install it is written to /etc/systemd/system, unless the machine has one. The
first 'crm cluster init' or 'crm cluster join' does that by itself.`,
		Example: "  crm unit\n  crm unit --install",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			program, err := os.Executable()
			if err != nil {
				return exitf(ExitUnavailable, "this program's own path: %w", err)
			}
			if !install {
				return app.print("%s", packaging.Unit(program))
			}
			wrote, err := packaging.Install("/", program)
			switch {
			case errors.Is(err, fs.ErrPermission):
				return exitf(ExitNoPermission, "%w: run this as root", err)
			case err != nil:
				return exitf(ExitCannotCreate, "%w", err)
			case len(wrote) == 0:
				return exitf(ExitExists, "this machine has a unit %s already", packaging.UnitName)
			}
			return app.show(wrote, func() string { return "wrote " + wrote[0] + "; now: systemctl daemon-reload\n" })
		},
	}
	cmd.Flags().BoolVar(&install, "install", false, "write it to /etc/systemd/system")
	return cmd
}
