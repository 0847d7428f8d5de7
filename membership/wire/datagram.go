package wire

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// A datagram is a header in clear, authenticated together with the sealed
// payload, and a tag:
//
//	 0  1  format (1)
//	 1  1  link
//	 2  2  zero
//	 4  4  cluster, the first bytes of its id
//	 8  8  sender            16  8  receiver
//	24  8  sender's boot     32  8  sender's incarnation
//	40 16  salt of the sender's run
//	56  8  counter, from 1, per receiver and link
//	64  8  mark of the receiver's run, as far as the sender heard it lately, or zero
//	72  n  payload, sealed
//	  +16  tag
//
// Numbers are big-endian. The key is derived from the X25519 secret of the pair,
// the cluster, sender, receiver, boot, incarnation and salt; the nonce is link
// and counter. So a nonce repeats under one key only if the counter did within
// one run of the daemon, even where a restored backup turned back boot and
// incarnation: the salt is random.
//
// The mark of the receiver's run (the start of its salt) keeps out what was
// recorded in an earlier life of the receiver, of which it remembers nothing.
// Zero is let in: two nodes must be able to begin.
const (
	format      = 1
	headerSize  = 72
	tagSize     = 16
	saltSize    = 16
	overhead    = headerSize + tagSize
	maxSealed   = overhead + MaxDatagram
	offLink     = 1
	offZero     = 2
	offCluster  = 4
	offFrom     = 8
	offTo       = 16
	offBoot     = 24
	offInc      = 32
	offSalt     = 40
	offCounter  = 56
	offHeard    = 64
	clusterSize = 4
)

// header is the parsed clear part.
type header struct {
	link              int
	from, to          core.ID
	boot, incarnation uint64
	salt              [saltSize]byte
	counter           uint64
	heard             uint64
}

// parseHeader checks all that needs no key.
func parseHeader(pkt []byte, cluster [clusterSize]byte) (header, Reason) {
	if len(pkt) < overhead {
		return header{}, Truncated
	}
	if len(pkt) > maxSealed {
		return header{}, Oversize
	}
	if pkt[0] != format || pkt[offZero] != 0 || pkt[offZero+1] != 0 || pkt[offLink] >= MaxLinks {
		return header{}, UnknownFormat
	}
	if !bytes.Equal(pkt[offCluster:offCluster+clusterSize], cluster[:]) {
		return header{}, OtherCluster
	}
	h := header{
		link:        int(pkt[offLink]),
		from:        core.ID(binary.BigEndian.Uint64(pkt[offFrom:])),
		to:          core.ID(binary.BigEndian.Uint64(pkt[offTo:])),
		boot:        binary.BigEndian.Uint64(pkt[offBoot:]),
		incarnation: binary.BigEndian.Uint64(pkt[offInc:]),
		counter:     binary.BigEndian.Uint64(pkt[offCounter:]),
		heard:       binary.BigEndian.Uint64(pkt[offHeard:]),
	}
	copy(h.salt[:], pkt[offSalt:])
	return h, ok
}

// pairKey is what two nodes share: the root of their datagram keys.
type pairKey struct {
	root []byte // HKDF pseudorandom key
}

func newPairKey(secret []byte, clusterID string) (pairKey, error) {
	root, err := hkdf.Extract(sha256.New, secret, []byte("holdfast datagram "+clusterID))
	return pairKey{root}, err
}

// run names one life of a sending daemon towards one receiver.
type run struct {
	from, to          core.ID
	boot, incarnation uint64
	salt              [saltSize]byte
}

// cipherFor derives the cipher of one run.
func (k pairKey) cipherFor(r run) (cipher.AEAD, error) {
	info := make([]byte, 0, 32+saltSize)
	info = binary.BigEndian.AppendUint64(info, uint64(r.from))
	info = binary.BigEndian.AppendUint64(info, uint64(r.to))
	info = binary.BigEndian.AppendUint64(info, r.boot)
	info = binary.BigEndian.AppendUint64(info, r.incarnation)
	info = append(info, r.salt[:]...)
	key, err := hkdf.Expand(sha256.New, k.root, string(info), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealer makes the datagrams to one peer. It must live as long as the process:
// a second one for the same run would repeat nonces, which is why its salt is
// its own.
type sealer struct {
	aead     cipher.AEAD
	template [headerSize]byte // all but link and counter
	counters [MaxLinks]atomic.Uint64
}

func newSealer(key pairKey, cluster [clusterSize]byte, r run) (*sealer, error) {
	aead, err := key.cipherFor(r)
	if err != nil {
		return nil, fmt.Errorf("datagram key for peer %d: %w", r.to, err)
	}
	s := &sealer{aead: aead}
	t := s.template[:]
	t[0] = format
	copy(t[offCluster:], cluster[:])
	binary.BigEndian.PutUint64(t[offFrom:], uint64(r.from))
	binary.BigEndian.PutUint64(t[offTo:], uint64(r.to))
	binary.BigEndian.PutUint64(t[offBoot:], r.boot)
	binary.BigEndian.PutUint64(t[offInc:], r.incarnation)
	copy(t[offSalt:], r.salt[:])
	return s, nil
}

// scratch is memory for one datagram on its way out.
type scratch struct {
	buf   [maxSealed]byte
	nonce [12]byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// seal returns a datagram in s's memory. payload must fit and link exist; heard
// is the mark of the receiver's run or zero.
func (x *sealer) seal(s *scratch, link int, heard uint64, payload []byte) []byte {
	counter := x.counters[link].Add(1)
	head := s.buf[:headerSize]
	copy(head, x.template[:])
	head[offLink] = byte(link)
	binary.BigEndian.PutUint64(head[offCounter:], counter)
	binary.BigEndian.PutUint64(head[offHeard:], heard)
	setNonce(&s.nonce, link, counter)
	return x.aead.Seal(head, s.nonce[:], payload, head)
}

func setNonce(nonce *[12]byte, link int, counter uint64) {
	binary.BigEndian.PutUint32(nonce[:], uint32(link))
	binary.BigEndian.PutUint64(nonce[4:], counter)
}

// opener reads the datagrams of one peer, and remembers what it has read. It
// outlives the peer's membership, so that removing a node and taking it back
// does not let old packets in.
type opener struct {
	key      pairKey
	from, to core.ID
	self     uint64 // mark of this node's own run

	mu      sync.Mutex
	current run         // the newest authenticated run of the sender
	aead    cipher.AEAD // of current; nil before the first packet
	windows [MaxLinks]window
	nonce   [12]byte
}

// open checks pkt and decrypts it in place. h is its header.
func (o *opener) open(h header, pkt []byte) (payload []byte, why Reason) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if h.heard != 0 && h.heard != o.self {
		return nil, OldReceiver
	}
	claimed := run{o.from, o.to, h.boot, h.incarnation, h.salt}
	if o.aead != nil && claimed == o.current {
		w := &o.windows[h.link]
		if !w.fresh(h.counter) {
			return nil, Replayed
		}
		if payload, why = o.decrypt(o.aead, h, pkt); why == ok {
			w.mark(h.counter)
		}
		return payload, why
	}
	if o.aead != nil && older(claimed, o.current) {
		return nil, OldRun
	}
	return o.openNewRun(claimed, h, pkt)
}

// openNewRun authenticates the first packet of a restarted sender.
func (o *opener) openNewRun(claimed run, h header, pkt []byte) ([]byte, Reason) {
	if h.counter == 0 {
		return nil, Replayed
	}
	aead, err := o.key.cipherFor(claimed)
	if err != nil {
		return nil, Forged
	}
	payload, why := o.decrypt(aead, h, pkt)
	if why != ok {
		return nil, why
	}
	if o.aead != nil && claimed.boot == o.current.boot && claimed.incarnation == o.current.incarnation {
		return nil, TurnedBack
	}
	o.current, o.aead = claimed, aead
	o.windows = [MaxLinks]window{}
	o.windows[h.link].mark(h.counter)
	return payload, ok
}

func (o *opener) decrypt(aead cipher.AEAD, h header, pkt []byte) ([]byte, Reason) {
	setNonce(&o.nonce, h.link, h.counter)
	payload, err := aead.Open(pkt[headerSize:headerSize], o.nonce[:], pkt[headerSize:], pkt[:headerSize])
	if err != nil {
		return nil, Forged
	}
	return payload, ok
}

// older says whether a's boot and incarnation come before b's.
func older(a, b run) bool {
	if a.boot != b.boot {
		return a.boot < b.boot
	}
	return a.incarnation < b.incarnation
}

// newSalt returns random bytes for one run. Their mark is not zero.
func newSalt() (salt [saltSize]byte) {
	rand.Read(salt[:])
	salt[0] |= 1
	return salt
}

// markOf names a run in the header of what is sent to it.
func markOf(salt [saltSize]byte) uint64 {
	return binary.BigEndian.Uint64(salt[:])
}
