package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/config"
)

// errNoDraft tells that a command belongs into the shell.
func errNoDraft(name string) error {
	return exitf(ExitUsage, "there is no working copy outside of the shell, where changes commit by themselves: start 'crm', then 'configure', for %q", name)
}

func newConfigureVerify(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "verify",
		Short:   "Check the configuration, or the working copy, again",
		Example: "  crm configure verify",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			docs, err := app.present(cmd.Context())
			if err != nil {
				return err
			}
			v, err := app.API().Validate(cmd.Context(), api.Candidate{Documents: api.Documents(docs)})
			if err != nil {
				return err
			}
			return app.printVerdict(v)
		},
	}
}

// present is the working copy, or the configuration in force.
func (a *App) present(ctx context.Context) (config.Set, error) {
	if a.Draft != nil {
		return a.Draft.Set, nil
	}
	c, err := a.API().Config(ctx)
	if err != nil {
		return config.Set{}, err
	}
	return c.Set(), nil
}

func (a *App) printVerdict(v *api.Verdict) error {
	if a.Output == JSON {
		if err := a.printJSON(v); err != nil {
			return err
		}
		if !v.OK {
			return &ExitError{Code: ExitConfig}
		}
		return nil
	}
	if !v.OK {
		return &diagnosed{found: v.Diagnostics}
	}
	a.printFindings(v.Diagnostics)
	if n := len(v.Diagnostics); n > 0 {
		return a.print("The configuration is valid, with %s.\n", plural(n, "warning"))
	}
	return a.print("The configuration is valid.\n")
}

func newConfigureDiff(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "diff [FILE…]",
		Short:   "Show what files, or the working copy, would change",
		Long:    "Show what files would change in the configuration, object by object; inside of the shell, without files, what the working copy would.",
		Example: "  crm configure diff web.hcl",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.candidate(cmd.Context(), args, false)
			if err != nil {
				return err
			}
			plan, err := app.API().Plan(cmd.Context(), c)
			if err != nil {
				return err
			}
			changes := plan.Changes
			if changes == nil {
				changes = []config.Change{}
			}
			return app.show(changes, func() string {
				if len(changes) == 0 {
					return "No difference.\n"
				}
				return config.DiffText(changes)
			})
		},
	}
	return cmd
}

// candidate is the configuration in force with files put into it, or without
// files the working copy. With prune nothing but the files stays.
func (a *App) candidate(ctx context.Context, files []string, prune bool) (api.Candidate, error) {
	if len(files) == 0 {
		if a.Draft == nil {
			return api.Candidate{}, exitf(ExitUsage, "which files? name them, or - for standard input")
		}
		return api.Candidate{Base: a.Draft.Base.Version, Documents: api.Documents(a.Draft.Set)}, nil
	}
	docs, err := a.readDocuments(files)
	if err != nil {
		return api.Candidate{}, err
	}
	base, err := a.API().Config(ctx)
	if err != nil {
		return api.Candidate{}, err
	}
	how := "update"
	if prune {
		how = "replace"
	}
	set, _, err := loaded(base.Set(), how, docs, nil)
	return api.Candidate{Base: base.Version, Documents: api.Documents(set)}, err
}

func newConfigurePlan(app *App) *cobra.Command {
	cmd := newPlan(app)
	cmd.Use = "plan [FILE…]"
	cmd.Example = "  crm configure plan web.hcl"
	cmd.Long = "Show what the working copy, or files, would change and lead to. " + cmd.Long
	return cmd
}

func newConfigureCommit(app *App) *cobra.Command {
	var comment string
	cmd := &cobra.Command{
		Use:   "commit",
		Short: "Put the working copy into force",
		Long: `Put the working copy into force: the plan is shown, and asked about when it does
something. When somebody else changed the configuration meanwhile, both changes
are merged object by object; what both touched is shown.`,
		Example: "  commit\n  commit --comment \"new address\"",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if app.Draft == nil {
				return errNoDraft("commit")
			}
			return app.commitDraft(cmd.Context(), comment)
		},
	}
	cmd.Flags().StringVar(&comment, "comment", "", "why, for the history")
	return cmd
}

// commitDraft commits the working copy; first it is rebased when the base has
// moved.
func (a *App) commitDraft(ctx context.Context, comment string) error {
	now, err := a.API().Config(ctx)
	if err != nil {
		return err
	}
	if now.Version != a.Draft.Base.Version {
		if err := a.rebase(now); err != nil {
			return err
		}
	}
	return a.commit(ctx, api.Candidate{Base: a.Draft.Base.Version, Documents: api.Documents(a.Draft.Set), Comment: comment})
}

// rebase puts the working copy on top of a newer version. Objects that both
// changed stay as they are there, after a question for each.
func (a *App) rebase(now *api.Configuration) error {
	merged, conflicts := config.Rebase(a.Draft.Base.Set(), a.Draft.Set, now.Set())
	a.note("Version %d by %s came in between (%s).", now.Version, now.Author, now.Comment)
	if len(conflicts) > 0 {
		for _, c := range conflicts {
			a.note("%s", c)
		}
		if !a.Force {
			return exitf(ExitStale, "%s changed here and there: 'refresh' takes theirs and drops all of yours; 'commit -F' keeps theirs for these and yours for the rest", plural(len(conflicts), "object"))
		}
	}
	a.Draft.Base, a.Draft.Set = now, merged
	a.note("Your changes were put on top of it.")
	return nil
}

func newConfigureRefresh(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "refresh",
		Short:   "Drop the changes of the working copy",
		Example: "  refresh",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if app.Draft == nil {
				return errNoDraft("refresh")
			}
			return app.refreshDraft(cmd.Context())
		},
	}
}

func newConfigureSave(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "save FILE",
		Short:   "Write the configuration into one file",
		Long:    "Write the configuration, or the working copy, into one file; \"-\" is standard output. An existing file is replaced only with -F.",
		Example: "  crm configure save backup.hcl",
		Args:    takes(1, 1, "a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := app.present(cmd.Context())
			if err != nil {
				return err
			}
			text := documentsText(set)
			if args[0] == "-" {
				return app.print("%s", text)
			}
			return app.writeFile(args[0], text)
		},
	}
}

func (a *App) writeFile(path, text string) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if a.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if os.IsExist(err) {
		return exitf(ExitExists, "%s exists: replace it with -F", path)
	}
	if err != nil {
		return exitf(ExitCannotCreate, "%w", err)
	}
	if _, err := f.WriteString(text); err != nil {
		return exitf(ExitCannotCreate, "%w", fmt.Errorf("writing %s: %w", path, closeAfter(f, err)))
	}
	if err := f.Close(); err != nil {
		return exitf(ExitCannotCreate, "%w", err)
	}
	return nil
}

// closeAfter closes a file whose error matters less than the first one.
func closeAfter(f *os.File, first error) error {
	_ = f.Close()
	return first
}

// titleOf is the heading of a document in an editor's file.
func titleOf(name string) string { return "# ---- " + strings.TrimSpace(name) }
