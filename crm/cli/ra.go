package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/agents"
)

// newRA is "crm ra".
func newRA(app *App) *cobra.Command {
	return app.noun("ra", "Look at the agents of this node", newRAList(app), newRAInfo(app), newRAClasses(app))
}

func newRAList(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "list [CLASS[:PROVIDER]]",
		Short:   "List the agents that this node has",
		Example: "  crm ra list\n  crm ra list ocf:heartbeat\n  crm ra list stonith",
		Args:    takes(0, 1, "at most a class"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := app.API().Agents(cmd.Context())
			if err != nil {
				return err
			}
			out := []string{}
			for _, name := range all {
				if len(args) == 0 || inClass(name, args[0]) {
					out = append(out, name)
				}
			}
			return app.show(out, func() string { return strings.Join(append(out, ""), "\n") })
		},
	}
}

func inClass(name, class string) bool {
	if class == agents.BuiltIn {
		return !strings.Contains(name, ":")
	}
	return strings.HasPrefix(name, class+":")
}

func newRAClasses(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "classes",
		Short:   "List the classes of agents that this node has",
		Example: "  crm ra classes",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := app.API().Agents(cmd.Context())
			if err != nil {
				return err
			}
			out := []string{"systemd"} // its units are not listed
			for _, name := range all {
				class := agents.BuiltIn
				if i := strings.LastIndexByte(name, ':'); i >= 0 {
					class = name[:i]
				}
				out = append(out, class)
			}
			slices.Sort(out)
			out = slices.Compact(out)
			return app.show(out, func() string { return strings.Join(append(out, ""), "\n") })
		},
	}
}

func newRAInfo(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "info AGENT",
		Aliases:           []string{"meta"},
		Short:             "Describe an agent: parameters, actions, timeouts",
		Example:           "  crm ra info vip\n  crm ra info ocf:heartbeat:IPaddr2\n  crm ra info stonith:fence_ipmilan",
		Args:              takes(1, 1, "an agent"),
		ValidArgsFunction: completeOne(app.completeAgents),
		RunE: func(cmd *cobra.Command, args []string) error {
			meta, err := app.API().Agent(cmd.Context(), agentOfLine(args[0]))
			if err != nil {
				return err
			}
			return app.show(meta, func() string { return agentText(args[0], meta) })
		},
	}
}

func agentText(name string, m *agents.Metadata) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", name, firstLine(m.Short))
	if long := strings.TrimSpace(m.Long); long != "" {
		fmt.Fprintf(&b, "\n%s\n", long)
	}
	b.WriteString("\nParameters (* is required):\n")
	for _, p := range m.Parameters {
		mark := ""
		if p.Required {
			mark = "*"
		}
		kind := p.Type
		if len(p.Options) > 0 {
			kind = strings.Join(p.Options, "|")
		}
		fmt.Fprintf(&b, "  %s%s (%s", p.Name, mark, kind)
		if p.Default != "" {
			fmt.Fprintf(&b, ", default %s", p.Default)
		}
		fmt.Fprintf(&b, "): %s\n", firstLine(p.Short))
	}
	b.WriteString("\nActions and the timing that the agent advises:\n")
	for _, a := range m.Actions {
		line := "  " + a.Name
		if a.Role != "" {
			line += " role=" + a.Role
		}
		if a.Interval > 0 {
			line += " interval=" + a.Interval.String()
		}
		if a.Timeout > 0 {
			line += " timeout=" + a.Timeout.String()
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
