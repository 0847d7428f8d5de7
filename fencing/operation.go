package fencing

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Timing holds the times of an operation that are no device's own.
type Timing struct {
	// Grace is how long after a device's word a heartbeat may still arrive
	// that was sent before it. Heartbeats are timed at their reception, so the
	// margin is the longest time in flight: 300 ms is what we survive on a bad
	// network, the rest is for a receiver that was scheduled late. A heartbeat
	// later than that was sent after the device said "off".
	Grace time.Duration
	// Watch is how long a target that was heard within Watch before the
	// device's word must be listened to before it counts as silent. It is
	// Grace and five heartbeats of 100 ms more, so that a living target is
	// missed only if all five are lost. A target that was silent already
	// costs no waiting.
	Watch time.Duration
	// Pause comes before an attempt is repeated: time for a BMC to end its
	// last session.
	Pause time.Duration
	// Slack is how much longer than an attempt's own timeout the carrier of
	// the effects may take to say so.
	Slack time.Duration
}

// DefaultTiming returns the times that fit heartbeats of 100 ms.
func DefaultTiming() Timing {
	return Timing{Grace: 500 * time.Millisecond, Watch: time.Second, Pause: time.Second, Slack: 5 * time.Second}
}

// Spec is what an operation is to do.
type Spec struct {
	ID      OpID
	Target  string
	Boot    uint64 // the boot to fence; 0: the node was never seen
	Action  Action // Off, Reboot or On
	Levels  []Level
	Timeout time.Duration // until confirmed; 0: no limit
	Delays  Delays
	// LastBeat is when the target's boot was last heard before the operation
	// began, on the clock of Step; zero: long ago.
	LastBeat time.Time
	Timing   Timing // zero: DefaultTiming
}

type stage int

const (
	fresh     stage = iota // nothing has happened
	acting                 // off (or on), device by device
	verifying              // status, device by device
	watching               // does the target stay silent?
	recording              // the receipt is out, waiting until it is in the log
	restoring              // on, device by device
	done
	failed
)

var stageNames = [...]string{"new", "acting", "verifying", "watching", "recording", "restoring", "done", "failed"}

// Operation carries one fencing through. It is a value machine: [Operation.Step]
// takes an event and the time and returns what to do. It is not safe for
// concurrent use.
type Operation struct {
	spec  Spec
	stage stage
	ends  time.Time // zero: never

	level, step, try int
	runs             int       // attempts of all devices so far
	attempt          string    // the run under way; empty: none
	attemptEnds      time.Time // when it counts as lost
	resume           time.Time // when a delay or pause is over; zero: none

	said     []string // per step of this level: what the device said
	lastSaid time.Time
	lastBeat time.Time // of the boot in question
	sawOn    bool      // the status under way said "on" before
	offs     []Step    // all steps that succeeded, in order; to be switched on again
	delayed  map[string]bool

	reasons []Reason
	receipt *Receipt
	alarmed bool

	out []Effect
}

// New returns an operation that begins with its first [Tick]. Its timeout
// counts from now.
func New(spec Spec, now time.Time) *Operation {
	if spec.Timing == (Timing{}) {
		spec.Timing = DefaultTiming()
	}
	o := &Operation{spec: spec, lastBeat: spec.LastBeat, delayed: map[string]bool{}}
	if spec.Timeout > 0 {
		o.ends = now.Add(spec.Timeout)
	}
	return o
}

// ID returns the operation's name.
func (o *Operation) ID() OpID { return o.spec.ID }

// Receipt returns the receipt, once there is one.
func (o *Operation) Receipt() (Receipt, bool) {
	if o.receipt == nil {
		return Receipt{}, false
	}
	return *o.receipt, true
}

// Over reports whether the operation has ended, one way or the other.
func (o *Operation) Over() bool { return o.stage == done || o.stage == failed }

// Step tells the operation what happened at now and returns what to do, in
// order. now must not run backwards.
func (o *Operation) Step(now time.Time, e Event) []Effect {
	o.out = nil
	switch e := e.(type) {
	case Tick:
		o.tick(now)
	case DeviceResult:
		o.result(now, e)
	case TargetBeat:
		o.beat(now, e)
	case ManualConfirm:
		o.manual(now, e)
	case Recorded:
		o.recorded(now)
	case Cancel:
		o.cancel(now, e)
	}
	o.wake()
	return slices.Clone(o.out)
}

func (o *Operation) emit(e Effect) { o.out = append(o.out, e) }

func (o *Operation) report(format string, args ...any) {
	o.emit(Report{Text: fmt.Sprintf(format, args...)})
}

// wake asks for the next tick that matters, as the last effect of a step.
func (o *Operation) wake() {
	var next time.Time
	for _, t := range []time.Time{o.deadline(), o.attemptEnds, o.resume} {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if len(o.out) > 0 && !o.Over() && !next.IsZero() {
		o.emit(WakeAt{T: next})
	}
}

// deadline is when the operation gives up; it never does once confirmed.
func (o *Operation) deadline() time.Time {
	if o.receipt != nil || o.Over() {
		return time.Time{}
	}
	return o.ends
}

func (o *Operation) tick(now time.Time) {
	switch {
	case o.Over():
	case due(o.deadline(), now):
		o.fail(fmt.Sprintf("not done within %v", o.spec.Timeout))
	case o.stage == fresh:
		o.enterLevel(now, 0)
	case due(o.attemptEnds, now):
		attempt := o.attempt
		o.emit(StopDevice{Attempt: attempt})
		o.result(now, DeviceResult{Attempt: attempt, Outcome: TimedOut, Reason: "no answer from this node's executor"})
	case due(o.resume, now):
		o.resume = time.Time{}
		if o.stage == watching {
			o.confirm(now)
		} else {
			o.call(now)
		}
	}
}

func due(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// String renders the operation: one line for what it is and where it stands,
// and one for each reason and each word of a device so far.
func (o *Operation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "op %s: %s of %s boot %d: %s", o.spec.ID, o.spec.Action, o.spec.Target, o.spec.Boot, stageNames[o.stage])
	if o.stage == acting || o.stage == verifying {
		fmt.Fprintf(&b, " level %d, %s", o.spec.Levels[o.level].Index, o.current().Device)
	}
	b.WriteByte('\n')
	for _, r := range o.reasons {
		fmt.Fprintf(&b, "  %s\n", r)
	}
	for _, s := range o.said {
		fmt.Fprintf(&b, "  %s\n", s)
	}
	return b.String()
}
