package config

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/policy"
)

// cluster reads the cluster block.
func (d *decoder) cluster(b instance) {
	if d.clusterAt.Filename != "" {
		d.errorf(b.head(), "Duplicate block", "there is one cluster block; the first is at %s:%d", d.clusterAt.Filename, d.clusterAt.Start.Line)
		return
	}
	d.clusterAt = b.head()
	c := &d.out.Cluster
	c.Name, c.Pos = b.name, posOf(b.head())
	if !validNode(c.Name) {
		d.errorf(b.LabelRanges[0], "Wrong name", "%q cannot be the name of a cluster; use letters, digits, _ - and .", c.Name)
	}
	d.failureTimeout(b.block)
	d.networks(b.block)
	if q := b.one("quorum"); q != nil {
		d.quorum(q)
	}
	if w := b.one("watchdog"); w != nil {
		c.Watchdog = d.watchdog(w)
	}
	b.done()
}

// failureTimeout reads failure-timeout, which may also be called
// failure-detection.
func (d *decoder) failureTimeout(b *block) {
	for _, name := range []string{"failure-timeout", "failure-detection"} {
		text, v := b.duration(name, true)
		if text == "" {
			continue
		}
		if v < MinFailureTimeout {
			d.errorf(b.Body.Attributes[name].Expr.Range(), "Wrong duration",
				"%s = %q is too short: below %s a busy node would be taken for a dead one", name, text, MinFailureTimeout)
			continue
		}
		d.out.Cluster.FailureTimeout = v
	}
	if one, two := b.Body.Attributes["failure-timeout"], b.Body.Attributes["failure-detection"]; one != nil && two != nil {
		d.errorf(two.NameRange, "Duplicate argument", "failure-detection is another name for failure-timeout, which line %d sets", one.NameRange.Start.Line)
	}
}

func (d *decoder) networks(b *block) {
	var all []Network
	for _, n := range b.blocks("network") {
		if !n.labels("NAME") {
			continue
		}
		net := Network{Name: n.label(0), Pos: posOf(n.head())}
		if !validName(net.Name) {
			d.errorf(n.LabelRanges[0], "Wrong name", "%q cannot be the name of a network", net.Name)
		}
		if i := slices.IndexFunc(all, func(o Network) bool { return o.Name == net.Name }); i >= 0 {
			d.errorf(n.LabelRanges[0], "Duplicate name", "the network %q is already defined in line %d", net.Name, all[i].Pos.Line)
		}
		net.Port = n.integer("port", DefaultPort, 1, 65535)
		net.Priority = n.integer("priority", 0, 0, math.MaxInt16)
		n.done()
		if len(all) == maxNetworks {
			d.errorf(n.head(), "Too many networks", "at most %d networks connect the nodes", maxNetworks)
			break
		}
		all = append(all, net)
	}
	if len(all) > 0 {
		d.out.Cluster.Networks = all
	}
}

// quorum reads the quorum block: plain majority is what there is.
func (d *decoder) quorum(b *block) {
	for _, name := range absentQuorum {
		if a := b.attr(name); a != nil {
			d.absent(a.NameRange, "quorum rule "+name, "a majority of the nodes decides")
		}
	}
	b.word("policy", "majority")
	b.done()
}

func (d *decoder) watchdog(b *block) *Watchdog {
	w := &Watchdog{Device: DefaultWatchdogDevice, Timeout: DefaultWatchdogTimeout, Pos: posOf(b.head())}
	if s := b.text("device"); s != "" {
		w.Device = s
	}
	if text, v := b.duration("timeout", true); text != "" {
		w.Timeout = v
		if v < time.Second || v%time.Second != 0 {
			d.errorf(b.Body.Attributes["timeout"].Expr.Range(), "Wrong duration", "a watchdog counts whole seconds, at least 1s")
		}
	}
	b.done()
	return w
}

// member reads a node block.
func (d *decoder) member(b instance) {
	n := policy.Node{ID: b.name, Name: b.name, Pos: posOf(b.head())}
	m := Member{Name: b.name, Pos: n.Pos}
	if id := b.text("id"); id != "" {
		n.ID = id
	}
	n.Type = b.word("type", "member", "remote")
	n.Score = b.score("score")
	if votes := b.integer("votes", 1, 0, math.MaxInt16); votes != 1 {
		d.absent(b.Body.Attributes["votes"].NameRange, "weighing of votes", "every node has one")
	}
	m.Addresses = d.addresses(b.block)
	n.Attributes = d.nvsets(b.block, "attributes", b.name+"-attributes", setAny)
	flagsID := numbered(b.name+"-attributes", len(n.Attributes))
	var flags []policy.Pair
	for _, name := range []string{"standby", "maintenance"} {
		if v := b.boolean(name); v != "" {
			flags = append(flags, policy.Pair{ID: flagsID + "-" + name, Name: name, Value: v, Pos: posOf(b.Body.Attributes[name].NameRange)})
		}
	}
	if len(flags) > 0 {
		n.Attributes = append(n.Attributes, policy.NVSet{ID: flagsID, Pairs: flags, Pos: n.Pos})
	}
	n.Utilization = d.nvsets(b.block, "utilization", b.name+"-utilization", setInteger)
	b.done()
	d.out.Policy.Nodes = append(d.out.Policy.Nodes, n)
	twice := slices.ContainsFunc(d.out.Cluster.Members, func(o Member) bool { return o.Name == m.Name })
	if n.Type != "remote" && !twice {
		d.out.Cluster.Members = append(d.out.Cluster.Members, m)
	}
}

// addresses reads the addresses of a node. They are numbers, not names: no
// cluster operation depends on a name server.
func (d *decoder) addresses(b *block) []string {
	list := b.texts("address")
	a := b.Body.Attributes["address"]
	for _, s := range list {
		if _, err := netip.ParseAddrPort(s); err == nil {
			continue
		}
		if _, err := netip.ParseAddr(s); err != nil {
			d.errorf(a.Expr.Range(), "Wrong address", "%q is no IP address; write for example \"10.0.0.11\" or \"[2001:db8::11]:7413\" (names are not looked up)", s)
		}
	}
	if have, most := len(list), len(d.out.Cluster.Networks); have > most && d.clusterAt.Filename != "" {
		d.errorf(a.Expr.Range(), "Too many addresses", "the node has %d addresses, but the cluster has %d network%s; each network takes one address, in order",
			have, most, plural(most))
	}
	return list
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
