package storage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// Segments of 64 KiB: the tests copy them many times.
func TestMain(m *testing.M) {
	setSegmentSize()
	wal.SegmentSizeBytes = 64 << 10
	os.Exit(m.Run())
}

func snapshot(index, term uint64, data string) *raftpb.Snapshot {
	return &raftpb.Snapshot{Data: []byte(data), Metadata: &raftpb.SnapshotMetadata{
		Index: new(index), Term: new(term), ConfState: &raftpb.ConfState{Voters: []uint64{1}},
	}}
}

func state(term, commit uint64) *raftpb.HardState {
	return &raftpb.HardState{Term: new(term), Vote: new(uint64(1)), Commit: new(commit)}
}

func entry(index, term uint64, data string) *raftpb.Entry {
	return &raftpb.Entry{Index: new(index), Term: new(term), Data: []byte(data), Type: raftpb.EntryNormal.Enum()}
}

// folder returns a folder in memory where there is such a thing: the tests
// write thousands of times, and what fsync does is not what they ask.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "holdfast")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// fill makes a log of n entries behind a first snapshot, each committed, and
// returns its folder.
func fill(t *testing.T, n int) string {
	t.Helper()
	dir := folder(t)
	if err := Create(dir, snapshot(1, 1, "first")); err != nil {
		t.Fatal(err)
	}
	l, _ := mustOpen(t, dir)
	for i := uint64(2); i < uint64(n)+2; i++ {
		write(t, l, core.Write{Entries: []*raftpb.Entry{entry(i, 1, fmt.Sprintf("entry %d", i))}, HardState: state(1, i)})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mustOpen(t *testing.T, dir string) (*Log, core.Stored) {
	t.Helper()
	l, s, err := Open(dir, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, s
}

func write(t *testing.T, l *Log, w core.Write) {
	t.Helper()
	if err := l.Write(w); err != nil {
		t.Fatal(err)
	}
}

// used returns the one log file and where its records end.
func used(t *testing.T, dir string) (file string, content []byte, end int) {
	t.Helper()
	files, err := segments(logDir(dir))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	b, err := os.ReadFile(files[0].path)
	if err != nil {
		t.Fatal(err)
	}
	crc := uint32(0)
	end, err = scan(b, &crc, &meaning{})
	if err != nil {
		t.Fatal(err)
	}
	return files[0].path, b, end
}

func refused(t *testing.T, dir, file string) {
	t.Helper()
	l, s, err := Open(dir, hclog.NewNullLogger())
	if err == nil {
		l.Close()
		t.Fatalf("opened with %d entries, commit %d", len(s.Entries), s.HardState.GetCommit())
	}
	for _, word := range []string{file, "join it again"} {
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), word) {
			t.Fatalf("the error does not say %q: %v", word, err)
		}
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	dir := fill(t, 10)
	l, s := mustOpen(t, dir)
	if len(s.Entries) != 10 || s.HardState.GetCommit() != 11 || string(s.Snapshot.GetData()) != "first" {
		t.Errorf("%d entries, commit %d, snapshot %q", len(s.Entries), s.HardState.GetCommit(), s.Snapshot.GetData())
	}
	// A new leader overwrites the end.
	write(t, l, core.Write{Entries: []*raftpb.Entry{entry(12, 1, "old"), entry(13, 1, "old")}})
	write(t, l, core.Write{Entries: []*raftpb.Entry{entry(12, 2, "new")}, HardState: state(2, 12)})
	l.Close()
	_, s = mustOpen(t, dir)
	if n := len(s.Entries); n != 11 || string(s.Entries[10].GetData()) != "new" {
		t.Errorf("%d entries, the last %q", n, s.Entries[n-1].GetData())
	}
}

func TestCreateAndOpenRefuse(t *testing.T) {
	dir := fill(t, 1)
	if err := Create(dir, nil); err == nil {
		t.Error("created a log over another one")
	}
	l, _ := mustOpen(t, dir)
	if _, _, err := Open(dir, hclog.NewNullLogger()); err == nil || !strings.Contains(err.Error(), "another daemon") {
		t.Errorf("opened twice: %v", err)
	}
	l.Close()
	if _, _, err := Open(t.TempDir(), hclog.NewNullLogger()); err == nil || !strings.Contains(err.Error(), "crm cluster") {
		t.Errorf("opened an empty folder: %v", err)
	}
}

// A file that was cut anywhere is refused: no crash shortens a preallocated
// file, and nothing would tell how much was lost.
func TestCutAnywhereIsRefused(t *testing.T) {
	dir := fill(t, 4)
	file, b, end := used(t, dir)
	for cut := 0; cut <= end+1; cut++ {
		if err := os.WriteFile(file, b[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, file)
	}
}

// A last write whose sectors did not all reach the disk is removed, with a log
// line; everything acknowledged before it is there, and the log goes on.
func TestTornTailIsRepaired(t *testing.T) {
	dir := fill(t, 3)
	file, b, end := used(t, dir)
	l, _ := mustOpen(t, dir)
	write(t, l, core.Write{Entries: []*raftpb.Entry{entry(5, 1, strings.Repeat("x", 3000)), entry(6, 1, "y")}, HardState: state(1, 5)})
	l.Close()
	_, after, newEnd := used(t, dir)
	sectors := func(lost func(int) bool) []byte {
		torn := bytes.Clone(after)
		for i, from := 0, end; from < newEnd; i++ {
			to := min(newEnd, (from/sector+1)*sector)
			if lost(i) {
				copy(torn[from:to], b[from:to])
			}
			from = to
		}
		return torn
	}
	for mask := 1; mask < 1<<7; mask++ {
		if err := os.WriteFile(file, sectors(func(i int) bool { return mask&(1<<i) != 0 }), 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		l, s, err := Open(dir, hclog.New(&hclog.LoggerOptions{Output: &log}))
		if err != nil {
			t.Fatalf("sectors %07b lost: %v", mask, err)
		}
		if s.HardState.GetCommit() != 4 || len(s.Entries) < 3 {
			t.Fatalf("sectors %07b lost: %d entries, commit %d", mask, len(s.Entries), s.HardState.GetCommit())
		}
		if log.Len() == 0 && !zero(sectors(func(i int) bool { return mask&(1<<i) != 0 })[end:]) && len(s.Entries) == 3 {
			t.Fatalf("sectors %07b lost: repaired without a word", mask)
		}
		write(t, l, core.Write{Entries: []*raftpb.Entry{entry(5, 2, "again")}, HardState: state(2, 5)})
		l.Close()
		l, s = mustOpen(t, dir)
		if got := string(s.Entries[3].GetData()); got != "again" {
			t.Fatalf("sectors %07b lost: then wrote, but read %q", mask, got)
		}
		l.Close()
	}
}

// Any flipped bit in what was acknowledged is noticed.
func TestFlippedBitIsRefused(t *testing.T) {
	dir := fill(t, 3)
	file, b, end := used(t, dir)
	for at := range end {
		for bit := range 8 {
			flipped := bytes.Clone(b)
			flipped[at] ^= 1 << bit
			if err := os.WriteFile(file, flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			if audit(logDir(dir), hclog.NewNullLogger()) != nil {
				continue
			}
			l, s, err := Open(dir, hclog.NewNullLogger())
			if errors.Is(err, ErrDamaged) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			// Padding bytes carry nothing; all else must be as it was.
			if len(s.Entries) != 3 || s.HardState.GetCommit() != 4 || string(s.Entries[2].GetData()) != "entry 4" {
				t.Fatalf("byte %d bit %d: opened with %d entries, commit %d", at, bit, len(s.Entries), s.HardState.GetCommit())
			}
		}
	}
}

func TestSnapshotsReplaceTheLog(t *testing.T) {
	dir := fill(t, 0)
	l, _ := mustOpen(t, dir)
	for i := uint64(2); i < 3000; i++ {
		write(t, l, core.Write{Entries: []*raftpb.Entry{entry(i, 1, strings.Repeat("z", 200))}, HardState: state(1, i)})
		if i%500 == 0 {
			write(t, l, core.Write{Snapshot: snapshot(i, 1, fmt.Sprint("at ", i))})
		}
	}
	l.Close()
	snaps, _ := listSnapshots(dir)
	files, _ := segments(logDir(dir))
	if fmt.Sprint(snaps) != "[2000 2500]" || len(files) > 6 {
		t.Errorf("snapshots %v and %d log files are left", snaps, len(files))
	}
	l, s := mustOpen(t, dir)
	if string(s.Snapshot.GetData()) != "at 2500" || len(s.Entries) != 499 {
		t.Errorf("snapshot %q and %d entries", s.Snapshot.GetData(), len(s.Entries))
	}
	l.Close()

	// The newest is damaged: the one before and the log reach as far.
	damage(t, snapName(dir, 2500))
	l, s = mustOpen(t, dir)
	if string(s.Snapshot.GetData()) != "at 2000" || len(s.Entries) != 999 || s.HardState.GetCommit() != 2999 {
		t.Errorf("snapshot %q, %d entries, commit %d", s.Snapshot.GetData(), len(s.Entries), s.HardState.GetCommit())
	}
	// It goes on from there, with snapshots older than the damaged one, too.
	write(t, l, core.Write{Snapshot: snapshot(2100, 1, "at 2100")})
	l.Close()
	l, s = mustOpen(t, dir)
	if string(s.Snapshot.GetData()) != "at 2100" || len(s.Entries) != 899 {
		t.Errorf("snapshot %q, %d entries", s.Snapshot.GetData(), len(s.Entries))
	}
	if err := l.Write(core.Write{Snapshot: snapshot(2000, 1, "back")}); err == nil {
		t.Error("an older snapshot was written over a newer one")
	}
	l.Close()
	damage(t, snapName(dir, 2100))
	damage(t, snapName(dir, 2000))
	refused(t, dir, snapDir(dir))
}

// A snapshot from the leader leaves a gap in the log: the one before it is no
// way back.
func TestDamagedInstalledSnapshotIsRefused(t *testing.T) {
	dir := fill(t, 5)
	l, _ := mustOpen(t, dir)
	write(t, l, core.Write{Snapshot: snapshot(100, 3, "from the leader"), Install: true, HardState: state(3, 100)})
	write(t, l, core.Write{Entries: []*raftpb.Entry{entry(101, 3, "next")}, HardState: state(3, 101)})
	l.Close()
	l, s := mustOpen(t, dir)
	if string(s.Snapshot.GetData()) != "from the leader" || len(s.Entries) != 1 {
		t.Errorf("snapshot %q, %d entries", s.Snapshot.GetData(), len(s.Entries))
	}
	l.Close()
	damage(t, snapName(dir, 100))
	refused(t, dir, logDir(dir))
	os.Remove(snapName(dir, 100))
	refused(t, dir, logDir(dir))
}

// Entries that a leader's snapshot replaced do not come back.
func TestStaleTailStaysAway(t *testing.T) {
	dir := fill(t, 5)
	l, _ := mustOpen(t, dir)
	write(t, l, core.Write{Snapshot: snapshot(4, 2, "shorter, but newer"), Install: true, HardState: state(2, 6)})
	l.Close()
	if _, _, err := Open(dir, hclog.NewNullLogger()); err == nil {
		t.Error("commit 6 is beyond the snapshot, and the entries behind it are stale")
	}
}

func damage(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestMissingSegmentIsRefused(t *testing.T) {
	dir := fill(t, 1)
	l, _ := mustOpen(t, dir)
	for i := uint64(3); i < 1000; i++ {
		write(t, l, core.Write{Entries: []*raftpb.Entry{entry(i, 1, strings.Repeat("z", 200))}, HardState: state(1, i)})
	}
	l.Close()
	files, _ := segments(logDir(dir))
	os.Remove(files[1].path)
	refused(t, dir, files[2].path)
}

// A full disk is an error that stays.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=400k"); err != nil {
		t.Skipf("left out: needs root (mount: %v)", err)
	}
	defer syscall.Unmount(dir, 0)
	if err := Create(dir, snapshot(1, 1, "first")); err != nil {
		t.Fatal(err)
	}
	l, _ := mustOpen(t, dir)
	defer l.Close()
	durable := uint64(1)
	var err error
	for i := uint64(2); i < 10000 && err == nil; i++ {
		if err = l.Write(core.Write{Entries: []*raftpb.Entry{entry(i, 1, strings.Repeat("z", 1000))}, HardState: state(1, i)}); err == nil {
			durable = i
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the full disk says %v", err)
	}
	if again := l.Write(core.Write{HardState: state(1, durable)}); again == nil || again.Error() != err.Error() {
		t.Errorf("after a failed write: %v", again)
	}
	l.Close()
	l, s := mustOpen(t, dir)
	l.Close()
	if last := s.Entries[len(s.Entries)-1].GetIndex(); last < durable {
		t.Errorf("%d was acknowledged, %d is left", durable, last)
	}
}
