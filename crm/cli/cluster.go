package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/api"
)

// newCluster is "crm cluster".
func newCluster(app *App) *cobra.Command {
	cmd := app.noun("cluster", "Make, join, look at and leave a cluster",
		newClusterInit(app), newClusterJoin(app), newClusterStatus(app), newClusterToken(app), newClusterLeave(app), newClusterRemove(app))
	cmd.Example = "  crm cluster init prod\n  crm cluster join 1-prod-8f3k…"
	return cmd
}

func newClusterStatus(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show the members, their links and the quorum",
		Example: "  crm cluster status\n  crm -o json cluster status",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := app.API().Cluster(cmd.Context())
			if err != nil {
				return err
			}
			return app.show(c, func() string { return clusterText(c, time.Now()) })
		},
	}
}

func clusterText(c *api.Cluster, now time.Time) string {
	var b strings.Builder
	quorum := "with quorum"
	if !c.Quorum {
		quorum = "WITHOUT quorum"
	}
	leader := c.Leader
	if leader == "" {
		leader = "NONE"
	}
	fmt.Fprintf(&b, "Cluster %s (%s), seen by %s: %s, DC %s, term %d\n", c.Name, c.ID, c.Self, quorum, leader, c.Term)
	fmt.Fprintf(&b, "%s, %d needed for a majority\n\n", plural(c.Voters, "voter"), c.Needed)
	rows := [][]string{{"MEMBER", "STATE", "VOTE", "BOOT", "ADDRESS", "LINK", "RTT", "HEARD"}}
	for _, m := range c.Members {
		vote := "no"
		if m.Voter {
			vote = "yes"
		}
		heard := ""
		if m.Name == c.Self {
			heard = "here"
		} else if !m.LastHeard.IsZero() {
			heard = ago(now.Sub(m.LastHeard)) + " ago"
		}
		row := []string{m.Name, m.State, vote, fmt.Sprintf("%d.%d", m.Boot, m.Incarnation)}
		if len(m.Links) == 0 {
			rows = append(rows, append(row, strings.Join(m.Addresses, ", "), "", "", heard))
		}
		for i, l := range m.Links {
			up := "down"
			if l.Up {
				up = "up"
			}
			rtt := ""
			if l.RTT > 0 {
				rtt = fmt.Sprintf("%.1fms", l.RTT)
			}
			if i > 0 {
				row, heard = []string{"", "", "", ""}, ""
			}
			rows = append(rows, append(row, l.Address, up, rtt, heard))
		}
	}
	return b.String() + table(rows)
}

func newClusterToken(app *App) *cobra.Command {
	ttl := time.Hour
	cmd := &cobra.Command{
		Use:     "token",
		Short:   "Make a token that lets one machine join",
		Example: "  crm cluster token\n  crm cluster token --ttl 10m",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := app.API().Token(cmd.Context(), ttl)
			if err != nil {
				return err
			}
			if app.Output == Text && !app.Terminal {
				return app.print("%s\n", t.Token)
			}
			return app.show(t, func() string {
				return fmt.Sprintf("On the new machine, within %s (until %s):\n  %s\n", ttl, stamp(t.Expires), t.Command)
			})
		},
	}
	cmd.Flags().DurationVar(&ttl, "ttl", ttl, "how long the token lives, at most 720h")
	return cmd
}

func newClusterLeave(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "leave",
		Short: "Move everything away from this node and leave the cluster for good",
		Long: `Move everything away from this node and leave the cluster for good. Its
membership files are kept aside under the state folder; to return it must join
as a new member. To stop the node for a while, stop its daemon instead.`,
		Example: "  crm cluster leave",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := app.API().Cluster(cmd.Context())
			if err != nil {
				return err
			}
			question := fmt.Sprintf("Node %s leaves cluster %s for good. Continue?", c.Self, c.Name)
			if len(c.Members) == 1 {
				question = fmt.Sprintf("Node %s is the last one: cluster %s ends, and its configuration with it. Continue?", c.Self, c.Name)
			}
			if err := app.confirm(question); err != nil {
				return err
			}
			change, err := app.API().Leave(cmd.Context())
			if err != nil {
				return err
			}
			return app.show(change, func() string { return sentence(change.Text) })
		},
	}
}

func newClusterRemove(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "remove NODE",
		Short:             "Take a node that is down out of the cluster for good",
		Example:           "  crm cluster remove n3",
		Args:              takes(1, 1, "a node"),
		ValidArgsFunction: app.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := app.confirm("Node " + args[0] + " will be no member any more. Continue?"); err != nil {
				return err
			}
			change, err := app.API().Remove(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return app.show(change, func() string { return sentence(change.Text) })
		},
	}
}
