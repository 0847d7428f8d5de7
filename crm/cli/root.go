package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Main runs one command line, the program's name first, and returns the exit
// code of the process.
func Main(args []string, in io.Reader, out, errs io.Writer) int {
	app := NewApp(in, out, errs)
	root := newRoot(app)
	if len(args) > 0 {
		args = args[1:]
	}
	if args == nil {
		args = []string{} // for cobra nil means os.Args
	}
	root.SetArgs(args)
	code, message := outcome(root.Execute())
	if message != "" {
		app.printError(message)
	}
	return int(code)
}

// newRoot builds the whole tree. A new noun is one more line here.
func newRoot(app *App) *cobra.Command {
	root := &cobra.Command{
		Use:           "crm",
		Short:         "Keep services running on a cluster of machines",
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(app.In)
	root.SetOut(app.Out)
	root.SetErr(app.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return exitf(ExitUsage, "%w (see: %s --help)", err, cmd.CommandPath())
	})
	root.PersistentFlags().VarP(&app.Output, "output", "o", "print results as text or json")
	root.AddCommand(newSimulate(app))
	return root
}

// noArguments refuses arguments: for a command with children they are names of
// commands that do not exist.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasAvailableSubCommands() {
		return exitf(ExitUsage, "%s takes no arguments, but got %q", cmd.CommandPath(), args[0])
	}
	hint := fmt.Sprintf("see: %s --help", cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return exitf(ExitUsage, "%s has no command %q (%s)", cmd.CommandPath(), args[0], hint)
}
