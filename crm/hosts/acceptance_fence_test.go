package hosts_test

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/hosts"
	"github.com/holdfast-ha/holdfast/fencing/hostagent"
)

// TestNothingStartsBeforeTheFencing: while the fence device refuses, the service
// stays away, however long that takes; when it works again, the service comes
// back by itself.
func TestNothingStartsBeforeTheFencing(t *testing.T) {
	c := newCluster(t, 3)
	c.configure(`failure-timeout = "1s"`, group())
	active := c.awaitOn(time.Now(), 30*time.Second)
	c.await("all is quiet", 20*time.Second, c.settled)
	c.moody.SetMood(active, hostagent.Mood{Refuse: true})
	killed := time.Now()
	if err := c.lab.Kill(active); err != nil {
		t.Fatal(err)
	}
	s := c.await("three attempts to fence have failed", 30*time.Second, func(s *api.Status) bool {
		for _, f := range s.Fencing {
			if f.Target == active && f.Attempt >= 3 && f.LastError != "" {
				return true
			}
		}
		return false
	})
	t.Logf("%s killed, and its fence device refuses: %s after %s", active, s.Fencing[0].LastError, ms(time.Since(killed)))
	for _, span := range c.seen.Spans() {
		if span.Host != active && span.First.After(killed) {
			t.Errorf("%v was started on %s without a fencing", span.Subject, span.Host)
		}
	}
	c.moody.SetMood(active, hostagent.Mood{})
	mended := time.Now()
	next := c.awaitOn(mended, 60*time.Second, active)
	c.fencedFirst(active, mended)
	t.Logf("the device works again: %s answers %s later", next, ms(time.Since(mended)))
	c.await(active+" is back", 40*time.Second, c.settled)
	c.neverTwo()
}

// TestTwoHosts: two hosts without a witness. One alone is no majority: it ends
// what it runs, takes nothing over, and goes on when the other one is back.
func TestTwoHosts(t *testing.T) {
	c := newCluster(t, 2)
	c.configure(`failure-timeout = "1s"`, group())
	active := c.awaitOn(time.Now(), 30*time.Second)
	c.await("all is quiet", 20*time.Second, c.settled)
	passive := map[string]string{"n1": "n2", "n2": "n1"}[active]

	cut := time.Now()
	if err := c.lab.Kill(passive); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := c.seen.Await(ctx, func([]hosts.Span) bool {
		return len(c.seen.Holders(onAddress))+len(c.seen.Holders(onMount))+len(c.seen.Holders(onUnit)) == 0
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("one of two dies: the other one has ended its service after %s", ms(time.Since(cut)))
	if err := c.lab.Boot(t.Context(), passive); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	c.awaitOn(back, 60*time.Second)
	t.Logf("it boots again: the service answers after %s", ms(time.Since(back)))
	c.await("both are members", 60*time.Second, c.settled)
	c.neverTwo()
}
