package vip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hosts is a table in a small language: "lo! 127.0.0.1/8; eth0 10.0.0.1/24 …".
// An exclamation mark is the loopback flag.
func hosts(text string) []iface {
	var table []iface
	for n, line := range strings.Split(text, ";") {
		fields := strings.Fields(line)
		i := iface{index: n + 1, name: strings.TrimSuffix(fields[0], "!")}
		if i.name != fields[0] {
			i.flags = unix.IFF_LOOPBACK
		}
		for _, p := range fields[1:] {
			i.addrs = append(i.addrs, address{prefix: netip.MustParsePrefix(p)})
		}
		table = append(table, i)
	}
	return table
}

func TestPlace(t *testing.T) {
	const host = "lo! 127.0.0.1/8 ::1/128; eth0 10.0.0.1/24 fe80::1/64 2001:db8::1/64; eth1 10.0.0.129/25 10.1.0.1/16 fe80::2/64; eth2"
	for _, c := range []struct{ ip, prefix, iface, want string }{
		{"10.0.0.5", "", "", "eth0/24 connected"},
		{"10.0.0.200", "", "", "eth1/25 connected"}, // the narrower network
		{"10.0.0.200", "", "eth0", "eth0/24 connected"},
		{"10.1.2.3", "", "", "eth1/16 connected"},
		{"10.1.2.3", "24", "", "eth1/24"},
		{"10.1.2.3", "16", "", "eth1/16 connected"},
		{"10.1.2.3", "", "eth2", "eth2/32"},
		{"10.1.2.3", "24", "eth2", "eth2/24"},
		{"2001:db8::5", "", "", "eth0/64 connected"},
		{"2001:db9::5", "", "eth1", "eth1/128"},
		{"fe80::9", "", "eth1", "eth1/64 connected"},
		{"fe80::9", "", "", "error: no interface of this node has an address in the network of fe80::9; set the parameter interface (it has lo, eth0, eth1, eth2)"},
		{"10.2.0.1", "", "", "error: no interface of this node has an address in the network of 10.2.0.1; set the parameter interface (it has lo, eth0, eth1, eth2)"},
		{"10.0.0.5", "", "eth7", "error: there is no interface eth7 on this node (it has lo, eth0, eth1, eth2)"},
		{"10.9.9.9", "", "lo", "lo/32"},
	} {
		cfg, err := parse(map[string]string{"ip": c.ip, "prefix": c.prefix, "interface": c.iface})
		if err != nil {
			t.Fatal(err)
		}
		p, err := cfg.locate(hosts(host))
		got := fmt.Sprintf("%s/%d", p.iface.name, p.prefix)
		if p.connected {
			got += " connected"
		}
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%s prefix %q interface %q:\n got %s\nwant %s", c.ip, c.prefix, c.iface, got, c.want)
		}
	}
}

// An address's own entry says nothing about the network it belongs to.
func TestPlaceIgnoresTheAddressItself(t *testing.T) {
	cfg, _ := parse(map[string]string{"ip": "10.0.0.5", "interface": "eth0"})
	p, err := cfg.locate(hosts("eth0 10.0.0.5/24"))
	if err != nil || p.prefix != 32 || p.connected {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestRepairsAreBounded(t *testing.T) {
	c := &claim{}
	now := time.Unix(1000, 0)
	for i, want := range []bool{true, true, true, false, false} {
		if got := c.mayRepair(now.Add(time.Duration(i) * time.Second)); got != want {
			t.Errorf("repair %d: %v, want %v", i+1, got, want)
		}
	}
	if c.mayRepair(now.Add(time.Hour)) {
		t.Error("a claim that was given up is repaired again later")
	}
	c.hold(place{}, "")
	for i := range 10 {
		if !c.mayRepair(now.Add(time.Duration(i) * 21 * time.Second)) {
			t.Errorf("repair %d of one each 21 s was refused", i+1)
		}
	}
}

func testAddr(s string) netip.Addr { return netip.MustParseAddr(s) }
