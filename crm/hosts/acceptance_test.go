package hosts_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/hosts"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/fencing/hostagent"
)

// These tests run whole clusters: hosts with a systemd each, the static binary
// as holdfast.service, a shared disk, nginx. What they assert is what the
// observer and the client saw. HOLDFAST_ACCEPTANCE=full repeats more often.

// repetitions is how often a failure is repeated.
func repetitions(usual int) int {
	if full() {
		return 10
	}
	return usual
}

// full says that the measuring is serious: more repetitions, and nothing else
// runs on this machine.
func full() bool { return os.Getenv("HOLDFAST_ACCEPTANCE") == "full" }

// limit is what a figure may be. Beside other tests, on a machine with two
// processors, only a multiple of it says anything.
func limit(d time.Duration) time.Duration {
	if full() {
		return d
	}
	return 4 * d
}

// programDir is where program has built it, "" if it was not asked to.
var programDir string

// program builds the static binary once.
var program = sync.OnceValues(func() (string, error) {
	var err error
	if programDir, err = os.MkdirTemp("", "hf-acceptance-"); err != nil {
		return "", err
	}
	path := filepath.Join(programDir, "crm")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "github.com/holdfast-ha/holdfast/crm")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if programDir != "" {
		_ = os.RemoveAll(programDir) // a temporary folder
	}
	os.Exit(code)
}

const nginxConf = `user www-data;
pid /run/nginx.pid;
worker_processes 1;
events {}
http {
	access_log off;
	error_log /dev/null;
	server {
		listen 80 default_server;
		root /srv/www;
	}
}
`

// service is the group that the tests fail over.
const service = `
resource "filesystem" "data" {
  device    = "/dev/shared"
  directory = "/srv/www"
  fstype    = "ext4"
  op "monitor" { interval = "20s" }
}
resource "vip" "address" {
  ip = "10.77.0.100/24"
  op "monitor" { interval = "10s" }
}
resource "systemd" "web" {
  unit = "nginx.service"
  op "monitor" { interval = "60s" }
}
`

// group is the service as a group.
func group() string {
	return "group \"service\" {\n" + strings.TrimSpace(service) + "\n}\n"
}

var (
	onAddress = hosts.Subject{Address: netip.MustParseAddr("10.77.0.100")}
	onMount   = hosts.Subject{Mount: "/srv/www"}
	onUnit    = hosts.Subject{Unit: "nginx.service"}
	wholeSet  = []hosts.Subject{onAddress, onMount, onUnit}
	webServer = netip.MustParseAddrPort("10.77.0.100:80")
)

// cluster is a running cluster on hosts.
type cluster struct {
	t     *testing.T
	lab   *hosts.Lab
	moody *hostagent.Moody
	seen  *hosts.Observer
	asked *hosts.Probe
}

// newCluster boots hosts and forms a cluster with the commands that an
// administrator would use.
func newCluster(t *testing.T, count int, files ...hosts.File) *cluster {
	t.Helper()
	if reasons := hosts.Missing(true); len(reasons) > 0 {
		t.Skipf("left out: %s", strings.Join(reasons, "; "))
	}
	for tool, from := range map[string]string{"nginx": "nginx-light", "mkfs.ext4": "e2fsprogs"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("left out: needs %s (package %s)", tool, from)
		}
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skipf("left out: needs loop devices: %v", err)
	}
	if testing.Short() {
		t.Skip("left out: boots hosts (-short)")
	}
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	files = append(files,
		hosts.File{Path: "/usr/local/bin/crm", Mode: 0o755, From: binary},
		hosts.File{Path: "/usr/lib/holdfast/fence/fence_hosts", Link: "/usr/local/bin/crm"},
		hosts.File{Path: "/etc/nginx/nginx.conf", Data: []byte(nginxConf)},
		hosts.File{Path: "/srv/www/.keep"},
	)
	c := &cluster{t: t, lab: newLab(t, hosts.Config{Count: count, WithSystemd: true, Files: files})}
	if _, err := c.lab.NewDisk("shared", 16, hosts.File{Path: "/index.html", Data: []byte("from the shared disk\n")}); err != nil {
		t.Fatal(err)
	}
	c.moody = &hostagent.Moody{Power: c.lab.Power()}
	if err := c.lab.ServeFencing(c.moody); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.explain)
	began := time.Now()
	for _, name := range c.lab.Hosts() {
		command := []string{"crm", "cluster", "init", "test"}
		if name != "n1" {
			command = []string{"crm", "cluster", "join", mustExec(t, c.lab, "n1", "crm", "cluster", "token")}
		}
		mustExec(t, c.lab, name, append(command, "--name", name, "--address", c.lab.Address(name, 0).String())...)
	}
	c.await("every node is a member", 20*time.Second, c.settled)
	t.Logf("a cluster of %d after %v", count, time.Since(began).Round(time.Millisecond))
	c.seen = c.lab.Observe(wholeSet...)
	t.Cleanup(c.seen.Stop)
	c.asked = c.lab.ProbeHTTP(webServer)
	t.Cleanup(c.asked.Stop)
	return c
}

// explain prints what one needs to understand a failed test.
func (c *cluster) explain() {
	if !c.t.Failed() {
		return
	}
	if c.seen != nil {
		c.t.Logf("seen:\n%v", c.seen)
	}
	for _, name := range c.lab.Hosts() {
		if !c.lab.On(name) {
			c.t.Logf("%s is off", name)
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		out, _ := c.lab.Exec(ctx, name, "sh", "-c", "crm status; journalctl --no-pager -o short-precise -u holdfast -n 120")
		cancel()
		c.t.Logf("%s:\n%s", name, out)
	}
}

// client asks a host's daemon from outside.
func (c *cluster) client(host string) *api.Client {
	return api.NewClient(c.lab.Path(host, "/run/holdfast/crm.sock"))
}

// anyClient asks a host that is on and has quorum.
func (c *cluster) status(ctx context.Context) (*api.Status, error) {
	var last error
	for _, name := range c.lab.Hosts() {
		if !c.lab.On(name) {
			continue
		}
		client := c.client(name)
		one, cancel := context.WithTimeout(ctx, time.Second)
		s, err := client.Status(one)
		cancel()
		client.Close()
		if err == nil && s.Cluster.Quorum {
			return s, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no host has quorum: %v", last)
}

// await asks until the status pleases.
func (c *cluster) await(what string, limit time.Duration, pleases func(*api.Status) bool) *api.Status {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := c.status(ctx)
		if err == nil && pleases(s) {
			return s
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			c.t.Fatalf("not within %v: %s (%v)", limit, what, err)
		}
	}
}

// settled says that all nodes are members and nothing is left to do.
func (c *cluster) settled(s *api.Status) bool {
	members := 0
	for _, n := range s.Nodes {
		if n.Phase == "member" && n.Membership == "up" {
			members++
		}
	}
	return members == len(c.lab.Hosts()) && len(s.Pending) == 0 && len(s.Next) == 0 && len(s.Fencing) == 0
}

// configure replaces the configuration.
func (c *cluster) configure(clusterBody string, parts ...string) {
	c.t.Helper()
	text := fmt.Sprintf(`cluster "test" { %s }
fence "fence_hosts" "power" {
  targets = [%s]
  socket  = %q
  op "monitor" { interval = "20s" }
}
defaults "resource" { resource-stickiness = 100 }
%s`, clusterBody, strings.Join(c.lab.Hosts(), ", "), hosts.FenceSocket, strings.Join(parts, "\n"))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := c.client("n1")
	defer client.Close()
	now, err := client.Config(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := client.Commit(ctx, api.Candidate{Base: now.Version, Documents: []state.Document{{Name: "test.hcl", Text: text}}}); err != nil {
		c.t.Fatal(err)
	}
}

// awaitOn waits until one host has all of the service and answers; it is not
// one of the others.
func (c *cluster) awaitOn(since time.Time, limit time.Duration, others ...string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var holder string
	_, err := c.seen.Await(ctx, func([]hosts.Span) bool {
		holder = ""
		for _, s := range wholeSet {
			on := c.seen.Holders(s)
			if len(on) != 1 || slices.Contains(others, on[0]) || holder != "" && holder != on[0] {
				return false
			}
			holder = on[0]
		}
		return true
	})
	if err != nil {
		c.t.Fatal(err)
	}
	answer, err := c.asked.AwaitAnswer(ctx, later(since, time.Now()))
	if err != nil {
		c.t.Fatal(err)
	}
	if answer.Text != "from the shared disk" {
		c.t.Fatalf("the service says %q", answer.Text)
	}
	return holder
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// neverTwo fails the test if the observer saw anything on two hosts.
func (c *cluster) neverTwo() {
	c.t.Helper()
	for _, o := range c.seen.Overlaps() {
		c.t.Errorf("seen on two hosts: %v", o)
	}
	if err := c.seen.Err(2 * time.Second); err != nil {
		c.t.Error(err)
	}
	if err := c.asked.Err(); err != nil {
		c.t.Error(err)
	}
}

// fencedFirst checks that a fencing of the target was confirmed before anything
// was seen to start elsewhere after a time.
func (c *cluster) fencedFirst(target string, since time.Time) api.FenceRecord {
	c.t.Helper()
	s := c.await("the fencing of "+target+" is on record", 10*time.Second, func(s *api.Status) bool {
		return slices.ContainsFunc(s.FenceLog, func(f api.FenceRecord) bool { return f.Target == target && f.OK && f.Ended.After(since) })
	})
	i := slices.IndexFunc(s.FenceLog, func(f api.FenceRecord) bool { return f.Target == target && f.OK && f.Ended.After(since) })
	record := s.FenceLog[i]
	for _, span := range c.seen.Spans() {
		if span.Host != target && span.First.After(since) && span.First.Before(record.Ended.Add(-time.Millisecond)) {
			c.t.Errorf("%v was seen on %s at %v, before the fencing of %s was confirmed at %v", span.Subject, span.Host,
				span.First.Format(time.StampMilli), target, record.Ended.Format(time.StampMilli))
		}
	}
	return record
}

// outage is the longest pause in the answers after a time.
func (c *cluster) outage(since time.Time) time.Duration {
	if out := c.asked.Outages(since, 0); len(out) > 0 {
		return out[0].For()
	}
	return 0
}

// median of durations, which it sorts.
func median(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
