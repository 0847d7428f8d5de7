package systemd_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/agents/systemd"
	"github.com/holdfast-ha/holdfast/agents/systemd/fake"
)

// tree shows all files below a directory.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if d.IsDir() {
			fmt.Fprintf(&b, "%s/\n", rel)
			return nil
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s:\n", rel)
		for line := range strings.Lines(string(content)) {
			if !strings.HasPrefix(line, "#") {
				b.WriteString("  " + line)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDropIns(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "web.service.d", "10-admin.conf")
	os.MkdirAll(filepath.Dir(foreign), 0o755)
	os.WriteFile(foreign, []byte("[Service]\nNice=5\n"), 0o644)
	step := func(wantChanged bool, want string, units ...string) {
		t.Helper()
		changed, err := systemd.Drops(dir, "holdfast.service", units)
		if err != nil || changed != wantChanged {
			t.Errorf("Drops(%v) = %v, %v; want %v", units, changed, err, wantChanged)
		}
		os.Remove(filepath.Join(dir, "holdfast-reload.pending"))
		if d := cmp.Diff(strings.TrimPrefix(want, "\n"), tree(t, dir)); d != "" {
			t.Errorf("after Drops(%v):\n%s", units, d)
		}
	}
	both := `
app.socket.d/
app.socket.d/50-holdfast.conf:
  [Unit]
  StartLimitIntervalSec=0
holdfast.service.d/
holdfast.service.d/50-holdfast.conf:
  [Unit]
  After=app.socket
  After=web.service
web.service.d/
web.service.d/10-admin.conf:
  [Service]
  Nice=5
web.service.d/50-holdfast.conf:
  [Unit]
  StartLimitIntervalSec=0
  
  [Service]
  Restart=no
`
	step(true, both, "web.service", "app.socket")
	step(false, both, "app.socket", "web.service", "web.service")
	step(true, `
app.socket.d/
app.socket.d/50-holdfast.conf:
  [Unit]
  StartLimitIntervalSec=0
holdfast.service.d/
holdfast.service.d/50-holdfast.conf:
  [Unit]
  After=app.socket
web.service.d/
web.service.d/10-admin.conf:
  [Service]
  Nice=5
`, "app.socket")
	step(true, `
web.service.d/
web.service.d/10-admin.conf:
  [Service]
  Nice=5
`)
	step(false, `
web.service.d/
web.service.d/10-admin.conf:
  [Service]
  Nice=5
`)
}

func TestSyncReloadsOncePerChange(t *testing.T) {
	h := newHost(t)
	ctx := context.Background()
	var units []string
	for i := range 200 {
		units = append(units, fmt.Sprintf("app%d", i))
	}
	sync := func(want int, units []string) {
		t.Helper()
		if err := h.agent.Sync(ctx, units); err != nil {
			t.Fatal(err)
		}
		if got := h.Reloads(); got != want {
			t.Errorf("%d daemon-reloads, want %d", got, want)
		}
	}
	sync(1, units)
	sync(1, units)
	sync(2, units[1:])
	sync(3, nil)
	sync(3, nil)
	if err := h.agent.Sync(ctx, []string{"a b"}); err == nil {
		t.Error("a name that cannot be a unit's was accepted")
	}
}

// The files are written and systemd cannot be reached: the next call reloads.
func TestSyncMakesUpForAFailedReload(t *testing.T) {
	h := newHost(t)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := h.agent.Sync(gone, []string{"web"}); err == nil {
		t.Fatal("a reload without time for it succeeded")
	}
	if got := h.Reloads(); got != 0 {
		t.Fatalf("%d daemon-reloads, want 0", got)
	}
	if err := h.agent.Sync(context.Background(), []string{"web"}); err != nil {
		t.Fatal(err)
	}
	if got := h.Reloads(); got != 1 {
		t.Errorf("%d daemon-reloads, want 1", got)
	}
}

func TestWarnings(t *testing.T) {
	h := newHost(t)
	h.Add(fake.Unit{Name: "quiet.service"})
	h.Add(fake.Unit{Name: "web.service", FileState: "enabled", WantedBy: []string{"multi-user.target"}})
	h.Add(fake.Unit{Name: "job.service", FileState: "static", TriggeredBy: []string{"job.timer", "in.path"}})
	h.Add(fake.Unit{Name: "part.service", FileState: "static", WantedBy: []string{"web.service", "other.service"}})
	got, err := h.agent.Warnings(context.Background(), []string{"web", "quiet", "job", "in.path", "part", "missing"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"job.service can be started by job.timer, outside the cluster; run: systemctl disable --now job.timer",
		"part.service is started along with other.service, which wants it, outside the cluster",
		"web.service is started at boot (enabled), outside the cluster; run: systemctl disable web.service",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
