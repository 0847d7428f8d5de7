package control

import (
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
)

// refusal is how often in a row a matter was refused, and when it may be
// proposed again.
type refusal struct {
	times int
	until time.Time
}

// The pause after a refusal doubles from the first to the longest. Each refusal
// is an entry of the log, which changes the state's index and by that wakes this
// controller: without a pause it could go on for ever.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Second
)

// matter is what a tag is about, whatever state it was proposed on.
func matter(tag string) string {
	if strings.HasPrefix(tag, "begin ") {
		return "begin"
	}
	return tag
}

// answered notes what became of a proposal. A stale one may be tried again at
// once, for the next decision sees what this one missed; anything else needs
// time to become different.
func (c *Controller) answered(now time.Time, ev Answered) {
	key := matter(ev.Tag)
	refused := ev.Outcome.Refused
	if ev.Err == "" && refused == nil {
		delete(c.refused, key)
		return
	}
	r := c.refused[key]
	if refused == nil || refused.Kind != state.Stale || r.times > 0 {
		r.until = now.Add(min(firstPause<<min(r.times, 10), longestPause))
	}
	r.times++
	c.refused[key] = r
}

// propose emits a command once: not while the same tag is unanswered, and not
// before its time after a refusal.
func (t *turn) propose(tag string, cmd state.Command) bool {
	c := t.c
	if c.proposed[tag] {
		return false
	}
	if r := c.refused[matter(tag)]; t.now.Before(r.until) {
		t.wake(r.until)
		return false
	}
	c.proposed[tag] = true
	cmd.At, cmd.By, cmd.Term = t.now.UnixMilli(), c.cfg.Self, c.term
	t.effects = append(t.effects, Propose{Tag: tag, Term: c.term, Command: cmd})
	return true
}
