package filesystem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents"
)

// monitor looks at the table of mounts; the deeper levels also use the disk.
func (a *Agent) monitor(ctx context.Context, req agents.Request, c config) agents.Result {
	t, err := readTable()
	if err != nil {
		return bad(agents.ErrGeneric, "cannot read the table of mounts: %v", err)
	}
	s := c.find()
	r, top := c.judge(t, s)
	if r.Code != agents.OK {
		return r
	}
	check := a.checks(req, c, s, top)
	if check == nil {
		return r
	}
	unlock, err := a.lock(ctx, "the disk of "+c.directory)
	if err != nil {
		return bad(agents.ErrGeneric, "%v", err)
	}
	defer unlock()
	if err := check(); err != nil {
		return bad(agents.ErrGeneric, "%v", err)
	}
	return good()
}

// judge says what the table means for the file system.
func (c config) judge(t table, s source) (agents.Result, *mountinfo.Info) {
	dir := t.place(c.directory)
	top := t.top(dir)
	switch {
	case top == nil:
		return bad(agents.NotRunning, ""), nil
	case s.is(top):
	case len(t.at(dir).of(s)) > 0:
		return bad(agents.ErrGeneric, "%s is hidden: %s is mounted over it on %s", c.device, top.Source, dir), nil
	default:
		return bad(agents.NotRunning, "%s has %s mounted on it, not %s", dir, top.Source, c.device), nil
	}
	if readOnly(top) && !c.options.readOnly {
		return bad(agents.ErrGeneric, "%s on %s is read-only; after an error of the disk? see the kernel's log", c.device, dir), nil
	}
	return good(), top
}

// checks is what the request's depth asks for beyond the table, or nil.
func (a *Agent) checks(req agents.Request, c config, s source, top *mountinfo.Info) func() error {
	dir, level := top.Mountpoint, req.CheckLevel()
	switch {
	case level < depthRead:
		return nil
	case level < depthWrite || c.options.readOnly:
		return func() error { return readBack(s, dir) }
	}
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == 0 {
			return '_'
		}
		return r
	}, req.Node+"-"+req.Resource)
	return func() error { return writeBack(filepath.Join(dir, ".holdfast-status-"+name)) }
}

// sector is what is read and written, aligned for O_DIRECT.
const sector = 4096

// readBack reads from the disk, past the cache; or, where there is no disk of
// ours, from the directory.
func readBack(s source, dir string) error {
	if s.kind != block {
		f, err := os.Open(dir)
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", dir, err)
		}
		defer f.Close()
		if _, err := f.Readdirnames(1); err != nil && err != io.EOF {
			return fmt.Errorf("cannot read %s: %w", dir, err)
		}
		return nil
	}
	f, err := open(s.name, os.O_RDONLY)
	if err != nil {
		return fmt.Errorf("cannot open %s: %w", s.name, err)
	}
	defer f.Close()
	if _, err := f.ReadAt(aligned(), 0); err != nil {
		return fmt.Errorf("cannot read %s: %w", s.name, err)
	}
	return nil
}

// writeBack writes a file, to the disk, and reads it again.
func writeBack(name string) error {
	f, err := open(name, os.O_RDWR|os.O_CREATE|os.O_SYNC|unix.O_NOFOLLOW)
	if err != nil {
		return fmt.Errorf("cannot open %s: %w", name, err)
	}
	defer f.Close()
	wrote, read := aligned(), aligned()
	copy(wrote, "Holdfast checks that this file system can be written.\n"+time.Now().UTC().Format(time.RFC3339Nano)+"\n")
	if _, err := f.WriteAt(wrote, 0); err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	if _, err := f.ReadAt(read, 0); err != nil {
		return fmt.Errorf("cannot read %s: %w", name, err)
	}
	if !bytes.Equal(wrote, read) {
		return fmt.Errorf("%s reads back differently from what was written: the disk or its driver is broken", name)
	}
	return nil
}

// open opens past the cache where the file system can.
func open(name string, flags int) (*os.File, error) {
	f, err := os.OpenFile(name, flags|unix.O_DIRECT, 0o600)
	if errors.Is(err, unix.EINVAL) {
		return os.OpenFile(name, flags, 0o600)
	}
	return f, err
}

// aligned is a buffer that O_DIRECT accepts.
func aligned() []byte {
	b := make([]byte, 2*sector)
	off := int(uintptr(unsafe.Pointer(&b[0])) % sector)
	if off != 0 {
		off = sector - off
	}
	return b[off : off+sector : off+sector]
}
