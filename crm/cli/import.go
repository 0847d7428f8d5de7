package cli

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/cib"
	"github.com/holdfast-ha/holdfast/crm/config"
	"github.com/holdfast-ha/holdfast/policy"
)

// outputForm is the -o of commands that translate configurations.
type outputForm struct {
	chosen string
	forms  []string // the first one is the default
}

func (f *outputForm) String() string { return f.chosen }
func (f *outputForm) Type() string   { return "format" }
func (f *outputForm) Set(text string) error {
	if !slices.Contains(f.forms, text) {
		return fmt.Errorf("expected one of %v, not %q", f.forms, text)
	}
	f.chosen = text
	return nil
}

func newOutputForm(forms ...string) *outputForm { return &outputForm{chosen: forms[0], forms: forms} }

// newImport is "crm import".
func newImport(app *App) *cobra.Command {
	form := newOutputForm("hcl", "json")
	var preserve bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Translate the configuration of a Pacemaker cluster",
		Long: `Translate a Pacemaker CIB into the configuration language, or into JSON. FILE is
cib.xml, the output of "cibadmin --query", a recorded pe-input file, or "-" for
standard input. Nothing is changed anywhere: look at the result, then load it.

What Pacemaker tolerates and Holdfast refuses is written literally, as in
timeout = literal("soon"): it is kept, and draws a warning. What could not be
translated is told on standard error.

Exit codes: 0; 65 when FILE is no CIB; 78 when the result needs your hand before
it can be loaded.`,
		Example: "  crm import /var/lib/pacemaker/cib/cib.xml > cluster.hcl\n  cibadmin --query | crm import -",
		Args:    takes(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			return app.importCIB(args[0], form.chosen, preserve)
		},
	}
	cmd.Flags().VarP(form, "output", "o", "print the configuration as hcl or json")
	cmd.Flags().BoolVar(&preserve, "preserve-ids", false, "keep the ids of sets, pairs, operations and rules that nothing refers to")
	return cmd
}

func (a *App) importCIB(file, form string, preserve bool) error {
	doc, err := readCIB(a, file)
	if err != nil {
		return err
	}
	for _, p := range doc.Problems {
		a.note("%s", problemLine(p))
	}
	encode := config.Encode
	if preserve {
		encode = config.EncodeWithIDs
	}
	text := encode(doc.Decoded(), "cluster.hcl")
	back, found := config.Decode(config.NewSet(text), config.Options{NoLints: true})
	a.printFindings(found)
	if form == "json" && !found.HasErrors() {
		err = a.printJSON(back)
	} else {
		err = a.print("%s", text.Text)
	}
	switch {
	case err != nil:
		return err
	case found.HasErrors():
		return exitf(ExitConfig, "the configuration of %s cannot be loaded as it is: mend what is told above", file)
	case !reflect.DeepEqual(config.Canonical(doc.Config), config.Canonical(back.Policy)):
		return exitf(ExitSoftware, "the translation of %s does not read back as the same configuration: please report this with the file", file)
	}
	return nil
}

func problemLine(p policy.Problem) string {
	text := p.Text
	if p.Object != "" {
		text = p.Object + ": " + text
	}
	if at := p.Pos.String(); at != "" {
		text = at + ": " + text
	}
	return text
}

// exportXML writes what a CIB can hold of a configuration, and tells what not.
func (a *App) exportXML(d *config.Decoded) error {
	var out bytes.Buffer
	if err := cib.FromDecoded(d).Export(&out); err != nil {
		return exitf(ExitData, "%w", err)
	}
	for _, r := range foreign(slices.Concat(d.Policy.Templates, d.Policy.Resources)) {
		a.note("%s: the agent %s is a part of Holdfast: Pacemaker cannot run it", r.ID, r.Type)
	}
	for _, alert := range d.Alerts {
		if alert.Kind != "script" {
			a.note("%s: alerts of kind %s exist in Holdfast only: left out", alert.Name, alert.Kind)
		}
	}
	return a.print("%s", out.Bytes())
}

// foreign are the primitives whose agents exist in Holdfast only.
func foreign(resources []policy.Resource) []policy.Resource {
	var out []policy.Resource
	for _, r := range resources {
		if r.Class == "holdfast" {
			out = append(out, r)
		}
		out = append(out, foreign(r.Children)...)
	}
	return out
}
