package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// ErrDamaged marks every refusal to open because of what the disk holds.
var ErrDamaged = errors.New("stored cluster log is damaged")

// rejoin is the way out of all damage.
const rejoin = "move this directory away, remove this node from the cluster on another node (`crm node remove`) and join it again"

// Log is an open log with its snapshots. One goroutine may use it at a time.
type Log struct {
	dir    string
	wal    *wal.WAL
	logger hclog.Logger
	failed error
	state  *raftpb.HardState // the last one written, marked
	snaps  []uint64          // indices of the snapshots on disk, oldest first
}

func logDir(dir string) string  { return filepath.Join(dir, "log") }
func snapDir(dir string) string { return filepath.Join(dir, "snapshots") }

// segmentBytes is the size of a log segment. etcd's 64 MB, of which two are
// always allocated, are much for a log that snapshots keep short, above all
// where several members share a machine or the folder lies in memory.
const segmentBytes = 16 << 20

var sizeOnce sync.Once

// setSegmentSize sets what the wal package keeps in a variable, once, because
// several members may run in one process.
func setSegmentSize() { sizeOnce.Do(func() { wal.SegmentSizeBytes = segmentBytes }) }

// Exists says whether dir holds a log.
func Exists(dir string) bool { return wal.Exist(logDir(dir)) }

// Create makes a new log in dir, which must hold none. first, if not nil, is
// the snapshot with which the cluster begins; a member that joins has none.
func Create(dir string, first *raftpb.Snapshot) error {
	setSegmentSize()
	if Exists(dir) {
		return fmt.Errorf("create log in %s: there is one already", dir)
	}
	if err := os.MkdirAll(snapDir(dir), 0o700); err != nil {
		return fmt.Errorf("create log: %w", err)
	}
	w, err := wal.Create(zap.NewNop(), logDir(dir), metadata)
	if err != nil {
		return fmt.Errorf("create log in %s: %w", dir, err)
	}
	l := &Log{dir: dir, wal: w, logger: hclog.NewNullLogger(), state: &raftpb.HardState{}}
	if first != nil {
		m := first.GetMetadata()
		hs := &raftpb.HardState{Term: new(m.GetTerm()), Vote: new(uint64(0)), Commit: new(m.GetIndex())}
		err = l.Write(core.Write{Snapshot: first, HardState: hs, Install: true})
	}
	if err := errors.Join(err, l.Close()); err != nil {
		return fmt.Errorf("create log in %s: %w", dir, err)
	}
	return nil
}

// Open opens the log in dir and returns what it holds.
func Open(dir string, logger hclog.Logger) (*Log, core.Stored, error) {
	setSegmentSize()
	l := &Log{dir: dir, logger: logger}
	stored, err := l.open()
	if err != nil {
		if l.wal != nil {
			_ = l.wal.Close() // the first error is the one that matters
		}
		return nil, core.Stored{}, fmt.Errorf("open log in %s: %w", dir, err)
	}
	return l, stored, nil
}

func (l *Log) open() (core.Stored, error) {
	if !Exists(l.dir) {
		return core.Stored{}, errors.New("there is none; run `crm cluster init` or `crm cluster join` first")
	}
	if err := audit(logDir(l.dir), l.logger); err != nil {
		return core.Stored{}, err
	}
	marks, err := wal.ValidSnapshotEntries(zap.NewNop(), logDir(l.dir))
	if err != nil {
		return core.Stored{}, damaged(logDir(l.dir), err)
	}
	snap, err := l.newestSnapshot(marks)
	if err != nil {
		return core.Stored{}, err
	}
	return l.read(snap)
}

// newestSnapshot returns the snapshot to start from, nil for none: the newest
// that the log mentions, or an older one if that is damaged. Whether the log
// reaches back to an older one shows when it is read.
func (l *Log) newestSnapshot(marks []*walpb.Snapshot) (*raftpb.Snapshot, error) {
	var firstErr error
	for _, m := range slices.Backward(marks) {
		if m.GetIndex() == 0 {
			continue
		}
		s, err := readSnapshot(l.dir, m.GetIndex(), m.GetTerm())
		if err == nil {
			if firstErr != nil {
				l.logger.Warn("the newest snapshot is damaged, starting from the previous one", "error", firstErr, "index", m.GetIndex())
			}
			return s, nil
		}
		if firstErr == nil {
			firstErr = err
		}
	}
	return nil, firstErr
}

func (l *Log) read(snap *raftpb.Snapshot) (core.Stored, error) {
	m := snap.GetMetadata()
	l.state = &raftpb.HardState{}
	w, err := wal.Open(zap.NewNop(), logDir(l.dir), &walpb.Snapshot{Index: new(m.GetIndex()), Term: new(m.GetTerm())})
	if err != nil {
		if strings.Contains(err.Error(), "locked") {
			return core.Stored{}, errors.New("it is in use: another daemon runs on this directory")
		}
		return core.Stored{}, damaged(logDir(l.dir), err)
	}
	l.wal = w
	_, hs, entries, err := w.ReadAll()
	if err != nil {
		return core.Stored{}, damaged(logDir(l.dir), fmt.Errorf("behind snapshot %d: %w", m.GetIndex(), err))
	}
	l.state = hs
	entries = dropStale(entries, m.GetTerm())
	last := m.GetIndex() + uint64(len(entries))
	if hs.GetCommit() > last {
		return core.Stored{}, damaged(logDir(l.dir), fmt.Errorf("entries up to %d were committed, but only those up to %d are left", hs.GetCommit(), last))
	}
	if l.snaps, err = l.setAside(m.GetIndex()); err != nil {
		return core.Stored{}, err
	}
	return core.Stored{Snapshot: snap, HardState: hs, Entries: entries}, nil
}

// dropStale cuts off entries that were in the log when a snapshot from the
// leader replaced it: their term is lower than that of what precedes them,
// which no raft log has otherwise.
func dropStale(entries []*raftpb.Entry, term uint64) []*raftpb.Entry {
	for i, e := range entries {
		if e.GetTerm() < term {
			return entries[:i]
		}
		term = e.GetTerm()
	}
	return entries
}

func damaged(file string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%s: %w; nothing is damaged: make room for one more log file (%d MB) and start again", file, err, segmentBytes>>20)
	}
	return fmt.Errorf("%w: %s: %v; %s", ErrDamaged, file, err, rejoin)
}

// Write makes w durable. After an error every further Write fails with it.
func (l *Log) Write(w core.Write) error {
	if l.failed != nil {
		return l.failed
	}
	if err := l.write(w); err != nil {
		l.failed = fmt.Errorf("log in %s: %w", l.dir, err)
	}
	return l.failed
}

// write keeps an order that survives a crash at any point: the snapshot file,
// its mark in the log, then the entries and state that rest on it, and only
// then the removal of what it replaces.
func (l *Log) write(w core.Write) error {
	if n := len(l.snaps); w.Snapshot != nil && n > 0 && w.Snapshot.GetMetadata().GetIndex() < l.snaps[n-1] {
		return fmt.Errorf("snapshot %d comes after snapshot %d", w.Snapshot.GetMetadata().GetIndex(), l.snaps[n-1])
	}
	if w.Snapshot != nil {
		if err := writeSnapshot(l.dir, w.Snapshot); err != nil {
			return err
		}
		m := w.Snapshot.GetMetadata()
		mark := &walpb.Snapshot{Index: new(m.GetIndex()), Term: new(m.GetTerm()), ConfState: m.GetConfState()}
		if err := l.wal.SaveSnapshot(mark); err != nil {
			return err
		}
	}
	if w.HardState != nil {
		l.state = marked(w.HardState)
	}
	// Every batch ends with a state, so that a new segment never lacks one.
	if err := l.wal.Save(l.state, w.Entries); err != nil {
		return err
	}
	// Save leaves a bare advance of the commit index in the page cache; rule
	// R0 needs it on disk.
	if err := l.wal.Sync(); err != nil {
		return err
	}
	if w.Snapshot != nil {
		return l.purge(w.Snapshot.GetMetadata().GetIndex())
	}
	return nil
}

// Close closes the log. It does not make anything durable that Write has not.
func (l *Log) Close() error {
	if l.wal == nil {
		return nil
	}
	err := l.wal.Close()
	l.wal = nil
	if l.failed != nil {
		return nil // it was reported
	}
	return err
}
