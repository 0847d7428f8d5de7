package cli

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/fencing/hostagent"
)

// Version is the version of this program. A release sets it when it links.
var Version = "0.1.0-devel"

// Main runs one command line, the program's name first, and returns the exit
// code of the process. Under the name fence_hosts the program is that fence
// agent.
func Main(args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) > 0 && filepath.Base(args[0]) == "fence_hosts" {
		return hostagent.Main(in, out, errs, args[1:])
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	app := NewApp(in, out, errs)
	if len(args) > 0 {
		args = args[1:]
	}
	return int(app.Run(ctx, args))
}

// Run runs one command line and prints what went wrong.
func (a *App) Run(ctx context.Context, args []string) ExitCode {
	if args == nil {
		args = []string{} // for cobra nil means os.Args
	}
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if found := diagnosticsOf(err); len(found) > 0 {
		fmt.Fprintln(a.Err, strings.TrimRight(found.Render(a.ErrColor), "\n")+"\n")
	}
	code, message := outcome(err)
	if message != "" {
		a.printError(message)
	}
	return code
}

// newRoot builds the whole tree. A new noun is one more line here.
func newRoot(app *App) *cobra.Command {
	shell := &shellFlags{}
	root := &cobra.Command{
		Use:   "crm",
		Short: "Keep services running on a cluster of machines",
		Long: `Keep services running on a cluster of machines. On a terminal, crm without a
command is a shell with the same commands in levels.`,
		Example:       "  crm status\n  crm resource move web n2\n  crm -f lines.txt\n  crm configure < lines.txt",
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return app.runRoot(cmd, shell) },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(app.In)
	root.SetOut(app.Out)
	root.SetErr(app.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return exitf(ExitUsage, "%w (see: %s --help)", err, cmd.CommandPath())
	})
	root.CompletionOptions.DisableDefaultCmd = true
	app.globalFlags(root)
	root.Flags().StringVarP(&shell.file, "file", "f", "", "carry out the lines of a file, - for standard input")
	root.Flags().BoolVar(&shell.goOn, "keep-going", false, "with -f: go on after a line that failed")
	root.AddCommand(
		newAgent(app), newApply(app), newCluster(app), newCompletion(app), newConfigure(app), newDemo(app), newDemoWeb(),
		newExplain(app), newExport(app), newFence(app), newImport(app),
		newFenceAgent(), newFmt(app), newHistory(app), newMaintenance(app), newMan(app), newNode(app), newPlan(app), newRA(app),
		newResource(app), newRollback(app), newSimulate(app), newStatus(app), newUnit(app), newValidate(app), newVersion(app), newWatch(app),
	)
	return root
}

func (a *App) globalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.VarP(&a.Output, "output", "o", "print results as text or json")
	f.BoolVarP(&a.Yes, "yes", "y", a.Yes, "answer every question with yes")
	f.BoolVarP(&a.Force, "force", "F", a.Force, "override the safety check that the error names")
	f.VarP(&a.Wait, "wait", "w", "wait until a change has had its effect, at most this long")
	f.Lookup("wait").NoOptDefVal = "forever"
	f.BoolVar(&a.NoWait, "no-wait", a.NoWait, "return as soon as a change is accepted")
	f.StringVar(&a.Socket, "socket", a.Socket, "the daemon's control socket (HOLDFAST_SOCKET)")
	noColor := f.Bool("no-color", false, "no colours")
	root.PersistentPreRun = func(*cobra.Command, []string) {
		if *noColor {
			a.Color, a.ErrColor = false, false
		}
	}
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

// noun is a command that only holds others.
func (a *App) noun(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runLevel(cmd) },
	}
	cmd.AddCommand(commands...)
	return cmd
}

// takes refuses a wrong number of arguments and says what is wanted. most < 0
// is without limit.
func takes(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return exitf(ExitUsage, "%s needs %s (see: %s --help)", cmd.CommandPath(), what, cmd.CommandPath())
		case most >= 0 && len(args) > most:
			return exitf(ExitUsage, "%s takes %s, and %q is too much (see: %s --help)", cmd.CommandPath(), what, args[most], cmd.CommandPath())
		}
		return nil
	}
}
