package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// freePortTries is how often a free port is looked for that both TCP and UDP
// can have.
const freePortTries = 16

// receiveBuffer is asked of the kernel for datagrams, in bytes: room for the
// beats of a hundred nodes while this process is paused for a second.
const receiveBuffer = 4 << 20

// linkSocket is this node's end of one link.
type linkSocket struct {
	local netip.AddrPort
	tcp   net.Listener
	udp   *net.UDPConn
	raw   syscall.RawConn // of udp
}

func (l *linkSocket) close() error {
	return errors.Join(l.tcp.Close(), l.udp.Close())
}

// bindLink binds TCP and UDP to one address and port. The address need not be
// up yet: a node must be able to start while a cable is out.
func bindLink(address string) (*linkSocket, error) {
	want, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	tries := 1
	if want.Port() == 0 {
		tries = freePortTries
	}
	for {
		l, err := bindBoth(want)
		tries--
		if err == nil || tries == 0 {
			return l, err
		}
	}
}

func bindBoth(want netip.AddrPort) (*linkSocket, error) {
	family := "6"
	if want.Addr().Is4() {
		family = "4"
	}
	config := net.ListenConfig{Control: allowAbsentAddress}
	tcp, err := config.Listen(context.Background(), "tcp"+family, want.String())
	if err != nil {
		return nil, explainBind(err)
	}
	local := netip.AddrPortFrom(want.Addr(), tcp.Addr().(*net.TCPAddr).AddrPort().Port())
	packets, err := config.ListenPacket(context.Background(), "udp"+family, local.String())
	if err != nil {
		tcp.Close()
		return nil, explainBind(err)
	}
	udp := packets.(*net.UDPConn)
	udp.SetReadBuffer(receiveBuffer) // the kernel may grant less; nothing to do about it
	raw, err := udp.SyscallConn()
	if err != nil {
		tcp.Close()
		udp.Close()
		return nil, err
	}
	return &linkSocket{local: local, tcp: tcp, udp: udp, raw: raw}, nil
}

func explainBind(err error) error {
	if errors.Is(err, unix.EADDRINUSE) {
		return fmt.Errorf("%w: is crm already running here?", err)
	}
	return err
}

// isHere says whether an address is on an interface of this machine now.
func isHere(addr netip.Addr) bool {
	if addr.IsUnspecified() || addr.IsLoopback() {
		return true
	}
	here, err := net.InterfaceAddrs()
	if err != nil {
		return true // it can not be known; bind has succeeded
	}
	for _, a := range here {
		if n, isNet := a.(*net.IPNet); isNet && n.IP.Equal(addr.WithZone("").AsSlice()) {
			return true
		}
	}
	return false
}
