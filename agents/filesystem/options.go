package filesystem

import (
	"strings"

	"golang.org/x/sys/unix"
)

// options are mount options, sorted by who understands them.
type options struct {
	bind, recursive bool
	readOnly        bool
	subvolume       bool     // one of several mounts of a device (btrfs)
	flags           uintptr  // MS_…, for the old system call
	attrs           uint64   // MOUNT_ATTR_…, for the new ones
	super           []string // generic ones of the superblock: "sync", "dirsync", "lazytime"
	data            []string // what is left, for the file system: "key" or "key=value"
	text            []string // all that concern the kernel or a helper, as written
	refused         string   // why they cannot be used, or ""
}

// attributes are the options of a mount, as opposed to its file system.
var attributes = map[string]struct {
	flag uintptr
	attr uint64
}{
	"ro":            {unix.MS_RDONLY, unix.MOUNT_ATTR_RDONLY},
	"nosuid":        {unix.MS_NOSUID, unix.MOUNT_ATTR_NOSUID},
	"nodev":         {unix.MS_NODEV, unix.MOUNT_ATTR_NODEV},
	"noexec":        {unix.MS_NOEXEC, unix.MOUNT_ATTR_NOEXEC},
	"noatime":       {unix.MS_NOATIME, unix.MOUNT_ATTR_NOATIME},
	"relatime":      {unix.MS_RELATIME, unix.MOUNT_ATTR_RELATIME},
	"strictatime":   {unix.MS_STRICTATIME, unix.MOUNT_ATTR_STRICTATIME},
	"nodiratime":    {unix.MS_NODIRATIME, unix.MOUNT_ATTR_NODIRATIME},
	"nosymfollow":   {unix.MS_NOSYMFOLLOW, unix.MOUNT_ATTR_NOSYMFOLLOW},
	"rw":            {},
	"suid":          {},
	"dev":           {},
	"exec":          {},
	"defaults":      {},
	"async":         {},
	"nostrictatime": {},
}

// supers are the generic options of a superblock.
var supers = map[string]uintptr{
	"sync": unix.MS_SYNCHRONOUS, "dirsync": unix.MS_DIRSYNC, "lazytime": unix.MS_LAZYTIME,
}

// ignored are for mount(8), fstab and systemd, not for the kernel.
var ignored = map[string]bool{
	"auto": true, "noauto": true, "user": true, "nouser": true, "users": true, "owner": true, "group": true,
	"nofail": true, "_netdev": true,
}

// parseOptions reads what stands in the fourth column of fstab.
func parseOptions(text string) options {
	var o options
	for _, opt := range splitOptions(text) {
		if opt = strings.TrimSpace(opt); opt == "" || ignored[opt] || strings.HasPrefix(opt, "x-") || strings.HasPrefix(opt, "comment=") {
			continue
		}
		o.take(opt)
	}
	return o
}

func (o *options) take(opt string) {
	switch opt {
	case "bind":
		o.bind = true
		return
	case "rbind":
		o.bind, o.recursive = true, true
		return
	case "remount", "move":
		o.refused = opt + " is an operation and not an option"
		return
	case "loop":
		o.refused = "loop is not supported; attach the file with losetup and mount the loop device"
		return
	}
	o.text = append(o.text, opt)
	if a, ok := attributes[opt]; ok {
		o.flags |= a.flag
		o.attrs |= a.attr
		if opt == "ro" || opt == "rw" {
			o.readOnly = opt == "ro" // the last one counts
			if !o.readOnly {
				o.flags &^= unix.MS_RDONLY
				o.attrs &^= unix.MOUNT_ATTR_RDONLY
			}
		}
		return
	}
	if flag, ok := supers[opt]; ok {
		o.flags |= flag
		o.super = append(o.super, opt)
		return
	}
	if strings.HasPrefix(opt, "subvol=") || strings.HasPrefix(opt, "subvolid=") {
		o.subvolume = true
	}
	o.data = append(o.data, opt)
}

// splitOptions splits at commas that are not inside double quotes, which some
// security labels need.
func splitOptions(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ',' && !quoted
	})
}
