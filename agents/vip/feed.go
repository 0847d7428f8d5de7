package vip

import (
	"errors"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// feed is one subscription to the kernel's news about links and addresses,
// shared by all watches. It runs while there are listeners.
type feed struct {
	log hclog.Logger

	mu        sync.Mutex
	listeners map[*listener]struct{}
	stop      func() // ends the running subscription; nil when none runs
}

// listener is one watch's interest in the feed.
type listener struct {
	ip    netip.Addr
	dirty chan struct{} // holds a token when something may have changed

	mu      sync.Mutex
	culprit string // who removed the address last, when the kernel said so
}

func newFeed(log hclog.Logger) *feed {
	return &feed{log: log, listeners: map[*listener]struct{}{}}
}

func (l *listener) poke() {
	select {
	case l.dirty <- struct{}{}:
	default:
	}
}

// blame returns who removed the address, and forgets it.
func (l *listener) blame() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	who := l.culprit
	l.culprit = ""
	return who
}

// listen adds a listener. When it returns without an error, the listener
// misses nothing that happens from now on.
func (f *feed) listen(ip netip.Addr) (*listener, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop == nil {
		sock, err := subscribe()
		if err != nil {
			return nil, err
		}
		done := make(chan struct{})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			f.run(sock, done)
		}()
		f.stop = func() {
			close(done)
			sock.Close()
			<-ended
		}
	}
	l := &listener{ip: ip, dirty: make(chan struct{}, 1)}
	f.listeners[l] = struct{}{}
	return l, nil
}

// leave removes a listener; the last one ends the subscription.
func (f *feed) leave(l *listener) {
	f.mu.Lock()
	delete(f.listeners, l)
	var stop func()
	if len(f.listeners) == 0 {
		stop, f.stop = f.stop, nil
	}
	f.mu.Unlock()
	if stop != nil {
		stop() // not under the lock: the reader takes it
	}
}

func subscribe() (*nl.NetlinkSocket, error) {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		return nil, err
	}
	// Room for the news of some thousand addresses at once. A smaller buffer
	// only means that everybody looks again.
	if s.SetReceiveBufferSize(1<<20, true) != nil {
		_ = s.SetReceiveBufferSize(1<<20, false)
	}
	return s, nil
}

// run reads news until the socket is closed.
func (f *feed) run(sock *nl.NetlinkSocket, done <-chan struct{}) {
	for {
		msgs, from, err := sock.Receive()
		select {
		case <-done:
			return
		default:
		}
		if err != nil {
			// News were lost (ENOBUFS), or something odd came.
			f.pokeAll()
			if errors.Is(err, os.ErrClosed) || errors.Is(err, unix.EBADF) {
				return
			}
			if !errors.Is(err, unix.ENOBUFS) {
				f.log.Warn("reading the kernel's news failed", "error", err)
				select {
				case <-done:
					return
				case <-time.After(100 * time.Millisecond):
				}
			}
			continue
		}
		if from.Pid != nl.PidKernel {
			continue
		}
		for _, m := range msgs {
			switch m.Header.Type {
			case unix.RTM_NEWLINK, unix.RTM_DELLINK:
				f.pokeAll()
			case unix.RTM_DELADDR:
				f.removed(m.Data, m.Header.Pid)
			}
		}
	}
}

func (f *feed) pokeAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.listeners {
		l.poke()
	}
}

// removed tells the listeners of an address that it was deleted, and by whom:
// the kernel passes on the port of the asking netlink socket, which is the
// process's id for the first socket of each process.
func (f *feed) removed(data []byte, port uint32) {
	ip, ok := deletedAddress(data)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.listeners {
		if l.ip == ip {
			l.mu.Lock()
			l.culprit = processName(port)
			l.mu.Unlock()
			l.poke()
		}
	}
}

// deletedAddress reads the address out of an RTM_DELADDR message.
func deletedAddress(data []byte) (netip.Addr, bool) {
	if len(data) < unix.SizeofIfAddrmsg {
		return netip.Addr{}, false
	}
	attrs, err := nl.ParseRouteAttr(data[unix.SizeofIfAddrmsg:])
	if err != nil {
		return netip.Addr{}, false
	}
	var ip netip.Addr
	for _, a := range attrs {
		// IFA_LOCAL is the address itself where both are given.
		if a.Attr.Type == unix.IFA_LOCAL || a.Attr.Type == unix.IFA_ADDRESS && !ip.IsValid() {
			ip, _ = netip.AddrFromSlice(a.Value)
		}
	}
	return ip.Unmap(), ip.IsValid()
}

// processName names a process that may be gone already; "" when nothing is known.
func processName(pid uint32) string {
	if pid == 0 || pid > 1<<22 {
		return ""
	}
	comm, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/comm")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(comm)) + " (process " + strconv.Itoa(int(pid)) + ")"
}
