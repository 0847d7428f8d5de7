package core

import "time"

// judge decides whether silence makes p suspect and, on the leader, lost.
//
// The rule for "lost" (FT is the failure timeout):
//
//	silent for FT, and no live member hears it       -> lost
//	silent for FT, but a live member still hears it  -> partly reachable; the
//	    leader is advised to hand over to a voter that hears more members
//	    than itself (see Hub), under whom nobody need be lost
//	silent for 2 FT, and at most half of the live members, the leader among
//	    them, hear it                                -> lost
//	silent for 2 FT, but more than half hear it      -> stays partly reachable
//
// A member that is no voter yet and was never heard is not declared lost: it
// was admitted, and has not started.
//
// A live member is one that the leader hears. A live member whose row is not
// settled (it has just started, or paused) may hear p without having said so:
// it delays the verdict, but not beyond 2 FT.
func (d *Detector) judge(now time.Time, p *watch) {
	silent := now.Sub(d.contact(p))
	if silent < d.cfg.SuspectTimeout {
		return
	}
	if p.state == Up {
		p.state = StateSuspect
		d.emit(p.event(Suspect, "silent on all links for %v", d.cfg.SuspectTimeout))
	}
	if !d.leading {
		// Only a leader's verdict counts, and the next leader gives its own.
		if p.state == StateLost {
			p.state = StateSuspect
		}
		p.partial = false
		return
	}
	fresh := !p.voter && p.heard.IsZero()
	if silent < d.cfg.FailureTimeout || p.state == StateLost || fresh {
		return
	}
	d.verdict(now, p, silent)
}

func (d *Detector) verdict(now time.Time, p *watch, silent time.Duration) {
	live, hearing, silentRows := d.survey(now, p)
	late := silent >= 2*d.cfg.FailureTimeout
	switch {
	case hearing == 0 && (silentRows == 0 || late):
		p.state, p.partial = StateLost, false
		d.emit(p.event(Lost, "silent for %v and heard by nobody", d.cfg.FailureTimeout))
	case late && 2*hearing <= live:
		p.state, p.partial = StateLost, false
		d.emit(p.event(Lost, "silent for %v and heard by only %d of %d live members", 2*d.cfg.FailureTimeout, hearing, live))
	case hearing > 0 && !p.partial:
		p.partial = true
		d.emit(p.event(Partial, "silent for %v here, heard by %d of %d live members", d.cfg.FailureTimeout, hearing, live))
	}
}

// survey asks the rows of all live members about p: how many members are live
// (this one included), how many of them hear p, and how many rows are not
// settled yet.
func (d *Detector) survey(now time.Time, p *watch) (live, hearing, unsettled int) {
	live = 1
	for _, w := range d.peers {
		if w == p || !d.alive(now, w) {
			continue
		}
		live++
		switch {
		case w.hears(p.id):
			hearing++
		case !w.settled:
			unsettled++
		}
	}
	return live, hearing, unsettled
}

func (d *Detector) alive(now time.Time, w *watch) bool {
	return w.state == Up && now.Sub(d.contact(w)) < d.cfg.SuspectTimeout
}

func (p *watch) hears(id ID) bool {
	for _, s := range p.row {
		if s.ID == id {
			return s.Hears
		}
	}
	return false
}

// Hub returns the live voter that hears more members than this one does and
// hears a member that is only partly reachable from here; 0 if there is none.
// A leader hands over to it: the hub of a broken mesh should lead.
func (d *Detector) Hub(now time.Time) ID {
	own := 0
	partial := []ID(nil)
	for _, p := range d.peers {
		if d.alive(now, p) {
			own++
		}
		if p.partial {
			partial = append(partial, p.id)
		}
	}
	best, most := ID(0), own
	for _, w := range d.peers {
		if !w.voter || !d.alive(now, w) || !hearsAny(w, partial) {
			continue
		}
		n := 0
		for _, s := range w.row {
			if s.Hears {
				n++
			}
		}
		if n > most {
			best, most = w.id, n
		}
	}
	return best
}

func hearsAny(w *watch, ids []ID) bool {
	for _, id := range ids {
		if w.hears(id) {
			return true
		}
	}
	return false
}

// LinkView is one link of a member as this one sees it.
type LinkView struct {
	Up  bool
	RTT time.Duration
}

// Sighting is what the detector knows about one peer.
type Sighting struct {
	ID          ID
	State       State
	Partial     bool
	Boot        uint64
	Incarnation uint64
	Links       []LinkView
	LastHeard   time.Time // zero: never
	Term        uint64
	DiskAge     time.Duration
}

// Sightings returns what is known about every peer, sorted by id. On a member
// that does not lead, a peer that the given leader declared lost shows as lost.
func (d *Detector) Sightings(leader ID) []Sighting {
	var verdicts []Sight
	if l := d.find(leader); l != nil && l.state == Up && !d.leading {
		verdicts = l.row
	}
	out := make([]Sighting, 0, len(d.peers))
	for _, p := range d.peers {
		s := Sighting{
			ID: p.id, State: p.state, Partial: p.partial, Boot: p.boot, Incarnation: p.incarnation,
			LastHeard: p.heard, Term: p.term, DiskAge: p.diskAge,
		}
		for _, v := range verdicts {
			if v.ID == p.id && v.Lost && p.state != Up {
				s.State = StateLost
			}
		}
		for _, l := range p.links {
			s.Links = append(s.Links, LinkView{Up: l.up, RTT: l.rtt})
		}
		out = append(out, s)
	}
	return out
}

// Sees returns the state of one peer.
func (d *Detector) Sees(id ID) State {
	if p := d.find(id); p != nil {
		return p.state
	}
	return Unknown
}
