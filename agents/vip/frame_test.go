package vip

import (
	"encoding/hex"
	"net"
	"net/netip"
	"testing"
)

var (
	testMAC = net.HardwareAddr{0x02, 0, 0, 0, 0, 0x0a}
	testIP4 = netip.MustParseAddr("192.0.2.10")
	testIP6 = netip.MustParseAddr("2001:db8::10")
)

// The frames, byte by byte, as a packet dump shows them.
func TestFrames(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		want  string
	}{
		{
			"ARP probe", probeFrame(testMAC, testIP4),
			"ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a 00000000 000000000000 c000020a",
		},
		{
			"ARP announcement", announceFrames(testMAC, testIP4, false)[0],
			"ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a c000020a 000000000000 c000020a",
		},
		{
			"ARP announcement as a reply", announceFrames(testMAC, testIP4, false)[1],
			"ffffffffffff 02000000000a 0806 0001 0800 06 04 0002 02000000000a c000020a 02000000000a c000020a",
		},
		{
			"neighbour solicitation", probeFrame(testMAC, testIP6),
			"3333ff000010 02000000000a 86dd 60000000 0018 3a ff 00000000000000000000000000000000 ff0200000000000000000001ff000010" +
				" 87 00 4ccf 00000000 20010db8000000000000000000000010",
		},
		{
			"neighbour advertisement of a router", announceFrames(testMAC, testIP6, true)[0],
			"333300000001 02000000000a 86dd 60000000 0020 3a ff 20010db8000000000000000000000010 ff020000000000000000000000000001" +
				" 88 00 7903 a0000000 20010db8000000000000000000000010 02 01 02000000000a",
		},
	} {
		want := ""
		for _, r := range c.want {
			if r != ' ' {
				want += string(r)
			}
		}
		if got := hex.EncodeToString(c.frame); got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

// A correct ICMPv6 packet sums up to zero with its checksum in place.
func TestChecksum(t *testing.T) {
	for _, frame := range append(announceFrames(testMAC, testIP6, false), probeFrame(testMAC, testIP6)) {
		from := netip.AddrFrom16([16]byte(frame[22:38]))
		to := netip.AddrFrom16([16]byte(frame[38:54]))
		if sum := checksum6(from, to, frame[54:]); sum != 0 {
			t.Errorf("checksum over %x is %04x, want 0", frame[54:], sum)
		}
	}
}

func TestClaims(t *testing.T) {
	for _, c := range []struct {
		frame   []byte
		probing bool
		ip      netip.Addr
	}{
		{probeFrame(testMAC, testIP4), true, testIP4},
		{probeFrame(testMAC, testIP6), true, testIP6},
		{announceFrames(testMAC, testIP4, false)[0], false, testIP4},
		{announceFrames(testMAC, testIP4, false)[1], false, testIP4},
		{announceFrames(testMAC, testIP6, false)[0], false, testIP6},
	} {
		got, ok := readClaim(c.frame)
		if !ok || got.ip != c.ip || got.probing != c.probing || got.mac.String() != testMAC.String() {
			t.Errorf("%x: %+v, %v", c.frame, got, ok)
		}
		for n := range c.frame {
			if _, ok := readClaim(c.frame[:n]); ok && n < 42 {
				t.Errorf("%x: a claim was read from its first %d bytes", c.frame, n)
			}
		}
	}
}

func FuzzReadClaim(f *testing.F) {
	f.Add(probeFrame(testMAC, testIP4))
	f.Add(announceFrames(testMAC, testIP6, true)[0])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, frame []byte) {
		if c, ok := readClaim(frame); ok && (len(c.mac) != 6 || !c.ip.IsValid()) {
			t.Errorf("%x: incomplete claim %+v", frame, c)
		}
	})
}

func FuzzDeletedAddress(f *testing.F) {
	f.Add([]byte{2, 24, 0, 0, 1, 0, 0, 0, 8, 0, 1, 0, 10, 0, 0, 1})
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, data []byte) {
		if ip, ok := deletedAddress(data); ok && !ip.IsValid() {
			t.Errorf("%x: %v", data, ip)
		}
	})
}
