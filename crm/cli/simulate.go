package cli

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/cib"
	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/policy"
)

// newSimulate is "crm simulate": what a cluster would do, from a file.
func newSimulate(app *App) *cobra.Command {
	var file, now, dot string
	var events []string
	cmd := &cobra.Command{
		Use:   "simulate --cib FILE",
		Short: "Show what a cluster in the state of a CIB file would do",
		Long: `Show what a cluster in the state of a Pacemaker CIB file would do, in which
order and why, and how it would look afterwards. Nothing is executed.

With --if the cluster is first imagined to be different; it may be repeated:
  node-fail=NODE, node-up=NODE, node-standby=NODE, node-online=NODE
  op=RESOURCE_OPERATION_INTERVAL@NODE=RC   (the interval in milliseconds)
  quorum=yes, quorum=no
  ticket-grant=TICKET, ticket-revoke=TICKET, ticket-standby=TICKET
  now=TIME`,
		Example: "  crm simulate --cib /var/lib/pacemaker/pengine/pe-input-42.bz2\n" +
			"  crm simulate --cib cib.xml --format json --now 2026-07-01T00:00:00Z\n" +
			"  crm simulate --cib cib.xml --if node-fail=n2 --if quorum=yes --dot plan.dot",
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			s, err := simulate(app, file, now, events)
			if err != nil {
				return err
			}
			if dot != "" {
				return app.writeDot(dot, s.plan)
			}
			if app.Output == JSON {
				return app.printJSON(s.plan)
			}
			return app.printSimulation(s)
		},
	}
	cmd.Flags().StringVar(&file, "cib", "", "the CIB to read, \"-\" for standard input (required)")
	cmd.Flags().Var(&app.Output, "format", "the same as --output")
	cmd.Flags().StringVar(&now, "now", "", "the time of the decision, RFC 3339 (default: when the CIB was recorded, else the present)")
	cmd.Flags().StringArrayVar(&events, "if", nil, "imagine an event first: node-fail=n2")
	cmd.Flags().StringVar(&dot, "dot", "", "write the plan's graph for Graphviz to a file, \"-\" for standard output, and nothing else")
	return cmd
}

// simulation is a decision on a file, perhaps with imagined events.
type simulation struct {
	doc    *cib.Document
	before *policy.Plan // on the file as it is
	plan   *policy.Plan
	events []string // what was imagined, for people
}

func simulate(app *App, file, now string, events []string) (*simulation, error) {
	if file == "" {
		return nil, exitf(ExitUsage, "which cluster? name a CIB file with --cib FILE")
	}
	doc, err := readCIB(app, file)
	if err != nil {
		return nil, err
	}
	at, err := decisionTime(now, doc)
	if err != nil {
		return nil, err
	}
	g := &imagining{in: policy.Input{Now: at, Config: doc.Config, Status: doc.Status}}
	before, err := policy.Decide(g.in)
	if err != nil {
		return nil, exitf(ExitConfig, "deciding on %s: %w", file, err)
	}
	s := &simulation{doc: doc, before: before, plan: before}
	if len(events) > 0 {
		for _, event := range events {
			if err := g.event(event); err != nil {
				return nil, err
			}
		}
		if s.plan, err = policy.Decide(g.in); err != nil {
			return nil, exitf(ExitConfig, "deciding on %s with %s: %w", file, strings.Join(events, ", "), err)
		}
		s.events = g.texts
	}
	s.plan = withLists(s.plan)
	return s, nil
}

// writeDot writes the graph of a plan to a file, or to standard output.
func (a *App) writeDot(file string, plan *policy.Plan) error {
	if file == "-" {
		return render.Dot(a.Out, plan)
	}
	var b strings.Builder
	if err := render.Dot(&b, plan); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		return exitf(ExitCannotCreate, "writing the graph: %w", err)
	}
	return nil
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
