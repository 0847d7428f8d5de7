package filesystem

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// errTooLate says that the deadline came before the mount was attached.
var errTooLate = errors.New("given up before it was attached")

// mount mounts a source on a directory.
func (a *Agent) mount(ctx context.Context, c config, s source, dir string) error {
	if s.kind == network {
		return a.runHelper(ctx, c, s, dir)
	}
	fd, err := detached(c, s)
	if errors.Is(err, unix.ENOSYS) {
		return oldMount(c, s, dir) // Linux before 5.2, or a filter that knows no better
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if ctx.Err() != nil {
		return errTooLate
	}
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("cannot attach it to %s: %w", dir, err)
	}
	return nil
}

// detached builds the mount without attaching it anywhere.
func detached(c config, s source) (int, error) {
	if s.kind == binding {
		return cloned(c, s)
	}
	ctl, err := unix.Fsopen(s.fstype, unix.FSOPEN_CLOEXEC)
	if errors.Is(err, unix.ENODEV) {
		return -1, fmt.Errorf("this node's kernel does not know the file system %s", s.fstype)
	}
	if err != nil {
		return -1, fmt.Errorf("fsopen %s: %w", s.fstype, err)
	}
	defer unix.Close(ctl)
	if err := configure(ctl, c, s); err != nil {
		return -1, err
	}
	fd, err := unix.Fsmount(ctl, unix.FSMOUNT_CLOEXEC, int(c.options.attrs))
	if err != nil {
		return -1, said(ctl, "fsmount", err)
	}
	return fd, nil
}

// configure tells the file system its device and options, and opens it.
func configure(ctl int, c config, s source) error {
	if err := unix.FsconfigSetString(ctl, "source", s.name); err != nil {
		return said(ctl, "source "+s.name, err)
	}
	flags := c.options.super
	if c.options.readOnly {
		flags = append(flags[:len(flags):len(flags)], "ro")
	}
	for _, opt := range append(flags[:len(flags):len(flags)], c.options.data...) {
		key, value, pair := strings.Cut(opt, "=")
		err := error(nil)
		if pair {
			err = unix.FsconfigSetString(ctl, key, strings.Trim(value, `"`))
		} else {
			err = unix.FsconfigSetFlag(ctl, key)
		}
		if err != nil {
			return said(ctl, "option "+opt, err)
		}
	}
	if err := unix.FsconfigCreate(ctl); err != nil {
		return said(ctl, s.name+" as "+s.fstype, err)
	}
	return nil
}

// said wraps an error with what the kernel has to say about it.
func said(ctl int, what string, err error) error {
	var words []string
	buffer := make([]byte, 1024)
	for range 16 {
		n, readErr := unix.Read(ctl, buffer)
		if readErr != nil || n < 2 {
			break
		}
		words = append(words, strings.TrimSpace(string(buffer[2:n]))) // "e text": a level first
	}
	if errors.Is(err, unix.EBUSY) {
		words = append(words, "the device is in use")
	}
	if len(words) == 0 {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w (%s)", what, err, strings.Join(words, "; "))
}

// cloned is a bind mount that is not attached yet.
func cloned(c config, s source) (int, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.O_CLOEXEC)
	if c.options.recursive {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, s.name, flags)
	if err != nil {
		return -1, fmt.Errorf("bind of %s: %w", s.name, err)
	}
	if c.options.attrs == 0 {
		return fd, nil
	}
	attr := &unix.MountAttr{Attr_set: c.options.attrs}
	if c.options.attrs&unix.MOUNT_ATTR__ATIME != 0 {
		attr.Attr_clr = unix.MOUNT_ATTR__ATIME
	}
	how := uint(unix.AT_EMPTY_PATH)
	if c.options.recursive {
		how |= unix.AT_RECURSIVE
	}
	if err := unix.MountSetattr(fd, "", how, attr); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("options of the bind of %s: %w", s.name, err)
	}
	return fd, nil
}

// oldMount is mount(2), which builds and attaches in one step.
func oldMount(c config, s source, dir string) error {
	flags := c.options.flags
	if s.kind == binding {
		bind := uintptr(unix.MS_BIND)
		if c.options.recursive {
			bind |= unix.MS_REC
		}
		if err := unix.Mount(s.name, dir, "", bind, ""); err != nil {
			return fmt.Errorf("bind of %s: %w", s.name, err)
		}
		if flags == 0 {
			return nil
		}
		// A bind takes its options in a second step.
		if err := unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|flags, ""); err != nil {
			return errors.Join(fmt.Errorf("options of the bind of %s: %w", s.name, err), unix.Unmount(dir, unix.UMOUNT_NOFOLLOW))
		}
		return nil
	}
	if err := unix.Mount(s.name, dir, s.fstype, flags, strings.Join(c.options.data, ",")); err != nil {
		return fmt.Errorf("%s as %s: %w", s.name, s.fstype, err)
	}
	return nil
}

// runHelper lets mount.TYPE mount a network file system. At the deadline its
// process group is killed.
func (a *Agent) runHelper(ctx context.Context, c config, s source, dir string) error {
	helper := filepath.Join(a.cfg.HelperDir, "mount."+s.fstype)
	if _, err := os.Stat(helper); err != nil {
		return fmt.Errorf("%s is not installed; %s file systems need it", helper, s.fstype)
	}
	args := []string{s.name, dir}
	if len(c.options.text) > 0 {
		args = append(args, "-o", strings.Join(c.options.text, ","))
	}
	cmd := exec.CommandContext(ctx, helper, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 100 * time.Millisecond
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("%s was ended at the deadline: is the server there?", helper)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", helper, err, lastLine(string(out)))
	}
	return nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
