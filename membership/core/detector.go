package core

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// State is what a member thinks of another one.
type State int

// The states of a member.
const (
	Unknown State = iota // not heard yet, or a new incarnation not yet confirmed
	Up
	StateSuspect
	StateLost
)

func (s State) String() string {
	names := [...]string{"unknown", "up", "suspect", "lost"}
	if s < 0 || int(s) >= len(names) {
		s = 0
	}
	return names[s]
}

// Watched is one peer as the detector must know it.
type Watched struct {
	ID    ID
	Links int
	Voter bool
}

// Detector finds out which members are there. It is a value machine: every
// method takes the time, and the same calls give the same events.
//
// A peer's last contact is the last moment that proves both directions: the
// newest packet from it, but no later than two heartbeats after the newest of
// our own packets that it echoed. A member that can only send, or only
// receive, is therefore as silent as a dead one.
type Detector struct {
	cfg         Config
	self        ID
	voter       bool
	boot        uint64
	incarnation uint64
	peers       []*watch // sorted by id

	started   bool
	lastTick  time.Time
	observing time.Time // watching without a pause of our own since then
	nextBeat  time.Time
	seq       uint64
	sent      [128]time.Time // when seq was sent, by seq modulo 128
	leading   bool
	out       []Event
}

// watch is what the detector knows about one peer.
type watch struct {
	id          ID
	voter       bool
	links       []link
	since       time.Time // watched since
	state       State
	partial     bool
	boot        uint64
	incarnation uint64
	heard       time.Time // last packet from it
	echoed      time.Time // when we sent the newest packet that it echoed
	settled     bool      // its row is evidence
	row         []Sight
	term        uint64
	diskAge     time.Duration
}

// link is one path to one peer.
type link struct {
	up      bool
	pongs   int
	pong    time.Time // last packet that echoed a recent one of ours
	rtt     time.Duration
	seq     uint64 // last sequence number that arrived here
	seqAt   time.Time
	echoSeq uint64
}

// NewDetector returns a detector that watches nobody yet. boot and
// incarnation are this member's own.
func NewDetector(cfg Config, self ID, boot, incarnation uint64) *Detector {
	return &Detector{cfg: cfg, self: self, boot: boot, incarnation: incarnation}
}

// SetPeers replaces the set of watched peers; what is known about those that
// stay is kept. selfVoter says whether this member is a voter.
func (d *Detector) SetPeers(now time.Time, selfVoter bool, peers []Watched) {
	old := d.peers
	d.voter, d.peers = selfVoter, nil
	for _, p := range peers {
		if p.ID == d.self {
			continue
		}
		w := &watch{id: p.ID, since: now}
		if i := slices.IndexFunc(old, func(o *watch) bool { return o.id == p.ID }); i >= 0 {
			w = old[i]
		}
		w.voter = p.Voter
		n := min(max(p.Links, 1), MaxLinks)
		for len(w.links) < n {
			w.links = append(w.links, link{})
		}
		w.links = w.links[:n]
		d.peers = append(d.peers, w)
	}
	slices.SortFunc(d.peers, func(a, b *watch) int { return cmp.Compare(a.id, b.id) })
}

// Beat is one heartbeat to send.
type Beat struct {
	To      ID
	Link    int
	Payload []byte
}

// Own is this member's own state as its heartbeats tell it.
type Own struct {
	Leading bool // it leads in Term
	Term    uint64
	Applied uint64        // index of its last applied log entry
	DiskAge time.Duration // of its oldest unfinished write
}

// Tick lets time pass: it returns the heartbeats that are due and the events
// that silence caused.
func (d *Detector) Tick(now time.Time, own Own) ([]Beat, []Event) {
	if !d.started || now.Sub(d.lastTick) > d.cfg.PauseLimit {
		d.pause(now)
	}
	d.lastTick, d.leading = now, own.Leading
	for _, p := range d.peers {
		d.judgeLinks(now, p)
		d.judge(now, p)
	}
	var beats []Beat
	if !now.Before(d.nextBeat) {
		d.nextBeat = d.nextBeat.Add(d.cfg.Heartbeat)
		if d.nextBeat.Before(now) {
			d.nextBeat = now.Add(d.cfg.Heartbeat)
		}
		beats = d.beats(now, own)
	}
	return beats, d.take()
}

// pause is called when our own ticks stopped for a while, and at the start:
// what we did not hear in that time is no evidence against anyone.
func (d *Detector) pause(now time.Time) {
	d.started, d.observing, d.nextBeat = true, now, now
}

func (d *Detector) beats(now time.Time, own Own) []Beat {
	d.seq++
	d.sent[d.seq%uint64(len(d.sent))] = now
	h := Heartbeat{
		Boot: d.boot, Incarnation: d.incarnation, Seq: d.seq, Term: own.Term, Applied: own.Applied, DiskAge: own.DiskAge,
		Settled: d.settled(now), Row: d.Row(now),
	}
	var beats []Beat
	for _, p := range d.peers {
		if !d.talksTo(p) {
			continue
		}
		for i := range p.links {
			l := &p.links[i]
			h.Echo, h.EchoDelay = l.seq, 0
			if l.seq != 0 {
				h.EchoDelay = now.Sub(l.seqAt)
			}
			beats = append(beats, Beat{To: p.id, Link: i, Payload: h.AppendBinary(nil)})
		}
	}
	return beats
}

// talksTo says whether heartbeats go to p: everybody talks to everybody in a
// small cluster; in one of more than eight members, only pairs with a voter do.
func (d *Detector) talksTo(p *watch) bool {
	return len(d.peers) < 8 || d.voter || p.voter
}

// settled says whether our row is evidence: since the start, or since our own
// last pause, a live peer had the time to be heard.
func (d *Detector) settled(now time.Time) bool {
	return d.started && now.Sub(d.observing) >= d.cfg.SuspectTimeout
}

// Row returns this member's row of the matrix, sorted by id.
func (d *Detector) Row(now time.Time) []Sight {
	row := make([]Sight, 0, len(d.peers))
	for _, p := range d.peers {
		row = append(row, Sight{
			ID: p.id, Hears: p.contacted() && now.Sub(d.rawContact(p)) < d.cfg.SuspectTimeout,
			Lost: d.leading && p.state == StateLost,
		})
	}
	return row
}

func (p *watch) contacted() bool { return !p.heard.IsZero() && !p.echoed.IsZero() }

// rawContact is the last moment that proves both directions, without the
// benefit of the doubt for our own pauses.
func (d *Detector) rawContact(p *watch) time.Time {
	c, echoed := p.heard, p.echoed
	if c.IsZero() {
		return p.since
	}
	if echoed.IsZero() {
		echoed = p.since
	}
	if e := echoed.Add(2 * d.cfg.Heartbeat); e.Before(c) {
		c = e
	}
	return c
}

// contact is rawContact, but never before we began to watch without a pause.
func (d *Detector) contact(p *watch) time.Time {
	return latest(d.rawContact(p), d.observing, p.since)
}

func latest(ts ...time.Time) time.Time {
	var l time.Time
	for _, t := range ts {
		if t.After(l) {
			l = t
		}
	}
	return l
}

// Receive takes one heartbeat that arrived at the given time on a link.
func (d *Detector) Receive(at time.Time, from ID, link int, h Heartbeat) []Event {
	p := d.find(from)
	if p == nil || link < 0 || link >= len(p.links) || h.Boot < p.boot || h.Incarnation < p.incarnation {
		return nil
	}
	if h.Incarnation > p.incarnation || h.Boot > p.boot {
		p.rebirth(at, h)
	}
	l := &p.links[link]
	if h.Seq > l.seq {
		l.seq, l.seqAt = h.Seq, at
		p.row, p.settled, p.term, p.diskAge = h.Row, h.Settled, h.Term, h.DiskAge
	}
	p.heard = latest(p.heard, at)
	d.echo(at, p, link, h)
	d.greet(at, p)
	return d.take()
}

// rebirth forgets what the peer's earlier life told.
func (p *watch) rebirth(at time.Time, h Heartbeat) {
	p.boot, p.incarnation, p.since = h.Boot, h.Incarnation, at
	p.echoed, p.row, p.settled = time.Time{}, nil, false
	if p.state != StateLost {
		p.state = Unknown
	}
	for i := range p.links {
		l := &p.links[i]
		*l = link{up: l.up, pong: l.pong, rtt: l.rtt}
	}
}

// echo notes which of our packets came back, and how fast.
func (d *Detector) echo(at time.Time, p *watch, i int, h Heartbeat) {
	l := &p.links[i]
	if h.Echo == 0 || h.Echo > d.seq || d.seq-h.Echo >= uint64(len(d.sent)) || h.Echo <= l.echoSeq {
		return
	}
	sent := d.sent[h.Echo%uint64(len(d.sent))]
	if at.Sub(sent) > d.linkWindow() {
		return
	}
	l.echoSeq, l.pong = h.Echo, at
	l.pongs++
	p.echoed = latest(p.echoed, sent)
	if rtt := at.Sub(sent) - h.EchoDelay; rtt >= 0 {
		if l.rtt == 0 {
			l.rtt = rtt
		}
		l.rtt = (7*l.rtt + rtt) / 8
	}
	if !l.up && l.pongs >= d.cfg.LinkPongs {
		l.up = true
		d.emit(Event{Kind: LinkUp, Peer: p.id, Link: i, RTT: l.rtt, Boot: p.boot, Incarnation: p.incarnation})
	}
}

func (d *Detector) linkWindow() time.Duration {
	return time.Duration(d.cfg.LinkMisses) * d.cfg.Heartbeat
}

// greet raises a peer to Up when it earned it. A suspect one needs one proof
// of both directions; one that was never heard, was lost, or runs a new
// incarnation needs a link that is up.
func (d *Detector) greet(at time.Time, p *watch) {
	if p.state == Up || !p.contacted() || at.Sub(d.rawContact(p)) >= d.cfg.SuspectTimeout {
		return
	}
	confirmed := slices.ContainsFunc(p.links, func(l link) bool { return l.up && l.pongs >= d.cfg.LinkPongs })
	if p.state != StateSuspect && !confirmed {
		return
	}
	was := p.state
	p.state, p.partial = Up, false
	d.emit(Event{Kind: Back, Peer: p.id, Boot: p.boot, Incarnation: p.incarnation, Reason: "was " + was.String()})
}

// judgeLinks takes links down that are silent for too long.
func (d *Detector) judgeLinks(now time.Time, p *watch) {
	for i := range p.links {
		l := &p.links[i]
		if now.Sub(latest(l.pong, d.observing)) <= d.linkWindow() {
			continue
		}
		l.pongs = 0
		if l.up {
			l.up = false
			d.emit(Event{Kind: LinkDown, Peer: p.id, Link: i, Boot: p.boot, Incarnation: p.incarnation})
		}
	}
}

func (d *Detector) find(id ID) *watch {
	i, ok := slices.BinarySearchFunc(d.peers, id, func(p *watch, id ID) int { return cmp.Compare(p.id, id) })
	if !ok {
		return nil
	}
	return d.peers[i]
}

func (d *Detector) emit(e Event) { d.out = append(d.out, e) }

func (d *Detector) take() []Event {
	out := d.out
	d.out = nil
	return out
}

func (p *watch) event(k EventKind, format string, args ...any) Event {
	return Event{Kind: k, Peer: p.id, Boot: p.boot, Incarnation: p.incarnation, Reason: fmt.Sprintf(format, args...)}
}

// upLink is the first link on which packets go both ways with a peer, or -1.
func (d *Detector) upLink(id ID) int {
	p := d.find(id)
	if p == nil {
		return -1
	}
	return slices.IndexFunc(p.links, func(l link) bool { return l.up })
}
