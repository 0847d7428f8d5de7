package wire

import (
	"net/netip"
	"testing"
)

func TestGateBoundsStrangers(t *testing.T) {
	var g gate
	one := netip.MustParseAddr("10.0.0.1")
	for i := range maxGreetingsFrom {
		if !g.enter(one) {
			t.Fatalf("handshake %d refused", i)
		}
	}
	if g.enter(one) {
		t.Error("one source takes more than its share")
	}
	inside := maxGreetingsFrom
	for addr := one.Next(); g.enter(addr); addr = addr.Next() {
		inside++
	}
	if inside != maxGreetings {
		t.Errorf("%d handshakes at a time, want %d", inside, maxGreetings)
	}
	g.leave(one)
	if !g.enter(one) {
		t.Error("a free place was not given")
	}
	joins := 0
	for g.enterJoin() {
		joins++
	}
	if joins != maxJoins {
		t.Errorf("%d joins at a time, want %d", joins, maxJoins)
	}
	g.leaveJoin()
	if !g.enterJoin() {
		t.Error("a free place for a join was not given")
	}
}
