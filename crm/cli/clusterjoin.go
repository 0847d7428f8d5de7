package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/daemon"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

// joinLimit bounds the conversation with the members.
const joinLimit = time.Minute

// Joined is the answer of join.
type Joined struct {
	Cluster string `json:"cluster"`
	Node    string `json:"node"`
	Started bool   `json:"started"`
}

func newClusterJoin(app *App) *cobra.Command {
	m := &member{}
	cmd := &cobra.Command{
		Use:     "join TOKEN",
		Short:   "Make this machine a node of a cluster",
		Long:    "Make this machine a node of the cluster that printed the token ('crm cluster token'), and start the daemon where systemd runs.",
		Example: "  crm cluster join 1-prod-8f3k…\n  crm cluster join 1-prod-8f3k… --name n2 --link eth0,eth1",
		Args:    takes(1, 1, "the token that 'crm cluster token' printed"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.clusterJoin(cmd.Context(), args[0], m)
		},
	}
	m.flags(cmd)
	return cmd
}

func (a *App) clusterJoin(ctx context.Context, text string, m *member) error {
	token, err := identity.ParseToken(text)
	if err != nil {
		return exitf(ExitData, "%w", err)
	}
	if err := m.complete(); err != nil {
		return err
	}
	if err := m.vacant(); err != nil {
		return err
	}
	if err := m.writable(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	if _, err := daemon.JoinCluster(limited, m.place(), token); err != nil {
		return &ExitError{Code: joinCode(err), Err: err}
	}
	out := &Joined{Cluster: token.Cluster, Node: m.name}
	if out.Started, err = a.startDaemon(ctx, m); err != nil {
		return err
	}
	return a.show(out, func() string {
		s := fmt.Sprintf("Joined %q as %s.\n", out.Cluster, out.Node)
		if !out.Started {
			s += "Start the daemon of this node:\n  " + agentCommand(m) + "\n"
		}
		return s
	})
}

// joinCode is the exit code of a join that failed.
func joinCode(err error) ExitCode {
	if code := placeCode(err); code != ExitCannotCreate {
		return code
	}
	if code := codeOf(err); code != ExitFailure {
		return code
	}
	return ExitUnavailable
}
