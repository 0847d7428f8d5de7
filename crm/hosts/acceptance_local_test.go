package hosts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/hosts"
)

// unit is a property of a unit on a host.
func (c *cluster) unit(host, unit, property string) string {
	c.t.Helper()
	return mustExec(c.t, c.lab, host, "systemctl", "show", "--value", "-p", property, unit)
}

// spans are those of one subject, on one host.
func (c *cluster) spans(host string, s hosts.Subject) []hosts.Span {
	return slices.DeleteFunc(c.seen.Spans(), func(v hosts.Span) bool { return v.Host != host || v.Subject != s })
}

// awaitSeenSince waits until the observer has looked at everything on a host again
// after a time. What it saw last before may be a unit's start helper, which has
// given way to the main process by then.
func (c *cluster) awaitSeenSince(host string, at time.Time) {
	c.t.Helper()
	c.await("the observer has looked again", 20*time.Second, func(*api.Status) bool {
		return !slices.ContainsFunc(wholeSet, func(s hosts.Subject) bool {
			return !slices.ContainsFunc(c.spans(host, s), func(v hosts.Span) bool { return v.Open && v.Last.After(at) })
		})
	})
}

// TestDaemonKilled kills the daemon of the active node: the service goes on, the
// next daemon adopts it, and nothing moves.
func TestDaemonKilled(t *testing.T) {
	c := newCluster(t, 3)
	c.configure("", group())
	active := c.awaitOn(time.Now(), 30*time.Second)
	var s *api.Status
	for i := range repetitions(3) {
		if i == 1 { // even then it is back before it counts as lost
			c.configure(`failure-timeout = "1s"`, group())
		}
		s = c.await("all is quiet", 20*time.Second, c.settled)
		c.awaitSeenSince(active, time.Now())
		before := map[hosts.Subject]int{}
		for _, subject := range wholeSet {
			before[subject] = len(c.spans(active, subject))
		}
		old := nodeOf(s, active).Incarnation
		killed := time.Now()
		mustExec(t, c.lab, active, "systemctl", "kill", "-s", "KILL", "--kill-who=main", "holdfast.service")
		c.await("the next daemon is a member", 20*time.Second, func(s *api.Status) bool {
			n := nodeOf(s, active)
			return n.Incarnation > old && n.Phase == "member"
		})
		adopted := time.Since(killed)
		s = c.await("all is quiet", 20*time.Second, c.settled)
		t.Logf("daemon of %s killed: the next one is a member after %s, all is quiet after %s", active, ms(adopted), ms(time.Since(killed)))
		if adopted > limit(2*time.Second) {
			t.Errorf("adopted after %v", adopted)
		}
		for _, subject := range wholeSet {
			if now := len(c.spans(active, subject)); now != before[subject] || !slices.Equal(c.seen.Holders(subject), []string{active}) {
				t.Errorf("%v did not stay as it was on %s: %d spans before, %d now, held by %v", subject, active, before[subject], now, c.seen.Holders(subject))
			}
		}
		if out := c.outage(killed.Add(-100 * time.Millisecond)); out > limit(200*time.Millisecond) {
			t.Errorf("the service was away for %v", out)
		}
	}
	if len(s.FenceLog) > 0 {
		t.Errorf("somebody was fenced: %+v", s.FenceLog)
	}
	c.neverTwo()
}

func nodeOf(s *api.Status, name string) api.Node {
	for _, n := range s.Nodes {
		if n.Name == name {
			return n
		}
	}
	return api.Node{}
}

// TestServiceKilled: a service that dies is noticed by events, not by the
// monitor's interval of a minute.
func TestServiceKilled(t *testing.T) {
	c := newCluster(t, 2)
	c.configure("", group())
	active := c.awaitOn(time.Now(), 30*time.Second)
	c.await("all is quiet", 20*time.Second, c.settled)

	var noticed, again []time.Duration
	for range repetitions(3) {
		pid := c.unit(active, "nginx.service", "MainPID")
		killed := time.Now()
		mustExec(t, c.lab, active, "kill", "-KILL", pid)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		_, err := c.seen.Await(ctx, func([]hosts.Span) bool {
			spans := c.spans(active, onUnit)
			last := spans[len(spans)-1]
			return last.Open && last.First.After(killed) && last.Value != pid
		})
		if err == nil {
			_, err = c.asked.AwaitAnswer(ctx, time.Now())
		}
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		c.awaitOn(killed, 10*time.Second)
		again = append(again, c.outage(killed.Add(-100*time.Millisecond)))
		noticed = append(noticed, c.noticed(active, "web", killed).Sub(killed))
		s := c.await("the failure is counted and all is quiet", 20*time.Second, func(s *api.Status) bool {
			return c.settled(s) && slices.ContainsFunc(nodeOf(s, active).FailCounts, func(f api.FailCount) bool { return f.Resource == "web" })
		})
		t.Logf("nginx killed on %s: noticed after %s, away for %s; counted: %+v", active, ms(noticed[len(noticed)-1]), ms(again[len(again)-1]), nodeOf(s, active).FailCounts)
		mustExec(t, c.lab, active, "crm", "-y", "resource", "cleanup", "web")
		c.await("all is quiet", 20*time.Second, c.settled)
	}
	n, a := median(noticed), median(again)
	t.Logf("nginx killed, monitor interval 60 s: noticed %s, away for %s (medians of %d)", ms(n), ms(a), len(again))
	if n > limit(50*time.Millisecond) {
		t.Errorf("noticed after %v", n)
	}
	if a > limit(time.Second) {
		t.Errorf("running again after %v", a)
	}
	c.neverTwo()
}

// TestAddressRemoved: an address that somebody removes by hand is back before a
// client notices.
func TestAddressRemoved(t *testing.T) {
	c := newCluster(t, 2)
	c.configure("", group())
	active := c.awaitOn(time.Now(), 30*time.Second)
	c.await("all is quiet", 20*time.Second, c.settled)
	var gaps []time.Duration
	for range 2 { // three in a minute are for the cluster to decide
		count := len(c.spans(active, onAddress))
		deleted := time.Now()
		mustExec(t, c.lab, active, "ip", "addr", "del", "10.77.0.100/24", "dev", "eth0")
		if _, err := c.asked.AwaitAnswer(t.Context(), deleted.Add(20*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		spans := c.spans(active, onAddress)
		gap := c.outage(deleted.Add(-100 * time.Millisecond))
		gaps = append(gaps, gap)
		t.Logf("address deleted on %s: the client waited %s; the observer saw %d gaps of its samples", active, ms(gap), len(spans)-count)
	}
	if worst := slices.Max(gaps); worst > limit(50*time.Millisecond) {
		t.Errorf("the address was away for %v", worst)
	}
	c.neverTwo()
}

// noticed is when a host's daemon logged that it noticed something about a
// resource, the first time after a moment.
func (c *cluster) noticed(host, resource string, after time.Time) time.Time {
	c.t.Helper()
	out := mustExec(c.t, c.lab, host, "journalctl", "--no-pager", "-o", "json", "-u", "holdfast", "--since", after.Add(-time.Second).UTC().Format("2006-01-02 15:04:05"))
	for line := range strings.Lines(out) {
		var entry struct {
			Message string `json:"MESSAGE"`
			At      string `json:"__REALTIME_TIMESTAMP"`
		}
		if json.Unmarshal([]byte(line), &entry) != nil || !strings.Contains(entry.Message, "noticed: resource="+resource) {
			continue
		}
		micro, err := strconv.ParseInt(entry.At, 10, 64)
		if at := time.UnixMicro(micro); err == nil && at.After(after) {
			return at
		}
	}
	c.t.Errorf("the daemon of %s logged nothing about %s", host, resource)
	return time.Time{}
}

// slowUnit takes 40 s to start.
const slowUnit = `[Service]
ExecStartPre=/bin/sleep 40
ExecStart=/bin/sleep infinity
TimeoutStartSec=90
`

// TestSlowStartBlocksNobody: while one resource takes 40 s to start, another one
// fails and is back long before that.
func TestSlowStartBlocksNobody(t *testing.T) {
	c := newCluster(t, 2, hosts.File{Path: "/etc/systemd/system/slow.service", Data: []byte(slowUnit)})
	slow := `resource "systemd" "slow" {
  unit = "slow.service"
  op "start" { timeout = "90s" }
  op "monitor" { interval = "60s" }
}`
	c.configure("", group())
	active := c.awaitOn(time.Now(), 30*time.Second)
	c.await("all is quiet", 20*time.Second, c.settled)
	c.configure("", group(), slow)
	c.await("slow is starting", 10*time.Second, func(s *api.Status) bool {
		return slices.ContainsFunc(s.Pending, func(o api.Operation) bool { return o.Resource == "slow" && o.Task == "start" })
	})
	killed := time.Now()
	mustExec(t, c.lab, active, "kill", "-KILL", c.unit(active, "nginx.service", "MainPID"))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := c.asked.AwaitAnswer(ctx, killed.Add(200*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	away := c.outage(killed.Add(-100 * time.Millisecond))
	s := c.await("a status", 5*time.Second, func(*api.Status) bool { return true })
	if !slices.ContainsFunc(s.Pending, func(o api.Operation) bool { return o.Resource == "slow" }) {
		t.Error("the slow start ended too early for this test to mean anything")
	}
	t.Logf("while another resource starts for 40 s, nginx was killed and away for %s", ms(away))
	if away > limit(3*time.Second) {
		t.Errorf("the failed resource waited for the slow one: %v", away)
	}
	c.neverTwo()
}

// TestFigures measures what the daemon costs.
func TestFigures(t *testing.T) {
	c := newCluster(t, 3)
	parts := []string{group()}
	for i := range 7 {
		parts = append(parts, fmt.Sprintf(`resource "process" "p%d" {
  command = "/bin/sleep infinity"
  op "monitor" { interval = "10s" }
}`, i))
	}
	c.configure("", parts...)
	active := c.awaitOn(time.Now(), 30*time.Second)
	c.await("all is quiet", 20*time.Second, c.settled)
	<-time.After(12 * time.Second) // streams without messages close after ten seconds
	type use struct{ ticks, rss int }
	look := func(host string) use {
		pid := c.unit(host, "holdfast.service", "MainPID")
		fields := strings.Fields(mustExec(t, c.lab, host, "cat", "/proc/"+pid+"/stat"))
		user, _ := strconv.Atoi(fields[13])
		system, _ := strconv.Atoi(fields[14])
		var rss int
		for line := range strings.Lines(mustExec(t, c.lab, host, "cat", "/proc/"+pid+"/status")) {
			if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				rss, _ = strconv.Atoi(strings.Fields(v)[0])
			}
		}
		return use{user + system, rss}
	}
	const window = 20 * time.Second
	before := map[string]use{}
	for _, h := range c.lab.Hosts() {
		before[h] = look(h)
	}
	began := time.Now()
	<-time.After(window) // idle is what is measured
	for _, h := range c.lab.Hosts() {
		now := look(h)
		cpu := float64(now.ticks-before[h].ticks) / 100 / time.Since(began).Seconds() * 100
		t.Logf("%s (%s): RSS %d MB, idle CPU %.2f %% of one core, with 11 resources", h, map[bool]string{true: "active", false: "passive"}[h == active], now.rss/1024, cpu)
		if now.rss > 150*1024 {
			t.Errorf("%s: the daemon needs %d MB", h, now.rss/1024)
		}
		if cpu > 5 {
			t.Errorf("%s: the daemon uses %.2f %% of a core when nothing happens", h, cpu)
		}
	}
	var times []time.Duration
	for range 10 {
		began := time.Now()
		mustExec(t, c.lab, active, "crm", "status")
		times = append(times, time.Since(began))
	}
	t.Logf("crm status: %s (median of %d, with the time to enter the host)", ms(median(times)), len(times))
	if path, err := program(); err == nil {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("static binary: %.1f MB", float64(info.Size())/1e6)
	}
}
