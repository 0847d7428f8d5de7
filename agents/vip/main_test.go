package vip

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// insideEnv marks the second run of the test binary, in namespaces of its own.
const insideEnv = "HOLDFAST_VIP_TEST_INSIDE"

// TestMain runs the tests in a network namespace of their own, where root is
// available: no test sees or touches the machine's real interfaces.
func TestMain(m *testing.M) {
	if os.Geteuid() != 0 || os.Getenv(insideEnv) != "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Unshareflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL,
	}
	if err := cmd.Run(); err != nil {
		if cmd.ProcessState == nil {
			fmt.Fprintln(os.Stderr, "cannot make a network namespace:", err)
		}
		os.Exit(1)
	}
}

// segment is a network with two machines: ours, with lan0 (10.77.0.1/24 and
// fd77::1/64), and a far one, in a namespace of its own, with far0.
type segment struct {
	t   *testing.T
	far chan func() // runs on a thread inside the far namespace
}

func newSegment(t *testing.T) *segment {
	t.Helper()
	if os.Getenv(insideEnv) == "" {
		t.Skip("left out: needs root (a network namespace)")
	}
	s := &segment{t: t, far: make(chan func())}
	go farMachine(s.far)
	t.Cleanup(func() { close(s.far) })
	var ns int
	s.inFar(func() (err error) {
		if err = unix.Unshare(unix.CLONE_NEWNET); err == nil {
			ns, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		return err
	})
	t.Cleanup(func() { unix.Close(ns) })
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan0"}, PeerName: "far0", PeerNamespace: netlink.NsFd(ns)}
	s.check(netlink.LinkAdd(veth))
	t.Cleanup(func() { netlink.LinkDel(veth) })
	s.check(setUp("lan0", "10.77.0.1/24", "fd77::1/64"))
	s.inFar(func() error { return setUp("far0", "10.77.0.2/24", "fd77::2/64") })
	return s
}

// farMachine does what it is told on one thread, which ends with it.
func farMachine(work <-chan func()) {
	runtime.LockOSThread() // and never unlock: nobody else may get this thread
	for f := range work {
		f()
	}
}

// inFar runs f on the far machine and waits for it.
func (s *segment) inFar(f func() error) {
	s.t.Helper()
	done := make(chan error)
	s.far <- func() { done <- f() }
	s.check(<-done)
}

func (s *segment) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// setUp gives an interface its addresses and enables it.
func setUp(name string, addrs ...string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	for _, text := range addrs {
		if err := changeAddress(netlink.AddrAdd, link, text); err != nil {
			return fmt.Errorf("%s on %s: %w", text, name, err)
		}
	}
	return netlink.LinkSetUp(link)
}

func changeAddress(change func(netlink.Link, *netlink.Addr) error, link netlink.Link, text string) error {
	a, err := netlink.ParseAddr(text)
	if err != nil {
		return err
	}
	if a.IP.To4() == nil {
		a.Flags = unix.IFA_F_NODAD
	}
	return change(link, a)
}
