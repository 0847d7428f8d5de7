package daemon

import (
	"context"
	"fmt"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// runNotify tells systemd what the daemon is doing, and feeds its watchdog.
//
// The watchdog is fed only while the membership loop still turns: its views get
// newer. A loop that hangs has stopped to lead, to vote and to follow, and the
// right thing is a new process.
func (d *Daemon) runNotify(ctx context.Context) {
	interval, err := sd.SdWatchdogEnabled(false)
	if err != nil {
		d.log.Warn("systemd's watchdog", "error", err)
	}
	every := time.Second
	if interval > 0 {
		every = interval / 3
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := ""
	for {
		if text := d.summary(); text != last {
			last = text
			d.tell("STATUS=" + text)
		}
		select {
		case <-tick.C:
			if interval > 0 && d.turns(ctx, every) {
				d.tell(sd.SdNotifyWatchdog)
			}
		case <-ctx.Done():
			return
		}
	}
}

// turns says whether the membership loop answers within a time.
func (d *Daemon) turns(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := d.member.Roster(ctx)
	return err == nil
}

func (d *Daemon) tell(text string) {
	if _, err := sd.SdNotify(false, text); err != nil {
		d.log.Debug("systemd was not told", "error", err)
	}
}

// summary is one line about this node for systemctl status.
func (d *Daemon) summary() string {
	v := d.member.View()
	switch {
	case d.leaving.Load():
		return "draining"
	case !v.Quorum:
		return fmt.Sprintf("cluster %s: no quorum", v.ClusterName)
	case v.Leading:
		return fmt.Sprintf("cluster %s: this node is the DC, term %d", v.ClusterName, v.Term)
	}
	return fmt.Sprintf("cluster %s: DC is %s", v.ClusterName, v.LeaderName)
}
