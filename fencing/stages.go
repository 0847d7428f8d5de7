package fencing

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// steps returns the devices of the stage at hand.
func (o *Operation) steps() []Step {
	if o.stage == restoring {
		return o.offs
	}
	return o.spec.Levels[o.level].Steps
}

func (o *Operation) current() Step { return o.steps()[o.step] }

// currentCall is what the stage at hand asks of the current device.
func (o *Operation) currentCall() Call {
	switch o.stage {
	case verifying:
		return o.current().Verify
	case restoring:
		return o.current().Restore
	default:
		return o.current().Do
	}
}

func (o *Operation) enterLevel(now time.Time, level int) {
	if level >= len(o.spec.Levels) {
		why := "every level failed"
		if len(o.spec.Levels) == 0 {
			why = "no device can fence it"
		}
		o.fail(why)
		return
	}
	o.stage, o.level, o.step, o.said = acting, level, 0, nil
	o.enterStep(now)
}

// enterStep turns to the current device: first its delay, then its first
// attempt. A manual device only waits.
func (o *Operation) enterStep(now time.Time) {
	o.try = 0
	s := o.current()
	if s.Class == Manual {
		o.report("%s waits for a person: when %s is surely off, run: crm node fenced %s --confirm", s.Device, o.spec.Target, o.spec.Target)
		return
	}
	if wait := o.delay(s); wait > 0 {
		o.resume = now.Add(wait)
		o.report("%s waits %v before its first attempt", s.Device, wait)
		return
	}
	o.call(now)
}

// delay is the wait before a device's first shot: once for each device, and
// never before anything but a shot.
func (o *Operation) delay(s Step) time.Duration {
	if o.stage != acting || o.delayed[s.Device] {
		return 0
	}
	wait := o.spec.Delays.Device[s.Device]
	if len(o.delayed) == 0 {
		wait += o.spec.Delays.Start
	}
	o.delayed[s.Device] = true
	return wait
}

// call runs the current device once.
func (o *Operation) call(now time.Time) {
	s, c := o.current(), o.currentCall()
	o.try++
	o.runs++
	o.attempt = fmt.Sprintf("%s/%d.%s.%s", o.spec.ID, o.runs, s.Device, c.Action)
	// Twice the timeout, because the device may be busy with another target
	// for as long before it turns to ours.
	o.attemptEnds = now.Add(2*c.Timeout + o.spec.Timing.Slack)
	o.emit(RunDevice{
		Attempt: o.attempt, Device: s.Device, Action: c.Action, Target: o.spec.Target,
		PlugArg: s.PlugArg, Plug: s.Plug, Timeout: c.Timeout, OnTarget: s.OnTarget,
	})
}

// halt forgets the run under way and every wait.
func (o *Operation) halt() {
	if o.attempt != "" {
		o.emit(StopDevice{Attempt: o.attempt})
	}
	o.attempt, o.attemptEnds, o.resume = "", time.Time{}, time.Time{}
}

// result hears an answer; one to a run that is not under way is nothing.
func (o *Operation) result(now time.Time, r DeviceResult) {
	if r.Attempt == "" || r.Attempt != o.attempt {
		return
	}
	o.attempt, o.attemptEnds = "", time.Time{}
	switch o.stage {
	case acting:
		o.acted(now, r)
	case verifying:
		o.verified(now, r)
	case restoring:
		o.restored(now, r)
	case fresh, watching, recording, done, failed:
	}
}

// again repeats the attempt after a pause, if it may be. What took all of its
// time once is not tried again: the next level is the better hope.
func (o *Operation) again(now time.Time, r DeviceResult) bool {
	if r.Outcome == TimedOut || o.try >= o.currentCall().Tries {
		return false
	}
	o.resume = now.Add(o.spec.Timing.Pause)
	o.report("%s %s; trying again in %v", o.current().Device, r.text(), o.spec.Timing.Pause)
	return true
}

func (o *Operation) acted(now time.Time, r DeviceResult) {
	s := o.current()
	if r.Outcome != Succeeded {
		if !o.again(now, r) {
			o.levelFailed(now, []string{s.Device}, fmt.Sprintf("%s %s", s.Do.Action, r.text()))
		}
		return
	}
	o.said = append(o.said, fmt.Sprintf("%s said %s", s.Device, s.Do.Action))
	o.lastSaid = now
	if !slices.ContainsFunc(o.offs, func(x Step) bool { return x.Device == s.Device }) {
		o.offs = append(o.offs, s)
	}
	if o.step++; o.step < len(o.steps()) {
		o.enterStep(now)
		return
	}
	if o.spec.Action == On {
		o.finish(o.makeReceipt(now))
		return
	}
	o.stage, o.step = verifying, 0
	o.verify(now)
}

// verify asks the next device that can be asked; after the last it watches.
func (o *Operation) verify(now time.Time) {
	for o.step < len(o.steps()) && o.current().Verify.Action == "" {
		o.step++
	}
	if o.step < len(o.steps()) {
		o.try, o.sawOn = 0, false
		o.call(now)
		return
	}
	o.watch(now)
}

// verified hears a status. "on" contradicts the device's own word, unless it
// takes it back when asked again. A status that cannot be had does not: the
// API lets "off" succeed only when it did, and a BMC may go dark together with
// its machine.
func (o *Operation) verified(now time.Time, r DeviceResult) {
	s := o.current()
	o.sawOn = o.sawOn || r.Outcome == IsOn
	switch {
	case r.Outcome == IsOff:
		o.said[o.step] += ", status off"
	case o.again(now, r):
		return
	case o.sawOn:
		o.emit(Alarm{Text: fmt.Sprintf("%s said that %s is off, but its status is on: the device lies, or its plug is the wrong one",
			s.Device, o.spec.Target)})
		o.levelFailed(now, []string{s.Device}, "said off, but status is on")
		return
	default:
		o.said[o.step] += ", status unknown"
		o.report("%s said off; its status %s", s.Device, r.text())
	}
	o.step++
	o.verify(now)
}

// watch waits for silence, if the target was heard shortly before the last
// device's word or since.
func (o *Operation) watch(now time.Time) {
	o.stage = watching
	until := o.lastSaid.Add(o.spec.Timing.Watch)
	heard := !o.lastBeat.IsZero() && o.lastBeat.After(o.lastSaid.Add(-o.spec.Timing.Watch))
	if !heard || o.levelClass() != Power || !until.After(now) {
		o.confirm(now)
		return
	}
	o.resume = until
	o.report("%s was heard just now: listening until it is surely silent", o.spec.Target)
}

// levelClass is what the success of the current level means: power is gone as
// soon as one power device took part.
func (o *Operation) levelClass() Class {
	for _, s := range o.spec.Levels[o.level].Steps {
		if s.Class == Power {
			return Power
		}
	}
	return Fabric
}

func (o *Operation) makeReceipt(now time.Time) Receipt {
	r := Receipt{
		OpID: o.spec.ID, Action: o.spec.Action, Target: o.spec.Target, Boot: o.spec.Boot,
		Proof: strings.Join(o.said, "; "), Class: o.levelClass(), At: now,
	}
	for _, s := range o.spec.Levels[o.level].Steps {
		r.Devices = append(r.Devices, s.Device)
	}
	return r
}

// confirm is the moment from which the receipt exists.
func (o *Operation) confirm(now time.Time) { o.confirmWith(o.makeReceipt(now)) }

func (o *Operation) confirmWith(r Receipt) {
	o.halt()
	o.receipt = &r
	o.stage = recording
	o.emit(Confirmed{Receipt: r})
}

// recorded lets the target be switched on again, on every device that had
// switched something off, those of failed levels included: else it would come
// back with half of its power supplies.
func (o *Operation) recorded(now time.Time) {
	if o.stage != recording {
		return
	}
	o.stage = restoring
	o.step = -1
	if o.spec.Action != Reboot {
		o.offs = nil
	}
	o.nextRestore(now)
}

func (o *Operation) nextRestore(now time.Time) {
	for o.step++; o.step < len(o.offs); o.step++ {
		if o.current().Restore.Action != "" {
			o.try = 0
			o.call(now)
			return
		}
	}
	o.finish(*o.receipt)
}

func (o *Operation) restored(now time.Time, r DeviceResult) {
	s := o.current()
	if r.Outcome != Succeeded {
		if o.again(now, r) {
			return
		}
		o.report("%s could not switch %s on again: %s; %s stays fenced", s.Device, o.spec.Target, r.text(), o.spec.Target)
	}
	o.nextRestore(now)
}

func (o *Operation) finish(r Receipt) {
	o.halt()
	o.receipt = &r
	o.stage = done
	o.emit(Done{Receipt: r})
}

// levelFailed notes why and turns to the next level.
func (o *Operation) levelFailed(now time.Time, devices []string, why string) {
	o.halt()
	index := o.spec.Levels[o.level].Index
	for _, d := range devices {
		r := Reason{Level: index, Device: d, Text: why}
		o.reasons = append(o.reasons, r)
		o.report("%s", r)
	}
	o.enterLevel(now, o.level+1)
}

func (o *Operation) fail(why string) {
	if o.attempt != "" {
		o.reasons = append(o.reasons, Reason{
			Level: o.spec.Levels[o.level].Index, Device: o.current().Device,
			Text: string(o.currentCall().Action) + " was still under way",
		})
	}
	o.halt()
	o.stage = failed
	o.emit(Failed{Target: o.spec.Target, Why: why, Reasons: slices.Clone(o.reasons)})
}

func (o *Operation) cancel(now time.Time, c Cancel) {
	switch {
	case o.Over():
	case o.receipt != nil:
		o.report("switching %s on again is given up: %s", o.spec.Target, c.Why)
		o.finish(*o.receipt)
	default:
		o.fail("cancelled: " + c.Why)
	}
}
