package wire

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	complaintPause  = 30 * time.Second // between two lines about the same
	complaintMemory = 64               // sources and reasons remembered: the most lines in one pause
)

// complaints writes one log line about each source and reason, then keeps quiet
// about it for a while, so that nobody fills the disk from outside.
type complaints struct {
	log hclog.Logger

	mu     sync.Mutex
	lately map[complaintKey]complaintCount
}

type complaintKey struct {
	source netip.Addr
	topic  string
}

type complaintCount struct {
	last   time.Time
	silent int // since the last line
}

// makeRoom forgets what may be said again. It reports whether there is room for
// one more; many invented source addresses must not buy many lines.
func (c *complaints) makeRoom(now time.Time) bool {
	if c.lately == nil {
		c.lately = make(map[complaintKey]complaintCount)
	}
	if len(c.lately) < complaintMemory {
		return true
	}
	for key, seen := range c.lately {
		if now.Sub(seen.last) >= complaintPause {
			delete(c.lately, key)
		}
	}
	return len(c.lately) < complaintMemory
}

// about logs msg, unless it did so for the same source and topic lately.
func (c *complaints) about(source netip.Addr, topic, msg string, args ...any) {
	now := time.Now()
	c.mu.Lock()
	key := complaintKey{source, topic}
	seen, known := c.lately[key]
	if known && now.Sub(seen.last) < complaintPause {
		seen.silent++
		c.lately[key] = seen
		c.mu.Unlock()
		return
	}
	if !known && !c.makeRoom(now) {
		c.mu.Unlock()
		return
	}
	c.lately[key] = complaintCount{last: now}
	c.mu.Unlock()
	if seen.silent > 0 {
		args = append(args, "repeated", seen.silent)
	}
	c.log.Warn(msg, args...)
}
