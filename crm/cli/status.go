package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/policy"
)

// statusWords are the words that choose what a status shows.
var statusWords = map[string]string{
	"full": "everything", "bynode": "resources under their nodes", "inactive": "stopped resources too (the default)",
	"active": "running resources only", "brief": "count resources by agent and node", "ops": "operations in flight and next",
	"failcounts": "how often what failed", "fencing": "the whole fencing history", "attributes": "attributes of nodes",
	"noheaders": "without titles", "simple": "one line for monitoring, exit code 0, 1 or 2", "verbose": "the same as full",
	"quiet": "the same as brief",
}

// newStatus is "crm status".
func newStatus(app *App) *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use:   "status [WORD…] [NAME…]",
		Short: "Show the state of the cluster",
		Long: `Show the state of the cluster: nodes, resources, failures, fencing, what operators
asked for, and what can not happen and why. Words choose what is shown; names of
resources or nodes limit it to them. Words: ` + strings.Join(wordList(), ", ") + `.

Exit codes: 0; 102 when no daemon answers; with "simple" 0 (OK), 1 (WARNING) or
2 (CRITICAL), as monitoring systems want it.`,
		Example:           "  crm status\n  crm status bynode failcounts\n  crm status web\n  crm status simple\n  crm status --watch",
		ValidArgsFunction: app.completeStatus,
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := newStatusView(args)
			if err != nil {
				return err
			}
			if watch {
				return app.watch(cmd.Context(), v)
			}
			return app.status(cmd.Context(), v)
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "show it again on each change, until interrupted")
	return cmd
}

func wordList() []string {
	var out []string
	for w := range statusWords {
		out = append(out, w)
	}
	slices.Sort(out)
	return out
}

func (a *App) completeStatus(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var words []string
	for _, w := range wordList() {
		words = append(words, w+"\t"+statusWords[w])
	}
	n := a.names(cmd)
	return matching(slices.Concat(words, described(n.Resources, n.Objects), n.Nodes), args, prefix), wordsOnly
}

// statusView is what a status shall show.
type statusView struct {
	words map[string]bool
	names []string // of resources and nodes; none: all
}

func newStatusView(args []string) (*statusView, error) {
	v := &statusView{words: map[string]bool{}}
	for _, arg := range args {
		if _, ok := statusWords[arg]; ok {
			v.words[arg] = true
		} else {
			v.names = append(v.names, arg)
		}
	}
	v.words["full"] = v.words["full"] || v.words["verbose"]
	v.words["brief"] = v.words["brief"] || v.words["quiet"]
	if v.words["simple"] && len(v.names) > 0 {
		return nil, exitf(ExitUsage, "a simple status is about the whole cluster, not about %s", v.names[0])
	}
	return v, nil
}

func (v *statusView) has(word string) bool { return v.words["full"] || v.words[word] }

func (a *App) status(ctx context.Context, v *statusView) error {
	st, err := a.API().Status(ctx)
	if err != nil {
		if v.words["simple"] {
			_ = a.print("CLUSTER CRITICAL: %v\n", err)
			return &ExitError{Code: 2}
		}
		return err
	}
	if v.words["simple"] {
		return a.simpleStatus(st)
	}
	if len(v.names) > 0 {
		return a.statusOf(st, v.names)
	}
	if a.Output == JSON {
		return a.printJSON(st)
	}
	text, err := statusText(st, v, a.Color)
	if err != nil {
		return err
	}
	return a.print("%s", text)
}

func (a *App) simpleStatus(st *api.Status) error {
	out := struct {
		Health  api.Health `json:"health"`
		Reasons []string   `json:"reasons"`
	}{st.Health, st.Reasons}
	if err := a.show(out, func() string { return st.Simple() + "\n" }); err != nil {
		return err
	}
	if code := map[api.Health]ExitCode{api.Warning: 1, api.Failed: 2}[st.Health]; code != 0 {
		return &ExitError{Code: code}
	}
	return nil
}

// statusOf is about some resources and nodes only.
func (a *App) statusOf(st *api.Status, names []string) error {
	var out struct {
		Nodes     []api.Node     `json:"nodes,omitempty"`
		Resources []api.Resource `json:"resources,omitempty"`
	}
	for _, name := range names {
		if r := findResource(st.Resources, name); r != nil {
			out.Resources = append(out.Resources, *r)
		} else if nodes, err := pickNodes(st, []string{name}); err == nil {
			out.Nodes = append(out.Nodes, nodes...)
		} else {
			return exitf(ExitNoSuchObject, "there is no resource or node %s", name)
		}
	}
	return a.show(out, func() string {
		text := ""
		if len(out.Resources) > 0 {
			text += resourcesText(out.Resources)
		}
		if len(out.Nodes) > 0 {
			text += nodesText(out.Nodes)
		}
		return text
	})
}

// statusText is the display that users of crm_mon know, and below it what it
// never said: what can not happen and why, and what operators asked for.
func statusText(st *api.Status, v *statusView, color bool) (string, error) {
	var b strings.Builder
	view := st.View()
	if !v.has("fencing") && len(view.Fencing) > 3 {
		view.Fencing = view.Fencing[:3]
	}
	options := render.Options{
		Inactive: !v.words["active"] && (!v.words["bynode"] || v.words["inactive"] || v.words["full"]),
		Brief:    v.words["brief"], ByNode: v.words["bynode"], NoHeaders: v.words["noheaders"], Color: color,
	}
	if err := render.Status(&b, view, options); err != nil {
		return "", err
	}
	s := &sections{out: &b, headers: !v.words["noheaders"]}
	s.list("Fencing in Progress", fencingLines(st))
	s.list("Cannot Happen Now", blockedLines(st.Blocked))
	if v.has("ops") {
		s.list("Operations in Progress", operationLines(st))
		s.list("Next Operations", nextLines(st))
	}
	if v.has("failcounts") {
		s.list("Failure Counts", failcountLines(st))
	}
	if v.has("attributes") {
		s.list("Node Attributes", attributeLines(st))
	}
	s.list("Manual Rules", manualLines(st))
	s.list("Warnings", warningLines(st))
	return b.String(), nil
}

// sections writes titled lists in the shape of the rest of the status.
type sections struct {
	out     *strings.Builder
	headers bool
}

func (s *sections) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	s.out.WriteByte('\n')
	if s.headers {
		s.out.WriteString(title + ":\n")
	}
	for _, line := range lines {
		s.out.WriteString("  * " + line + "\n")
	}
}

func fencingLines(st *api.Status) []string {
	var out []string
	for _, f := range st.Fencing {
		line := fmt.Sprintf("%s of %s for %s: %s", f.Action, f.Target, ago(st.Time.Sub(f.Begun)), f.Reason)
		switch {
		case f.Running:
			line += fmt.Sprintf("; attempt %d by %s", f.Attempt, f.Executor)
		case !f.Retry.IsZero():
			line += fmt.Sprintf("; next attempt %s", f.Retry.Local().Format("15:04:05"))
		default:
			line += "; no node is there to do it"
		}
		if f.LastError != "" {
			line += "; last attempt: " + f.LastError
		}
		out = append(out, line)
	}
	return out
}

func blockedLines(list []policy.Blocked) []string {
	var out []string
	for _, b := range list {
		out = append(out, blockedText([]policy.Blocked{b}))
	}
	return out
}

func operationLines(st *api.Status) []string {
	var out []string
	for _, op := range st.Pending {
		out = append(out, fmt.Sprintf("%s on %s for %s, at most until %s", op.Text, op.Node, ago(st.Time.Sub(op.Since)), op.Deadline.Local().Format("15:04:05")))
	}
	return out
}

func nextLines(st *api.Status) []string {
	var out []string
	for _, a := range st.Next {
		line := render.ActionText(a) + " on " + a.Node
		for _, r := range a.Reasons {
			line += ": " + r.Text
		}
		out = append(out, line)
	}
	return out
}

func failcountLines(st *api.Status) []string {
	var out []string
	for _, n := range st.Nodes {
		for _, f := range n.FailCounts {
			count := fmt.Sprint(f.Count)
			if f.Count >= 1000000 {
				count = "INFINITY"
			}
			line := fmt.Sprintf("%s on %s: %s %s, last %s", f.Resource, n.Name, f.Operation, count, stamp(f.Last))
			if f.Reason != "" {
				line += " (" + f.Reason + ")"
			}
			out = append(out, line)
		}
	}
	return out
}

func attributeLines(st *api.Status) []string {
	var out []string
	for _, n := range st.Nodes {
		var names []string
		for name := range n.Attributes {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			out = append(out, n.Name+": "+name+" = "+n.Attributes[name])
		}
	}
	return out
}

func manualLines(st *api.Status) []string {
	var out []string
	for _, m := range st.Manual {
		line := m.Text
		if m.Author != "" {
			line += ", by " + m.Author
		}
		if !m.At.IsZero() {
			line += " " + ago(st.Time.Sub(m.At)) + " ago"
		}
		if !m.Expires.IsZero() {
			line += ", until " + stamp(m.Expires)
		}
		out = append(out, line+" (undo: "+m.Undo+")")
	}
	return out
}

func warningLines(st *api.Status) []string {
	out := slices.Clone(st.Warnings)
	for _, p := range st.Problems {
		text := p.Text
		if p.Object != "" {
			text = p.Object + ": " + text
		}
		if pos := p.Pos.String(); pos != "" {
			text = pos + ": " + text
		}
		out = append(out, text)
	}
	return out
}

// watch shows the status again on each change.
func (a *App) watch(ctx context.Context, v *statusView) error {
	index := uint64(0)
	for ctx.Err() == nil {
		err := a.API().Watch(ctx, index, func(st *api.Status) error {
			index = st.Index
			if a.Output == JSON {
				return a.printLine(st)
			}
			text, err := statusText(st, v, a.Color)
			if err != nil {
				return err
			}
			if a.Terminal {
				text = "\x1b[H\x1b[2J" + text
			}
			return a.print("%s\n", text)
		})
		if err != nil {
			return err
		}
		if ctx.Err() == nil { // the daemon ended; it may come back
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}
	return nil
}
