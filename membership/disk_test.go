package membership

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/storage"
)

// sick is a disk that fails or hangs on demand.
type sick struct {
	disk
	fail error
	hang chan struct{} // nil: does not hang
}

func (s *sick) Write(w core.Write) error {
	if s.hang != nil {
		<-s.hang
	}
	if s.fail != nil {
		return s.fail
	}
	return s.disk.Write(w)
}

// silent is a transport to nowhere.
type silent struct{ closed bool }

func (*silent) SetPeers(core.Peer, []core.Peer)   {}
func (*silent) SendDatagram(core.ID, int, []byte) {}
func (*silent) SendMessage(core.ID, []byte)       {}
func (*silent) Start(Handler) error               { return nil }
func (s *silent) Close() error                    { s.closed = true; return nil }

// deaf applies nothing of interest.
type deaf struct{}

func (deaf) Apply(core.Entry) any      { return nil }
func (deaf) Snapshot() ([]byte, error) { return nil, nil }
func (deaf) Restore([]byte) error      { return nil }

func openSick(t *testing.T) (*Member, *sick, *silent) {
	t.Helper()
	cfg := DefaultConfig()
	tr := &silent{}
	cfg.Dir, cfg.RunDir, cfg.Transport, cfg.App = filepath.Join(t.TempDir(), "lib"), t.TempDir(), tr, deaf{}
	self := core.Peer{Name: "a", Addresses: []string{"x:1"}, Key: make([]byte, 32), Cert: make([]byte, 32)}
	if err := Bootstrap(cfg.Dir, Init{ClusterName: "test", Self: self}); err != nil {
		t.Fatal(err)
	}
	id, err := readIdentity(cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	log, stored, err := storage.Open(cfg.Dir, cfg.Logger)
	if err != nil {
		t.Fatal(err)
	}
	s := &sick{disk: log}
	m, err := open(t.Context(), cfg, id, s, stored)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Propose(t.Context(), []byte("works")); err != nil {
		t.Fatal(err)
	}
	return m, s, tr
}

// A failed write is final: the member stops, is silent, and says why; nothing
// is acknowledged.
func TestDiskErrorStopsTheMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s, tr := openSick(t)
		s.fail = errors.New("input/output error")
		_, err := m.Propose(t.Context(), []byte("x"))
		if !errors.Is(err, core.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "input/output error") {
			t.Errorf("propose: %v", err)
		}
		<-m.Done()
		if err := m.Err(); err == nil || !strings.Contains(err.Error(), "repair the disk") || !tr.closed {
			t.Errorf("stopped with %v, transport closed: %v", err, tr.closed)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
}

// While a write hangs the loop goes on: the view shows the age of the write,
// calls end with their contexts, and Close gives up after a while.
func TestHangingDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s, _ := openSick(t)
		s.hang = make(chan struct{})
		done := make(chan error)
		go func() {
			_, err := m.Propose(t.Context(), []byte("x"))
			done <- err
		}()
		<-time.After(1500 * time.Millisecond)
		if age := m.View().DiskAge; age < time.Second || age > 2*time.Second {
			t.Errorf("after 1.5 s the write is %v old", age)
		}
		if err := m.Close(); err == nil || !strings.Contains(err.Error(), "disk has not answered") {
			t.Errorf("close: %v", err)
		}
		if err := <-done; !errors.Is(err, core.ErrOutcomeUnknown) {
			t.Errorf("propose: %v", err)
		}
		close(s.hang)
		<-m.storageD
	})
}
