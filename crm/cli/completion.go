package cli

import (
	"github.com/spf13/cobra"
)

// newCompletion is "crm completion".
func newCompletion(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print the completion script for a shell",
		Long: `Print the completion script for a shell. It asks the daemon for names of nodes,
resources, agents and their parameters.`,
		Example:   "  crm completion bash > /etc/bash_completion.d/crm\n  crm completion fish > ~/.config/fish/completions/crm.fish",
		Args:      takes(1, 1, "a shell: bash, zsh or fish"),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			switch root := cmd.Root(); args[0] {
			case "bash":
				err = root.GenBashCompletionV2(app.Out, true)
			case "zsh":
				err = root.GenZshCompletion(app.Out)
			case "fish":
				err = root.GenFishCompletion(app.Out, true)
			default:
				return exitf(ExitUsage, "there is no completion for %q, only for bash, zsh and fish", args[0])
			}
			if err != nil {
				return exitf(ExitCannotCreate, "%w", err)
			}
			return nil
		},
	}
}
