package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/daemon"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

// The test binary is the daemon as well: started with this variable set, it runs
// one in that folder. So these tests kill real processes with real files.
const beDaemon = "HOLDFAST_TEST_DAEMON"

func TestMain(m *testing.M) {
	if dir := os.Getenv(beDaemon); dir != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		cfg := config(dir)
		cfg.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: os.Stderr})
		if err := daemon.Run(ctx, cfg, func() {}); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func config(dir string) daemon.Config {
	c := daemon.DefaultConfig()
	c.StateDir, c.RunDir = filepath.Join(dir, "state"), filepath.Join(dir, "run")
	c.DrainLimit = 10 * time.Second
	return c
}

// node is one daemon process.
type node struct {
	t      *testing.T
	name   string
	dir    string
	cmd    *exec.Cmd
	client *api.Client
}

// freeAddress is a loopback address that nobody listens on, TCP and UDP.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func newNode(t *testing.T, name string) *node {
	t.Helper()
	dir, err := os.MkdirTemp("", "holdfast-test-") // short: a socket's path has a limit
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, name: name, dir: dir}
	n.client = api.NewClient(config(dir).SocketPath())
	t.Cleanup(func() {
		n.client.Close()
		n.kill()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			if len(log) > 6000 {
				log = log[len(log)-6000:]
			}
			t.Logf("--- %s\n%s", name, log)
		}
		_ = os.RemoveAll(dir)
	})
	return n
}

func (n *node) place() daemon.Place {
	return daemon.Place{StateDir: config(n.dir).StateDir, Node: n.name, Addresses: []string{freeAddress(n.t)}, Version: "test"}
}

func (n *node) start() {
	n.t.Helper()
	log, err := os.OpenFile(filepath.Join(n.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		n.t.Fatal(err)
	}
	defer log.Close()
	n.cmd = exec.Command(os.Args[0])
	n.cmd.Env = append(os.Environ(), beDaemon+"="+n.dir)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) kill() {
	if n.cmd != nil && n.cmd.ProcessState == nil {
		_ = n.cmd.Process.Kill()
		_ = n.cmd.Wait()
	}
}

// exit waits for the daemon to end by itself and returns what it printed.
func (n *node) exit() string {
	n.t.Helper()
	done := make(chan error, 1)
	go func() { done <- n.cmd.Wait() }()
	select {
	case err := <-done:
		if err == nil {
			n.t.Fatalf("%s ended without an error", n.name)
		}
	case <-time.After(20 * time.Second):
		n.t.Fatalf("%s does not end", n.name)
	}
	log, err := os.ReadFile(filepath.Join(n.dir, "log"))
	if err != nil {
		n.t.Fatal(err)
	}
	return string(log)
}

// until asks until ok says yes.
func (n *node) until(what string, ok func(*api.Status) bool) *api.Status {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 30*time.Second)
	defer cancel()
	var last *api.Status
	var lastErr error
	for ctx.Err() == nil {
		st, err := n.client.Status(ctx)
		if err == nil && ok(st) {
			return st
		}
		if err == nil {
			last = st
		} else {
			lastErr = err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	n.t.Fatalf("%s: not %s within 30 s (last error %v, last status %+v)", n.name, what, lastErr, last)
	return nil
}

// form makes a running cluster of three.
func form(t *testing.T) []*node {
	t.Helper()
	nodes := []*node{newNode(t, "n1"), newNode(t, "n2"), newNode(t, "n3")}
	if err := daemon.InitCluster(nodes[0].place(), "test", time.Now()); err != nil {
		t.Fatal(err)
	}
	nodes[0].start()
	nodes[0].until("a leader", func(s *api.Status) bool { return s.Cluster.Quorum })
	for _, n := range nodes[1:] {
		token, err := nodes[0].client.Token(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := identity.ParseToken(token.Token)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := daemon.JoinCluster(t.Context(), n.place(), parsed); err != nil {
			t.Fatal(err)
		}
		n.start()
	}
	for _, n := range nodes {
		n.until("three voters up", allUp)
	}
	return nodes
}

func allUp(s *api.Status) bool {
	up := 0
	for _, m := range s.Cluster.Members {
		if m.State == "up" && m.Voter {
			up++
		}
	}
	return up == 3 && s.Cluster.Quorum
}

// commit brings a document with a number to the cluster.
func (n *node) commit(ctx context.Context, base int64, number int) (*api.Change, error) {
	return n.client.Commit(ctx, api.Candidate{
		Base: base, Comment: fmt.Sprintf("number %d", number),
		Documents: []state.Document{{Name: "test.hcl", Text: fmt.Sprintf("# number %d\noptions {\n  fencing-enabled = false\n}\n", number)}},
	})
}

// TestNothingAcknowledgedIsLost kills all daemons at random moments while
// commits run. After each restart the last acknowledged one is there.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	nodes := form(t)
	total, every := 120, 30
	if os.Getenv("HOLDFAST_ACCEPTANCE") == "full" {
		total, every = 500, 25
	}
	acknowledged := int64(0)
	numbers := map[int64]int{} // version -> number
	for done := 0; done < total; {
		n := nodes[done%3]
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		change, err := n.commit(ctx, acknowledged, done)
		cancel()
		if err != nil {
			// Not acknowledged: it may be there or not. Ask what is in force and go on from that.
			st := n.until("a majority", func(s *api.Status) bool { return s.Cluster.Quorum })
			if st.Config.Version < acknowledged || st.Config.Version > acknowledged+1 {
				t.Fatalf("after %v: version %d is in force, and %d was acknowledged", err, st.Config.Version, acknowledged)
			}
			if st.Config.Version > acknowledged {
				acknowledged = st.Config.Version
			}
			done++
			continue
		}
		acknowledged, numbers[change.Version] = change.Version, done
		done++
		if done%every != 0 {
			continue
		}
		kill(t, nodes, acknowledged)
		for _, n := range nodes {
			st := n.until("up again with a majority", func(s *api.Status) bool { return allUp(s) && s.Config.Version >= acknowledged })
			if want, ok := numbers[st.Config.Version]; ok && st.Config.Comment != fmt.Sprintf("number %d", want) {
				t.Fatalf("%s: version %d is %q, and number %d was acknowledged", n.name, st.Config.Version, st.Config.Comment, want)
			}
		}
	}
	t.Logf("%d commits, %d acknowledged versions, all daemons killed %d times", total, acknowledged, total/every)
}

// kill ends all daemons at once, while one more commit is on its way, and starts
// them again.
func kill(t *testing.T, nodes []*node, base int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = nodes[0].commit(ctx, base, -1) // nobody waits for an acknowledgement
	}()
	for _, n := range nodes {
		n.kill()
	}
	cancel()
	<-gone
	for _, n := range nodes {
		n.start()
	}
}

func TestAJoinIsRefusedWithAReason(t *testing.T) {
	first := newNode(t, "n1")
	if err := daemon.InitCluster(first.place(), "test", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := daemon.InitCluster(first.place(), "test", time.Now()); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second init: %v", err)
	}
	first.start()
	first.until("a leader", func(s *api.Status) bool { return s.Cluster.Quorum })
	token := func(ttl time.Duration) identity.Token {
		t.Helper()
		tok, err := first.client.Token(t.Context(), ttl)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := identity.ParseToken(tok.Token)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	refused := func(what string, tok identity.Token, code identity.RefusalCode, name string) {
		t.Helper()
		_, err := daemon.JoinCluster(t.Context(), newNode(t, name).place(), tok)
		var r *identity.Refusal
		if !errors.As(err, &r) || r.Code != code {
			t.Errorf("%s: got %v, want a refusal %s", what, err, code)
		}
	}
	used := token(time.Minute)
	second := newNode(t, "n2")
	if _, err := daemon.JoinCluster(t.Context(), second.place(), used); err != nil {
		t.Fatal(err)
	}
	refused("used token", used, identity.TokenUsed, "n3")
	expired := token(time.Second)
	<-time.After(1100 * time.Millisecond) // the token's own life is what is tested
	refused("expired token", expired, identity.TokenExpired, "n3")
	refused("name taken", token(time.Minute), identity.NameTaken, "n2")

	other := newNode(t, "x1")
	if err := daemon.InitCluster(other.place(), "other", time.Now()); err != nil {
		t.Fatal(err)
	}
	foreign, err := identity.Load(config(other.dir).StateDir)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := foreign.NewToken([]string{first.address()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := daemon.JoinCluster(t.Context(), newNode(t, "n4").place(), forged); err == nil {
		t.Error("a token of another cluster was accepted")
	}
}

func (n *node) address() string {
	st := n.until("an answer", func(*api.Status) bool { return true })
	for _, m := range st.Cluster.Members {
		if m.Name == n.name {
			return m.Addresses[0]
		}
	}
	n.t.Fatalf("%s is no member of its own cluster", n.name)
	return ""
}

// TestDamagedFilesAreRefused: a daemon does not start on a log that it can not
// trust, and says which file and what to do.
func TestDamagedFilesAreRefused(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string){
		"corrupted snapshot": func(t *testing.T, dir string) { overwrite(t, oneFile(t, dir, "snapshots/*"), 0.5) },
		"corrupted log":      func(t *testing.T, dir string) { overwrite(t, oneFile(t, dir, "log/*.wal"), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, "n1")
			if err := daemon.InitCluster(n.place(), "test", time.Now()); err != nil {
				t.Fatal(err)
			}
			n.start()
			n.until("a leader", func(s *api.Status) bool { return s.Cluster.Quorum })
			n.kill()
			damage(t, filepath.Join(config(n.dir).StateDir, "membership"))
			n.start()
			if log := n.exit(); !strings.Contains(log, "error:") || !strings.Contains(log, n.dir) {
				t.Errorf("the error does not name the file:\n%s", log)
			}
		})
	}
}

func oneFile(t *testing.T, dir, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file %s in %s (%v)", pattern, dir, err)
	}
	return files[0]
}

// overwrite spoils a few bytes at a part of a file's written length.
func overwrite(t *testing.T, file string, part float64) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := int(float64(len(b)) * part)
	for i := at; i < min(at+16, len(b)); i++ {
		b[i] ^= 0x5a
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAFullDiskAcknowledgesNothing fills the disk under a daemon.
func TestAFullDiskAcknowledgesNothing(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("left out: needs root (a small file system of its own)")
	}
	n := newNode(t, "n1")
	st := config(n.dir).StateDir
	if err := os.MkdirAll(st, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", st, "tmpfs", 0, "size=96m"); err != nil {
		t.Skipf("left out: no tmpfs here (%v)", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(st, syscall.MNT_DETACH) })
	if err := daemon.InitCluster(n.place(), "test", time.Now()); err != nil {
		t.Fatal(err)
	}
	n.start()
	n.until("a leader", func(s *api.Status) bool { return s.Cluster.Quorum })
	if _, err := n.commit(t.Context(), 0, 1); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(st, "filler")
	fill(t, filler)
	acknowledged := int64(1)
	for i := 2; i < 200; i++ {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		change, err := n.client.Commit(ctx, api.Candidate{
			Base:      acknowledged,
			Documents: []state.Document{{Name: "test.hcl", Text: "# " + strings.Repeat("x", 200_000) + "\noptions {\n  fencing-enabled = false\n}\n"}},
		})
		cancel()
		if err != nil {
			break
		}
		acknowledged = change.Version
		if i == 199 {
			t.Fatal("the disk did not fill")
		}
	}
	log := n.exit()
	if !strings.Contains(log, "no space left") {
		t.Errorf("the error does not say that the disk is full:\n%.2000s", log)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	n.start()
	got := n.until("up again", func(s *api.Status) bool { return s.Cluster.Quorum && s.Config.Version >= acknowledged })
	if got.Config.Version > acknowledged+1 {
		t.Errorf("version %d is in force, %d was acknowledged", got.Config.Version, acknowledged)
	}
}

func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); ; {
		if _, err := f.Write(block); err != nil {
			return // full
		}
	}
}
