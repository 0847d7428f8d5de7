package vip

import (
	"context"
	"net/netip"
	"time"
)

// claim is this agent's relation to one address. Start, stop and repair hold
// its lock from beginning to end. That is what keeps a repair from undoing a
// stop: a repair that waited for a stop finds the address unwanted.
type claim struct {
	agent *Agent
	ip    netip.Addr

	lock chan struct{} // one token; a mutex that can be given up waiting for

	// Guarded by the lock:
	known   bool        // we have started, stopped or adopted it
	wanted  bool        // it is to be here
	place   place       // where, when wanted
	label   string      //
	repairs []time.Time // those of the last minute
	resign  bool        // too many: the cluster decides now
	stopAnn context.CancelFunc
	annDone chan struct{} // closed when the announcements have ended
}

// Repairs are bounded, so that a fight with a network manager is lost visibly.
const (
	maxRepairs   = 3
	repairWindow = time.Minute
)

// acquire takes the lock, or gives up with ctx.
func (c *claim) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *claim) release() { <-c.lock }

// hold remembers that the address is to be here from now on.
func (c *claim) hold(p place, label string) {
	c.known, c.wanted, c.place, c.label = true, true, p, label
	c.repairs, c.resign = nil, false
}

// drop remembers that it is not, and waits for the announcements to end.
func (c *claim) drop() {
	c.known, c.wanted = true, false
	c.silence()
}

// mayRepair counts a repair and says whether it is still allowed.
func (c *claim) mayRepair(now time.Time) bool {
	recent := c.repairs[:0]
	for _, t := range c.repairs {
		if now.Sub(t) < repairWindow {
			recent = append(recent, t)
		}
	}
	c.repairs = recent
	if c.resign = c.resign || len(recent) >= maxRepairs; c.resign {
		return false
	}
	c.repairs = append(c.repairs, now)
	return true
}

// echoes are when an announcement is repeated: neighbours and switches lose
// some, most of all while a link comes up.
var echoes = [...]time.Duration{200 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond}

// announce tells the neighbours now, and again four times in the next 1.6 s.
func (c *claim) announce() error {
	c.silence()
	err := c.agent.speaker.announce(c.place.iface, c.ip)
	ctx, cancel := context.WithCancel(c.agent.life)
	done := make(chan struct{})
	c.stopAnn, c.annDone = cancel, done
	where, ip, log, speaker := c.place.iface, c.ip, c.agent.log, &c.agent.speaker
	c.agent.busy.Go(func() {
		defer close(done)
		defer cancel()
		for _, pause := range echoes {
			timer := time.NewTimer(pause)
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
			if err := speaker.announce(where, ip); err != nil {
				log.Debug("announcement failed", "address", ip, "error", err)
			}
		}
	})
	return err
}

// silence ends the announcements and waits for their end.
func (c *claim) silence() {
	if c.stopAnn != nil {
		c.stopAnn()
		<-c.annDone
		c.stopAnn = nil
	}
}
