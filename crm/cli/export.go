package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/config"
)

// newExport is "crm export".
func newExport(app *App) *cobra.Command {
	form := newOutputForm("xml", "hcl", "json")
	vars := map[string]string{}
	cmd := &cobra.Command{
		Use:   "export [FILE…]",
		Short: "Print the configuration as a Pacemaker CIB, as one document, or as JSON",
		Long: `Print the configuration in force, or that of files ("-": standard input; a folder:
its .hcl files): as the XML of a Pacemaker CIB, as one HCL document without
variables and loops, or as JSON. Secrets stay references.`,
		Example: "  crm export > cib.xml\n  crm export -o hcl cluster/\n  crm export -o json web.hcl",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := app.toExport(cmd.Context(), args, vars)
			if err != nil {
				return err
			}
			switch form.chosen {
			case "json":
				return app.printJSON(d)
			case "hcl":
				return app.print("%s", config.Encode(d, "cluster.hcl").Text)
			}
			return app.exportXML(d)
		},
	}
	cmd.Flags().VarP(form, "output", "o", "print the configuration as xml, hcl or json")
	cmd.Flags().StringToStringVar(&vars, "var", nil, "values of variable blocks: NAME=VALUE")
	return cmd
}

// toExport reads the configuration of files, or the one of the cluster.
func (a *App) toExport(ctx context.Context, files []string, vars map[string]string) (*config.Decoded, error) {
	var set config.Set
	var err error
	opt := config.Options{Variables: vars, NoLints: true, AlertsWork: true, ACLsWork: true}
	if len(files) > 0 {
		var docs []config.Document
		docs, err = a.readDocuments(files)
		set = config.NewSet(docs...)
	} else {
		set, err = a.present(ctx)
		if names, err := a.API().Names(ctx); err == nil {
			opt.KnownNodes = names.Nodes
		}
	}
	if err != nil {
		return nil, err
	}
	d, found := config.Decode(set, opt)
	if found.HasErrors() {
		return nil, &diagnosed{found}
	}
	a.printFindings(found)
	return d, nil
}
