package wire

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/membership/identity"
)

var testCluster = [clusterSize]byte{1, 2, 3, 4}

// pairOf returns what node 1 of some cluster needs to send to node 2, and node
// 2 to read it.
func pairOf(t testing.TB, a, b *identity.Identity, boot, incarnation uint64) (*sealer, *opener) {
	t.Helper()
	key := func(own, peer *identity.Identity) pairKey {
		secret, err := own.SharedSecret(peer.LinkKey())
		if err != nil {
			t.Fatal(err)
		}
		k, err := newPairKey(secret, "cluster")
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	s, err := newSealer(key(a, b), testCluster, run{1, 2, boot, incarnation, newSalt()})
	if err != nil {
		t.Fatal(err)
	}
	return s, &opener{key: key(b, a), from: 1, to: 2}
}

// sealed returns a copy of one datagram.
func sealed(s *sealer, link int, payload string) []byte {
	return bytes.Clone(s.seal(new(scratch), link, 0, []byte(payload)))
}

// receive is what a Net does with a packet. It leaves pkt as it is.
func receive(o *opener, pkt []byte) (string, Reason) {
	h, why := parseHeader(pkt, testCluster)
	if why != ok {
		return "", why
	}
	payload, why := o.open(h, bytes.Clone(pkt))
	return string(payload), why
}

func expect(t *testing.T, o *opener, pkt []byte, wantPayload string, want Reason) {
	t.Helper()
	payload, why := receive(o, pkt)
	if payload != wantPayload || why != want {
		t.Errorf("got %q, %v; want %q, %v", payload, why, wantPayload, want)
	}
}

func TestDatagramArrivesOnce(t *testing.T) {
	s, o := pairOf(t, founder(t, "prod", "a"), founder(t, "prod", "b"), 3, 1)
	for _, payload := range []string{"", "x", string(bytes.Repeat([]byte("y"), MaxDatagram))} {
		pkt := sealed(s, 7, payload)
		expect(t, o, pkt, payload, ok)
		expect(t, o, pkt, "", Replayed)
	}
}

func TestDatagramOfEachRun(t *testing.T) {
	a, b := founder(t, "prod", "a"), founder(t, "prod", "b")
	boot1, o := pairOf(t, a, b, 1, 9)
	boot2, _ := pairOf(t, a, b, 2, 1)
	boot2b, _ := pairOf(t, a, b, 2, 2)
	restored, _ := pairOf(t, a, b, 2, 2)
	early, late := sealed(boot1, 0, "early"), sealed(boot1, 0, "late")
	expect(t, o, early, "early", ok)
	expect(t, o, sealed(boot2, 0, "second boot"), "second boot", ok)
	expect(t, o, late, "", OldRun)
	expect(t, o, early, "", OldRun)
	expect(t, o, sealed(boot2b, 0, "daemon restarted"), "daemon restarted", ok)
	expect(t, o, sealed(boot2, 0, "before"), "", OldRun)
	expect(t, o, sealed(restored, 0, "backup"), "", TurnedBack)
	expect(t, o, sealed(boot2b, 0, "goes on"), "goes on", ok)
}

// What was recorded in an earlier life of the receiver stays out, although the
// receiver remembers nothing of that life.
func TestDatagramForAnEarlierLife(t *testing.T) {
	s, o := pairOf(t, founder(t, "prod", "a"), founder(t, "prod", "b"), 1, 1)
	o.self = 77
	to := func(mark uint64) []byte { return bytes.Clone(s.seal(new(scratch), 0, mark, []byte("x"))) }
	expect(t, o, to(76), "", OldReceiver)
	expect(t, o, to(0), "x", ok)
	expect(t, o, to(77), "x", ok)
	expect(t, o, to(76), "", OldReceiver)
}

// Who claims a new boot but has not the key changes nothing.
func TestForgedRestartIsIgnored(t *testing.T) {
	a, b := founder(t, "prod", "a"), founder(t, "prod", "b")
	s, o := pairOf(t, a, b, 1, 1)
	liar, _ := pairOf(t, founder(t, "prod", "x"), b, 99, 1)
	expect(t, o, sealed(liar, 0, "first"), "", Forged)
	expect(t, o, sealed(s, 0, "truth"), "truth", ok)
	expect(t, o, sealed(liar, 0, "again"), "", Forged)
	expect(t, o, sealed(s, 0, "still"), "still", ok)
}

// Every bit of a datagram counts.
func TestDatagramWithOneBitFlipped(t *testing.T) {
	s, o := pairOf(t, founder(t, "prod", "a"), founder(t, "prod", "b"), 1, 1)
	expect(t, o, sealed(s, 0, "first"), "first", ok)
	pkt := sealed(s, 0, "payload")
	for i := range pkt {
		for bit := range 8 {
			bad := bytes.Clone(pkt)
			bad[i] ^= 1 << bit
			// Sender and receiver choose the opener; a Net looks at them before.
			if i >= offFrom && i < offBoot {
				continue
			}
			if payload, why := receive(o, bad); why == ok {
				t.Fatalf("byte %d bit %d flipped: read %q", i, bit, payload)
			}
		}
	}
	expect(t, o, pkt, "payload", ok)
}

func TestDatagramTruncatedAtEveryLength(t *testing.T) {
	s, o := pairOf(t, founder(t, "prod", "a"), founder(t, "prod", "b"), 1, 1)
	pkt := sealed(s, 0, "payload")
	for size := range pkt {
		want := Forged
		if size < overhead {
			want = Truncated
		}
		expect(t, o, pkt[:size], "", want)
	}
	expect(t, o, append(bytes.Clone(pkt), 0), "", Forged)
	expect(t, o, make([]byte, maxSealed+1), "", Oversize)
	expect(t, o, pkt, "payload", ok)
}

func TestDatagramForOthers(t *testing.T) {
	s, o := pairOf(t, founder(t, "prod", "a"), founder(t, "prod", "b"), 1, 1)
	foreign := sealed(s, 0, "x")
	foreign[offCluster]++
	expect(t, o, foreign, "", OtherCluster)
	future := sealed(s, 0, "x")
	future[0]++
	expect(t, o, future, "", UnknownFormat)
	far := sealed(s, 0, "x")
	far[offLink] = MaxLinks
	expect(t, o, far, "", UnknownFormat)
}

// Keys differ by direction: a datagram can not be sent back to its sender.
func TestReflectedDatagram(t *testing.T) {
	a, b := founder(t, "prod", "a"), founder(t, "prod", "b")
	s, _ := pairOf(t, a, b, 1, 1)
	_, mirror := pairOf(t, b, a, 1, 1)
	mirror.from, mirror.to = 2, 1
	expect(t, mirror, sealed(s, 0, "beat"), "", Forged)
}

// slowWindow is the window's dumb twin.
type slowWindow struct{ seen []uint64 }

func (w *slowWindow) fresh(counter uint64) bool {
	newest := uint64(0)
	if len(w.seen) > 0 {
		newest = slices.Max(w.seen)
	}
	return counter != 0 && counter+windowSize > newest && !slices.Contains(w.seen, counter)
}

func TestWindowIsLikeItsDumbTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fast window
		var slow slowWindow
		base := uint64(0)
		for range rapid.IntRange(1, 300).Draw(t, "packets") {
			base += rapid.SampledFrom([]uint64{0, 0, 1, 1, 1, 2, 63, 64, 65, 1000}).Draw(t, "ahead")
			counter := base - min(base, rapid.Uint64Range(0, 70).Draw(t, "behind"))
			if got, want := fast.fresh(counter), slow.fresh(counter); got != want {
				t.Fatalf("counter %d, newest %d: fresh %v, want %v", counter, fast.newest, got, want)
			}
			if fast.fresh(counter) {
				fast.mark(counter)
				slow.seen = append(slow.seen, counter)
			}
		}
	})
}

func TestSealingAllocatesNothing(t *testing.T) {
	s, o := pairOf(t, founder(t, "prod", "a"), founder(t, "prod", "b"), 1, 1)
	mem, payload := new(scratch), make([]byte, 500)
	allocs := testing.AllocsPerRun(100, func() {
		pkt := s.seal(mem, 0, 0, payload)
		h, _ := parseHeader(pkt, testCluster)
		if _, why := o.open(h, pkt); why != ok {
			t.Fatal(why)
		}
	})
	// The first packet makes the receiver's cipher; that is over in the warm-up run.
	if allocs != 0 {
		t.Errorf("%v allocations for seal and open", allocs)
	}
}

func BenchmarkSealOpen(b *testing.B) {
	s, o := pairOf(b, founder(b, "prod", "a"), founder(b, "prod", "b"), 1, 1)
	mem, payload := new(scratch), make([]byte, 500)
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		pkt := s.seal(mem, 0, 0, payload)
		h, _ := parseHeader(pkt, testCluster)
		if _, why := o.open(h, pkt); why != ok {
			b.Fatal(why)
		}
	}
}

// BenchmarkForged is what a stranger can make a node do per packet.
func BenchmarkForged(b *testing.B) {
	s, o := pairOf(b, founder(b, "prod", "a"), founder(b, "prod", "b"), 1, 1)
	pkt := sealed(s, 0, "beat")
	pkt[len(pkt)-1]++
	b.ReportAllocs()
	for b.Loop() {
		if _, why := receive(o, pkt); why != Forged {
			b.Fatal(why)
		}
	}
}

func FuzzDatagram(f *testing.F) {
	s, o := pairOf(f, founder(f, "prod", "a"), founder(f, "prod", "b"), 1, 1)
	f.Add(sealed(s, 0, "beat"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, pkt []byte) {
		if payload, why := receive(o, pkt); why == ok && payload != "beat" {
			t.Errorf("%x was read as %q", pkt, payload)
		}
	})
}
