package cli

import (
	"bufio"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// addresses are the node's addresses as IP:PORT, one per link: as they were
// given, or those of the interfaces that were named, or that of the default
// route's interface.
func addresses(given, links []string, port int) ([]string, error) {
	if port < 1 || port > 65535 {
		return nil, exitf(ExitUsage, "--port %d is no port", port)
	}
	if len(given) > 0 && len(links) > 0 {
		return nil, exitf(ExitUsage, "say either --address or --link, not both")
	}
	var out []string
	for _, text := range given {
		addr, err := parseAddress(text, port)
		if err != nil {
			return nil, err
		}
		out = append(out, addr)
	}
	if len(given) > 0 {
		return out, nil
	}
	if len(links) == 0 {
		link, err := defaultLink()
		if err != nil {
			return nil, err
		}
		links = []string{link}
	}
	for _, name := range links {
		ip, err := linkAddress(name)
		if err != nil {
			return nil, err
		}
		out = append(out, netip.AddrPortFrom(ip, uint16(port)).String())
	}
	return out, nil
}

func parseAddress(text string, port int) (string, error) {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.String(), nil
	}
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return "", exitf(ExitUsage, "--address %q is no IP address such as 10.0.0.1 or 10.0.0.1:7413 (names are not looked up)", text)
	}
	return netip.AddrPortFrom(ip, uint16(port)).String(), nil
}

// defaultLink is the interface of the default route.
func defaultLink() (string, error) {
	f, err := os.Open("/proc/net/route")
	if err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) > 7 && fields[1] == "00000000" {
				if mask, err := strconv.ParseUint(fields[7], 16, 32); err == nil && mask == 0 {
					return fields[0], nil
				}
			}
		}
	}
	return "", exitf(ExitUsage, "this machine has no default route to tell its address by: name it with --address IP or --link INTERFACE")
}

// linkAddress is the first address of an interface that others can reach; IPv4
// first.
func linkAddress(name string) (netip.Addr, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return netip.Addr{}, exitf(ExitUsage, "network interface %s: %w", name, err)
	}
	list, err := iface.Addrs()
	if err != nil {
		return netip.Addr{}, exitf(ExitUnavailable, "addresses of %s: %w", name, err)
	}
	var best netip.Addr
	for _, a := range list {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || prefix.Addr().IsLinkLocalUnicast() {
			continue
		}
		if !best.IsValid() || best.Is6() && prefix.Addr().Is4() {
			best = prefix.Addr()
		}
	}
	if !best.IsValid() {
		return best, exitf(ExitUsage, "network interface %s has no address that other machines could reach", name)
	}
	return best, nil
}
