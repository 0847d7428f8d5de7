package hosts

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Where the keeper's mounts are, in its own mount namespace.
const (
	labDir    = "/mnt"
	commonDir = labDir + "/common" // a lower layer of all hosts
)

// mountLab makes the place for everything that the hosts write: memory.
func mountLab() error {
	if err := unix.Mount("holdfast-hosts", labDir, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount a tmpfs for the hosts: %w", err)
	}
	return os.Mkdir(commonDir, 0o755)
}

// writeFiles puts files below a root.
func writeFiles(root string, files []File) error {
	for _, f := range files {
		if err := writeFile(root, f); err != nil {
			return fmt.Errorf("file %s: %w", f.Path, err)
		}
	}
	return nil
}

func writeFile(root string, f File) error {
	if !filepath.IsAbs(f.Path) {
		return errors.New("the path must be absolute")
	}
	path := filepath.Join(root, f.Path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f.Link != "" {
		return os.Symlink(f.Link, path)
	}
	data := f.Data
	if f.From != "" {
		var err error
		if data, err = os.ReadFile(f.From); err != nil {
			return err
		}
	}
	mode := f.Mode
	if mode == 0 {
		mode = 0o644
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode) // whatever the umask is
}

func (h *host) dir() string  { return filepath.Join(labDir, h.name) }
func (h *host) root() string { return filepath.Join(h.dir(), "root") }

// makeRoot makes a host's disk: an overlay over this machine's root, with the
// identity of a machine of its own. It runs on the keeper's thread.
func (h *host) makeRoot() error {
	for _, d := range []string{"upper", "work", "root"} {
		if err := os.MkdirAll(filepath.Join(h.dir(), d), 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s:/,upperdir=%s/upper,workdir=%s/work", commonDir, h.dir(), h.dir())
	if err := unix.Mount("overlay", h.root(), "overlay", 0, options); err != nil {
		return fmt.Errorf("an overlay over /: %w", err)
	}
	names := "127.0.0.1 localhost\n"
	for n := range h.lab.cfg.Count {
		names += fmt.Sprintf("%s n%d\n", hostAddress(0, n+1), n+1)
	}
	if err := writeFiles(h.root(), []File{
		{Path: "/etc/machine-id", Mode: 0o444, Data: fmt.Appendf(nil, "%x\n", md5.Sum([]byte(h.lab.id+h.name)))},
		{Path: "/etc/hostname", Data: []byte(h.name + "\n")},
		{Path: "/etc/hosts", Data: []byte(names)},
		{Path: "/etc/fstab"},
	}); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(h.root(), "usr/sbin/policy-rc.d")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return h.chooseUnits()
}

// wanted are the units that a host boots with. Whatever else this machine has
// enabled stays off: a host is to run what its test starts.
var wanted = []string{
	"dbus.service", "dbus.socket", "systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket",
	"systemd-tmpfiles-setup.service", "systemd-tmpfiles-setup-dev.service", "systemd-sysusers.service", "systemd-user-sessions.service",
	"systemd-logind.service",
}

// chooseUnits enables the wanted units and no others.
func (h *host) chooseUnits() error {
	etc := filepath.Join(h.root(), "etc/systemd/system")
	lib := filepath.Join(h.root(), "usr/lib/systemd/system")
	enabled, err := filepath.Glob(filepath.Join(etc, "*.wants/*"))
	if err != nil {
		return err
	}
	for _, link := range enabled {
		if err := os.Remove(link); err != nil {
			return err
		}
	}
	needless, err := filepath.Glob(filepath.Join(lib, "*.wants/*"))
	if err != nil {
		return err
	}
	var masks []File
	for _, link := range needless {
		unit := filepath.Base(link)
		set := filepath.Base(filepath.Dir(link))
		if strings.HasPrefix(set, "initrd") || slices.Contains(wanted, unit) || strings.HasSuffix(unit, ".target") && unit != "getty.target" {
			continue
		}
		masks = append(masks, File{Path: "/etc/systemd/system/" + unit, Link: "/dev/null"})
	}
	masks = append(masks, File{Path: "/etc/systemd/system/default.target", Link: "/usr/lib/systemd/system/multi-user.target"})
	return writeFiles(h.root(), masks)
}

// Install puts files into a host, whether it is on or off.
func (l *Lab) Install(name string, files ...File) error {
	h, err := l.host(name)
	if err != nil {
		return err
	}
	return l.keeper.do(func() error { return writeFiles(h.root(), files) })
}

// Read reads a file of a host's disk, whether it is on or off. What lies on a
// mount of the host's own, as /run and /tmp, is not seen.
func (l *Lab) Read(name, path string) (data []byte, err error) {
	h, err := l.host(name)
	if err != nil {
		return nil, err
	}
	err = l.keeper.do(func() error {
		data, err = os.ReadFile(filepath.Join(h.root(), path))
		return err
	})
	return data, err
}
