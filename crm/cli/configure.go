package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/config"
)

// newConfigure is "crm configure".
func newConfigure(app *App) *cobra.Command {
	cmd := app.noun("configure", "Look at and change the configuration",
		newConfigureShow(app), newConfigureLoad(app), newConfigureSave(app), newConfigureEdit(app), newConfigureDiff(app),
		newConfigureSet(app), newConfigureUnset(app), newConfigureDelete(app), newConfigureVerify(app), newConfigurePlan(app),
		newConfigureCommit(app), newConfigureRefresh(app))
	cmd.Long = "Look at and change the configuration. As one-shot commands, changes show their plan, ask, and are carried out; inside of the shell they change a working copy, until 'commit'."
	cmd.AddCommand(crmshCommands(app)...)
	return cmd
}

func newConfigureShow(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "show [NAME…]",
		Short:             "Print the configuration, or the blocks of some objects",
		Example:           "  crm configure show\n  crm configure show web db",
		ValidArgsFunction: app.completeObjects,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.API().Config(cmd.Context())
			if err != nil {
				return err
			}
			set := c.Set()
			if app.Draft != nil {
				set = app.Draft.Set
			}
			if len(args) > 0 {
				return app.showBlocks(set, args)
			}
			return app.show(c, func() string { return documentsText(set) })
		},
	}
}

// documentsText is all documents, each with its name where there are several.
func documentsText(set config.Set) string {
	if len(set.Documents) == 0 {
		return "# nothing is configured yet\n"
	}
	var b strings.Builder
	for i, d := range set.Documents {
		if len(set.Documents) > 1 {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString("# ---- " + d.Name + "\n")
		}
		b.Write(d.Text)
		if len(d.Text) > 0 && d.Text[len(d.Text)-1] != '\n' {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func (a *App) showBlocks(set config.Set, names []string) error {
	type block struct {
		Name     string `json:"name"`
		Document string `json:"document"`
		Text     string `json:"text"`
	}
	var blocks []block
	for _, name := range names {
		doc, text, err := config.Source(set, name)
		if err != nil {
			return exitf(ExitNoSuchObject, "%w", err)
		}
		blocks = append(blocks, block{name, doc, text})
	}
	return a.show(blocks, func() string {
		var texts []string
		for _, b := range blocks {
			texts = append(texts, strings.TrimRight(b.Text, "\n")+"\n")
		}
		return strings.Join(texts, "\n")
	})
}

func newConfigureLoad(app *App) *cobra.Command {
	vars := map[string]string{}
	var comment string
	cmd := &cobra.Command{
		Use:   "load replace|update FILE…",
		Short: "Read configuration from files",
		Long: `Read configuration from files ("-": standard input; a folder: its .hcl files).
"update" puts each file in place of the document of the same name and leaves the
others; "replace" leaves no other document. The plan is shown, and asked about
when it does something.`,
		Example:   "  crm configure load update web.hcl\n  crm configure load replace cluster/ -y",
		Args:      takes(2, -1, "replace or update, and files"),
		ValidArgs: []string{"replace", "update"},
		RunE: func(cmd *cobra.Command, args []string) error {
			docs, err := app.readDocuments(args[1:])
			if err != nil {
				return err
			}
			if comment == "" {
				comment = "load " + strings.Join(args, " ")
			}
			return app.editConfig(cmd.Context(), comment, func(set config.Set) (config.Set, []string, error) {
				return loaded(set, args[0], docs, vars)
			})
		},
	}
	cmd.Flags().StringToStringVar(&vars, "var", nil, "values of variable blocks: NAME=VALUE")
	cmd.Flags().StringVar(&comment, "comment", "", "why, for the history")
	return cmd
}

func loaded(set config.Set, how string, docs []config.Document, vars map[string]string) (config.Set, []string, error) {
	switch how {
	case "replace":
		set = config.NewSet(docs...)
	case "update":
		for _, d := range docs {
			set = set.With(d)
		}
	default:
		return set, nil, exitf(ExitUsage, "load how? say replace or update, not %q", how)
	}
	set, err := config.FixVariables(set, vars)
	return set, nil, err
}
