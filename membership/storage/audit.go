package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"google.golang.org/protobuf/proto"
)

// The etcd log's own repair cuts at the first record that does not fit its
// file, and takes a zero length for the end. A flipped bit in a length field
// would thus silently drop acknowledged entries. The audit reads the files
// first and tells a torn tail from damage.
//
// It rests on this: a segment is preallocated with zeros, and a disk writes
// whole sectors. What a crash interrupted therefore consists of sectors that
// were written and sectors that are still zero from the write's start on.

const (
	sector    = 512
	maxRecord = 32 << 20 // far above the largest batch entry that we write
)

type segment struct {
	path       string
	seq, index uint64
}

// segments lists the log files in order.
func segments(dir string) ([]segment, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var out []segment
	for _, n := range names {
		s := segment{path: n}
		if _, err := fmt.Sscanf(strings.TrimSuffix(filepath.Base(n), ".wal"), "%016x-%016x", &s.seq, &s.index); err != nil {
			return nil, damaged(n, errors.New("not the name of a log file"))
		}
		out = append(out, s)
	}
	return out, nil
}

// audit checks every record of every log file, and repairs a torn tail.
func audit(dir string, logger hclog.Logger) error {
	files, err := segments(dir)
	if err != nil {
		return err
	}
	crc := uint32(0)
	said := &meaning{}
	for i, f := range files {
		if i > 0 && f.seq != files[i-1].seq+1 {
			return damaged(f.path, fmt.Errorf("file number %d is missing before it", files[i-1].seq+1))
		}
		b, err := os.ReadFile(f.path)
		if err != nil {
			return err
		}
		end, err := scan(b, &crc, said)
		last := i == len(files)-1
		switch {
		case !last && err == nil && end != len(b):
			err = errors.New("ends too early")
		case last && int64(len(b)) < wal.SegmentSizeBytes:
			err = fmt.Errorf("the file was cut to %d bytes (it was made with %d)", len(b), wal.SegmentSizeBytes)
		case last && (err != nil || !zero(b[end:])):
			err = repair(f.path, b, end, crc, err, logger)
		}
		if err != nil {
			return damaged(f.path, fmt.Errorf("at byte %d: %w", end, err))
		}
	}
	return nil
}

// whole marks a record that is complete and yet wrong; it is never a torn one.
type whole struct{ error }

// scan reads records up to the end, the first zero length, or the first that
// does not check; it returns the offset behind the last good one.
func scan(b []byte, crc *uint32, said *meaning) (int, error) {
	off := 0
	for off+8 <= len(b) {
		size, rec, err := record(b[off:])
		if size == 0 || err != nil {
			return off, err
		}
		if rec.GetType() == wal.CrcType {
			if *crc != 0 && rec.GetCrc() != *crc {
				return off, errors.New("the checksum chain from the file before is broken")
			}
			*crc = rec.GetCrc()
		} else {
			sum := crc32.Update(*crc, castagnoli, rec.GetData())
			if sum != rec.GetCrc() {
				return off, errors.New("checksum mismatch")
			}
			*crc = sum
		}
		if err := said.take(rec); err != nil {
			return off, whole{err}
		}
		off += size
	}
	return off, nil
}

// record reads one frame: a length (56 bits) with its padding, and a Record.
// It returns the size of the whole frame, 0 for a zero length.
func record(b []byte) (int, *walpb.Record, error) {
	size, length := frame(b)
	if size == 0 {
		return 0, nil, nil
	}
	if !padded(b, length) {
		return size, nil, whole{errors.New("a record's length is damaged")}
	}
	if size > len(b) {
		return size, nil, errors.New("record does not fit the file")
	}
	rec := &walpb.Record{}
	if err := proto.Unmarshal(b[8:8+length], rec); err != nil {
		return size, nil, errors.New("record is malformed")
	}
	return size, rec, nil
}

// padded says whether a length field is consistent: its top byte holds the
// padding to the next multiple of eight. It lies within one sector, so no torn
// write breaks it.
func padded(b []byte, length int) bool {
	pad := (8 - length%8) % 8
	want := byte(0)
	if pad > 0 {
		want = 0x80 | byte(pad)
	}
	return b[7] == want
}

func frame(b []byte) (size, length int) {
	l := int64(binary.LittleEndian.Uint64(b))
	if l == 0 {
		return 0, 0
	}
	length, pad := int(uint64(l)&^(uint64(0xff)<<56)), 0
	if l < 0 {
		pad = int(uint64(l) >> 56 & 7)
	}
	return 8 + length + pad, length
}

// repair zeroes a torn tail that begins at off; if it is not one, it returns
// what is wrong with it.
func repair(path string, b []byte, off int, crc uint32, cause error, logger hclog.Logger) error {
	var wrong whole
	if errors.As(cause, &wrong) || !torn(b, off) || complete(b[off:], crc) {
		if cause == nil {
			cause = errors.New("a record's length is missing")
		}
		return cause
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	end := len(b) - len(trailing(b))
	_, err = f.WriteAt(make([]byte, end-off), int64(off))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	logger.Warn("the log ended in an unfinished write, which was never acknowledged; removed it", "file", path, "byte", off, "bytes", end-off)
	return nil
}

// trailing returns the zeros at the end of b.
func trailing(b []byte) []byte { return b[len(bytes.TrimRight(b, "\x00")):] }

func zero(b []byte) bool { return len(trailing(b)) == len(b) }

// torn says whether what begins at off looks like an interrupted write: a
// sector of it is still zero. Where the first length is missing, that must be
// its own sector. A record that claims to end behind the file can only come
// from a write that was about to grow the file at its end.
func torn(b []byte, off int) bool {
	if len(b)-off < 8 {
		return true
	}
	size, length := frame(b[off:])
	first := min(len(b), (off/sector+1)*sector)
	switch {
	case size == 0:
		return zero(b[off:first])
	case size < 0 || size > maxRecord:
		return false
	case off+size > len(b):
		return int64(off+size) > wal.SegmentSizeBytes
	}
	for at, end := off+8, off+8+length; at < end; {
		next := min(end, (at/sector+1)*sector)
		if zero(b[at:next]) {
			return true
		}
		at = next
	}
	return false
}

// lengthTries bounds the search of complete, in bytes.
const lengthTries = 4 << 10

// complete says whether b begins with a whole record whose length field alone
// is wrong: some other length makes it check. Then it was written to its end,
// and is no torn one.
func complete(b []byte, crc uint32) bool {
	good := func(length int) bool {
		if length <= 0 || length > len(b)-8 {
			return false
		}
		rec := &walpb.Record{}
		if err := proto.Unmarshal(b[8:8+length], rec); err != nil || rec.Type == nil || rec.Crc == nil {
			return false
		}
		return rec.GetType() == wal.CrcType || crc32.Update(crc, castagnoli, rec.GetData()) == rec.GetCrc()
	}
	if len(b) < 8 {
		return false
	}
	_, length := frame(b)
	for bit := range 56 {
		if good(length ^ 1<<bit) {
			return true
		}
	}
	for length := 1; length < min(lengthTries, len(b)-8); length++ {
		if good(length) {
			return true
		}
	}
	return false
}
