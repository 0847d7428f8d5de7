package cli

import (
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/holdfast-ha/holdfast/crm/daemon"
	"github.com/holdfast-ha/holdfast/fencing/hostagent"
)

// newAgent is "crm agent": the daemon.
func newAgent(app *App) *cobra.Command {
	cfg := daemon.DefaultConfig()
	var level string
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Run the daemon of this node",
		Long: `Run the daemon of this node in the foreground, until SIGTERM or SIGINT. It then
moves its resources away first. It is what the unit holdfast.service runs.`,
		Example: "  crm agent\n  crm agent --state-dir /tmp/n1/state --run-dir /tmp/n1/run",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := daemonLog(app.Err, level)
			if err != nil {
				return err
			}
			for _, dir := range []*string{&cfg.StateDir, &cfg.RunDir} {
				if *dir, err = filepath.Abs(*dir); err != nil {
					return exitf(ExitUsage, "%w", err)
				}
			}
			cfg.Version, cfg.Logger = Version, log
			debug.SetGCPercent(50) // the live heap is a few megabytes: collecting twice as often costs nothing, memory does
			if cmd.Flags().Changed("socket") || os.Getenv("HOLDFAST_SOCKET") != "" {
				cfg.Socket = app.Socket
			}
			err = daemon.Run(cmd.Context(), cfg, func() {
				log.Info("ready", "socket", cfg.SocketPath(), "version", Version)
				if _, err := sd.SdNotify(false, sd.SdNotifyReady); err != nil {
					log.Warn("systemd was not told that this node is ready", "error", err)
				}
			})
			if err != nil {
				return err
			}
			log.Info("stopped")
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.StateDir, "state-dir", stateDir(), "folder of identity, log and secrets (HOLDFAST_STATE)")
	f.StringVar(&cfg.RunDir, "run-dir", runDir(), "folder of sockets and marks; it must not outlive a reboot (HOLDFAST_RUN)")
	f.StringSliceVar(&cfg.FenceAgentPath, "fence-agent-path", nil, "folders that are searched for fence agents first")
	f.DurationVar(&cfg.DrainLimit, "drain-limit", cfg.DrainLimit, "how long a stop waits until the resources have moved away")
	f.StringVar(&level, "log-level", envOr("HOLDFAST_LOG", "info"), "trace, debug, info, warn or error (HOLDFAST_LOG)")
	return cmd
}

func envOr(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

func stateDir() string { return envOr("HOLDFAST_STATE", daemon.DefaultConfig().StateDir) }
func runDir() string   { return envOr("HOLDFAST_RUN", daemon.DefaultConfig().RunDir) }

// daemonLog writes to stderr. Under systemd the journal knows the time, and
// takes the priority from a prefix.
func daemonLog(w io.Writer, level string) (hclog.Logger, error) {
	l := hclog.LevelFromString(level)
	if l == hclog.NoLevel {
		return nil, exitf(ExitUsage, "--log-level %q is not one of trace, debug, info, warn, error", level)
	}
	o := &hclog.LoggerOptions{Name: "crm", Level: l, Output: w, TimeFormat: "2006-01-02T15:04:05.000Z0700"}
	if os.Getenv("JOURNAL_STREAM") != "" {
		o.DisableTime, o.Output = true, journal{w}
	}
	return hclog.New(o), nil
}

// journal puts the priority that journald understands before each line.
type journal struct{ w io.Writer }

// Write takes one record of hclog, which begins with its level.
func (j journal) Write(p []byte) (int, error) {
	n, prefix := len(p), "<6>"
	for level, number := range map[string]string{"[ERROR]": "<3>", "[WARN]": "<4>", "[INFO]": "<6>", "[DEBUG]": "<7>", "[TRACE]": "<7>"} {
		if strings.HasPrefix(string(p), level) {
			prefix = number
			p = []byte(strings.TrimLeft(string(p[len(level):]), " "))
			break
		}
	}
	if _, err := j.w.Write(append([]byte(prefix), p...)); err != nil {
		return 0, err
	}
	return n, nil
}

// newFenceAgent runs a fence agent that is part of this program.
func newFenceAgent() *cobra.Command {
	return &cobra.Command{
		Use:                "fence-agent NAME",
		Short:              "Run a fence agent that is part of this program",
		Example:            "  echo action=metadata | crm fence-agent fence_hosts",
		Hidden:             true,
		DisableFlagParsing: true,
		Args:               takes(1, -1, "the agent's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "fence_hosts" {
				return exitf(ExitNoSuchObject, "this program has no fence agent %q, only fence_hosts", args[0])
			}
			if code := hostagent.Main(cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[1:]); code != 0 {
				return &ExitError{Code: ExitCode(code)}
			}
			return nil
		},
	}
}

// socketWait is how long a command that starts the daemon waits for it.
const socketWait = 30 * time.Second
