package vip

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents"
)

// start brings the address here.
func (a *Agent) start(ctx context.Context, c *claim, cfg config) agents.Result {
	if err := c.acquire(ctx); err != nil {
		return bad(agents.ErrGeneric, "another operation on %s is still under way", cfg.ip)
	}
	defer c.release()
	table, err := readTable()
	if err != nil {
		return bad(agents.ErrGeneric, "%v", err)
	}
	if other := cfg.elsewhere(table); other != "" {
		return bad(agents.ErrGeneric, "%s is on %s of this node already; remove it there first: ip addr del %s dev %s", cfg.ip, other, cfg.ip, other)
	}
	p, err := cfg.locate(table)
	here := cfg.holders(table)
	switch {
	case len(here) > 0:
		p = place{iface: here[0].iface, prefix: here[0].entry.prefix.Bits(), connected: p.connected}
	case err != nil:
		return bad(agents.ErrInstalled, "%v", err)
	}
	if cfg.checkLink && !p.iface.up() {
		return bad(agents.ErrGeneric, "%s", noLink(p.iface))
	}
	if len(here) == 0 {
		if r := a.bring(ctx, cfg, p, table); r.Code != agents.OK {
			return r
		}
	}
	c.hold(p, cfg.label)
	if err := c.announce(); err != nil {
		a.log.Warn("the address is here, but could not be announced", "address", cfg.ip, "error", err)
	}
	return good()
}

// bring looks for a rival and adds the address.
func (a *Agent) bring(ctx context.Context, cfg config, p place, table []iface) agents.Result {
	if cfg.checkDuplicate && p.iface.speaks() && p.iface.up() {
		if err := seekRival(ctx, p.iface, cfg.ip, ownMACs(table)); err != nil {
			return bad(agents.ErrGeneric, "%v", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return bad(agents.ErrGeneric, "given up before the address was added")
	}
	if cfg.ip.Is4() {
		if err := keepSecondaries(p.iface.name); err != nil {
			a.log.Debug("promote_secondaries could not be set", "interface", p.iface.name, "error", err)
		}
	}
	if err := addAddress(p, cfg.ip, cfg.label); err != nil {
		return bad(agents.ErrGeneric, "%v", err)
	}
	if ctx.Err() == nil {
		return good()
	}
	// Nobody believes in this start any longer: leave nothing behind.
	if r := removeAll(cfg); r.Code != agents.OK {
		return r
	}
	return bad(agents.ErrGeneric, "given up; the address was taken away again")
}

// stop takes the address away.
func (a *Agent) stop(ctx context.Context, c *claim, cfg config) agents.Result {
	if err := c.acquire(ctx); err != nil {
		return bad(agents.ErrGeneric, "another operation on %s is still under way", cfg.ip)
	}
	defer c.release()
	c.drop()
	return removeAll(cfg)
}

// removeAll deletes every entry of the address, and looks that none is left.
func removeAll(cfg config) agents.Result {
	for range 3 { // somebody may add it while we delete; not for ever
		table, err := readTable()
		if err != nil {
			return bad(agents.ErrGeneric, "%v", err)
		}
		here := cfg.holders(table)
		if len(here) == 0 {
			return good()
		}
		for _, f := range here {
			if err := delAddress(f.iface.index, f.entry.prefix); err != nil {
				return bad(agents.ErrGeneric, "cannot remove %s from %s: %v", f.entry.prefix, f.iface.name, err)
			}
		}
	}
	return bad(agents.ErrGeneric, "%s comes back each time it is removed; which other program manages it?", cfg.ip)
}

// monitor looks at the kernel's table.
func (a *Agent) monitor(ctx context.Context, _ *claim, cfg config) agents.Result {
	table, err := readTable()
	if err != nil {
		return bad(agents.ErrGeneric, "%v", err)
	}
	return cfg.judge(table)
}

// judge says what the table means for the address.
func (cfg config) judge(table []iface) agents.Result {
	here := cfg.holders(table)
	if len(here) == 0 {
		r := bad(agents.NotRunning, "")
		if other := cfg.elsewhere(table); other != "" {
			r.Reason = fmt.Sprintf("%s is on %s, not on %s", cfg.ip, other, cfg.iface)
		}
		return r
	}
	if len(here) > 1 {
		var on []string
		for _, f := range here {
			on = append(on, f.iface.name)
		}
		return bad(agents.ErrGeneric, "%s is here more than once: on %s", cfg.ip, strings.Join(on, " and "))
	}
	if f := here[0]; f.entry.flags&unix.IFA_F_DADFAILED != 0 {
		return bad(agents.ErrGeneric, "%s on %s is a duplicate: the kernel found another machine with it", cfg.ip, f.iface.name)
	}
	if f := here[0]; cfg.checkLink && !f.iface.up() {
		return bad(agents.ErrGeneric, "%s", noLink(f.iface))
	}
	return good()
}

func noLink(i iface) string {
	if i.flags&unix.IFF_UP == 0 {
		return fmt.Sprintf("interface %s is down; see ip link set %s up", i.name, i.name)
	}
	return fmt.Sprintf("interface %s has no carrier", i.name)
}

// validate says whether the address has a place here.
func (a *Agent) validate(ctx context.Context, _ *claim, cfg config) agents.Result {
	table, err := readTable()
	if err != nil {
		return bad(agents.ErrGeneric, "%v", err)
	}
	if len(cfg.holders(table)) > 0 {
		return good()
	}
	if _, err := cfg.locate(table); err != nil {
		return bad(agents.ErrInstalled, "%v", err)
	}
	return good()
}
