package cli

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/cib"
	"github.com/holdfast-ha/holdfast/policy"
)

// newSimulate is "crm simulate": what a cluster would do, from a file.
func newSimulate(app *App) *cobra.Command {
	var file, now string
	cmd := &cobra.Command{
		Use:   "simulate --cib FILE",
		Short: "Show what a cluster in the state of a CIB file would do",
		Long: `Show what a cluster in the state of a Pacemaker CIB file would do, in which
order and why, and how it would look afterwards. Nothing is executed.`,
		Example: "  crm simulate --cib /var/lib/pacemaker/pengine/pe-input-42.bz2\n" +
			"  crm simulate --cib cib.xml --format json --now 2026-07-01T00:00:00Z",
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			doc, plan, err := simulate(app, file, now)
			if err != nil {
				return err
			}
			if app.Output == JSON {
				return app.printJSON(plan)
			}
			return app.printSimulation(doc, plan)
		},
	}
	cmd.Flags().StringVar(&file, "cib", "", "the CIB to read, \"-\" for standard input (required)")
	cmd.Flags().Var(&app.Output, "format", "the same as --output")
	cmd.Flags().StringVar(&now, "now", "", "the time of the decision, RFC 3339 (default: when the CIB was recorded, else the present)")
	return cmd
}

func simulate(app *App, file, now string) (*cib.Document, *policy.Plan, error) {
	if file == "" {
		return nil, nil, exitf(ExitUsage, "which cluster? name a CIB file with --cib FILE")
	}
	doc, err := readCIB(app, file)
	if err != nil {
		return nil, nil, err
	}
	at, err := decisionTime(now, doc)
	if err != nil {
		return nil, nil, err
	}
	plan, err := policy.Decide(policy.Input{Now: at, Config: doc.Config, Status: doc.Status})
	if err != nil {
		return nil, nil, exitf(ExitConfig, "deciding on %s: %w", file, err)
	}
	return doc, withLists(plan), nil
}

func readCIB(app *App, file string) (*cib.Document, error) {
	input := app.In
	if file == "-" {
		file = "standard input"
	} else {
		f, err := os.Open(file)
		if errors.Is(err, fs.ErrPermission) {
			return nil, exitf(ExitNoPermission, "%w", err)
		} else if err != nil {
			return nil, exitf(ExitNoInput, "%w", err)
		}
		defer f.Close()
		input = f
	}
	doc, err := cib.Read(input, file)
	if err != nil {
		return nil, exitf(ExitData, "%w", err)
	}
	return doc, nil
}

// decisionTime is the flag's, else the document's, else the present.
func decisionTime(flag string, doc *cib.Document) (time.Time, error) {
	if flag != "" {
		at, err := time.Parse(time.RFC3339, flag)
		if err != nil {
			return at, exitf(ExitUsage, "--now %q is not an RFC 3339 time such as 2026-07-01T00:00:00Z", flag)
		}
		return at, nil
	}
	if !doc.ExecutionDate.IsZero() {
		return doc.ExecutionDate, nil
	}
	return time.Now().UTC().Truncate(time.Second), nil
}

// withLists makes empty lists of missing ones, for readers of JSON.
func withLists(plan *policy.Plan) *policy.Plan {
	out := *plan
	if out.Actions == nil {
		out.Actions = []policy.Action{}
	}
	if out.Placement == nil {
		out.Placement = []policy.Placement{}
	}
	return &out
}
