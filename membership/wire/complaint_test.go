package wire

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestComplaintsAreRare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		c := complaints{log: hclog.New(&hclog.LoggerOptions{Output: &out})}
		lines := func() int { return strings.Count(out.String(), "\n") }
		one, two := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
		for range 1000 {
			c.about(one, "forged", "dropped a datagram")
			c.about(one, "replayed", "dropped a datagram")
			c.about(two, "forged", "dropped a datagram")
		}
		if lines() != 3 {
			t.Fatalf("%d lines for three sources and reasons", lines())
		}
		time.Sleep(complaintPause) // virtual
		c.about(one, "forged", "dropped a datagram")
		if !strings.Contains(out.String(), "repeated=999") {
			t.Errorf("no count of what was kept silent:\n%s", &out)
		}
		out.Reset()
		for addr := one; addr.Less(netip.MustParseAddr("10.0.9.9")); addr = addr.Next() {
			c.about(addr, "forged", "dropped a datagram")
		}
		if got := lines(); got > complaintMemory {
			t.Errorf("invented sources bought %d lines", got)
		}
		time.Sleep(complaintPause)
		out.Reset()
		c.about(two, "truncated", "dropped a datagram")
		if lines() != 1 {
			t.Error("silent for ever after a flood")
		}
	})
}
