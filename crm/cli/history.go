package cli

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/config"
)

// newHistory is "crm history".
func newHistory(app *App) *cobra.Command {
	cmd := app.noun("history", "See who changed what, what was fenced, and earlier configurations",
		newHistoryEvents(app), newHistoryVersions(app), newHistoryShow(app), newHistoryDiff(app))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return app.events(cmd, 50) }
	cmd.Example = "  crm history\n  crm history versions\n  crm history diff 41 42"
	return cmd
}

// HistoryEvent is one line of the history.
type HistoryEvent struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"`
}

func newHistoryEvents(app *App) *cobra.Command {
	limit := 50
	cmd := &cobra.Command{
		Use:     "events",
		Aliases: []string{"log"},
		Short:   "List changes and fencings, oldest first",
		Example: "  crm history events --limit 200",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return app.events(cmd, limit) },
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "how many at most; the newest ones")
	return cmd
}

func (a *App) events(cmd *cobra.Command, limit int) error {
	st, err := a.API().State(cmd.Context())
	if err != nil {
		return err
	}
	events := []HistoryEvent{}
	for _, r := range st.Audit {
		events = append(events, HistoryEvent{time.UnixMilli(r.At), r.By, r.What})
	}
	for _, f := range st.FenceLog {
		what := fmt.Sprintf("%s of node %s (boot %d) confirmed: %s", f.Action, f.Target, f.Boot, f.Reason)
		if !f.OK {
			what = fmt.Sprintf("%s of node %s (boot %d) failed: %s", f.Action, f.Target, f.Boot, f.Error)
		}
		events = append(events, HistoryEvent{time.UnixMilli(f.Ended), f.Executor, what})
	}
	slices.SortStableFunc(events, func(x, y HistoryEvent) int { return x.At.Compare(y.At) })
	if len(events) > limit {
		events = events[len(events)-limit:]
	}
	return a.show(events, func() string {
		var rows [][]string
		for _, e := range events {
			rows = append(rows, []string{stamp(e.At), e.By, e.What})
		}
		if len(rows) == 0 {
			return "Nothing has happened yet.\n"
		}
		return table(rows)
	})
}

func newHistoryVersions(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "versions",
		Short:   "List the configurations that are kept, newest first",
		Example: "  crm history versions",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := app.API().Versions(cmd.Context())
			if err != nil {
				return err
			}
			return app.show(list, func() string {
				rows := [][]string{{"VERSION", "AT", "AUTHOR", "COMMENT"}}
				for _, v := range list {
					rows = append(rows, []string{strconv.FormatInt(v.Version, 10), stamp(v.At), v.Author, v.Comment})
				}
				return table(rows)
			})
		},
	}
}

func parseVersion(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, exitf(ExitUsage, "%q is no version number: see 'crm history versions'", text)
	}
	return n, nil
}

func newHistoryShow(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "show VERSION",
		Short:   "Print an earlier configuration",
		Example: "  crm history show 41",
		Args:    takes(1, 1, "a version"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := parseVersion(args[0])
			if err != nil {
				return err
			}
			c, err := app.API().Version(cmd.Context(), n)
			if err != nil {
				return err
			}
			return app.show(c, func() string { return documentsText(c.Set()) })
		},
	}
}

func newHistoryDiff(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "diff VERSION [VERSION]",
		Short:   "Show what changed between two configurations",
		Long:    "Show what changed between two configurations, object by object; with one version, what changed since.",
		Example: "  crm history diff 41 42\n  crm history diff 41",
		Args:    takes(1, 2, "one or two versions"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var decoded []*config.Decoded
			for _, text := range args {
				n, err := parseVersion(text)
				if err != nil {
					return err
				}
				c, err := app.API().Version(cmd.Context(), n)
				if err != nil {
					return err
				}
				decoded = append(decoded, decodeQuietly(c))
			}
			if len(decoded) == 1 {
				c, err := app.API().Config(cmd.Context())
				if err != nil {
					return err
				}
				decoded = append(decoded, decodeQuietly(c))
			}
			changes := config.Diff(decoded[0], decoded[1])
			return app.show(changes, func() string {
				if len(changes) == 0 {
					return "No difference.\n"
				}
				return config.DiffText(changes)
			})
		},
	}
}

// decodeQuietly reads a configuration that was in force, so it was valid.
func decodeQuietly(c *api.Configuration) *config.Decoded {
	dec, _ := config.Decode(c.Set(), config.Options{NoLints: true})
	return dec
}

// newRollback is "crm rollback".
func newRollback(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "rollback [VERSION]",
		Short:   "Put an earlier configuration into force again",
		Long:    "Put an earlier configuration into force again (without a version: the one before). It becomes a new version; the plan is shown, and asked about when it does something.",
		Example: "  crm rollback\n  crm rollback 41",
		Args:    takes(0, 1, "at most a version"),
		RunE: func(cmd *cobra.Command, args []string) error {
			now, err := app.API().Config(cmd.Context())
			if err != nil {
				return err
			}
			n := now.Version - 1
			if len(args) > 0 {
				if n, err = parseVersion(args[0]); err != nil {
					return err
				}
			}
			if n < 1 {
				return exitf(ExitNoSuchObject, "there is no earlier configuration")
			}
			old, err := app.API().Version(cmd.Context(), n)
			if err != nil {
				return err
			}
			return app.commit(cmd.Context(), api.Candidate{
				Base: now.Version, Documents: old.Documents, Comment: "rollback to version " + strconv.FormatInt(n, 10),
			})
		},
	}
}
