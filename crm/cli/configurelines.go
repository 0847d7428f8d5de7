package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/config"
	"github.com/holdfast-ha/holdfast/crm/crmsh"
)

// crmshCommands are the configuration lines of crmsh as commands: "crm
// configure primitive …".
func crmshCommands(app *App) []*cobra.Command {
	var out []*cobra.Command
	for _, c := range crmsh.Commands() {
		cmd := &cobra.Command{
			Use:                c.Name + " " + c.Args,
			Short:              c.Help,
			Example:            "  crm configure " + c.Example,
			DisableFlagParsing: true, // "-inf:" is a score
			RunE: func(cmd *cobra.Command, args []string) error {
				words, help := app.ownFlags(args)
				if help {
					return cmd.Help()
				}
				return app.applyLine(cmd.Context(), append([]string{c.Name}, words...))
			},
			ValidArgsFunction: app.lineCompleter(c.Name),
		}
		if c.Name == "ms" {
			cmd.Aliases = []string{"master"}
		}
		if c.Name == "colocation" {
			cmd.Aliases = []string{"collocation"}
		}
		out = append(out, cmd)
	}
	return out
}

// ownFlags takes the global flags out of words whose flags nobody parses.
func (a *App) ownFlags(args []string) (words []string, help bool) {
	for _, arg := range args {
		switch arg {
		case "-h", "--help":
			help = true
		case "-y", "--yes":
			a.Yes = true
		case "-F", "--force":
			a.Force = true
		case "--no-wait":
			a.NoWait = true
		default:
			words = append(words, arg)
		}
	}
	return words, help
}

func (a *App) applyLine(ctx context.Context, words []string) error {
	return a.editConfig(ctx, strings.Join(words, " "), func(set config.Set) (config.Set, []string, error) {
		out, notes, err := crmsh.Apply(set, words)
		var exists *crmsh.ExistsError
		if errors.As(err, &exists) {
			err = exitf(ExitExists, "%w", err)
		}
		return out, notes, err
	})
}

// lineCompleter offers what can follow in a configuration line.
func (a *App) lineCompleter(kind string) completer {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		switch kind {
		case "primitive", "rsc_template":
			return a.completePrimitive(cmd, args, prefix)
		case "group", "clone", "ms", "location", "colocation", "order", "tag", "rsc_ticket":
			if len(args) == 0 {
				return nil, wordsOnly
			}
			if kind == "location" && len(args) >= 3 {
				return a.completeNodes(cmd, nil, prefix)
			}
			return a.completeResources(cmd, nil, prefix)
		case "monitor", "modgroup":
			return a.completeResources(cmd, nil, prefix)
		case "node":
			return a.completeNodes(cmd, args, prefix)
		case "property":
			return optionWords(args, prefix), wordsOnly | cobra.ShellCompDirectiveNoSpace
		}
		return nil, wordsOnly
	}
}

func (a *App) completePrimitive(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0:
		return nil, wordsOnly
	case len(args) == 1:
		return a.completeAgents(cmd, nil, prefix)
	case slices.Contains(args, "op"):
		words := []string{"interval=", "timeout=", "on-fail=", "role=", "enabled="}
		if args[len(args)-1] == "op" {
			words = []string{"monitor", "start", "stop", "promote", "demote"}
		}
		return matching(words, args, prefix), wordsOnly | cobra.ShellCompDirectiveNoSpace
	case slices.Contains(args, "meta"):
		words := []string{"target-role=", "resource-stickiness=", "migration-threshold=", "failure-timeout=", "is-managed=", "maintenance=", "priority=", "requires=", "op"}
		return matching(words, args, prefix), wordsOnly | cobra.ShellCompDirectiveNoSpace
	}
	words := a.parameters(cmd, agentOfLine(args[1]), args, prefix)
	return append(words, matching([]string{"op", "meta"}, nil, prefix)...), wordsOnly | cobra.ShellCompDirectiveNoSpace
}

// agentOfLine is the full name of an agent in a crmsh line.
func agentOfLine(word string) string {
	if !strings.Contains(word, ":") && strings.ToLower(word) != word {
		return "ocf:heartbeat:" + word
	}
	return word
}

// options are the cluster options, with what they are for.
var options = map[string]string{
	"no-quorum-policy": "what to do without a majority: stop, freeze, demote, ignore, fence", "fencing-enabled": "false only in laboratories",
	"stonith-action": "reboot or off", "stonith-timeout": "for one fencing attempt", "stop-all-resources": "keep everything stopped",
	"maintenance-mode": "leave everything alone", "start-failure-is-fatal": "a failed start bans the node", "symmetric-cluster": "resources may run everywhere",
	"placement-strategy": "default, utilization, minimal, balanced", "priority-fencing-delay": "advantage of the more important side",
	"cluster-recheck-interval": "how often time rules are looked at", "concurrent-fencing": "fence several nodes at once",
	"node-health-strategy": "what node health attributes do", "stop-orphan-resources": "stop what is no longer configured", "shutdown-lock": "keep resources on a node that reboots",
	"node-action-limit": "operations at once on a node", "enable-startup-probes": "look at resources before they are used",
}

func optionWords(args []string, prefix string) []string {
	var words []string
	for name, help := range options {
		words = append(words, name+"=\t"+help)
	}
	slices.Sort(words)
	return matching(words, args, prefix)
}
