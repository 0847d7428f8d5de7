package vip

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/agents"
)

// config is what the parameters say.
type config struct {
	ip             netip.Addr
	prefix         int    // -1: take the connected network's
	iface          string // "": the one whose connected network contains the address
	label          string
	checkDuplicate bool
	checkLink      bool
}

// maxLabel is IFNAMSIZ without its terminating zero.
const maxLabel = 15

// parse checks the parameters and reports all problems at once.
func parse(params map[string]string) (config, error) {
	c := config{prefix: -1, iface: params["interface"], label: params["label"]}
	var problems []string
	note := func(err error) {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	note(c.parseAddress(params["ip"], params["prefix"]))
	note(parseBool(params, "check-duplicate", true, &c.checkDuplicate))
	note(parseBool(params, "check-link", true, &c.checkLink))
	if len(c.iface) > maxLabel || strings.ContainsAny(c.iface, "/ \t\n") {
		note(fmt.Errorf("parameter interface: %q cannot be the name of an interface", c.iface))
	}
	if len(c.label) > maxLabel {
		note(fmt.Errorf("parameter label: %q is longer than %d characters", c.label, maxLabel))
	}
	if c.label != "" && c.ip.Is6() {
		note(fmt.Errorf("parameter label: only IPv4 addresses have labels"))
	}
	if problems != nil {
		return c, fmt.Errorf("%s", strings.Join(problems, "; "))
	}
	return c, nil
}

// parseAddress reads the address, which may carry its prefix length.
func (c *config) parseAddress(ip, prefix string) error {
	if ip == "" {
		return fmt.Errorf("parameter ip is missing: give the address, such as 192.0.2.10")
	}
	text, length, slash := strings.Cut(ip, "/")
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return fmt.Errorf("parameter ip: %q is not an IPv4 or IPv6 address", ip)
	}
	c.ip = addr.Unmap()
	if c.ip.IsUnspecified() || c.ip.IsMulticast() || c.ip.IsLoopback() {
		return fmt.Errorf("parameter ip: %s cannot be moved between machines", c.ip)
	}
	if slash {
		if prefix != "" && prefix != length {
			return fmt.Errorf("parameter prefix: %q contradicts ip %q", prefix, ip)
		}
		prefix = length
	}
	if prefix == "" {
		return nil
	}
	n, err := strconv.Atoi(prefix)
	if err != nil || n < 1 || n > c.ip.BitLen() {
		return fmt.Errorf("parameter prefix: %q is not a prefix length from 1 to %d", prefix, c.ip.BitLen())
	}
	c.prefix = n
	return nil
}

func parseBool(params map[string]string, name string, fallback bool, into *bool) error {
	*into = fallback
	switch strings.ToLower(params[name]) {
	case "":
	case "true", "yes", "on", "1":
		*into = true
	case "false", "no", "off", "0":
		*into = false
	default:
		return fmt.Errorf("parameter %s: %q is neither true nor false", name, params[name])
	}
	return nil
}

// metadata describes the agent.
func metadata() *agents.Metadata {
	return &agents.Metadata{
		Name:  "vip",
		Short: "A virtual IP address",
		Long: "Holds an IPv4 or IPv6 address on this node: looks for a duplicate, adds it, announces it to the " +
			"neighbours, and puts it back at once when somebody else removes it.",
		Parameters: []agents.Parameter{
			{
				Name: "ip", Type: "string", Required: true, Unique: true, Short: "the address",
				Long: "IPv4 or IPv6 address, such as 192.0.2.10 or 2001:db8::10. A prefix length may follow a slash.",
			},
			{
				Name: "prefix", Type: "integer", Short: "prefix length",
				Long: "Length of the network prefix. By default that of the interface's network which contains the address, else 32 or 128.",
			},
			{
				Name: "interface", Type: "string", Short: "network interface",
				Long: "The interface to hold the address on. By default the one that has an address in the same network.",
			},
			{
				Name: "label", Type: "string", Short: "label of an IPv4 address",
				Long: "Shown by ip and ifconfig, at most 15 characters; it must begin with the interface's name.",
			},
			{
				Name: "check-duplicate", Type: "boolean", Default: "true", Short: "refuse a duplicate",
				Long: "Asks the network (RFC 5227) whether another machine holds the address, for 0.2 s, before it is added.",
			},
			{
				Name: "check-link", Type: "boolean", Default: "true", Short: "an interface without carrier is a failure",
				Long: "Start and monitor fail when the interface is down or has no carrier.",
			},
		},
		Actions: []agents.ActionDef{
			{Name: string(agents.Start), Timeout: timeout},
			{Name: string(agents.Stop), Timeout: timeout},
			{Name: string(agents.Monitor), Timeout: timeout, Interval: interval},
			{Name: string(agents.ValidateAll), Timeout: timeout},
			{Name: string(agents.MetaData), Timeout: timeout},
		},
	}
}
