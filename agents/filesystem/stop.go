package filesystem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents"
)

// stop unmounts the file system, with all that is mounted below it.
func (a *Agent) stop(ctx context.Context, _ agents.Request, c config) agents.Result {
	unlock, err := a.lock(ctx, c.directory)
	if err != nil {
		return bad(agents.ErrGeneric, "%v", err)
	}
	defer unlock()
	u := &unmounting{agent: a, cfg: c, src: c.find(), began: time.Now()}
	u.end = u.began.Add(time.Minute)
	if deadline, ok := ctx.Deadline(); ok {
		// Leave a moment to say why.
		u.end = deadline.Add(-min(500*time.Millisecond, time.Until(deadline)/10))
	}
	did, err := u.unmount(ctx)
	if err != nil {
		return bad(agents.ErrGeneric, "%v", err)
	}
	if did {
		if err := u.released(ctx); err != nil {
			return bad(agents.ErrGeneric, "%v", err)
		}
	}
	return good()
}

// unmounting is one stop in progress.
type unmounting struct {
	agent *Agent
	cfg   config
	src   source
	began time.Time
	end   time.Time // when to give up

	dir   string
	asked map[int]bool // processes that got a SIGTERM
}

// The stages of a stop whose file system is busy. Something that only looked
// (df, a backup's stat) is gone after patience.
const (
	patience   = 100 * time.Millisecond
	resignedAt = time.Second // without the right to signal
	politeMax  = 10 * time.Second
	maxRounds  = 20 // of unmounting with success
)

// unmount works until nothing of ours is on the directory. It says whether
// there was something.
func (u *unmounting) unmount(ctx context.Context) (did bool, err error) {
	polite := u.began.Add(patience + min(u.end.Sub(u.began)/3, politeMax))
	pause := 5 * time.Millisecond
	for rounds := 0; ; {
		t, err := readTable()
		if err != nil {
			return did, fmt.Errorf("cannot read the table of mounts: %w", err)
		}
		u.dir = t.place(u.cfg.directory)
		if len(t.at(u.dir).of(u.src)) == 0 {
			return did, nil
		}
		mounts := t.under(u.dir)
		err = u.try(ctx, mounts)
		if err == nil {
			if did, rounds = true, rounds+1; rounds > maxRounds {
				return did, fmt.Errorf("%s stays mounted however often it is unmounted; who mounts it again?", u.dir)
			}
			continue // look again: is it gone?
		}
		if !errors.Is(err, unix.EBUSY) {
			return did, err
		}
		if now := time.Now(); now.After(u.began.Add(patience)) {
			if err := u.evict(mounts, now.After(polite)); err != nil {
				return did, err
			}
		}
		select {
		case <-ctx.Done():
			return did, u.busy(u.holders(mounts))
		case <-time.After(pause):
		}
		pause = min(2*pause, 100*time.Millisecond)
	}
}

// try unmounts all mounts once, those below first.
func (u *unmounting) try(ctx context.Context, mounts table) error {
	for _, m := range mounts {
		err := u.umount(ctx, m)
		if err == nil || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
			continue // EINVAL: somebody else was quicker
		}
		return fmt.Errorf("cannot unmount %s: %w", m.Mountpoint, err)
	}
	return nil
}

// umount is one umount2(2). A network file system whose server is lost hangs
// there, until the pending requests are given up by force.
func (u *unmounting) umount(ctx context.Context, m *mountinfo.Info) error {
	if u.src.kind != network {
		return unix.Unmount(m.Mountpoint, unix.UMOUNT_NOFOLLOW)
	}
	done := make(chan error, 1)
	go func() { done <- unix.Unmount(m.Mountpoint, unix.UMOUNT_NOFOLLOW) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	case <-time.After(u.end.Sub(u.began) / 3):
	}
	u.agent.log.Warn("the server does not answer; unmounting by force", "directory", m.Mountpoint)
	return unix.Unmount(m.Mountpoint, unix.UMOUNT_NOFOLLOW|unix.MNT_FORCE)
}

// evict deals with the processes that hold the mounts. An error ends the stop.
func (u *unmounting) evict(mounts table, hard bool) error {
	all := u.holders(mounts)
	now := time.Now()
	if now.After(u.end) || !u.cfg.kill && now.After(u.began.Add(resignedAt)) {
		return u.busy(all)
	}
	if !u.cfg.kill {
		return nil
	}
	for _, h := range all {
		if h.spared != "" || !hard && u.asked[h.pid] {
			continue
		}
		sig := unix.SIGTERM
		if hard {
			sig = unix.SIGKILL
		}
		if u.signal(h, mounts, sig) {
			if u.asked == nil {
				u.asked = map[int]bool{}
			}
			u.asked[h.pid] = true
			u.agent.log.Info("ending a process that keeps a file system busy",
				"directory", u.dir, "process", h.name, "pid", h.pid, "by", h.how, "signal", unix.SignalName(sig))
		}
	}
	return nil
}

// busy is the error that names who holds the file system.
func (u *unmounting) busy(all []holder) error {
	if len(all) == 0 {
		return fmt.Errorf("%s is busy and cannot be unmounted; no process holds it, so it is the kernel: %s", u.dir, inKernel(u.dir))
	}
	if !u.cfg.kill {
		return fmt.Errorf("%s is busy and cannot be unmounted (kill=none): held by %s", u.dir, list(all))
	}
	return fmt.Errorf("%s is busy and cannot be unmounted: held by %s", u.dir, list(all))
}
