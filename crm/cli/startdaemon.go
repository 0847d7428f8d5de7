package cli

import (
	"context"
	"errors"
	"os"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	sdutil "github.com/coreos/go-systemd/v22/util"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/daemon"
	"github.com/holdfast-ha/holdfast/packaging"
)

// startDaemon starts the unit where systemd runs and the machine has the usual
// folders, and waits until the daemon answers. Elsewhere the person is told how
// to start it.
func (a *App) startDaemon(ctx context.Context, m *member) (bool, error) {
	if m.noStart || os.Geteuid() != 0 || !sdutil.IsRunningSystemd() || m.stateDir != daemon.DefaultConfig().StateDir {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*socketWait)
	defer cancel()
	conn, err := systemd.NewSystemConnectionContext(ctx)
	if err != nil {
		return false, exitf(ExitUnavailable, "asking systemd to start %s: %w", daemon.OwnUnit, err)
	}
	defer conn.Close()
	if err := a.installUnit(ctx, conn); err != nil {
		return false, err
	}
	done := make(chan string, 1)
	if _, err := conn.StartUnitContext(ctx, daemon.OwnUnit, "replace", done); err != nil {
		return false, exitf(ExitUnavailable, "starting %s: %w", daemon.OwnUnit, err)
	}
	select {
	case result := <-done:
		if result != "done" {
			return false, exitf(ExitUnavailable, "%s did not start (%s): see 'journalctl -u %s'", daemon.OwnUnit, result, daemon.OwnUnit)
		}
	case <-ctx.Done():
		return false, exitf(ExitTimeout, "%s has not started yet: see 'journalctl -u %s'", daemon.OwnUnit, daemon.OwnUnit)
	}
	return true, a.awaitQuorum(ctx)
}

// installUnit writes the unit file when the machine has none, and enables it.
func (a *App) installUnit(ctx context.Context, conn *systemd.Conn) error {
	program, err := os.Executable()
	if err != nil {
		return exitf(ExitUnavailable, "this program's own path: %w", err)
	}
	unit, err := packaging.Install("/", program)
	if err != nil {
		return exitf(ExitCannotCreate, "%w", err)
	}
	for _, path := range unit {
		a.note("wrote %s", path)
	}
	if len(unit) > 0 {
		if err := conn.ReloadContext(ctx); err != nil {
			return exitf(ExitUnavailable, "systemd did not read its units again: %w", err)
		}
	}
	if _, _, err := conn.EnableUnitFilesContext(ctx, []string{daemon.OwnUnit}, false, false); err != nil {
		return exitf(ExitUnavailable, "enabling %s: %w", daemon.OwnUnit, err)
	}
	return nil
}

// awaitQuorum waits until the daemon answers and knows a leader.
func (a *App) awaitQuorum(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, socketWait)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := a.API().Cluster(limit)
		if err == nil && c.Quorum {
			return nil
		}
		var e *api.Error
		if err != nil && errors.As(err, &e) && e.Kind == api.Privilege {
			return err
		}
		select {
		case <-tick.C:
		case <-limit.Done():
			return exitf(ExitTimeout, "the daemon runs, but has no quorum after %s: see 'crm cluster status'", socketWait)
		}
	}
}
