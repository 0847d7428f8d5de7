package membership_test

import (
	"testing"

	"github.com/holdfast-ha/holdfast/membership/memnet"
)

// BenchmarkPropose is one writer at a time on three members with real disks.
func BenchmarkPropose(b *testing.B) {
	hosts := grow(b, memnet.New(nil), 3)
	data := make([]byte, 512)
	for b.Loop() {
		if _, err := hosts[0].member.Propose(b.Context(), data); err != nil {
			b.Fatal(err)
		}
	}
}
