package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
)

// newNode is "crm node".
func newNode(app *App) *cobra.Command {
	return app.noun("node", "Drain, return, fence and look at nodes",
		newNodeStatus(app), newNodeStandby(app), newNodeFence(app), newNodeConfirmOff(app),
		app.nodeVerb("online", "Let a node run resources again", "Let a node run resources again. What moved away comes back only if its stickiness is lower than its preference.", false),
		app.nodeVerb("maintenance", "Leave a node alone: nothing is started, stopped or recovered there", "Leave a node alone: its resources keep running, and nothing is started, stopped, watched or recovered there until 'crm node ready'.", false),
		app.nodeVerb("ready", "Take a node back into the cluster's care", "Take a node back into the cluster's care. What would happen then is shown first.", true),
	)
}

// nodeVerb is a change of one node that has no arguments of its own.
func (a *App) nodeVerb(verb, short, long string, shows bool) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NODE…", Short: short, Long: long,
		Example:           "  crm node " + verb + " n2",
		Args:              takes(1, -1, "a node"),
		ValidArgsFunction: a.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, node := range args {
				if err := a.changeNode(cmd.Context(), node, verb, api.NodeRequest{}, shows); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// changeNode carries a verb out. With shows, what it leads to is shown first,
// and asked about when services are moved or end.
func (a *App) changeNode(ctx context.Context, node, verb string, req api.NodeRequest, shows bool) error {
	if shows && !a.Yes {
		dry, err := a.API().Node(ctx, node, verb, req, true)
		if err != nil {
			return err
		}
		if len(dry.Plan.Moves) > 0 {
			a.note("%s", consequences(dry.Plan))
			if err := a.confirm("Continue?"); err != nil {
				return err
			}
		}
	}
	c, err := a.API().Node(ctx, node, verb, req, false)
	if err != nil {
		return err
	}
	return a.changed(ctx, c)
}

// consequences lists what a plan moves and ends.
func consequences(p *api.Plan) string {
	var b strings.Builder
	for _, m := range p.Moves {
		fmt.Fprintf(&b, "  %s\n", m)
	}
	if text := blockedText(p.Blocked); text != "" {
		fmt.Fprintf(&b, "  can not happen: %s\n", text)
	}
	return strings.TrimRight(b.String(), "\n")
}

func newNodeStandby(app *App) *cobra.Command {
	req := api.NodeRequest{}
	cmd := &cobra.Command{
		Use:   "standby NODE…",
		Short: "Move everything away from a node and keep it empty",
		Long: `Move everything away from a node and keep it empty, until 'crm node online' or,
with --until-reboot, its next boot. What moves and what ends is shown first.`,
		Example:           "  crm node standby n2\n  crm node standby n2 --until-reboot -y",
		Args:              takes(1, -1, "a node"),
		ValidArgsFunction: app.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, node := range args {
				if err := app.changeNode(cmd.Context(), node, "standby", req, true); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&req.UntilReboot, "until-reboot", false, "only until the node boots")
	return cmd
}

func newNodeFence(app *App) *cobra.Command {
	req := api.NodeRequest{}
	cmd := &cobra.Command{
		Use:               "fence NODE",
		Short:             "Power a node off and on by its fence device",
		Example:           "  crm node fence n3\n  crm node fence n3 --off --reason \"smoke\"",
		Args:              takes(1, 1, "a node"),
		ValidArgsFunction: completeOne(app.completeNodes),
		RunE: func(cmd *cobra.Command, args []string) error {
			what := "rebooted"
			if req.Off {
				what = "switched off"
			}
			if err := app.confirm(fmt.Sprintf("Node %s will be %s at once, without stopping what it runs. Continue?", args[0], what)); err != nil {
				return err
			}
			return app.changeNode(cmd.Context(), args[0], "fence", req, false)
		},
	}
	cmd.Flags().BoolVar(&req.Off, "off", false, "leave it off")
	cmd.Flags().StringVar(&req.Reason, "reason", "", "why, for the history")
	return cmd
}

func newNodeConfirmOff(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "confirm-off NODE",
		Short: "Confirm by your own word that a lost node is off",
		Long: `Confirm by your own word that a lost node is off, when no fence device can.
What it ran starts elsewhere at once. If it is not off, two nodes write the same
data, and both copies are worth nothing. Look at the machine first: its power
switch, its console. The name must be typed again, or given with --typed.`,
		Example:           "  crm node confirm-off n3\n  crm node confirm-off n3 --typed n3 -y",
		Args:              takes(1, 1, "a node"),
		ValidArgsFunction: completeOne(app.completeNodes),
	}
	var typed string
	forced := cmd.Flags().CountP("insist", "i", "confirm though it was heard a moment ago; needed twice")
	cmd.Flags().StringVar(&typed, "typed", "", "the node's name once more, instead of the question")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if typed == "" {
			if !app.Interactive {
				return exitf(ExitUsage, "this needs the node's name typed again: --typed %s", args[0])
			}
			answer, err := app.Ask("Is " + args[0] + " really without power, seen with your own eyes? Type its name to confirm: ")
			if err != nil {
				return exitf(ExitNoInput, "reading the answer: %w", err)
			}
			typed = strings.TrimSpace(answer)
		}
		return app.changeNode(cmd.Context(), args[0], "confirm-off", api.NodeRequest{Typed: typed, Forced: *forced}, false)
	}
	return cmd
}

func newNodeStatus(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "status [NODE…]",
		Aliases:           []string{"show", "list"},
		Short:             "Show the nodes and what each of them runs",
		Example:           "  crm node status\n  crm node status n1 -o json",
		Args:              takes(0, -1, "nodes"),
		ValidArgsFunction: app.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := app.API().Status(cmd.Context())
			if err != nil {
				return err
			}
			nodes, err := pickNodes(st, args)
			if err != nil {
				return err
			}
			return app.show(nodes, func() string { return nodesText(nodes) })
		},
	}
}

func pickNodes(st *api.Status, names []string) ([]api.Node, error) {
	if len(names) == 0 {
		return st.Nodes, nil
	}
	var out []api.Node
	for _, name := range names {
		found := false
		for _, n := range st.Nodes {
			if n.Name == name {
				out, found = append(out, n), true
			}
		}
		if !found {
			return nil, exitf(ExitNoSuchObject, "there is no node %s", name)
		}
	}
	return out, nil
}

func nodesText(nodes []api.Node) string {
	rows := [][]string{{"NODE", "STATE", "ROLE", "RUNS", "NOTE"}}
	for _, n := range nodes {
		role := ""
		if n.DC {
			role = "DC"
		} else if n.Voter {
			role = "voter"
		}
		rows = append(rows, []string{n.Name, nodeState(n), role, strings.Join(n.Resources, " "), nodeNote(n)})
	}
	return table(rows)
}

func nodeState(n api.Node) string {
	switch {
	case n.Unclean:
		return "UNCLEAN"
	case n.Pending:
		return "pending"
	case !n.Online:
		return "offline"
	case n.Standby:
		return "standby"
	case n.Maintenance:
		return "maintenance"
	}
	return "online"
}

func nodeNote(n api.Node) string {
	switch {
	case n.Reason != "":
		return n.Reason
	case n.Leaving != "":
		return "leaving: " + n.Leaving
	case n.Phase == "":
		return "never joined"
	case n.Unprotected != "":
		return n.Unprotected
	}
	return ""
}
