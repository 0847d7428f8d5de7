package vip

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// watch is one Watch in progress.
type watch struct {
	agent    *Agent
	claim    *claim
	cfg      config
	news     *listener
	resource string

	linkSeen bool
	linkUp   bool
	absent   bool // its absence has been told

	told []agents.Event // to be emitted when the claim's lock is free again
}

// Watch keeps the address here while it is wanted, and tells when it was
// removed or its link changed. An address that is here when the watch begins,
// as after a restart of the daemon, is taken for wanted.
func (a *Agent) Watch(ctx context.Context, req agents.Request, emit func(agents.Event)) error {
	cfg, err := parse(req.Params)
	if err != nil {
		return fmt.Errorf("watch of %s: %w", req.Resource, err)
	}
	news, err := a.feed.listen(cfg.ip)
	if err != nil {
		return fmt.Errorf("watch of %s: cannot listen to the kernel: %w", req.Resource, err)
	}
	defer a.feed.leave(news)
	w := &watch{agent: a, claim: a.claim(cfg.ip), cfg: cfg, news: news, resource: req.Resource}
	news.poke() // look once: what happened before we listened was not told to us
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-news.dirty:
			w.look(ctx)
			for _, e := range w.told {
				emit(e)
			}
			w.told = nil
		}
	}
}

// look compares the table with what is wanted, repairs and tells. It holds the
// claim, so it never runs in the middle of a start or a stop.
func (w *watch) look(ctx context.Context) {
	c := w.claim
	if c.acquire(ctx) != nil {
		return
	}
	defer c.release()
	seen := time.Now()
	table, err := readTable()
	if err != nil {
		w.tell("%v", err)
		return
	}
	here := w.cfg.holders(table)
	if len(here) == 0 {
		w.missing(table, seen)
		return
	}
	w.absent = false
	if !c.known {
		p, _ := w.cfg.locate(table)
		c.hold(place{here[0].iface, here[0].entry.prefix.Bits(), p.connected}, w.cfg.label)
	}
	w.link(here[0].iface)
}

// link tells about a carrier that came or went.
func (w *watch) link(i iface) {
	up := i.up()
	before, known := w.linkUp, w.linkSeen
	w.linkUp, w.linkSeen = up, true
	switch {
	case !w.cfg.checkLink || known && up == before:
	case !up:
		w.tell("%s", noLink(i))
	case known:
		w.tell("interface %s has its carrier back", i.name)
		if err := w.claim.announce(); err != nil { // the switch may have forgotten us
			w.agent.log.Warn("could not announce again", "address", w.cfg.ip, "error", err)
		}
	}
}

// missing is called when the address is not here.
func (w *watch) missing(table []iface, seen time.Time) {
	c := w.claim
	who := w.news.blame()
	if c.known && !c.wanted {
		return // it was stopped
	}
	if !c.wanted {
		if !w.absent {
			w.tell("%s is not here", w.cfg.ip)
		}
		w.absent = true
		return
	}
	if who == "" {
		who = "somebody else"
	}
	if !c.mayRepair(seen) {
		if !w.absent {
			w.tell("%s was removed from %s by %s; not put back any more after %d times in a minute", w.cfg.ip, c.place.iface.name, who, maxRepairs)
		}
		w.absent = true
		return
	}
	if err := w.repair(table); err != nil {
		w.tell("%s was removed from %s by %s, and could not be put back: %v", w.cfg.ip, c.place.iface.name, who, err)
		return
	}
	w.tell("%s was removed from %s by %s; put back after %s", w.cfg.ip, c.place.iface.name, who, time.Since(seen).Round(10*time.Microsecond))
}

// repair puts the address back where it was: no question for rivals, we are
// its holder.
func (w *watch) repair(table []iface) error {
	c := w.claim
	p, err := (config{ip: w.cfg.ip, iface: c.place.iface.name, prefix: c.place.prefix}).locate(table)
	if err != nil {
		return err
	}
	if err := addAddress(p, w.cfg.ip, c.label); err != nil {
		return err
	}
	c.place, w.absent = p, false
	if err := c.announce(); err != nil {
		w.agent.log.Warn("the address is back, but could not be announced", "address", w.cfg.ip, "error", err)
	}
	return nil
}

func (w *watch) tell(format string, args ...any) {
	e := agents.Event{Resource: w.resource, At: time.Now(), Reason: fmt.Sprintf(format, args...)}
	w.agent.log.Debug("event", "resource", w.resource, "reason", e.Reason)
	w.told = append(w.told, e)
}
