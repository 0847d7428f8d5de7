package hosts_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/crm/hosts"
	"github.com/holdfast-ha/holdfast/fencing/hostagent"
)

// newLab makes machines, or skips the test where that is not possible.
func newLab(t *testing.T, cfg hosts.Config) *hosts.Lab {
	t.Helper()
	if reasons := hosts.Missing(cfg.WithSystemd); len(reasons) > 0 {
		t.Skipf("left out: %s", strings.Join(reasons, "; "))
	}
	cfg.Dir = t.TempDir()
	cfg.Logger = hclog.New(&hclog.LoggerOptions{Name: "hosts", Level: hclog.Info, Output: testWriter{t}})
	began := time.Now()
	lab, err := hosts.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d hosts up after %v", cfg.Count, time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

func mustExec(t *testing.T, lab *hosts.Lab, host string, argv ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := lab.Exec(ctx, host, argv...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

func reaches(lab *hosts.Lab, from, to string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := lab.Exec(ctx, from, "ping", "-c1", "-W1", to)
	return err == nil
}

// lives is a story that every kind of host has to live through.
func lives(t *testing.T, lab *hosts.Lab) {
	if name := mustExec(t, lab, "n2", "cat", "/proc/sys/kernel/hostname"); name != "n2" {
		t.Errorf("n2 calls itself %q", name)
	}
	if !reaches(lab, "n1", "n2") {
		t.Fatal("n1 does not reach n2")
	}
	mustExec(t, lab, "n1", "sh", "-c", "echo kept >/etc/kept; echo lost >/run/lost; ip addr add 10.77.0.100/24 dev eth0")

	if err := lab.Kill("n1"); err != nil {
		t.Fatal(err)
	}
	if reaches(lab, "n2", "n1") {
		t.Error("n1 was killed and still answers")
	}
	if on, err := lab.Power().Status(t.Context(), "n1"); err != nil || on {
		t.Errorf("n1 was killed: its power is %v, %v", on, err)
	}
	if _, err := lab.Exec(t.Context(), "n1", "true"); err == nil {
		t.Error("a command ran on a host that is off")
	}
	if err := lab.Kill("n1"); err != nil {
		t.Error("killing twice:", err)
	}
	if err := lab.Boot(t.Context(), "n1"); err != nil {
		t.Fatal(err)
	}
	out := mustExec(t, lab, "n1", "sh", "-c", "cat /etc/kept; ls /run/lost 2>/dev/null; ip addr show dev eth0 to 10.77.0.100")
	if out != "kept" {
		t.Errorf("after a boot: %q", out)
	}
	if !reaches(lab, "n2", "n1") {
		t.Error("n1 was booted and does not answer")
	}

	if err := lab.Cut("n1"); err != nil {
		t.Fatal(err)
	}
	if reaches(lab, "n1", "n2") || reaches(lab, "n2", "n1") {
		t.Error("n1 is cut off and is reached")
	}
	if err := lab.Heal("n1"); err != nil {
		t.Fatal(err)
	}
	if !reaches(lab, "n1", "n2") {
		t.Error("n1 is healed and does not reach n2")
	}
}

func TestHostsWithSystemd(t *testing.T) {
	t.Parallel()
	lab := newLab(t, hosts.Config{Count: 2, Links: 2, WithSystemd: true})
	if state := mustExec(t, lab, "n1", "systemctl", "is-system-running"); state != "running" {
		t.Errorf("the system is %s", state)
	}
	lives(t, lab)
}

func TestPlainHosts(t *testing.T) {
	t.Parallel()
	lab := newLab(t, hosts.Config{Count: 2})
	lives(t, lab)
	// What loses its parent is reaped by the host's init.
	mustExec(t, lab, "n1", "sh", "-c", "(sleep 0.01 & ) ; sleep 0.1; ! grep -l 'State:.*zombie' /proc/[0-9]*/status")
}

// TestFencingFromInside: an agent on one host kills another one and boots it.
func TestFencingFromInside(t *testing.T) {
	t.Parallel()
	lab := newLab(t, hosts.Config{Count: 2})
	if err := lab.ServeFencing(&hostagent.Moody{Power: lab.Power()}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip("left out: needs python3 to speak to a unix socket from a shell")
	}
	ask := func(request string) string {
		return mustExec(t, lab, "n1", "python3", "-c", `import socket,sys
s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall((sys.argv[2]+"\n").encode()); print(s.recv(999).decode())`, hosts.FenceSocket, request)
	}
	if out := ask(`{"op":"off","host":"n2"}`); out != `{"ok":true}` {
		t.Errorf("off: %s", out)
	}
	if lab.On("n2") {
		t.Error("n2 is on")
	}
	if out := ask(`{"op":"on","host":"n2"}`); out != `{"ok":true}` {
		t.Errorf("on: %s", out)
	}
	if err := lab.Boot(t.Context(), "n2"); err != nil { // waits for the boot under way
		t.Error(err)
	}
}

// TestObserverAndProbe: what moves is seen, and what is on two hosts too.
func TestObserverAndProbe(t *testing.T) {
	t.Parallel()
	lab := newLab(t, hosts.Config{Count: 2, WithSystemd: true, Files: []hosts.File{{Path: "/etc/systemd/system/web.service", Data: []byte("[Service]\nExecStart=/bin/sleep 1000\n")}}})
	disk, err := lab.NewDisk("shared", 16, hosts.File{Path: "/hello", Data: []byte("hello\n")})
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Kill("n2"); err != nil {
		t.Fatal(err)
	}
	if err := lab.Boot(t.Context(), "n2"); err != nil { // it must have the disk again
		t.Fatal(err)
	}
	address := hosts.Subject{Address: netip.MustParseAddr("10.77.0.100")}
	mount, unit := hosts.Subject{Mount: "/srv"}, hosts.Subject{Unit: "web.service"}
	seen := lab.Observe(address, mount, unit)
	defer seen.Stop()
	probe := lab.ProbeTCP(netip.MustParseAddrPort("10.77.0.100:8000"))
	defer probe.Stop()
	for _, host := range []string{"n1", "n2"} {
		mustExec(t, lab, host, "mount", disk.Path, "/srv")
		if out := mustExec(t, lab, host, "cat", "/srv/hello"); out != "hello" {
			t.Errorf("the shared disk on %s says %q", host, out)
		}
		mustExec(t, lab, host, "sh", "-c", "ip addr add 10.77.0.100/24 dev eth0; systemctl start web; systemd-run -q --unit=http python3 -m http.server 8000; "+
			// Its question for the client's hardware address tells the client its own.
			"ping -c1 -I 10.77.0.100 10.77.0.200")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		began := time.Now()
		_, err := seen.Await(ctx, func([]hosts.Span) bool {
			for _, s := range []hosts.Subject{address, mount, unit} {
				if h := seen.Holders(s); len(h) != 1 || h[0] != host {
					return false
				}
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := probe.AwaitAnswer(ctx, began); err != nil {
			t.Error(err)
		}
		cancel()
		if host == "n1" {
			if err := lab.Kill(host); err != nil {
				t.Fatal(err)
			}
		}
	}
	if o := seen.Overlaps(); len(o) > 0 {
		t.Errorf("seen twice: %v\n%v", o, seen)
	}
	if out := probe.Outages(time.Time{}, 100*time.Millisecond); len(out) != 1 {
		t.Errorf("outages: %v", out)
	}
	// Twice, on purpose.
	if err := lab.Boot(t.Context(), "n1"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for i, step := range []string{"add", "del"} {
		mustExec(t, lab, "n1", "ip", "addr", step, "10.77.0.100/24", "dev", "eth0")
		if _, err := seen.Await(ctx, func([]hosts.Span) bool { return len(seen.Holders(address)) == 2-i }); err != nil {
			t.Fatal(err)
		}
	}
	if o := seen.Overlaps(); len(o) != 1 || o[0].Subject != address {
		t.Errorf("overlaps: %v\n%v", o, seen)
	}
	if err := seen.Err(500 * time.Millisecond); err != nil {
		t.Error(err)
	}
}

// TestNothingIsLeft: after Close nothing has our name, and nothing runs.
func TestNothingIsLeft(t *testing.T) {
	lab := newLab(t, hosts.Config{Count: 2, WithSystemd: true})
	if _, err := lab.NewDisk("shared", 16); err != nil {
		t.Fatal(err)
	}
	if err := lab.Close(); err != nil {
		t.Fatal(err)
	}
	mine := "hf-" + strconv.Itoa(os.Getpid()) + "-"
	for _, pattern := range []string{"/sys/fs/cgroup/" + mine + "*", "/sys/fs/cgroup/*/" + mine + "*", "/run/netns/" + mine + "*", "/run/systemd/nspawn/*/" + mine + "*"} {
		if left, _ := filepath.Glob(pattern); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	processes, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range processes {
		if line, _ := os.ReadFile(p); strings.Contains(string(line), mine) {
			t.Errorf("left behind: process %s: %q", p, line)
		}
	}
}

// TestKilledWhileBooting: power can be cut at any moment of a boot, at once.
func TestKilledWhileBooting(t *testing.T) {
	t.Parallel()
	lab := newLab(t, hosts.Config{Count: 1, WithSystemd: true, Files: []hosts.File{
		{Path: "/etc/systemd/system/slow.service", Data: []byte("[Unit]\nBefore=multi-user.target\n[Service]\nType=oneshot\nExecStart=/bin/sleep 30\n")},
	}})
	if err := lab.Kill("n1"); err != nil {
		t.Fatal(err)
	}
	if err := lab.Install("n1", hosts.File{Path: "/etc/systemd/system/multi-user.target.wants/slow.service", Link: "/etc/systemd/system/slow.service"}); err != nil {
		t.Fatal(err)
	}
	booted := make(chan error, 1)
	go func() { booted <- lab.Boot(context.Background(), "n1") }()
	for !lab.On("n1") {
		select {
		case err := <-booted:
			t.Fatal("it should still boot:", err)
		case <-time.After(time.Millisecond):
		}
	}
	began := time.Now()
	if err := lab.Kill("n1"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Second || lab.On("n1") {
		t.Errorf("killed after %v, on: %v", took, lab.On("n1"))
	}
	if err := <-booted; err == nil {
		t.Error("the boot of a host that was killed is told as done")
	}
}
