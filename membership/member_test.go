package membership_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/membership"
	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/memnet"
)

// ledger is the smallest application: it remembers what was applied.
type ledger struct {
	mu    sync.Mutex
	lines []string
}

func (l *ledger) Apply(e core.Entry) any {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(e.Data))
	return len(l.lines)
}

func (l *ledger) Snapshot() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b []byte
	for _, s := range l.lines {
		b = append(append(b, s...), '\n')
	}
	return b, nil
}

func (l *ledger) Restore(b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = nil
	start := 0
	for i, c := range b {
		if c == '\n' {
			l.lines = append(l.lines, string(b[start:i]))
			start = i + 1
		}
	}
	return nil
}

func (l *ledger) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

func peer(name string, n byte) core.Peer {
	key, cert := make([]byte, 32), make([]byte, 32)
	key[0], cert[0] = n, n
	return core.Peer{Name: name, Addresses: []string{name + ":1", name + ":2"}, Key: key, Cert: cert}
}

// host is one machine: its folders survive restarts of the daemon.
type host struct {
	t       testing.TB
	net     *memnet.Network
	dir     string
	runDir  string
	app     *ledger
	member  *membership.Member
	snapped uint64 // SnapshotEntries, 0 for the default
}

func newHost(t testing.TB, net *memnet.Network) *host {
	d := t.TempDir()
	return &host{t: t, net: net, dir: filepath.Join(d, "lib"), runDir: filepath.Join(d, "run")}
}

func (h *host) start() *membership.Member {
	h.t.Helper()
	cfg := membership.DefaultConfig()
	h.app = &ledger{}
	cfg.Dir, cfg.RunDir, cfg.App, cfg.Transport = h.dir, h.runDir, h.app, h.net.Transport()
	cfg.FailureTimeout = time.Second
	if h.snapped != 0 {
		cfg.Timing.SnapshotEntries, cfg.Timing.KeepEntries = h.snapped, 1
	}
	m, err := membership.Open(h.t.Context(), cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.member = m
	h.t.Cleanup(func() { m.Close() })
	return m
}

// grow starts a cluster of n members on one network.
func grow(t testing.TB, net *memnet.Network, n int) []*host {
	t.Helper()
	first := newHost(t, net)
	if err := membership.Bootstrap(first.dir, membership.Init{ClusterName: "test", Self: peer("a", 1)}); err != nil {
		t.Fatal(err)
	}
	m := first.start()
	hosts := []*host{first}
	for i := 1; i < n; i++ {
		h := newHost(t, net)
		h.join(m, peer(string(rune('a'+i)), byte(i+1)))
		hosts = append(hosts, h)
		until(t, m, fmt.Sprintf("%d voters", i+1), func(v core.View) bool { return voters(v) == i+1 })
	}
	return hosts
}

func (h *host) join(m *membership.Member, p core.Peer) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Second)
	defer cancel()
	token, hash := fmt.Sprintf("for %s %x", p.Name, p.Cert), tokenHash(p.Name)
	if err := m.AddToken(ctx, token, hash, time.Hour); err != nil {
		h.t.Fatal(err)
	}
	answer, err := m.Admit(ctx, membership.JoinRequest{Token: token, Hash: hash, Peer: p})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := membership.Prepare(h.dir, answer); err != nil {
		h.t.Fatal(err)
	}
	h.start()
}

// tokenHash is what the cluster remembers of a token with this secret.
func tokenHash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func voters(v core.View) int {
	n := 0
	for _, m := range v.Members {
		if m.Voter {
			n++
		}
	}
	return n
}

// until waits for a view that fits.
func until(t testing.TB, m *membership.Member, what string, fits func(core.View) bool) core.View {
	t.Helper()
	views, cancel := m.Watch()
	defer cancel()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case v, ok := <-views:
			if !ok {
				t.Fatalf("waiting for %s: the member stopped: %v", what, m.Err())
			}
			if fits(v) {
				return v
			}
		case <-timeout:
			t.Fatalf("waiting for %s: still\n%v", what, m.View())
		}
	}
}

func TestThreeMembersAgree(t *testing.T) {
	net := memnet.New(nil)
	hosts := grow(t, net, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for i, h := range hosts {
		out, err := h.member.Propose(ctx, fmt.Appendf(nil, "line %d", i))
		if err != nil {
			t.Fatal(err)
		}
		if out.Value != i+1 {
			t.Errorf("proposal %d: applied as line %v", i, out.Value)
		}
	}
	for _, h := range hosts {
		if err := h.member.Barrier(ctx); err != nil {
			t.Fatal(err)
		}
		if got := h.app.all(); len(got) != 3 {
			t.Errorf("%s has %q", h.member.View().SelfName, got)
		}
	}
}
