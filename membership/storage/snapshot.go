package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
	"go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
)

// A snapshot file is this magic, the CRC-32C of the rest, and the rest: a
// raftpb.Snapshot.
var snapMagic = []byte("HFSNAP1\n")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func snapName(dir string, index uint64) string {
	return filepath.Join(snapDir(dir), fmt.Sprintf("%016x.snap", index))
}

// writeSnapshot makes a snapshot file durable: content, name and all.
func writeSnapshot(dir string, s *raftpb.Snapshot) error {
	body, err := proto.Marshal(s)
	if err != nil {
		return fmt.Errorf("snapshot %d: %w", s.GetMetadata().GetIndex(), err)
	}
	b := binary.LittleEndian.AppendUint32(bytes.Clone(snapMagic), crc32.Checksum(body, castagnoli))
	name := snapName(dir, s.GetMetadata().GetIndex())
	if err := renameio.WriteFile(name, append(b, body...), 0o600, renameio.WithTempDir(snapDir(dir))); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return SyncDir(snapDir(dir))
}

// SyncDir makes the names in a folder durable.
func SyncDir(dir string) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	err = unix.Fsync(fd)
	if cerr := unix.Close(fd); err == nil {
		err = cerr
	}
	if err != nil {
		return &fs.PathError{Op: "fsync", Path: dir, Err: err}
	}
	return nil
}

func readSnapshot(dir string, index, term uint64) (*raftpb.Snapshot, error) {
	name := snapName(dir, index)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, damaged(name, errors.New("the log rests on this snapshot, but the file is missing"))
	}
	if err != nil {
		return nil, err
	}
	body, ok := bytes.CutPrefix(b, snapMagic)
	if !ok || len(body) < 4 {
		return nil, damaged(name, errors.New("not a snapshot, or cut short"))
	}
	if binary.LittleEndian.Uint32(body) != crc32.Checksum(body[4:], castagnoli) {
		return nil, damaged(name, errors.New("checksum mismatch"))
	}
	s := &raftpb.Snapshot{}
	if err := proto.Unmarshal(body[4:], s); err != nil {
		return nil, damaged(name, err)
	}
	if m := s.GetMetadata(); m.GetIndex() != index || m.GetTerm() != term {
		return nil, damaged(name, fmt.Errorf("holds index %d term %d instead of %d and %d", m.GetIndex(), m.GetTerm(), index, term))
	}
	return s, nil
}

// listSnapshots returns the indices of all snapshot files, oldest first.
func listSnapshots(dir string) ([]uint64, error) {
	names, err := filepath.Glob(filepath.Join(snapDir(dir), "*.snap"))
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, n := range names {
		var i uint64
		if _, err := fmt.Sscanf(filepath.Base(n), "%016x.snap", &i); err == nil {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out, nil
}

// setAside renames snapshots newer than the one that the start used: they are
// damaged, or a crash came before the log could mention them. It returns the
// others.
func (l *Log) setAside(used uint64) ([]uint64, error) {
	all, err := listSnapshots(l.dir)
	if err != nil {
		return nil, err
	}
	n := len(all)
	for ; n > 0 && all[n-1] > used; n-- {
		name := snapName(l.dir, all[n-1])
		if err := os.Rename(name, name+".unused"); err != nil {
			return nil, err
		}
	}
	return all[:n], nil
}

// purge removes what a new durable snapshot makes superfluous: snapshots
// before the previous one, and log files that end before that.
func (l *Log) purge(index uint64) error {
	if !slices.Contains(l.snaps, index) {
		l.snaps = append(l.snaps, index)
		slices.Sort(l.snaps)
	}
	for len(l.snaps) > 2 {
		if err := os.Remove(snapName(l.dir, l.snaps[0])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		l.snaps = l.snaps[1:]
	}
	if len(l.snaps) < 2 {
		return nil
	}
	oldest := l.snaps[0]
	if err := l.wal.ReleaseLockTo(oldest); err != nil {
		return err
	}
	files, err := segments(logDir(l.dir))
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(files) && files[i+1].index < oldest; i++ {
		if err := os.Remove(files[i].path); err != nil {
			return err
		}
	}
	return SyncDir(logDir(l.dir))
}
