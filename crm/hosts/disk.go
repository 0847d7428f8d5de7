package hosts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Disk is a disk that all hosts share: a loop device, of which every host has a
// node of its own. (A bind mount would do as well, were it not that a systemd
// takes it for a mount of its own and unmounts it after a while.)
type Disk struct {
	Path string // the device, inside every host

	lab   *Lab
	major uint32
	minor uint32
}

// NewDisk makes a shared disk of a size in MiB, with an ext4 file system on it
// into which the files are written. It is gone when the lab is closed.
func (l *Lab) NewDisk(name string, size int, files ...File) (*Disk, error) {
	if name == "" || strings.ContainsRune(name, '/') || size < 1 {
		return nil, fmt.Errorf("hosts: a disk needs a plain name and a size of at least 1 MiB, not %q and %d", name, size)
	}
	d := &Disk{Path: "/dev/" + name, lab: l}
	image := filepath.Join(labDir, name+".disk")
	err := l.keeper.do(func() error {
		content := image + ".content"
		if err := os.MkdirAll(content, 0o755); err != nil {
			return err
		}
		defer os.RemoveAll(content)
		if err := writeFiles(content, files); err != nil {
			return err
		}
		// The journal is small, and no table is left to be written while a test measures.
		out, err := exec.Command("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-d", content, image, fmt.Sprintf("%dM", size)).CombinedOutput()
		if err != nil {
			return fmt.Errorf("mkfs.ext4: %w: %s", err, out)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("hosts: disk %s: %w", name, err)
	}
	if err := d.attach(image); err != nil {
		return nil, fmt.Errorf("hosts: disk %s: %w", name, err)
	}
	l.mu.Lock()
	l.disks = append(l.disks, d)
	l.mu.Unlock()
	return d, l.each(func(h *host) error {
		if life := h.current(); life != nil {
			return d.giveTo(life)
		}
		return nil
	})
}

// attach makes the image a loop device, which detaches itself when nobody has it
// open any more.
func (d *Disk) attach(image string) error {
	var file *os.File
	err := d.lab.keeper.do(func() (err error) {
		file, err = os.OpenFile(image, os.O_RDWR, 0)
		return err
	})
	if err != nil {
		return err
	}
	defer file.Close()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer control.Close()
	for range 10 { // another process may take the free one first
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return err
		}
		loop, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		config := unix.LoopConfig{Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}}
		if err := unix.IoctlLoopConfigure(int(loop.Fd()), &config); errors.Is(err, unix.EBUSY) {
			loop.Close()
			continue
		} else if err != nil {
			loop.Close()
			return err
		}
		var st unix.Stat_t
		if err := unix.Fstat(int(loop.Fd()), &st); err != nil {
			loop.Close()
			return err
		}
		d.major, d.minor = unix.Major(st.Rdev), unix.Minor(st.Rdev)
		d.lab.onClose(loop.Close)
		return nil
	}
	return errors.New("no free loop device")
}

// giveTo makes the device's node in a host that is on.
func (d *Disk) giveTo(l *life) error {
	node := fmt.Sprintf("/proc/%d/root%s", l.init, d.Path)
	return unix.Mknod(node, unix.S_IFBLK|0o660, int(unix.Mkdev(d.major, d.minor)))
}

// giveDisks makes the nodes of all disks in a host that boots, before it looks
// for them.
func (h *host) giveDisks(l *life) error {
	h.lab.mu.Lock()
	disks := slices.Clone(h.lab.disks)
	h.lab.mu.Unlock()
	for _, d := range disks {
		if err := d.giveTo(l); err != nil {
			return fmt.Errorf("disk %s: %w", d.Path, err)
		}
	}
	return nil
}
