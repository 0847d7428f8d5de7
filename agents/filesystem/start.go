package filesystem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents"
)

// start mounts the file system.
func (a *Agent) start(ctx context.Context, _ agents.Request, c config) agents.Result {
	unlock, err := a.lock(ctx, c.directory)
	if err != nil {
		return bad(agents.ErrGeneric, "%v", err)
	}
	defer unlock()
	t, err := readTable()
	if err != nil {
		return bad(agents.ErrGeneric, "cannot read the table of mounts: %v", err)
	}
	s, dir := c.find(), t.place(c.directory)
	if top := t.top(dir); top != nil && s.is(top) {
		if readOnly(top) && !c.options.readOnly {
			return bad(agents.ErrGeneric, "%s is mounted on %s already, but read-only", c.device, dir)
		}
		return good()
	} else if top != nil {
		return bad(agents.ErrGeneric, "%s has %s mounted on it already, not %s", dir, top.Source, c.device)
	}
	if s, err = c.usable(s, t); err != nil {
		return bad(agents.ErrInstalled, "%v", err)
	}
	if err := c.prepare(s); err != nil {
		return bad(agents.ErrInstalled, "%v", err)
	}
	dir = t.place(c.directory) // it may have come to be just now
	if err := a.mount(ctx, c, s, dir); err != nil {
		return bad(agents.ErrGeneric, "cannot mount %s on %s: %v", c.device, dir, a.undone(dir, s, err))
	}
	if ctx.Err() != nil { // nobody believes in this start any longer
		return bad(agents.ErrGeneric, "%v", a.undone(dir, s, errTooLate))
	}
	a.started(c.directory)
	return good()
}

// usable says whether a source can be mounted, and completes it.
func (c config) usable(s source, t table) (source, error) {
	if s.err != nil {
		return s, s.err
	}
	if s.kind != block {
		return s, nil
	}
	if other := t.of(s); len(other) > 0 && !c.options.subvolume {
		return s, fmt.Errorf("device %s is mounted on %s already; unmount it there first", c.device, other[0].Mountpoint)
	}
	if s.fstype == "" {
		found, err := detect(s.name)
		if err != nil {
			return s, err
		}
		s.fstype = found
	}
	return s, nil
}

// prepare sees to the directory.
func (c config) prepare(s source) error {
	st, err := os.Stat(c.directory)
	if errors.Is(err, fs.ErrNotExist) && c.create {
		if err = os.MkdirAll(c.directory, 0o755); err == nil {
			return nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("directory %s does not exist; make it, or set create-directory=true", c.directory)
	case err != nil:
		return fmt.Errorf("directory %s cannot be used: %w", c.directory, err)
	case !st.IsDir() && s.kind != binding:
		return fmt.Errorf("directory %s is not a directory", c.directory)
	}
	return nil
}

// undone takes back what a failed or late start may have attached, and returns
// the start's own error.
func (a *Agent) undone(dir string, s source, cause error) error {
	t, err := readTable()
	if err != nil {
		return errors.Join(cause, err)
	}
	if top := t.top(dir); top != nil && s.is(top) {
		if err := unix.Unmount(dir, unix.UMOUNT_NOFOLLOW); err != nil {
			return fmt.Errorf("%w; and it could not be unmounted again: %w", cause, err)
		}
	}
	return cause
}

// validate says whether the file system could be mounted here.
func (a *Agent) validate(_ context.Context, _ agents.Request, c config) agents.Result {
	t, err := readTable()
	if err != nil {
		return bad(agents.ErrGeneric, "cannot read the table of mounts: %v", err)
	}
	s, dir := c.find(), t.place(c.directory)
	if top := t.top(dir); top != nil && s.is(top) {
		return good()
	}
	if _, err := c.usable(s, t); err != nil {
		return bad(agents.ErrInstalled, "%v", err)
	}
	if c.create {
		return good()
	}
	if err := c.prepare(s); err != nil {
		return bad(agents.ErrInstalled, "%v", err)
	}
	return good()
}
