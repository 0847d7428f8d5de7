package policy

import (
	"fmt"
	"net/netip"
	"strings"
)

// bundleText is what the configuration of a bundle says, with defaults.
type bundleText struct {
	id, runtime                  string
	image, run, network, options string
	replicas                     int
	ipStart, netmask, nic, port  string
	addHost                      bool
	mounts                       []bundleMount
	ports                        [][2]string
	primitive                    *Resource
}

type bundleMount struct {
	source, target, options string
	root                    bool
}

func readBundleText(c *Resource) *bundleText {
	s := c.Bundle
	t := &bundleText{
		id: c.ID, runtime: s.Runtime, image: attr(s.Container, "image"), run: attr(s.Container, "run-command"),
		network: attr(s.Container, "network"), options: attr(s.Container, "options"),
		ipStart: attr(s.Network, "ip-range-start"), netmask: attr(s.Network, "host-netmask"),
		nic: attr(s.Network, "host-interface"), port: attr(s.Network, "control-port"), addHost: true,
	}
	if v, ok := parseBool(attr(s.Network, "add-host")); ok {
		t.addHost = v
	}
	for _, x := range s.Storage {
		mount := bundleMount{source: x.SourceDir, target: x.TargetDir, options: x.Options}
		if mount.source == "" {
			mount.source, mount.root = x.SourceDirRoot, true
		}
		if mount.source != "" && mount.target != "" {
			t.mounts = append(t.mounts, mount)
		}
	}
	for _, p := range s.PortMappings {
		switch {
		case p.Range != "":
			t.ports = append(t.ports, [2]string{p.Range, p.Range})
		case p.Port != "":
			t.ports = append(t.ports, [2]string{p.Port, either(p.InternalPort, p.Port)})
		}
	}
	for i := range c.Children {
		if c.Children[i].Kind == Primitive {
			t.primitive = &c.Children[i]
			break
		}
	}
	if t.primitive != nil {
		t.addPrivateMounts()
	}
	return t
}

// addPrivateMounts adds what the control of the container needs.
func (t *bundleText) addPrivateMounts() {
	logs := true
	for _, x := range t.mounts {
		logs = logs && x.target != "/var/log"
	}
	t.mounts = append(t.mounts, bundleMount{source: "/etc/pacemaker/authkey", target: "/etc/pacemaker/authkey"})
	if logs {
		t.mounts = append(t.mounts, bundleMount{source: "/var/log/pacemaker/bundles", target: "/var/log", root: true})
	}
	t.ports = append(t.ports, [2]string{t.controlPort(), t.controlPort()})
}

func (t *bundleText) controlPort() string { return either(t.port, "3121") }

// bundleAddresses counts up from the first address.
func bundleAddresses(first string, count int) []string {
	list := make([]string, count)
	list[0] = first
	a, err := netip.ParseAddr(first)
	for k := 1; k < count && err == nil && a.Is4(); k++ {
		b := a.As4()
		switch {
		case b[3] < 254:
			b[3]++
		case b[2] < 253:
			b[2]++
			b[3] = 1
		default:
			return list
		}
		a = netip.AddrFrom4(b)
		list[k] = a.String()
	}
	return list
}

func pairs(list ...string) []Pair {
	var out []Pair
	for i := 0; i+1 < len(list); i += 2 {
		out = append(out, Pair{Name: list[i], Value: list[i+1]})
	}
	return out
}

// containerConfig is the configuration of a replica's container.
func (t *bundleText) containerConfig(k int, addresses []string) *Resource {
	name := fmt.Sprintf("%s-%d", t.id, k)
	var sources []string
	for _, x := range t.mounts {
		if x.root {
			sources = append(sources, x.source+"/"+name)
		}
	}
	params := pairs("image", t.image, "allow_pull", "true", "force_kill", "false", "reuse", "false",
		"run_opts", t.runOptions(name, addresses[k], addresses), "mount_points", strings.Join(sources, ","))
	switch {
	case t.run != "":
		params = append(params, pairs("run_cmd", t.run)...)
	case t.primitive != nil:
		params = append(params, pairs("run_cmd", "/usr/sbin/pacemaker-remoted")...)
	}
	params = append(params, pairs("monitor_cmd", "/bin/true")...)
	return &Resource{
		ID: fmt.Sprintf("%s-%s-%d", t.id, t.runtime, k), Class: "ocf", Provider: "heartbeat", Type: t.runtime,
		Params:     []NVSet{{Pairs: params}},
		Operations: Operations{List: []Op{{Name: TaskMonitor, Interval: "60s"}}},
	}
}

// runOptions are the options with which the container is run.
func (t *bundleText) runOptions(name, address string, addresses []string) string {
	var b strings.Builder
	if t.runtime == "docker" {
		b.WriteString(" --restart=no")
	}
	if t.ipStart != "" {
		b.WriteString(" -h " + name)
	}
	b.WriteString(" -e PCMK_stderr=1")
	if t.network != "" {
		b.WriteString(" --net=" + t.network)
	}
	b.WriteString(" -e PCMK_remote_port=" + t.controlPort())
	for _, x := range t.mounts {
		source := x.source
		if x.root {
			source += "/" + name
		}
		b.WriteString(" -v " + source + ":" + x.target)
		if x.options != "" {
			b.WriteString(":" + x.options)
		}
	}
	for _, p := range t.ports {
		switch {
		case address != "":
			b.WriteString(" -p " + address + ":" + p[0] + ":" + p[1])
		case t.network != "host":
			b.WriteString(" -p " + p[0] + ":" + p[1])
		}
	}
	if t.options != "" {
		b.WriteString(" " + t.options)
	}
	b.WriteString(" ")
	for j, a := range addresses {
		switch {
		case a == "":
		case t.addHost:
			fmt.Fprintf(&b, " --add-host=%s-%d:%s", t.id, j, a)
		default:
			fmt.Fprintf(&b, " --hosts-entry=%s=%s-%d", a, t.id, j)
		}
	}
	return b.String()
}

func (t *bundleText) addressConfig(address string) *Resource {
	params := pairs("ip", address)
	if t.nic != "" {
		params = append(params, pairs("nic", t.nic)...)
	}
	params = append(params, pairs("cidr_netmask", either(t.netmask, "32"))...)
	return &Resource{
		ID: t.id + "-ip-" + xmlName(address), Class: "ocf", Provider: "heartbeat", Type: "IPaddr2",
		Params:     []NVSet{{Pairs: params}},
		Operations: Operations{List: []Op{{Name: TaskMonitor, Interval: "60s"}}},
	}
}

// xmlName replaces what may not be part of an id.
func xmlName(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == '_':
			return c
		}
		return '.'
	}, s)
}
