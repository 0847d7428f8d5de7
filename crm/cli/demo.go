package cli

import (
	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/demo"
)

// newDemo is "crm demo".
func newDemo(app *App) *cobra.Command {
	cfg := demo.Config{Out: app.Out, Version: Version}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a cluster of three nodes, a failure and a failover on this machine",
		Long: `Show a cluster of three nodes on this machine: they run a small web service, the
node that serves is killed, another one takes over, and the first comes back.
It needs no privileges, takes a few seconds, and leaves nothing behind.

With --hosts the nodes are network namespaces with a real service address that
a client outside asks; that needs root.`,
		Example: "  crm demo\n  crm demo --keep\n  crm demo -o json\n  sudo crm demo --hosts",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.JSON = app.Output == JSON
			return demo.Run(cmd.Context(), cfg)
		},
	}
	cmd.Flags().BoolVar(&cfg.Keep, "keep", false, "leave the cluster up afterwards, until Ctrl-C")
	cmd.Flags().BoolVar(&cfg.Hosts, "hosts", false, "use network namespaces (root)")
	return cmd
}

// newDemoWeb is the service that the demo runs.
func newDemoWeb() *cobra.Command {
	return &cobra.Command{
		Use:     "demo-web ADDRESS",
		Short:   "Run the demo's web server",
		Example: "  crm demo-web 127.0.0.1:8080",
		Hidden:  true,
		Args:    takes(1, 1, "an address"),
		RunE:    func(cmd *cobra.Command, args []string) error { return demo.Serve(cmd.Context(), args[0]) },
	}
}
