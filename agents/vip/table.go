package vip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// iface is one network interface and its addresses.
type iface struct {
	index int
	name  string
	mac   net.HardwareAddr
	flags uint32 // IFF_…
	addrs []address
}

// address is one entry of the kernel's table.
type address struct {
	prefix netip.Prefix // with the host part
	flags  int          // IFA_F_…
}

// up says that the interface could pass traffic: it is enabled and has a carrier.
func (i iface) up() bool { return i.flags&unix.IFF_UP != 0 && i.flags&unix.IFF_LOWER_UP != 0 }

// speaks says that neighbours are found by ARP or neighbour discovery here.
func (i iface) speaks() bool {
	return i.flags&(unix.IFF_NOARP|unix.IFF_LOOPBACK|unix.IFF_POINTOPOINT) == 0 && len(i.mac) == 6
}

// readTable reads all interfaces and addresses, in the order of their index. A
// dump that was disturbed by a change is repeated.
func readTable() ([]iface, error) {
	var err error
	for range 10 {
		var links []netlink.Link
		var addrs []netlink.Addr
		if links, err = netlink.LinkList(); err == nil {
			if addrs, err = netlink.AddrList(nil, netlink.FAMILY_ALL); err == nil {
				return merge(links, addrs), nil
			}
		}
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return nil, fmt.Errorf("cannot read the kernel's table of addresses: %w", err)
}

func merge(links []netlink.Link, addrs []netlink.Addr) []iface {
	table := make([]iface, 0, len(links))
	for _, l := range links {
		a := l.Attrs()
		table = append(table, iface{index: a.Index, name: a.Name, mac: a.HardwareAddr, flags: a.RawFlags})
	}
	slices.SortFunc(table, func(a, b iface) int { return a.index - b.index })
	for _, a := range addrs {
		i := slices.IndexFunc(table, func(i iface) bool { return i.index == a.LinkIndex })
		if p, ok := prefixOf(a.IPNet); ok && i >= 0 {
			table[i].addrs = append(table[i].addrs, address{prefix: p, flags: a.Flags})
		}
	}
	return table
}

func prefixOf(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(n.IP)
	ones, bits := n.Mask.Size()
	if !ok || bits == 0 {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(ip.Unmap(), ones), true
}

// protocol marks the addresses that we added (IFA_PROTO, Linux 5.18 and later;
// older kernels ignore it), for whoever reads "ip -d addr". It is 'H'.
const (
	ifaProto = 11
	protocol = 0x48
)

// addAddress puts the address on its place. One that is there already is fine.
func addAddress(p place, ip netip.Addr, label string) error {
	flags := uint32(0)
	if p.connected {
		flags |= unix.IFA_F_NOPREFIXROUTE
	}
	if ip.Is6() {
		flags |= unix.IFA_F_NODAD // we have looked for duplicates ourselves
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	addressMessage(req, p.iface.index, netip.PrefixFrom(ip, p.prefix))
	if ip.Is4() && p.prefix < 31 {
		req.AddData(nl.NewRtAttr(unix.IFA_BROADCAST, broadcast(netip.PrefixFrom(ip, p.prefix))))
	}
	if label != "" {
		req.AddData(nl.NewRtAttr(unix.IFA_LABEL, nl.ZeroTerminated(label)))
	}
	req.AddData(nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(flags)))
	req.AddData(nl.NewRtAttr(ifaProto, []byte{protocol}))
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return explainAdd(err, p, ip, label)
}

// delAddress takes an entry away. One that is not there is fine.
func delAddress(index int, p netip.Prefix) error {
	req := nl.NewNetlinkRequest(unix.RTM_DELADDR, unix.NLM_F_ACK)
	addressMessage(req, index, p)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

func addressMessage(req *nl.NetlinkRequest, index int, p netip.Prefix) {
	family := unix.AF_INET
	if p.Addr().Is6() {
		family = unix.AF_INET6
	}
	msg := nl.NewIfAddrmsg(family)
	msg.Index, msg.Prefixlen = uint32(index), uint8(p.Bits())
	req.AddData(msg)
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, p.Addr().AsSlice()))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, p.Addr().AsSlice()))
}

// broadcast is the last address of an IPv4 network.
func broadcast(p netip.Prefix) []byte {
	b := p.Addr().As4()
	mask := net.CIDRMask(p.Bits(), 32)
	for i := range b {
		b[i] |= ^mask[i]
	}
	return b[:]
}

// explainAdd puts the errors that an administrator can cure into words.
func explainAdd(err error, p place, ip netip.Addr, label string) error {
	name := p.iface.name
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("not allowed to add %s to %s: it needs CAP_NET_ADMIN", ip, name)
	case errors.Is(err, unix.EACCES) && ip.Is6():
		return fmt.Errorf("cannot add %s to %s: IPv6 is disabled there; see sysctl net.ipv6.conf.%s.disable_ipv6", ip, name, name)
	case errors.Is(err, unix.EINVAL) && label != "" && !strings.HasPrefix(label, name):
		return fmt.Errorf("cannot add %s to %s: label %q must begin with %q", ip, name, label, name)
	}
	return fmt.Errorf("cannot add %s/%d to %s: %w", ip, p.prefix, name, err)
}

// keepSecondaries makes the kernel keep a subnet's other addresses when its
// oldest is deleted. Where that cannot be set there is nothing else to do.
func keepSecondaries(name string) error {
	return os.WriteFile("/proc/sys/net/ipv4/conf/"+name+"/promote_secondaries", []byte("1"), 0o644)
}
