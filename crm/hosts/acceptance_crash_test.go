package hosts_test

import (
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/crm/api"
)

// TestCrash kills the host that runs the service, in turn: the next one starts
// it only after the fencing, and nothing is ever on two hosts.
func TestCrash(t *testing.T) {
	c := newCluster(t, 3)
	for _, setting := range []struct {
		name, cluster string
		dc            bool          // the service runs on the DC, so that the others must elect one first
		limit         time.Duration // for the median outage
	}{
		{"default failure-timeout", "", false, 5 * time.Second},
		{"default failure-timeout, the DC dies", "", true, 6 * time.Second},
		{"failure-timeout = 1s", `failure-timeout = "1s"`, false, 3 * time.Second},
		{"failure-timeout = 1s, the DC dies", `failure-timeout = "1s"`, true, 4 * time.Second},
	} {
		c.configure(setting.cluster, group())
		began := time.Now()
		active := c.awaitOn(began, 30*time.Second)
		c.await("all is quiet", 20*time.Second, c.settled)
		var outages []time.Duration
		for range repetitions(2) {
			active = c.onDC(active, setting.dc)
			killed := time.Now()
			if err := c.lab.Kill(active); err != nil {
				t.Fatal(err)
			}
			next := c.awaitOn(killed, 30*time.Second, active)
			record := c.fencedFirst(active, killed)
			outages = append(outages, c.outage(killed.Add(-100*time.Millisecond)))
			t.Logf("%s: %s killed; fenced by %s after %s; %s answers after %s", setting.name, active, record.Executor,
				ms(record.Ended.Sub(killed)), next, ms(outages[len(outages)-1]))
			c.await(active+" is back", 40*time.Second, c.settled)
			if now := c.awaitOn(time.Now(), 5*time.Second); now != next {
				t.Errorf("%s came back and the service moved from %s to %s", active, next, now)
			}
			active = next
		}
		worst := outages[0]
		for _, o := range outages {
			worst = max(worst, o)
		}
		m := median(outages)
		t.Logf("%s: outage median %s, worst %s of %d", setting.name, ms(m), ms(worst), len(outages))
		if m > limit(setting.limit) {
			t.Errorf("%s: the median outage %v is above %v", setting.name, m, setting.limit)
		}
	}
	c.neverTwo()
}

// onDC moves the service to the DC, or away from it, and says where it is then.
func (c *cluster) onDC(active string, wanted bool) string {
	c.t.Helper()
	dc := c.await("all is quiet", 20*time.Second, c.settled).Cluster.Leader
	if (active == dc) == wanted {
		return active
	}
	target := dc
	for _, h := range c.lab.Hosts() {
		if !wanted && h != dc {
			target = h
		}
	}
	began := time.Now()
	mustExec(c.t, c.lab, dc, "crm", "-y", "resource", "move", "service", target)
	c.await("all is quiet", 20*time.Second, c.settled)
	if on := c.awaitOn(began, 10*time.Second, active); on != target {
		c.t.Fatalf("the service was moved to %s and is on %s", target, on)
	}
	return target
}

// TestCut cuts the host that runs the service off: the others fence it and take
// over; healed, it comes back by itself and nothing moves.
func TestCut(t *testing.T) {
	c := newCluster(t, 3)
	c.configure("", group())
	active := c.awaitOn(time.Now(), 30*time.Second)
	c.await("all is quiet", 20*time.Second, c.settled)
	for range repetitions(1) {
		cut := time.Now()
		if err := c.lab.Cut(active); err != nil {
			t.Fatal(err)
		}
		next := c.awaitOn(cut, 30*time.Second, active)
		record := c.fencedFirst(active, cut)
		t.Logf("%s cut off; fenced after %s; %s answers after %s", active, ms(record.Ended.Sub(cut)), next, ms(c.outage(cut.Add(-100*time.Millisecond))))
		if err := c.lab.Heal(active); err != nil {
			t.Fatal(err)
		}
		healed := time.Now()
		c.await(active+" is back", 40*time.Second, c.settled)
		t.Logf("%s is a member %s after it was healed", active, ms(time.Since(healed)))
		if now := c.awaitOn(time.Now(), 5*time.Second); now != next {
			t.Errorf("%s came back and the service moved from %s to %s", active, next, now)
		}
		active = next
	}
	c.neverTwo()
}

// TestStandby moves the service away on purpose.
func TestStandby(t *testing.T) {
	c := newCluster(t, 3)
	c.configure("", group())
	active := c.awaitOn(time.Now(), 30*time.Second)
	c.await("all is quiet", 20*time.Second, c.settled)
	var outages []time.Duration
	for range repetitions(2) {
		began := time.Now()
		out := mustExec(t, c.lab, active, "crm", "-y", "node", "standby", active)
		took := time.Since(began)
		next := c.awaitOn(began, 20*time.Second, active)
		outages = append(outages, c.outage(began.Add(-100*time.Millisecond)))
		t.Logf("standby of %s: %s answers; it was away for %s; the command took %s and said:\n%s", active, next, ms(outages[len(outages)-1]), ms(took), out)
		mustExec(t, c.lab, active, "crm", "node", "online", active)
		c.await("all is quiet", 20*time.Second, c.settled)
		if now := c.awaitOn(time.Now(), 5*time.Second); now != next {
			t.Errorf("%s is online again and the service moved from %s to %s", active, next, now)
		}
		active = next
	}
	m := median(outages)
	t.Logf("standby: outage median %s of %d", ms(m), len(outages))
	if m > limit(time.Second) {
		t.Errorf("a planned move took the service away for %v", m)
	}
	c.neverTwo()
	s := c.await("a status", 5*time.Second, func(*api.Status) bool { return true })
	if len(s.FenceLog) > 0 {
		t.Errorf("a planned move fenced: %+v", s.FenceLog)
	}
}
