package vip

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/contract"
)

func request(params map[string]string) agents.Request {
	return agents.Request{
		Resource: "vip-" + params["ip"], Node: "n1", Timeout: 5 * time.Second, Params: params,
		Agent: agents.Spec{Class: "holdfast", Type: "vip"},
	}
}

// steal removes an address as somebody else would, until it stays away: while
// it is watched, the agent puts it back a few times.
func steal(t *testing.T, ip string) {
	t.Helper()
	link, err := netlink.LinkByName("lan0")
	if err != nil {
		t.Fatal(err)
	}
	quiet := time.NewTimer(0)
	defer quiet.Stop()
	for removed := 0; removed <= maxRepairs; {
		switch changeAddress(netlink.AddrDel, link, ip) {
		case nil:
			removed++
			quiet.Reset(30 * time.Millisecond)
		default:
			select {
			case <-quiet.C:
				if removed > 0 {
					return // nobody puts it back
				}
				t.Fatalf("%s is not on lan0", ip)
			case <-time.After(time.Millisecond):
			}
		}
	}
}

func testContract(t *testing.T, address func(n int) string, bits int, more map[string]string) {
	newSegment(t)
	n := 0
	contract.Test(t, contract.Subject{
		Agent: New(nil),
		New: func(*testing.T) agents.Request {
			n++
			params := maps.Clone(more)
			params["ip"] = address(n)
			return request(params)
		},
		Break: func(t *testing.T, req agents.Request) { steal(t, fmt.Sprintf("%s/%d", req.Params["ip"], bits)) },
		Bad: []contract.Bad{
			{Names: "ip", Params: map[string]string{"ip": "here"}},
			{Names: "ip", Params: map[string]string{"ip": "127.0.0.1"}},
			{Names: "prefix", Params: map[string]string{"prefix": "129"}},
			{Names: "prefix", Params: map[string]string{"prefix": "wide"}},
			{Names: "interface", Params: map[string]string{"interface": "a/b"}},
			{Names: "check-link", Params: map[string]string{"check-link": "perhaps"}},
			{Names: "check-duplicate", Params: map[string]string{"check-duplicate": "2"}},
		},
	})
}

func TestContractIPv4(t *testing.T) {
	testContract(t, func(n int) string { return fmt.Sprintf("10.77.0.%d", 10+n) }, 24, map[string]string{})
}

// Without the search for duplicates, a start is as quick as the kernel.
func TestContractIPv6(t *testing.T) {
	testContract(t, func(n int) string { return fmt.Sprintf("fd77::%x", 0x10+n) }, 64,
		map[string]string{"check-duplicate": "false"})
}
