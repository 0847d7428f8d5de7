package fencing

import (
	"fmt"
	"slices"
	"time"
)

// beat hears a heartbeat of the target.
func (o *Operation) beat(now time.Time, b TargetBeat) {
	at := b.At
	if at.IsZero() || at.After(now) {
		at = now
	}
	switch {
	case o.spec.Action == On || b.Boot < o.spec.Boot:
	case o.spec.Boot == 0 && b.Joined:
		// Never seen before, but a member somewhere: the very node to fence.
		o.heard(now, at)
	case b.Boot > o.spec.Boot:
		o.rebooted(now, b)
	default:
		o.heard(now, at)
	}
}

// rebooted ends the operation without another shot: a node that shows a newer
// boot has lost the older one for good, and must not be hit again.
func (o *Operation) rebooted(now time.Time, b TargetBeat) {
	if o.receipt != nil || o.stage == failed {
		return
	}
	o.confirmWith(Receipt{
		OpID: o.spec.ID, Action: o.spec.Action, Target: o.spec.Target, Boot: o.spec.Boot,
		Proof: fmt.Sprintf("%s already runs boot %d", o.spec.Target, b.Boot), Class: Rebooted, At: now,
	})
}

// heard hears the very boot that is to be fenced.
func (o *Operation) heard(now, at time.Time) {
	if at.After(o.lastBeat) {
		o.lastBeat = at
	}
	switch o.stage {
	case verifying, watching:
		if o.contradicts(at, o.levelClass(), o.lastSaid) {
			o.lie(now, at)
		}
	case recording, restoring, done:
		if !o.alarmed && o.contradicts(at, o.receipt.Class, o.receipt.At) {
			o.alarmed = true
			o.emit(Alarm{Text: fmt.Sprintf("%s boot %d sends heartbeats %v after it was confirmed off (%s): "+
				"switch it off by hand now, then test its fence devices", o.spec.Target, o.spec.Boot, at.Sub(o.receipt.At), o.receipt.Proof)})
		}
	case fresh, acting, failed:
	}
}

// contradicts says whether a heartbeat received at that time was sent after
// the target was said to be off. What only cuts storage or network off lets
// the target live.
func (o *Operation) contradicts(at time.Time, class Class, said time.Time) bool {
	return class != Fabric && at.After(said.Add(o.spec.Timing.Grace))
}

// lie gives the level up: its devices said off, the target says that it lives.
// Which one of several lies cannot be known, so all of them are named.
func (o *Operation) lie(now, at time.Time) {
	var names []string
	for _, s := range o.spec.Levels[o.level].Steps {
		if s.Class == Power {
			names = append(names, s.Device)
		}
	}
	age := at.Sub(o.lastSaid)
	for _, name := range names {
		o.emit(Alarm{Text: fmt.Sprintf("%s said that %s is off, but its boot %d sent a heartbeat %v later: "+
			"the device lies, or its plug is the wrong one", name, o.spec.Target, o.spec.Boot, age)})
	}
	o.levelFailed(now, slices.Clip(names), fmt.Sprintf("said off, but a heartbeat came %v later", age))
}
