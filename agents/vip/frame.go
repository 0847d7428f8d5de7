package vip

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// The frames that are sent and read here: ARP over Ethernet (RFC 826, RFC
// 5227) and neighbour discovery (RFC 4861). Everything in this file is pure.

const (
	arpRequest = 1
	arpReply   = 2

	neighborSolicitation  = 135
	neighborAdvertisement = 136
)

var everyone = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// claimant is what a received frame says: this MAC uses, or asks to use, this address.
type claimant struct {
	mac     net.HardwareAddr
	ip      netip.Addr
	probing bool // it asks whether it may, as we do
}

func ethernet(dst, src net.HardwareAddr, proto uint16) []byte {
	b := make([]byte, 0, 128)
	b = append(b, dst...)
	b = append(b, src...)
	return binary.BigEndian.AppendUint16(b, proto)
}

// arp builds an ARP frame to everyone.
func arp(op uint16, sender net.HardwareAddr, senderIP netip.Addr, target net.HardwareAddr, targetIP netip.Addr) []byte {
	b := ethernet(everyone, sender, unix.ETH_P_ARP)
	b = append(b, 0, 1, 8, 0, 6, 4) // Ethernet, IPv4, their lengths
	b = binary.BigEndian.AppendUint16(b, op)
	b = append(b, sender...)
	b = append(b, senderIP.AsSlice()...)
	b = append(b, target...)
	return append(b, targetIP.AsSlice()...)
}

// probeFrame asks who has ip, without claiming it.
func probeFrame(mac net.HardwareAddr, ip netip.Addr) []byte {
	if ip.Is4() {
		return arp(arpRequest, mac, netip.IPv4Unspecified(), make(net.HardwareAddr, 6), ip)
	}
	group := solicitedNode(ip)
	body := append([]byte{neighborSolicitation, 0, 0, 0, 0, 0, 0, 0}, ip.AsSlice()...)
	return icmp6(multicastMAC(group), mac, netip.IPv6Unspecified(), group, body)
}

// announceFrames tell everyone that ip is at mac: for IPv4 in both forms that
// routers are known to heed.
func announceFrames(mac net.HardwareAddr, ip netip.Addr, router bool) [][]byte {
	if ip.Is4() {
		return [][]byte{
			arp(arpRequest, mac, ip, make(net.HardwareAddr, 6), ip),
			arp(arpReply, mac, ip, mac, ip),
		}
	}
	flags := byte(0x20) // override
	if router {
		flags |= 0x80
	}
	body := append([]byte{neighborAdvertisement, 0, 0, 0, flags, 0, 0, 0}, ip.AsSlice()...)
	body = append(body, 2, 1) // option: target link-layer address, 8 bytes
	body = append(body, mac...)
	group := netip.MustParseAddr("ff02::1")
	return [][]byte{icmp6(multicastMAC(group), mac, ip, group, body)}
}

// icmp6 builds an ICMPv6 frame with the hop limit that neighbour discovery demands.
func icmp6(dst, src net.HardwareAddr, from, to netip.Addr, body []byte) []byte {
	b := ethernet(dst, src, unix.ETH_P_IPV6)
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	b = append(b, unix.IPPROTO_ICMPV6, 255)
	b = append(b, from.AsSlice()...)
	b = append(b, to.AsSlice()...)
	at := len(b)
	b = append(b, body...)
	binary.BigEndian.PutUint16(b[at+2:], checksum6(from, to, body))
	return b
}

// checksum6 is the ICMPv6 checksum over the pseudo header and body, whose own
// checksum field is zero.
func checksum6(from, to netip.Addr, body []byte) uint16 {
	pseudo := append(from.AsSlice(), to.AsSlice()...)
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(body)))
	pseudo = append(pseudo, 0, 0, 0, unix.IPPROTO_ICMPV6)
	var sum uint32
	for _, part := range [][]byte{pseudo, body} {
		for i := 0; i+1 < len(part); i += 2 {
			sum += uint32(part[i])<<8 | uint32(part[i+1])
		}
		if len(part)%2 == 1 {
			sum += uint32(part[len(part)-1]) << 8
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// solicitedNode is the group that the holder of an address listens to.
func solicitedNode(ip netip.Addr) netip.Addr {
	a := ip.As16()
	return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff, 13: a[13], 14: a[14], 15: a[15]})
}

// multicastMAC is the Ethernet address of an IPv6 group.
func multicastMAC(group netip.Addr) net.HardwareAddr {
	a := group.As16()
	return net.HardwareAddr{0x33, 0x33, a[12], a[13], a[14], a[15]}
}

// readClaim reads a received Ethernet frame. It is false for everything that
// claims no address.
func readClaim(frame []byte) (claimant, bool) {
	if len(frame) < 14 {
		return claimant{}, false
	}
	switch binary.BigEndian.Uint16(frame[12:]) {
	case unix.ETH_P_ARP:
		return readARP(frame[14:])
	case unix.ETH_P_IPV6:
		return readND(net.HardwareAddr(bytes.Clone(frame[6:12])), frame[14:])
	}
	return claimant{}, false
}

func readARP(b []byte) (claimant, bool) {
	if len(b) < 28 || !bytes.Equal(b[:6], []byte{0, 1, 8, 0, 6, 4}) {
		return claimant{}, false
	}
	mac := net.HardwareAddr(bytes.Clone(b[8:14]))
	sender := netip.AddrFrom4([4]byte(b[14:18]))
	target := netip.AddrFrom4([4]byte(b[24:28]))
	if !sender.IsUnspecified() {
		return claimant{mac: mac, ip: sender}, true
	}
	return claimant{mac: mac, ip: target, probing: true}, binary.BigEndian.Uint16(b[6:]) == arpRequest
}

func readND(mac net.HardwareAddr, b []byte) (claimant, bool) {
	if len(b) < 64 || b[0]>>4 != 6 || b[6] != unix.IPPROTO_ICMPV6 || b[7] != 255 {
		return claimant{}, false
	}
	from := netip.AddrFrom16([16]byte(b[8:24]))
	target := netip.AddrFrom16([16]byte(b[48:64]))
	switch b[40] {
	case neighborAdvertisement:
		return claimant{mac: mac, ip: target}, true
	case neighborSolicitation:
		return claimant{mac: mac, ip: target, probing: true}, from.IsUnspecified()
	}
	return claimant{}, false
}
