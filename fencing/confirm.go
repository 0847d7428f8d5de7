package fencing

import (
	"fmt"
	"time"
)

// FreshBeat is how long after a heartbeat a node counts as alive when a person
// says that it is off. It is longer than any pause that a healthy network and
// a busy machine make.
const FreshBeat = 10 * time.Second

// CheckManual decides whether a person's confirmation may stand. The typed
// name must be the target's own, letter by letter. While the last heartbeat of
// the boot in question, on a link or on a disk (lastBeat; zero: none), is
// younger than [FreshBeat], it is refused unless the person insisted twice.
func CheckManual(target string, c ManualConfirm, lastBeat, now time.Time) error {
	if c.Who == "" {
		return fmt.Errorf("confirm %s off: it is not known who confirms; say who", target)
	}
	if c.Typed != target {
		return fmt.Errorf("confirm %s off: the typed name is %q; type %s itself", target, c.Typed, target)
	}
	if age, fresh := beatAge(lastBeat, now); fresh && c.Forced < 2 {
		return fmt.Errorf("confirm %s off: it sent a heartbeat %v ago, so it is on; switch it off first, "+
			"or insist twice (--force --force) if that heartbeat cannot be its own", target, age.Round(time.Millisecond))
	}
	return nil
}

func beatAge(lastBeat, now time.Time) (age time.Duration, fresh bool) {
	if lastBeat.IsZero() {
		return 0, false
	}
	age = max(now.Sub(lastBeat), 0)
	return age, age < FreshBeat
}

// ManualReceipt makes the receipt of a person's confirmation, if [CheckManual]
// lets it stand. It serves where no operation is under way.
func ManualReceipt(spec Spec, c ManualConfirm, lastBeat, now time.Time) (Receipt, error) {
	if err := CheckManual(spec.Target, c, lastBeat, now); err != nil {
		return Receipt{}, err
	}
	return manualReceipt(spec, c, now), nil
}

func manualReceipt(spec Spec, c ManualConfirm, now time.Time) Receipt {
	return Receipt{
		OpID: spec.ID, Action: spec.Action, Target: spec.Target, Boot: spec.Boot,
		Proof: "manual by " + c.Who, Class: Manual, At: now,
	}
}

// CheckManual says whether a person's confirmation would stand now; see the
// function of the same name.
func (o *Operation) CheckManual(now time.Time, c ManualConfirm) error {
	switch {
	case o.spec.Action == On:
		return fmt.Errorf("confirm %s off: operation %s switches it on", o.spec.Target, o.spec.ID)
	case o.receipt != nil:
		return fmt.Errorf("confirm %s off: it is confirmed already: %s", o.spec.Target, o.receipt)
	}
	return CheckManual(o.spec.Target, c, o.lastBeat, now)
}

// manual hears a person. It may confirm an operation that has failed, too.
func (o *Operation) manual(now time.Time, c ManualConfirm) {
	if o.receipt != nil {
		return
	}
	if err := o.CheckManual(now, c); err != nil {
		o.report("refused: %v", err)
		return
	}
	if age, fresh := beatAge(o.lastBeat, now); fresh {
		o.emit(Alarm{Text: fmt.Sprintf("%s insists that %s is off, though it sent a heartbeat %v ago", c.Who, o.spec.Target, age)})
	}
	o.confirmWith(manualReceipt(o.spec, c, now))
}
