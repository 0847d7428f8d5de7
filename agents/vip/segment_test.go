package vip

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/agents"
)

func run(a *Agent, req agents.Request, action agents.Action) agents.Result {
	req.Action = action
	return a.Run(context.Background(), req)
}

func expectRun(t *testing.T, a *Agent, req agents.Request, action agents.Action, want string) {
	t.Helper()
	if got := run(a, req, action).String(); got != want {
		t.Fatalf("%s of %s:\n got %s\nwant %s", action, req.Params["ip"], got, want)
	}
}

func newAgent(t *testing.T) *Agent {
	a := New(nil)
	t.Cleanup(func() { a.Close() })
	return a
}

// watching starts a watch and returns its events.
func watching(t *testing.T, a *Agent, req agents.Request) <-chan agents.Event {
	t.Helper()
	events := make(chan agents.Event, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Watch(ctx, req, func(e agents.Event) { events <- e }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return events
}

func next(t *testing.T, events <-chan agents.Event) string {
	t.Helper()
	select {
	case e := <-events:
		return e.Reason
	case <-time.After(5 * time.Second):
		t.Fatal("no event")
		return ""
	}
}

func here(t *testing.T, name, ip string) bool {
	t.Helper()
	cfg, err := parse(map[string]string{"ip": ip, "interface": name})
	if err != nil {
		t.Fatal(err)
	}
	table, err := readTable()
	if err != nil {
		t.Fatal(err)
	}
	return len(cfg.holders(table)) > 0
}

// Another machine of the segment has the address: it is refused, named by its
// MAC, in time, and not added.
func TestRivalIsRefused(t *testing.T) {
	s := newSegment(t)
	a := newAgent(t)
	for _, c := range []struct{ ip, mask string }{{"10.77.0.50", "24"}, {"fd77::50", "64"}} {
		var mac string
		s.inFar(func() error {
			far, err := netlink.LinkByName("far0")
			if err != nil {
				return err
			}
			mac = far.Attrs().HardwareAddr.String()
			return changeAddress(netlink.AddrAdd, far, c.ip+"/"+c.mask)
		})
		req := request(map[string]string{"ip": c.ip})
		r := run(a, req, agents.Start)
		want := fmt.Sprintf("error: %s is held by another machine on lan0, MAC %s; not added", c.ip, mac)
		if r.String() != want {
			t.Errorf("got %s, want %s", r, want)
		}
		if took := r.Finished.Sub(r.Started); took > 700*time.Millisecond {
			t.Errorf("the refusal took %s", took)
		}
		if here(t, "lan0", c.ip) {
			t.Errorf("%s was added all the same", c.ip)
		}
		req.Params["check-duplicate"] = "false"
		expectRun(t, a, req, agents.Start, "ok")
		expectRun(t, a, req, agents.Stop, "ok")
	}
}

// The neighbour learns at once that the address moved here.
func TestNeighboursLearn(t *testing.T) {
	s := newSegment(t)
	a := newAgent(t)
	link, err := netlink.LinkByName("lan0")
	s.check(err)
	for _, ip := range []string{"10.77.0.60", "fd77::60"} {
		s.inFar(func() error { return staleNeighbour(ip) })
		expectRun(t, a, request(map[string]string{"ip": ip}), agents.Start, "ok")
		deadline := time.Now().Add(2 * time.Second)
		for learnt := ""; learnt != link.Attrs().HardwareAddr.String(); {
			s.inFar(func() (err error) {
				learnt, err = neighbour(ip)
				return err
			})
			if time.Now().After(deadline) {
				t.Fatalf("the neighbour believes that %s is at %q", ip, learnt)
			}
		}
		expectRun(t, a, request(map[string]string{"ip": ip}), agents.Stop, "ok")
	}
}

// staleNeighbour makes this machine believe that an address is somewhere else.
func staleNeighbour(ip string) error {
	far, err := netlink.LinkByName("far0")
	if err != nil {
		return err
	}
	cfg, _ := parse(map[string]string{"ip": ip})
	return netlink.NeighSet(&netlink.Neigh{
		LinkIndex: far.Attrs().Index, IP: cfg.ip.AsSlice(), HardwareAddr: testMAC, State: netlink.NUD_STALE,
	})
}

func neighbour(ip string) (string, error) {
	all, err := netlink.NeighList(0, 0)
	for _, n := range all {
		if n.IP.String() == ip {
			return n.HardwareAddr.String(), err
		}
	}
	return "", err
}

// Somebody removes the address: it is back in milliseconds, three times in a
// minute; then the cluster has to decide.
func TestRepair(t *testing.T) {
	newSegment(t)
	a := newAgent(t)
	req := request(map[string]string{"ip": "10.77.0.70", "label": "lan0:web"})
	expectRun(t, a, req, agents.Start, "ok")
	events := watching(t, a, req)
	link, _ := netlink.LinkByName("lan0")
	for n := range 3 {
		if err := changeAddress(netlink.AddrDel, link, "10.77.0.70/24"); err != nil {
			t.Fatal(err)
		}
		removed := time.Now()
		reason := next(t, events)
		took := time.Since(removed)
		if !strings.Contains(reason, "10.77.0.70 was removed from lan0 by") || !strings.Contains(reason, "put back after") {
			t.Errorf("removal %d: %s", n+1, reason)
		}
		if took > 50*time.Millisecond {
			t.Errorf("removal %d: put back after %s", n+1, took)
		}
		t.Logf("%s: %s", took, reason)
		expectRun(t, a, req, agents.Monitor, "ok")
	}
	if err := changeAddress(netlink.AddrDel, link, "10.77.0.70/24"); err != nil {
		t.Fatal(err)
	}
	if reason := next(t, events); !strings.Contains(reason, "not put back any more after 3 times") {
		t.Errorf("fourth removal: %s", reason)
	}
	expectRun(t, a, req, agents.Monitor, "not running")
	expectRun(t, a, req, agents.Start, "ok")
	addrs, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil || len(addrs) != 2 || addrs[1].Label != "lan0:web" {
		t.Errorf("the label is lost: %v, %v", addrs, err)
	}
}

// The culprit is named when the kernel says who it was and it still runs.
func TestCulpritIsNamed(t *testing.T) {
	newSegment(t)
	a := newAgent(t)
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("left out: needs ip")
	}
	req := request(map[string]string{"ip": "10.77.0.71"})
	expectRun(t, a, req, agents.Start, "ok")
	events := watching(t, a, req)
	ip := exec.Command("ip", "-batch", "-") // stays until its input ends
	in, err := ip.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ip.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(in, "addr del 10.77.0.71/24 dev lan0")
	// The standard input of a batch is read line by line only when more comes;
	// closing it ends the program, so flush with a harmless command first.
	fmt.Fprintln(in, "addr show dev lo")
	reason := next(t, events)
	in.Close()
	ip.Wait()
	if want := fmt.Sprintf("by ip (process %d)", ip.Process.Pid); !strings.Contains(reason, want) {
		t.Errorf("got %q, want %q in it", reason, want)
	}
}

// The race that must never be lost: a stop while the address is being removed
// and put back. After the stop nothing brings it back.
func TestStopIsNeverUndone(t *testing.T) {
	newSegment(t)
	a := newAgent(t)
	req := request(map[string]string{"ip": "10.77.0.80", "check-duplicate": "false"})
	watching(t, a, req)
	link, _ := netlink.LinkByName("lan0")
	for round := range 150 {
		expectRun(t, a, req, agents.Start, "ok")
		stolen := make(chan struct{})
		go func() {
			defer close(stolen)
			for range round % 4 { // the watcher is busy with repairs when the stop comes
				changeAddress(netlink.AddrDel, link, "10.77.0.80/24")
			}
		}()
		if round%2 == 0 {
			<-stolen
		}
		expectRun(t, a, req, agents.Stop, "ok")
		<-stolen
		for range 20 {
			if here(t, "lan0", "10.77.0.80") {
				t.Fatalf("round %d: the address came back after the stop", round)
			}
		}
	}
}

// A new daemon finds the address here and looks after it.
func TestAdoption(t *testing.T) {
	newSegment(t)
	req := request(map[string]string{"ip": "fd77::90"})
	expectRun(t, newAgent(t), req, agents.Start, "ok")
	a := newAgent(t)
	events := watching(t, a, req)
	for held := false; !held; { // adopted as soon as the watch has looked
		c := a.claim(testAddr("fd77::90"))
		if err := c.acquire(context.Background()); err != nil {
			t.Fatal(err)
		}
		held = c.wanted
		c.release()
	}
	link, _ := netlink.LinkByName("lan0")
	if err := changeAddress(netlink.AddrDel, link, "fd77::90/64"); err != nil {
		t.Fatal(err)
	}
	if reason := next(t, events); !strings.Contains(reason, "put back after") {
		t.Errorf("got %q", reason)
	}
	expectRun(t, a, req, agents.Monitor, "ok")
	expectRun(t, a, req, agents.Stop, "ok")
}

// No carrier is a failure that is told at once, and so is its return.
func TestLink(t *testing.T) {
	s := newSegment(t)
	a := newAgent(t)
	req := request(map[string]string{"ip": "10.77.0.95"})
	expectRun(t, a, req, agents.Start, "ok")
	events := watching(t, a, req)
	far := func(change func(netlink.Link) error) {
		s.inFar(func() error {
			l, err := netlink.LinkByName("far0")
			if err != nil {
				return err
			}
			return change(l)
		})
	}
	// The watch may not have looked yet; what it says first is then the same.
	far(netlink.LinkSetDown)
	if got := next(t, events); got != "interface lan0 has no carrier" {
		t.Errorf("got %q", got)
	}
	expectRun(t, a, req, agents.Monitor, "error: interface lan0 has no carrier")
	other := request(map[string]string{"ip": "10.77.0.96"})
	expectRun(t, a, other, agents.Start, "error: interface lan0 has no carrier")
	other.Params["check-link"] = "false"
	expectRun(t, a, other, agents.Start, "ok")
	expectRun(t, a, other, agents.Stop, "ok")
	far(netlink.LinkSetUp)
	if got := next(t, events); got != "interface lan0 has its carrier back" {
		t.Errorf("got %q", got)
	}
	expectRun(t, a, req, agents.Monitor, "ok")
}

// Two addresses of a subnet that the host itself is not in: the kernel would
// remove the second along with the first.
func TestSecondAddressSurvives(t *testing.T) {
	newSegment(t)
	os.WriteFile("/proc/sys/net/ipv4/conf/lan0/promote_secondaries", []byte("0"), 0o644)
	a := newAgent(t)
	first := request(map[string]string{"ip": "10.78.0.1/24", "interface": "lan0"})
	second := request(map[string]string{"ip": "10.78.0.2/24", "interface": "lan0"})
	expectRun(t, a, first, agents.Start, "ok")
	expectRun(t, a, second, agents.Start, "ok")
	expectRun(t, a, first, agents.Stop, "ok")
	expectRun(t, a, second, agents.Monitor, "ok")
	expectRun(t, a, second, agents.Stop, "ok")
}

func TestReasons(t *testing.T) {
	newSegment(t)
	a := newAgent(t)
	spare := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "spare0"}, PeerName: "spare1"}
	if err := netlink.LinkAdd(spare); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { netlink.LinkDel(spare) })
	req := request(map[string]string{"ip": "10.77.0.97", "interface": "spare0"})
	expectRun(t, a, req, agents.Start, "error: interface spare0 is down; see ip link set spare0 up")
	for _, name := range []string{"spare1", "spare0"} {
		if err := setUp(name); err != nil {
			t.Fatal(err)
		}
	}
	expectRun(t, a, req, agents.Start, "ok")
	moved := request(map[string]string{"ip": "10.77.0.97", "interface": "lan0"})
	expectRun(t, a, moved, agents.Monitor, "not running: 10.77.0.97 is on spare0, not on lan0")
	expectRun(t, a, moved, agents.Start, "error: 10.77.0.97 is on spare0 of this node already; remove it there first: ip addr del 10.77.0.97 dev spare0")
	expectRun(t, a, req, agents.Stop, "ok")
	gone := request(map[string]string{"ip": "10.99.0.1"})
	expectRun(t, a, gone, agents.Start, "not installed: no interface of this node has an address in the network of 10.99.0.1; set the parameter interface (it has lo, lan0, spare1, spare0)")
	expectRun(t, a, gone, agents.Stop, "ok")
	os.WriteFile("/proc/sys/net/ipv6/conf/spare0/disable_ipv6", []byte("1"), 0o644)
	v6 := request(map[string]string{"ip": "fd99::1", "interface": "spare0"})
	expectRun(t, a, v6, agents.Start, "error: cannot add fd99::1 to spare0: IPv6 is disabled there; see sysctl net.ipv6.conf.spare0.disable_ipv6")
}

// What we add is marked as ours, and brings no route that is there already.
func TestEntry(t *testing.T) {
	newSegment(t)
	a := newAgent(t)
	req := request(map[string]string{"ip": "10.77.0.99"})
	expectRun(t, a, req, agents.Start, "ok")
	link, _ := netlink.LinkByName("lan0")
	addrs, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil || len(addrs) != 2 {
		t.Fatalf("%v, %v", addrs, err)
	}
	if got := addrs[1]; got.String() != "10.77.0.99/24 lan0" || got.Flags&unix.IFA_F_NOPREFIXROUTE == 0 || got.Broadcast.String() != "10.77.0.255" {
		t.Errorf("%v flags %x broadcast %v", got, got.Flags, got.Broadcast)
	}
	if err := a.Announce(context.Background()); err != nil {
		t.Error(err)
	}
	expectRun(t, a, req, agents.Stop, "ok")
}
