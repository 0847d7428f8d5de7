package vip

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The search for a rival: three questions, evenly spread over probeTime. A
// kernel answers within microseconds, so RFC 5227's seconds buy nothing on a
// wired segment.
const (
	probes    = 3
	probeTime = 200 * time.Millisecond
)

// port is a packet socket on one interface.
type port struct {
	fd    int
	index int
	proto uint16
}

// openPort opens a socket for ARP or IPv6 frames, as the address needs.
func openPort(i iface, ip netip.Addr) (*port, error) {
	p := &port{index: i.index, proto: unix.ETH_P_ARP}
	if ip.Is6() {
		p.proto = unix.ETH_P_IPV6
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open a packet socket on %s: %w", i.name, err)
	}
	p.fd = fd
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(p.proto), Ifindex: i.index}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot bind a packet socket to %s: %w", i.name, err)
	}
	return p, nil
}

func (p *port) close() { unix.Close(p.fd) }

func (p *port) send(frame []byte) error {
	to := &unix.SockaddrLinklayer{Protocol: bigEndian(p.proto), Ifindex: p.index, Halen: 6}
	copy(to.Addr[:], frame[:6])
	return unix.Sendto(p.fd, frame, unix.MSG_DONTWAIT, to)
}

// hear waits for a frame, not longer than wait. It is nil when none came.
func (p *port) hear(wait time.Duration, buffer []byte) ([]byte, error) {
	ms := max(1, int(wait/time.Millisecond))
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, ms)
	if err == unix.EINTR || n == 0 && err == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n, _, err = unix.Recvfrom(p.fd, buffer, unix.MSG_DONTWAIT)
	if err == unix.EAGAIN {
		return nil, nil
	}
	return buffer[:max(n, 0)], err
}

// join receives a multicast group's frames.
func (p *port) join(mac net.HardwareAddr) error {
	m := unix.PacketMreq{Ifindex: int32(p.index), Type: unix.PACKET_MR_MULTICAST, Alen: 6}
	copy(m.Address[:], mac)
	return unix.SetsockoptPacketMreq(p.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m)
}

func bigEndian(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// rival is the error for an address that another machine holds.
type rival struct {
	claimant
	iface string
}

func (r *rival) Error() string {
	if r.probing {
		return fmt.Sprintf("%s is being taken by another machine on %s at this moment, MAC %s", r.ip, r.iface, r.mac)
	}
	return fmt.Sprintf("%s is held by another machine on %s, MAC %s; not added", r.ip, r.iface, r.mac)
}

// seekRival asks whether another machine holds ip. own are this host's MACs.
func seekRival(ctx context.Context, i iface, ip netip.Addr, own map[string]bool) error {
	p, err := openPort(i, ip)
	if err != nil {
		return err
	}
	defer p.close()
	if ip.Is6() {
		if err := p.join(multicastMAC(solicitedNode(ip))); err != nil {
			return fmt.Errorf("cannot listen to neighbour discovery on %s: %w", i.name, err)
		}
	}
	question := probeFrame(i.mac, ip)
	began := time.Now()
	buffer := make([]byte, 2048)
	for asked := 0; ; {
		elapsed := time.Since(began)
		if elapsed >= probeTime {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if due := probeTime * time.Duration(asked) / probes; asked < probes && elapsed >= due {
			if err := p.send(question); err != nil && asked == 0 {
				return fmt.Errorf("cannot ask for duplicates of %s on %s: %w", ip, i.name, err)
			}
			asked++
			continue
		}
		frame, err := p.hear(10*time.Millisecond, buffer)
		if err != nil {
			return fmt.Errorf("cannot listen for duplicates of %s on %s: %w", ip, i.name, err)
		}
		if c, ok := readClaim(frame); ok && c.ip == ip && !own[c.mac.String()] {
			return &rival{c, i.name}
		}
	}
}

// ownMACs are the MACs of this host.
func ownMACs(table []iface) map[string]bool {
	own := map[string]bool{}
	for _, i := range table {
		own[i.mac.String()] = true
	}
	return own
}

// speaker sends announcements. Its socket stays open: closing a packet socket
// takes the kernel some milliseconds, which a start or a repair should not wait.
type speaker struct {
	mu   sync.Mutex
	fd   int
	open bool
	shut bool
}

// announce tells the neighbours once that ip is here, with the MAC that the
// interface has now: a bond's changes.
func (s *speaker) announce(i iface, ip netip.Addr) error {
	if link, err := netlink.LinkByIndex(i.index); err == nil {
		i.mac = link.Attrs().HardwareAddr
	}
	if !i.speaks() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return fmt.Errorf("the vip agent was shut down")
	}
	if !s.open {
		// Protocol 0: it receives nothing.
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("cannot open a packet socket: %w", err)
		}
		s.fd, s.open = fd, true
	}
	for _, frame := range announceFrames(i.mac, ip, ip.Is6() && forwards(i.name)) {
		p := port{fd: s.fd, index: i.index, proto: binary.BigEndian.Uint16(frame[12:])}
		if err := p.send(frame); err != nil {
			return fmt.Errorf("cannot announce %s on %s: %w", ip, i.name, err)
		}
	}
	return nil
}

func (s *speaker) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		unix.Close(s.fd)
	}
	s.open, s.shut = false, true
}

// forwards says whether this host is a router for IPv6 on that interface,
// which its advertisements must not deny.
func forwards(name string) bool {
	b, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + name + "/forwarding")
	return err == nil && strings.TrimSpace(string(b)) == "1"
}
