package vip

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// place is where the address belongs.
type place struct {
	iface     iface
	prefix    int
	connected bool // the interface has a route to that network without us
}

// found is an entry of our address in the table.
type found struct {
	iface iface
	entry address
}

// holders are the interfaces that have the address now. With no interface
// configured that is any but the loopback one.
func (c config) holders(table []iface) []found {
	var all []found
	for _, i := range table {
		if c.iface != "" && i.name != c.iface || c.iface == "" && i.flags&unix.IFF_LOOPBACK != 0 {
			continue
		}
		for _, a := range i.addrs {
			if a.prefix.Addr() == c.ip {
				all = append(all, found{i, a})
			}
		}
	}
	return all
}

// elsewhere names an interface other than the configured one that has the address.
func (c config) elsewhere(table []iface) string {
	for _, f := range (config{ip: c.ip}).holders(table) {
		if c.iface != "" && f.iface.name != c.iface {
			return f.iface.name
		}
	}
	return ""
}

// locate decides where the address belongs: the configured interface, else the
// one with the narrowest connected network that contains it, the first of them
// by index.
func (c config) locate(table []iface) (place, error) {
	var best place
	width := -1
	for _, i := range table {
		if c.iface != "" && i.name != c.iface || c.iface == "" && i.flags&unix.IFF_LOOPBACK != 0 {
			continue
		}
		if net, ok := c.network(i); ok && net.Bits() > width {
			best, width = place{iface: i, prefix: net.Bits(), connected: true}, net.Bits()
		} else if c.iface != "" && width < 0 {
			best = place{iface: i, prefix: c.ip.BitLen()}
		}
	}
	if best.iface.index == 0 {
		return best, c.nowhere(table)
	}
	if c.prefix >= 0 && c.prefix != best.prefix {
		best.prefix, best.connected = c.prefix, false
	}
	return best, nil
}

// network is the narrowest network of an interface that contains the address,
// from an address other than ours.
func (c config) network(i iface) (netip.Prefix, bool) {
	var best netip.Prefix
	ok := false
	for _, a := range i.addrs {
		if a.prefix.Addr() == c.ip || a.prefix.IsSingleIP() || !a.prefix.Masked().Contains(c.ip) {
			continue
		}
		if a.prefix.Addr().IsLinkLocalUnicast() && c.iface == "" {
			continue // fe80::/64 is on every interface
		}
		if !ok || a.prefix.Bits() > best.Bits() {
			best, ok = a.prefix, true
		}
	}
	return best, ok
}

func (c config) nowhere(table []iface) error {
	if c.iface != "" {
		return fmt.Errorf("there is no interface %s on this node (it has %s)", c.iface, names(table))
	}
	return fmt.Errorf("no interface of this node has an address in the network of %s; set the parameter interface (it has %s)", c.ip, names(table))
}

func names(table []iface) string {
	all := make([]string, len(table))
	for n, i := range table {
		all[n] = i.name
	}
	return strings.Join(all, ", ")
}
