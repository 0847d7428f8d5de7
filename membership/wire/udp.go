package wire

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// SendDatagram seals payload (at most MaxDatagram bytes) and hands it to the
// kernel for one link. It never blocks; what can not be sent is counted.
func (n *Net) SendDatagram(to core.ID, link int, payload []byte) {
	p := n.table.Load().byID[to]
	if p == nil {
		n.strays.drop(Stranger)
		return
	}
	addr, has := p.addr(link)
	if !has || link >= len(n.links) {
		n.strays.drop(NoLink)
		return
	}
	m := &p.pair.links[link]
	if len(payload) > MaxDatagram {
		m.drop(Oversize)
		return
	}
	s := scratches.Get().(*scratch)
	pkt := p.pair.sealer.seal(s, link, p.pair.heardLately(time.Since(n.began)), payload)
	if err := n.links[link].send(pkt, addr); err != nil {
		m.drop(SendFailed)
	} else {
		m.sent.Add(1)
	}
	scratches.Put(s)
}

// send gives a packet to the kernel or fails at once: a network card that hangs
// on one link must not stop the beats on the others.
func (l *linkSocket) send(pkt []byte, to netip.AddrPort) error {
	var sendErr error
	err := l.raw.Write(func(fd uintptr) bool {
		sendErr = sendTo(int(fd), pkt, to)
		return true // done, also when it would have blocked
	})
	if err != nil {
		return err
	}
	return sendErr
}

func sendTo(fd int, pkt []byte, to netip.AddrPort) error {
	addr := to.Addr()
	if addr.Is4() {
		return unix.Sendto(fd, pkt, unix.MSG_DONTWAIT, &unix.SockaddrInet4{Port: int(to.Port()), Addr: addr.As4()})
	}
	sa := &unix.SockaddrInet6{Port: int(to.Port()), Addr: addr.As16()}
	if zone := addr.Zone(); zone != "" {
		iface, err := net.InterfaceByName(zone)
		if err != nil {
			return err
		}
		sa.ZoneId = uint32(iface.Index)
	}
	return unix.Sendto(fd, pkt, unix.MSG_DONTWAIT, sa)
}

// readDatagrams is the receiving loop of one link.
func (n *Net) readDatagrams(link int, sock *net.UDPConn) {
	buf := make([]byte, maxSealed+1) // one more, to see what is too long
	for {
		size, source, err := sock.ReadFromUDPAddrPort(buf)
		at := time.Now()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// An ICMP answer to something sent, or the kernel is out of memory.
			if !rest(n.ctx, time.Millisecond) {
				return
			}
			continue
		}
		n.receiveDatagram(link, source, buf[:size], at)
	}
}

// receiveDatagram opens one packet, in place, and delivers or drops it.
func (n *Net) receiveDatagram(link int, source netip.AddrPort, pkt []byte, at time.Time) {
	h, why := parseHeader(pkt, n.cluster)
	if why != ok {
		n.dropDatagram(&n.strays, source, link, why, "")
		return
	}
	t := n.table.Load()
	p := t.byID[h.from]
	switch {
	case h.to != t.self:
		n.dropDatagram(&n.strays, source, link, NotForUs, "")
		return
	case p == nil:
		n.dropDatagram(&n.strays, source, link, Stranger, "")
		return
	}
	m := &p.pair.links[link]
	payload, why := p.pair.opener.open(h, pkt)
	if why == ok && h.link != link {
		why = WrongLink
	}
	if why != ok {
		n.dropDatagram(&m.meter, source, link, why, p.info.Name)
		return
	}
	p.pair.hear(markOf(h.salt), at.Sub(n.began))
	m.received.Add(1)
	m.last.Store(at.UnixNano())
	n.handler.Datagram(h.from, h.boot, link, append([]byte(nil), payload...), at)
}

// dropDatagram counts and, now and then, logs. sender is the claimed one; ""
// when there is none.
func (n *Net) dropDatagram(m *meter, source netip.AddrPort, link int, why Reason, sender string) {
	m.drop(why)
	if why == OldReceiver {
		return // a few follow each start of this node, until the others have heard it
	}
	args := []any{"source", source, "link", link, "why", why.explain()}
	if sender != "" {
		args = append(args, "claims_to_be", sender)
	}
	n.complaints.about(source.Addr(), why.String(), "dropped a datagram", args...)
}
