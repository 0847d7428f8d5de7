package filesystem

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// The part of a device that tells its file system.
const headLength = 0x10000 + 0x1000

// detect reads the type of the file system on a device.
func detect(device string) (string, error) {
	f, err := os.Open(device)
	if err != nil {
		return "", fmt.Errorf("cannot read device %s: %w", device, err)
	}
	defer f.Close()
	head := make([]byte, headLength)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return "", fmt.Errorf("cannot read device %s: %w", device, err)
	}
	if t := magic(head[:n]); t != "" {
		return t, nil
	}
	return "", fmt.Errorf("no known file system on device %s; set the parameter fstype", device)
}

// magic recognises a file system by the start of its device; "" if it cannot.
func magic(head []byte) string {
	at := func(offset int, want string) bool {
		return len(head) >= offset+len(want) && bytes.Equal(head[offset:offset+len(want)], []byte(want))
	}
	switch {
	case at(0, "XFSB"):
		return "xfs"
	case at(0x10040, "_BHRfS_M"):
		return "btrfs"
	case at(0x438, "\x53\xef"):
		return ext(head)
	}
	return ""
}

// ext tells ext2, ext3 and ext4 apart by their feature flags.
func ext(head []byte) string {
	const (
		hasJournal   = 0x4
		newerThan3   = ^uint32(0x2 | 0x4 | 0x10) // all but filetype, recover, meta_bg
		newerThan3ro = ^uint32(0x1 | 0x2 | 0x4)  // all but sparse_super, large_file, btree_dir
	)
	if len(head) < 0x468 {
		return ""
	}
	compat := binary.LittleEndian.Uint32(head[0x45c:])
	incompat := binary.LittleEndian.Uint32(head[0x460:])
	roCompat := binary.LittleEndian.Uint32(head[0x464:])
	switch {
	case incompat&newerThan3 != 0 || roCompat&newerThan3ro != 0:
		return "ext4"
	case compat&hasJournal != 0:
		return "ext3"
	}
	return "ext2"
}
