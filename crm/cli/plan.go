package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/config"
	"github.com/holdfast-ha/holdfast/policy"
)

// newPlan is "crm plan".
func newPlan(app *App) *cobra.Command {
	var suppose []string
	var detailed, prune bool
	vars := map[string]string{}
	cmd := &cobra.Command{
		Use:   "plan [FILE…]",
		Short: "Show what files, or an imagined event, would change and lead to",
		Long: `Show what configuration files would change, and every action that would follow,
in order and with its reason; or, with --if, what the cluster would do when
something happened: node-fail=NODE, node-standby=NODE, node-online=NODE,
node-maintenance=NODE, resource-stop=NAME, resource-start=NAME, quorum-lost.
Nothing is carried out.

Exit codes with --detailed-exitcode: 0 nothing to do, 1 error, 2 something to do.`,
		Example: "  crm plan web.hcl\n  crm plan --if node-fail=n2\n  crm plan web.hcl --if node-standby=n1 --detailed-exitcode",
		RunE: func(cmd *cobra.Command, args []string) error {
			err := app.plan(cmd.Context(), args, suppose, vars, prune, detailed)
			if code, _ := outcome(err); detailed && code != ExitOK && code != ExitChanges {
				return &ExitError{Code: ExitFailure, Err: err}
			}
			return err
		},
	}
	cmd.Flags().StringArrayVar(&suppose, "if", nil, "imagine an event: node-fail=n2")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when there is something to do")
	cmd.Flags().BoolVar(&prune, "prune", false, "as if documents that are not among the files were removed")
	cmd.Flags().StringToStringVar(&vars, "var", nil, "values of variable blocks: NAME=VALUE")
	return cmd
}

func (a *App) plan(ctx context.Context, files, suppose []string, vars map[string]string, prune, detailed bool) error {
	c := api.Candidate{Unchanged: true}
	if len(files) > 0 || a.Draft != nil || len(suppose) == 0 {
		var err error
		if c, err = a.candidate(ctx, files, prune); err != nil {
			return err
		}
	}
	c.If, c.Variables = suppose, vars
	p, err := a.API().Plan(ctx, c)
	if err != nil {
		return err
	}
	if a.Output == Text {
		a.printFindings(p.Diagnostics)
	}
	if err := a.show(p, func() string { return planText(p) }); err != nil {
		return err
	}
	if detailed && (len(p.Actions) > 0 || len(p.Changes) > 0) {
		return &ExitError{Code: ExitChanges}
	}
	return nil
}

// newApply is "crm apply".
func newApply(app *App) *cobra.Command {
	var prune bool
	var comment string
	vars := map[string]string{}
	cmd := &cobra.Command{
		Use:   "apply FILE…",
		Short: "Put configuration files into force",
		Long: `Put configuration files into force: each takes the place of the document of the
same name. With --prune documents that are not among the files are removed. The
plan is shown, and asked about when it does something.`,
		Example: "  crm apply web.hcl\n  crm apply cluster/ --prune -y",
		Args:    takes(1, -1, "files"),
		RunE: func(cmd *cobra.Command, args []string) error {
			docs, err := app.readDocuments(args)
			if err != nil {
				return err
			}
			how := "update"
			if prune {
				how = "replace"
			}
			return app.editConfig(cmd.Context(), comment, func(set config.Set) (config.Set, []string, error) {
				return loaded(set, how, docs, vars)
			})
		},
	}
	cmd.Flags().BoolVar(&prune, "prune", false, "remove documents that are not among the files")
	cmd.Flags().StringVar(&comment, "comment", "", "why, for the history")
	cmd.Flags().StringToStringVar(&vars, "var", nil, "values of variable blocks: NAME=VALUE")
	return cmd
}

// newValidate is "crm validate".
func newValidate(app *App) *cobra.Command {
	var alone bool
	vars := map[string]string{}
	cmd := &cobra.Command{
		Use:   "validate FILE…",
		Short: "Check configuration files",
		Long: `Check configuration files: syntax, references, values, the parameters of agents,
and what is likely a mistake. With a daemon on this machine, as if they were
applied to its cluster; without one, or with --alone, by themselves and without
the agents' parameters.

Exit codes: 0 valid, 78 invalid.`,
		Example: "  crm validate web.hcl\n  crm validate --alone cluster/",
		Args:    takes(1, -1, "files"),
		RunE: func(cmd *cobra.Command, args []string) error {
			docs, err := app.readDocuments(args)
			if err != nil {
				return err
			}
			v, err := app.validate(cmd.Context(), docs, vars, alone)
			if err != nil {
				return err
			}
			return app.printVerdict(v)
		},
	}
	cmd.Flags().BoolVar(&alone, "alone", false, "without the cluster of this machine")
	cmd.Flags().StringToStringVar(&vars, "var", nil, "values of variable blocks: NAME=VALUE")
	return cmd
}

func (a *App) validate(ctx context.Context, docs []config.Document, vars map[string]string, alone bool) (*api.Verdict, error) {
	if !alone {
		base, err := a.API().Config(ctx)
		if err == nil {
			set, _, err := loaded(base.Set(), "update", docs, nil)
			if err != nil {
				return nil, err
			}
			return a.API().Validate(ctx, api.Candidate{Documents: api.Documents(set), Variables: vars})
		}
		if codeOf(err) != ExitNotConnected && codeOf(err) != ExitNoPermission {
			return nil, err
		}
		a.note("no daemon answers here: the agents' parameters are not checked")
	}
	set := config.NewSet(docs...)
	dec, found := config.Decode(set, config.Options{Variables: vars})
	if !found.HasErrors() {
		found = append(found, config.Problems(set, policy.Check(dec.Policy))...)
	}
	return &api.Verdict{OK: !found.HasErrors(), Diagnostics: found}, nil
}
