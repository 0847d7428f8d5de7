package hosts

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// clientNumber is the client's place in the networks: 10.77.LINK.200.
const clientNumber = 190

// network is the switch: a namespace with one bridge per link, and the client.
type network struct {
	links  int
	space  netns.NsHandle
	nl     *netlink.Handle
	client netns.NsHandle

	mu   sync.Mutex // of the bridges' firewall
	fw   *nftables.Conn
	cuts []Cut
}

// hostAddress is the address of host number n on a link.
func hostAddress(link, n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 77, byte(link), byte(10 + n)})
}

// hostMAC is the hardware address of host number n on a link.
func hostMAC(link, n int) net.HardwareAddr {
	return net.HardwareAddr{2, 0, 0x77, byte(link), 0, byte(n)}
}

// portName is the switch's end of a host's cable.
func portName(host string, link int) string { return fmt.Sprintf("%s-%d", host, link) }

func bridgeName(link int) string { return fmt.Sprintf("link%d", link) }

// newSpace makes a network namespace that lives as long as its descriptor or a
// process in it.
func newSpace() (netns.NsHandle, error) {
	type answer struct {
		ns  netns.NsHandle
		err error
	}
	ch := make(chan answer)
	go func() {
		runtime.LockOSThread() // the thread ends with this goroutine
		ns, err := netns.New()
		if err == nil {
			err = loopbackUp(ns)
		}
		ch <- answer{ns, err}
	}()
	a := <-ch
	if a.err != nil {
		return netns.None(), fmt.Errorf("a network namespace: %w", a.err)
	}
	return a.ns, nil
}

func loopbackUp(ns netns.NsHandle) error {
	nl, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer nl.Close()
	lo, err := nl.LinkByName("lo")
	if err != nil {
		return err
	}
	return nl.LinkSetUp(lo)
}

func newNetwork(links int) (n *network, err error) {
	n = &network{links: links, client: netns.None(), space: netns.None()}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	if n.space, err = newSpace(); err != nil {
		return n, err
	}
	if n.nl, err = netlink.NewHandleAt(n.space, unix.NETLINK_ROUTE); err != nil {
		return n, err
	}
	for link := range links {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = bridgeName(link)
		quiet := false
		if err := n.nl.LinkAdd(&netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &quiet}); err != nil {
			return n, fmt.Errorf("the bridge of link %d: %w", link, err)
		}
		bridge, err := n.nl.LinkByName(attrs.Name)
		if err != nil {
			return n, err
		}
		if err := n.nl.LinkSetUp(bridge); err != nil {
			return n, err
		}
	}
	if n.fw, err = nftables.New(nftables.WithNetNSFd(int(n.space))); err != nil {
		return n, err
	}
	if n.client, err = newSpace(); err != nil {
		return n, err
	}
	return n, n.connect("client", clientNumber, n.client)
}

// connect gives a namespace an interface on each link.
func (n *network) connect(name string, number int, ns netns.NsHandle) error {
	inside, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer inside.Close()
	for link := range n.links {
		if err := n.plug(name, number, link, ns, inside); err != nil {
			return fmt.Errorf("connect %s to link %d: %w", name, link, err)
		}
	}
	return nil
}

func (n *network) plug(name string, number, link int, ns netns.NsHandle, inside *netlink.Handle) error {
	bridge, err := n.nl.LinkByName(bridgeName(link))
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex = portName(name, link), bridge.Attrs().Index
	cable := &netlink.Veth{
		LinkAttrs: attrs, PeerName: fmt.Sprintf("eth%d", link),
		PeerHardwareAddr: hostMAC(link, number), PeerNamespace: netlink.NsFd(int(ns)),
	}
	if err := n.nl.LinkAdd(cable); err != nil {
		return err
	}
	eth, err := inside.LinkByName(cable.PeerName)
	if err != nil {
		return err
	}
	address := &netlink.Addr{IPNet: &net.IPNet{IP: hostAddress(link, number).AsSlice(), Mask: net.CIDRMask(24, 32)}}
	if err := errors.Join(inside.AddrAdd(eth, address), inside.LinkSetUp(eth)); err != nil {
		return err
	}
	return n.setPort(name, link, true)
}

// setPort switches a port on or off.
func (n *network) setPort(name string, link int, up bool) error {
	port, err := n.nl.LinkByName(portName(name, link))
	if err != nil {
		return err
	}
	if up {
		return n.nl.LinkSetUp(port)
	}
	return n.nl.LinkSetDown(port)
}

// unplug removes a host's cables.
func (n *network) unplug(name string) error {
	var errs []error
	for link := range n.links {
		port, err := n.nl.LinkByName(portName(name, link))
		if err != nil {
			continue // it went with the namespace at its other end
		}
		if err := n.nl.LinkDel(port); err != nil && !errors.Is(err, unix.ENODEV) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (n *network) close() error {
	var errs []error
	if n.nl != nil {
		n.nl.Close()
	}
	for _, ns := range []*netns.NsHandle{&n.client, &n.space} {
		if ns.IsOpen() {
			errs = append(errs, ns.Close())
		}
	}
	return errors.Join(errs...)
}
