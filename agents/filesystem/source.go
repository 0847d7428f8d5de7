package filesystem

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// kind is how a device is found and mounted.
type kind int

const (
	block   kind = iota // a block device
	binding             // a directory or file that is elsewhere already
	virtual             // tmpfs and the like: the device is only a name
	network             // a server's; its helper mounts it
)

// networked are the types that only their helper can mount.
var networked = map[string]bool{
	"nfs": true, "nfs4": true, "cifs": true, "smb3": true, "glusterfs": true, "ceph": true,
}

// kind says what the configured device is. It looks at nothing but the
// parameters and the kernel's list of types.
func (c config) kind() kind {
	switch {
	case c.options.bind || c.fstype == "bind" || c.fstype == "none":
		return binding
	case networked[c.fstype]:
		return network
	case c.fstype == "tmpfs" || c.fstype == "ramfs" || c.fstype == "overlay" || c.fstype != "" && nodev(c.fstype):
		return virtual
	}
	return block
}

// nodev says whether the kernel lists a type as one without a device.
func nodev(fstype string) bool {
	f, err := os.Open("/proc/filesystems")
	if err != nil {
		return false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if s.Text() == "nodev\t"+fstype {
			return true
		}
	}
	return false
}

// byLink are the ways to name a block device by what udev found on it.
var byLink = map[string]string{
	"UUID": "by-uuid", "LABEL": "by-label", "PARTUUID": "by-partuuid", "PARTLABEL": "by-partlabel", "ID": "by-id",
}

// devicePath turns "UUID=…" and the like into a path.
func devicePath(device string) string {
	tag, value, ok := strings.Cut(device, "=")
	if folder := byLink[tag]; ok && folder != "" {
		return filepath.Join("/dev/disk", folder, strings.Trim(value, `"`))
	}
	return device
}

// source is the device as it is found on this node now.
type source struct {
	kind   kind
	name   string // what to hand to the kernel: a path, a name, server:/path
	fstype string
	dev    uint64 // block: the device's number; binding: that of its file system
	inode  uint64 // binding
	err    error  // why it cannot be used; what is mounted already is recognised as far as possible
}

// find looks at the configured device.
func (c config) find() source {
	s := source{kind: c.kind(), name: c.device, fstype: c.fstype}
	switch s.kind {
	case virtual, network:
		return s
	case block:
		s.name = devicePath(c.device)
	}
	var st unix.Stat_t
	if err := unix.Stat(s.name, &st); err != nil {
		s.err = missing(c, s.name, err)
		return s
	}
	if s.kind == binding {
		s.dev, s.inode, s.fstype = st.Dev, st.Ino, ""
		return s
	}
	if s.dev = st.Rdev; st.Mode&unix.S_IFMT != unix.S_IFBLK {
		s.err = notBlock(c, st.Mode)
	}
	return s
}

// missing says that there is no such device.
func missing(c config, path string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("device %s cannot be used: %w", c.device, err)
	}
	if path != c.device {
		return fmt.Errorf("device %s does not exist on this node (no %s)", c.device, path)
	}
	return fmt.Errorf("device %s does not exist on this node", c.device)
}

// notBlock says why something that is not a block device cannot be mounted.
func notBlock(c config, mode uint32) error {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return fmt.Errorf("device %s is a file; attach it with losetup and mount the loop device", c.device)
	case unix.S_IFDIR:
		return fmt.Errorf("device %s is a directory; set fstype=bind to mount a directory", c.device)
	}
	return fmt.Errorf("device %s is not a block device", c.device)
}

// is says whether a mount is one of this source.
func (s source) is(m *mountinfo.Info) bool {
	switch s.kind {
	case virtual:
		return m.Source == s.name && m.FSType == s.fstype
	case network:
		return strings.TrimRight(m.Source, "/") == strings.TrimRight(s.name, "/")
	case binding:
		return s.boundAt(m)
	}
	if s.dev == 0 { // the device is gone: its name is all there is to go by
		return m.Source == s.name
	}
	if unix.Mkdev(uint32(m.Major), uint32(m.Minor)) == s.dev {
		return true
	}
	if m.Major != 0 || !strings.HasPrefix(m.Source, "/dev/") {
		return false
	}
	var st unix.Stat_t // btrfs hides its device behind a number of its own
	return unix.Stat(m.Source, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK && st.Rdev == s.dev
}

// boundAt says whether a mount shows the bound directory. When that cannot be
// found any more, whatever is mounted on our directory is taken for it.
func (s source) boundAt(m *mountinfo.Info) bool {
	if s.inode == 0 {
		return true
	}
	var st unix.Stat_t
	return unix.Stat(m.Mountpoint, &st) == nil && st.Dev == s.dev && st.Ino == s.inode
}
