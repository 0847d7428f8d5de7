package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/config"
)

// ExitUnformatted is the exit code of "crm fmt --check" for files that are not
// in their canonical form.
const ExitUnformatted ExitCode = 3

// newFmt is "crm fmt".
func newFmt(app *App) *cobra.Command {
	var check, diff bool
	cmd := &cobra.Command{
		Use:   "fmt FILE…",
		Short: "Lay configuration files out in their canonical form",
		Long: `Lay configuration files out in their canonical form and list those that changed.
"-" reads standard input and writes standard output.

Exit codes: 0; with --check 3 when a file is not in its canonical form.`,
		Example: "  crm fmt web.hcl\n  crm fmt --check --diff cluster/*.hcl",
		Args:    takes(1, -1, "files"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "-" {
				text, err := bounded(app.In, "standard input")
				if err != nil {
					return err
				}
				return app.print("%s", config.Format(text))
			}
			return app.format(args, check, diff)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing")
	cmd.Flags().BoolVar(&diff, "diff", false, "show the lines that differ")
	return cmd
}

func (a *App) format(files []string, check, diff bool) error {
	odd := []string{}
	for _, path := range files {
		text, err := readFile(path)
		if err != nil {
			return err
		}
		canonical := config.Format(text)
		if bytes.Equal(text, canonical) {
			continue
		}
		odd = append(odd, path)
		if diff && a.Output == Text {
			if err := a.print("%s", lineDiff(path, string(text), string(canonical))); err != nil {
				return err
			}
		}
		if check {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return fileError(err)
		}
		if err := renameio.WriteFile(path, canonical, info.Mode().Perm()); err != nil {
			return exitf(ExitCannotCreate, "%w", err)
		}
	}
	if err := a.show(odd, func() string { return listText(odd, diff) }); err != nil {
		return err
	}
	if check && len(odd) > 0 {
		return &ExitError{Code: ExitUnformatted, Err: errors.New(plural(len(odd), "file") + " not in canonical form: 'crm fmt' rewrites them")}
	}
	return nil
}

func listText(names []string, shown bool) string {
	if shown || len(names) == 0 {
		return ""
	}
	return strings.Join(names, "\n") + "\n"
}

// lineDiff shows the lines of a file that differ, between those that are equal
// at both ends.
func lineDiff(name, old, new string) string {
	a, b := strings.Split(old, "\n"), strings.Split(new, "\n")
	from := 0
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	to := 0
	for to < len(a)-from && to < len(b)-from && a[len(a)-1-to] == b[len(b)-1-to] {
		to++
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s:%d\n", name, from+1)
	for _, line := range a[from : len(a)-to] {
		out.WriteString("- " + line + "\n")
	}
	for _, line := range b[from : len(b)-to] {
		out.WriteString("+ " + line + "\n")
	}
	return out.String()
}
