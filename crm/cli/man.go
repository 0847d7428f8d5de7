package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newMan is "crm man": one manual page for the whole tree.
func newMan(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "man",
		Short:   "Print the manual page crm(8)",
		Example: "  crm man | man -l -\n  crm man > /usr/local/share/man/man8/crm.8",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.print("%s", manual(cmd.Root()))
		},
	}
}

func manual(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH CRM 8 \"\" \"Holdfast %s\" \"Holdfast\"\n", Version)
	fmt.Fprintf(&b, ".SH NAME\ncrm \\- %s\n", roff(root.Short))
	b.WriteString(".SH SYNOPSIS\n\\fBcrm\\fR [\\fIflags\\fR] \\fIcommand\\fR …\n")
	b.WriteString(".SH GLOBAL FLAGS\n")
	manFlags(&b, root.PersistentFlags())
	b.WriteString(".SH COMMANDS\n")
	manCommands(&b, root)
	b.WriteString(".SH EXIT CODES\n" + roff(exitCodes) + "\n")
	return b.String()
}

const exitCodes = `0 ok; 1 failure; 2 changes (with --detailed-exitcode); 4 the cluster does not allow it; 64 usage; 65 malformed input; 66 input can not be read; 69 unavailable; 70 a bug; 73 output can not be written; 77 no permission; 78 invalid configuration; 102 no daemon answers; 103 changed by somebody else; 105 no such object; 106 no quorum; 107 unsafe; 108 exists; 109 ambiguous; 113 not applicable; 124 timeout.`

func manCommands(b *strings.Builder, parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		if c.HasSubCommands() {
			fmt.Fprintf(b, ".SS %s\n%s\n", roff(c.CommandPath()), roff(c.Short))
			manCommands(b, c)
			continue
		}
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR\n%s\n", roff(c.UseLine()), roff(fullHelp(c)))
		manFlags(b, c.LocalNonPersistentFlags())
		if c.Example != "" {
			fmt.Fprintf(b, ".RS\n.nf\n%s\n.fi\n.RE\n", roff(c.Example))
		}
	}
}

func fullHelp(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short
}

func manFlags(b *strings.Builder, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(b, ".RS\n.TP\n%s\n%s\n.RE\n", roff(name), roff(f.Usage))
	})
}

// roff protects what the formatter would take for itself.
func roff(text string) string {
	text = strings.ReplaceAll(text, `\`, `\e`)
	text = strings.ReplaceAll(text, "-", `\-`)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
