package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
)

// newResource is "crm resource".
func newResource(app *App) *cobra.Command {
	return app.noun("resource", "Start, stop, move and look at resources",
		newResourceStatus(app), newResourceStop(app), newResourceMove(app), newResourceRule(app, "ban"), newResourceRule(app, "prefer"),
		newResourceCleanup(app), newResourceMaintenance(app),
		app.resourceVerb("start", "Let a resource run", "Let a resource run: takes back an earlier stop.", false),
		app.resourceVerb("restart", "Stop a resource and start it again", "Stop a resource, and what depends on it, and start it again where the policy wants it.", true),
		app.resourceVerb("promote", "Promote a promotable clone", "Promote as many instances of a promotable clone as it is configured for.", false),
		app.resourceVerb("demote", "Keep a promotable clone unpromoted", "Demote all instances of a promotable clone and keep them so until 'crm resource promote'.", true),
		app.resourceVerb("clear", "Remove the bans, preferences and moves of a resource", "Remove what 'move', 'ban' and 'prefer' left for a resource.", false),
		app.resourceVerb("manage", "Let the cluster act on a resource again", "Let the cluster act on a resource again, after 'unmanage'.", false),
		app.resourceVerb("unmanage", "Watch a resource, but do not act on it", "Watch a resource, but neither start, stop nor recover it.", false),
	)
}

// resourceVerb is a change of resources that has no arguments of its own.
func (a *App) resourceVerb(verb, short, long string, shows bool) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME…", Short: short, Long: long,
		Example:           "  crm resource " + verb + " web",
		Args:              takes(1, -1, "a resource"),
		ValidArgsFunction: a.completeResources,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				if err := a.changeResource(cmd.Context(), name, verb, api.ResourceRequest{}, shows); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// changeResource carries a verb out. With shows, what else it ends is shown and
// asked about.
func (a *App) changeResource(ctx context.Context, name, verb string, req api.ResourceRequest, shows bool) error {
	if shows && !a.Yes {
		dry, err := a.API().Resource(ctx, name, verb, req, true)
		if err != nil {
			return err
		}
		if others, err := a.others(ctx, name, dry.Plan); err != nil {
			return err
		} else if len(others) > 0 {
			a.note("This also affects:\n  %s", strings.Join(others, "\n  "))
			if err := a.confirm("Continue?"); err != nil {
				return err
			}
		}
	}
	c, err := a.API().Resource(ctx, name, verb, req, false)
	if err != nil {
		return err
	}
	if verb == "ban" { // that it may now run nowhere was shown, and is what was asked for
		return a.follow(ctx, c, true)
	}
	return a.changed(ctx, c)
}

// others are the movements of a plan that are not about the resource itself.
func (a *App) others(ctx context.Context, name string, p *api.Plan) ([]string, error) {
	st, err := a.API().Status(ctx)
	if err != nil {
		return nil, err
	}
	own := parts(st.Resources, name)
	var out []string
	for _, m := range p.Moves {
		if len(m.From) > 0 && !own[m.Resource] {
			out = append(out, m.String())
		}
	}
	return out, nil
}

// parts are the names of a resource and of all that it consists of.
func parts(list []api.Resource, name string) map[string]bool {
	out := map[string]bool{name: true}
	var walk func([]api.Resource, bool)
	walk = func(list []api.Resource, in bool) {
		for _, r := range list {
			inside := in || r.ID == name
			if inside {
				out[r.ID] = true
			}
			walk(r.Children, inside)
		}
	}
	walk(list, false)
	return out
}

func newResourceStop(app *App) *cobra.Command {
	var safe bool
	cmd := &cobra.Command{
		Use:   "stop NAME…",
		Short: "Stop a resource and keep it stopped",
		Long: `Stop a resource and keep it stopped until 'crm resource start'. What depends on
it and would stop too is listed first, and asked about; with --safe the command
refuses instead.`,
		Example:           "  crm resource stop web\n  crm resource stop db --safe",
		Args:              takes(1, -1, "a resource"),
		ValidArgsFunction: app.completeResources,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				if safe {
					if err := app.refuseOthers(cmd.Context(), name); err != nil {
						return err
					}
				}
				if err := app.changeResource(cmd.Context(), name, "stop", api.ResourceRequest{}, true); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&safe, "safe", false, "refuse when anything else would stop or move")
	return cmd
}

func (a *App) refuseOthers(ctx context.Context, name string) error {
	dry, err := a.API().Resource(ctx, name, "stop", api.ResourceRequest{}, true)
	if err != nil {
		return err
	}
	others, err := a.others(ctx, name, dry.Plan)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return exitf(ExitUnsafe, "stopping %s is not safe: %s", name, strings.Join(others, "; "))
	}
	return nil
}

func newResourceMove(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "move NAME [NODE]",
		Aliases: []string{"migrate"},
		Short:   "Move a resource to another node, once",
		Long: `Move a resource to another node, once: to the one that is named, or to the best
one where it is not. No rule is left behind; stickiness keeps it there. It is
refused, with the reason, when the resource can not run there.`,
		Example:           "  crm resource move web n2\n  crm resource move web",
		Args:              takes(1, 2, "a resource and, optionally, a node"),
		ValidArgsFunction: app.completeResourceThenNode,
		RunE: func(cmd *cobra.Command, args []string) error {
			req := api.ResourceRequest{}
			if len(args) > 1 {
				req.Node = args[1]
			}
			return app.changeResource(cmd.Context(), args[0], "move", req, true)
		},
	}
}

func newResourceRule(app *App, verb string) *cobra.Command {
	req := api.ResourceRequest{}
	var lasts string
	cmd := &cobra.Command{
		Use:               verb + " NAME [NODE] [DURATION]",
		ValidArgsFunction: app.completeResourceThenNode,
		Args:              takes(1, 3, "a resource, a node and, optionally, a duration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := req
			if len(args) > 1 {
				req.Node = args[1]
			}
			if len(args) > 2 {
				lasts = args[2]
			}
			if lasts != "" {
				d, err := parseDuration(lasts)
				if err != nil {
					return exitf(ExitUsage, "%w", err)
				}
				req.For = max(int64(d.Seconds()), 1)
			}
			return app.changeResource(cmd.Context(), args[0], verb, req, true)
		},
	}
	cmd.Flags().StringVar(&lasts, "for", "", "how long, for example 2h; without it until 'crm resource clear'")
	if verb == "ban" {
		cmd.Short = "Keep a resource off a node"
		cmd.Long = "Keep a resource off a node (without one: the one where it is), until it expires or 'crm resource clear'. The rule is listed by 'crm status' until then."
		cmd.Example = "  crm resource ban web n3\n  crm resource ban web n3 --for 2h"
		return cmd
	}
	cmd.Short = "Prefer a node for a resource"
	cmd.Long = "Prefer a node for a resource, with a score, until it expires or 'crm resource clear'. The rule is listed by 'crm status' until then."
	cmd.Example = "  crm resource prefer web n1\n  crm resource prefer web n1 --score INFINITY --for 1h"
	cmd.Flags().StringVar(&req.Score, "score", "100", "how much")
	return cmd
}

func newResourceCleanup(app *App) *cobra.Command {
	req := api.ResourceRequest{}
	cmd := &cobra.Command{
		Use:     "cleanup [NAME…]",
		Aliases: []string{"refresh"},
		Short:   "Forget the failures of resources",
		Long: `Forget the failures of resources (without a name: of all), so that banned nodes
may be used again. What runs is not forgotten and does not restart. With --probe
the whole history is forgotten and each resource is looked at again.`,
		Example:           "  crm resource cleanup\n  crm resource cleanup web --node n2",
		Args:              takes(0, -1, "resources"),
		ValidArgsFunction: app.completeResources,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"-"}
			}
			req.Forget = req.Forget || cmd.CalledAs() == "refresh"
			for _, name := range args {
				if err := app.changeResource(cmd.Context(), name, "cleanup", req, false); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&req.Node, "node", "", "on this node only")
	cmd.Flags().StringVar(&req.Operation, "operation", "", "of this operation only: monitor_10000")
	cmd.Flags().BoolVar(&req.Forget, "probe", false, "forget everything and look again")
	return cmd
}

func newResourceMaintenance(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "maintenance NAME [on|off]",
		Short:             "Leave a resource alone",
		Long:              "Leave a resource alone: it keeps running, and nothing starts, stops, watches or recovers it, until it is switched off again.",
		Example:           "  crm resource maintenance web on\n  crm resource maintenance web off",
		Args:              takes(1, 2, "a resource and on or off"),
		ValidArgsFunction: app.completeResources,
		RunE: func(cmd *cobra.Command, args []string) error {
			on, err := onOff(args[1:])
			if err != nil {
				return err
			}
			return app.changeResource(cmd.Context(), args[0], "maintenance", api.ResourceRequest{Off: !on}, !on)
		},
	}
}

func onOff(args []string) (bool, error) {
	if len(args) == 0 {
		return true, nil
	}
	switch strings.ToLower(args[0]) {
	case "on", "true", "yes":
		return true, nil
	case "off", "false", "no":
		return false, nil
	}
	return false, exitf(ExitUsage, "say on or off, not %q", args[0])
}

func newResourceStatus(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "status [NAME…]",
		Aliases:           []string{"show", "list", "locate"},
		Short:             "Show where resources are",
		Example:           "  crm resource status\n  crm resource status web -o json",
		Args:              takes(0, -1, "resources"),
		ValidArgsFunction: app.completeResources,
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := app.API().Status(cmd.Context())
			if err != nil {
				return err
			}
			list := st.Resources
			if len(args) > 0 {
				list = nil
				for _, name := range args {
					r := findResource(st.Resources, name)
					if r == nil {
						return exitf(ExitNoSuchObject, "there is no resource %s", name)
					}
					list = append(list, *r)
				}
			}
			return app.show(list, func() string { return resourcesText(list) })
		},
	}
}

func findResource(list []api.Resource, name string) *api.Resource {
	for i := range list {
		if list[i].ID == name {
			return &list[i]
		}
		if r := findResource(list[i].Children, name); r != nil {
			return r
		}
	}
	return nil
}

func resourcesText(list []api.Resource) string {
	var rows [][]string
	var walk func([]api.Resource, string)
	walk = func(list []api.Resource, indent string) {
		for _, r := range list {
			what := r.Agent
			if what == "" {
				what = string(r.Kind)
			}
			rows = append(rows, []string{indent + r.ID, what, string(r.Role), where(r), resourceNote(r)})
			walk(r.Children, indent+"  ")
		}
	}
	walk(list, "")
	if len(rows) == 0 {
		return "There are no resources: 'crm configure load update FILE'\n"
	}
	return table(rows)
}

func where(r api.Resource) string {
	var nodes []string
	for _, p := range r.Instances {
		nodes = append(nodes, p.Node)
	}
	slices.Sort(nodes)
	return strings.Join(slices.Compact(nodes), " ")
}

func resourceNote(r api.Resource) string {
	var notes []string
	for _, n := range []struct {
		when bool
		text string
	}{{r.Failed, "FAILED"}, {r.Disabled, "disabled"}, {r.Unmanaged, "unmanaged"}, {r.Orphaned, "removed from the configuration"}} {
		if n.when {
			notes = append(notes, n.text)
		}
	}
	if r.Pending != "" {
		notes = append(notes, r.Pending)
	}
	for _, why := range r.Blocked {
		notes = append(notes, fmt.Sprintf("blocked: %s", why))
	}
	return strings.Join(notes, ", ")
}
