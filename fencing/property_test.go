package fencing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestOperationAgainstTwin drives random operations with random answers and
// judges every effect by a dumb twin: it knows nothing of stages, it only keeps
// the whole history of what each device said and when the target was heard.
func TestOperationAgainstTwin(t *testing.T) {
	for range 20 { // of rapid's usual hundred: these are cheap
		if rapid.Check(t, againstTwin); t.Failed() {
			return
		}
	}
}

func againstTwin(t *rapid.T) {
	spec := drawSpec(t)
	now := origin
	op := New(spec, now)
	tw := &twin{t: t, spec: spec, runs: map[string]RunDevice{}, stopped: map[string]bool{}}
	tw.judge(now, Tick{}, op.Step(now, Tick{}))
	for range rapid.IntRange(1, 60).Draw(t, "events") {
		now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
		e := tw.draw(now)
		tw.judge(now, e, op.Step(now, e))
	}
	// Whatever happened, time alone ends it, unless it waits for a person
	// or for the log.
	for i := 0; !op.Over() && op.stage != recording && !tw.waitsForPerson(op); i++ {
		if i > 200 {
			t.Fatalf("no end in sight:\n%s", op)
		}
		now = now.Add(time.Minute)
		tw.judge(now, Tick{}, op.Step(now, Tick{}))
	}
}

func drawSpec(t *rapid.T) Spec {
	spec := Spec{ID: "p", Target: "n3", Boot: uint64(rapid.IntRange(0, 2).Draw(t, "boot"))}
	spec.Action = rapid.SampledFrom([]Action{Off, Reboot, Reboot, On}).Draw(t, "action")
	spec.Timing = DefaultTiming()
	spec.Timeout = rapid.SampledFrom([]time.Duration{0, 0, 30 * time.Second}).Draw(t, "timeout")
	for l := range rapid.IntRange(0, 3).Draw(t, "levels") {
		level := Level{Index: l + 1}
		for s := range rapid.IntRange(1, 3).Draw(t, "steps") {
			level.Steps = append(level.Steps, drawStep(t, fmt.Sprintf("d%d", (l+s)%4), spec.Action))
		}
		spec.Levels = append(spec.Levels, level)
	}
	delay := time.Duration(rapid.IntRange(0, 2).Draw(t, "delay")) * time.Second
	spec.Delays = Delays{Start: delay, Device: map[string]time.Duration{"d1": delay}}
	return spec
}

func drawStep(t *rapid.T, name string, action Action) Step {
	s := Step{Device: name, Class: rapid.SampledFrom([]Class{Power, Power, Fabric, Guard, Manual}).Draw(t, "class")}
	call := func(a Action) Call {
		return Call{Action: a, Timeout: 5 * time.Second, Tries: rapid.IntRange(1, 2).Draw(t, "tries")}
	}
	switch {
	case s.Class == Manual:
	case action == On:
		s.Do = call(On)
	default:
		s.Do = call(Off)
		if rapid.Bool().Draw(t, "verify") {
			s.Verify = call(Status)
		}
		if action == Reboot {
			s.Restore = call(On)
		}
	}
	return s
}

// heard is one heartbeat; said one answer of a device.
type heard struct {
	boot   uint64
	joined bool
	at     time.Time
}

type said struct {
	run RunDevice
	out Outcome
	at  time.Time
}

type twin struct {
	t         *rapid.T
	spec      Spec
	runs      map[string]RunDevice
	order     []string
	stopped   map[string]bool
	answered  []said
	beats     []heard
	person    bool
	confirmed *Receipt
	recorded  bool
	ended     bool
}

func (w *twin) draw(now time.Time) Event {
	switch rapid.SampledFrom([]string{"answer", "answer", "answer", "answer", "tick", "tick", "beat", "late", "manual", "recorded", "cancel"}).Draw(w.t, "event") {
	case "answer":
		return w.answer(len(w.order) - 1)
	case "late":
		if len(w.order) > 0 {
			return w.answer(rapid.IntRange(0, len(w.order)-1).Draw(w.t, "which"))
		}
		return DeviceResult{Attempt: "p/99.x.off", Outcome: Succeeded}
	case "beat":
		b := heard{uint64(rapid.IntRange(0, 3).Draw(w.t, "of")), rapid.Bool().Draw(w.t, "joined"), now}
		w.beats = append(w.beats, b)
		return TargetBeat{Boot: b.boot, Joined: b.joined}
	case "manual":
		return ManualConfirm{Who: "me", Typed: rapid.SampledFrom([]string{"n3", "n2"}).Draw(w.t, "typed"), Forced: rapid.IntRange(0, 2).Draw(w.t, "forced")}
	case "recorded":
		return Recorded{}
	case "cancel":
		if rapid.IntRange(0, 9).Draw(w.t, "really") == 0 {
			return Cancel{Why: "test"}
		}
	}
	return Tick{}
}

func (w *twin) answer(i int) Event {
	if i < 0 {
		return Tick{}
	}
	run := w.runs[w.order[i]]
	outcomes := []Outcome{Succeeded, Succeeded, Succeeded, Failure, TimedOut}
	if run.Action == Status {
		outcomes = []Outcome{IsOff, IsOff, IsOff, IsOn, Failure, TimedOut}
	}
	return DeviceResult{Attempt: run.Attempt, Outcome: rapid.SampledFrom(outcomes).Draw(w.t, "outcome")}
}

// judge checks the rules on what an event brought about.
func (w *twin) judge(now time.Time, e Event, effects []Effect) {
	if r, ok := e.(DeviceResult); ok && w.live(r.Attempt) {
		w.answered = append(w.answered, said{w.runs[r.Attempt], r.Outcome, now})
		w.stopped[r.Attempt] = true
	}
	if _, ok := e.(Recorded); ok && w.confirmed != nil {
		w.recorded = true
	}
	if m, ok := e.(ManualConfirm); ok {
		w.person = m.Typed == "n3"
	} else {
		w.person = false
	}
	for _, effect := range effects {
		switch x := effect.(type) {
		case RunDevice:
			w.run(x)
		case StopDevice:
			w.stopped[x.Attempt] = true
		case Confirmed:
			w.confirm(now, e, x.Receipt)
		case Done:
			w.end(x)
		case Failed:
			if w.confirmed != nil {
				w.t.Fatal("failed after it was confirmed")
			}
		case WakeAt, Report, Alarm:
		}
	}
}

func (w *twin) live(attempt string) bool {
	_, known := w.runs[attempt]
	return known && !w.stopped[attempt]
}

func (w *twin) run(x RunDevice) {
	if _, twice := w.runs[x.Attempt]; twice {
		w.t.Fatalf("attempt %s was used before", x.Attempt)
	}
	for a := range w.runs {
		if w.live(a) {
			w.t.Fatalf("%s begins while %s is under way", x.Attempt, a)
		}
	}
	if w.spec.Action != On {
		if x.Action == On && !w.recorded {
			w.t.Fatalf("%s before the receipt is recorded", x.Attempt)
		}
		if x.Action == Off && w.confirmed != nil {
			w.t.Fatalf("%s: a shot after it was confirmed", x.Attempt)
		}
	}
	w.runs[x.Attempt] = x
	w.order = append(w.order, x.Attempt)
}

func (w *twin) confirm(now time.Time, e Event, r Receipt) {
	if w.confirmed != nil {
		w.t.Fatal("confirmed twice")
	}
	w.confirmed = &r
	if !r.Covers(w.spec.Boot) || r.Covers(w.spec.Boot+1) {
		w.t.Fatalf("receipt covers the wrong boots: %s", r)
	}
	switch r.Class {
	case Manual:
		if !w.person {
			w.t.Fatalf("manual receipt from %s", e)
		}
	case Rebooted:
		if b := w.beats[len(w.beats)-1]; b.boot <= w.spec.Boot || w.spec.Boot == 0 && b.joined {
			w.t.Fatalf("boot %d proves nothing", b.boot)
		}
	default:
		if !slices.ContainsFunc(w.spec.Levels, func(l Level) bool { return w.proves(l, r, now) }) {
			w.t.Fatalf("no level proves %s", r)
		}
	}
}

// proves says whether the newest words of all devices of a level are off, and
// neither a status nor a heartbeat contradicted them since; a target that was
// heard shortly before has been listened to.
func (w *twin) proves(l Level, r Receipt, now time.Time) bool {
	var lastOff time.Time
	power := false
	for _, s := range l.Steps {
		i := len(w.answered) - 1
		for i >= 0 && (w.answered[i].run.Device != s.Device || w.answered[i].run.Action != Off) {
			i--
		}
		if s.Class == Manual || i < 0 || w.answered[i].out != Succeeded || !slices.Contains(r.Devices, s.Device) {
			return false
		}
		status := IsOff
		for _, a := range w.answered[i:] {
			if a.run.Device == s.Device && a.run.Action == Status && (a.out == IsOn || a.out == IsOff) {
				status = a.out
			}
		}
		if status == IsOn {
			return false
		}
		if w.answered[i].at.After(lastOff) {
			lastOff = w.answered[i].at
		}
		power = power || s.Class == Power
	}
	for _, b := range w.beats {
		same := b.boot == w.spec.Boot || w.spec.Boot == 0 && b.joined
		if power && same && b.at.After(lastOff.Add(w.spec.Timing.Grace)) {
			return false
		}
		if power && same && b.at.After(lastOff.Add(-w.spec.Timing.Watch)) && now.Before(lastOff.Add(w.spec.Timing.Watch)) {
			return false
		}
	}
	return true
}

func (w *twin) end(d Done) {
	if w.ended {
		w.t.Fatal("done twice")
	}
	w.ended = true
	if w.spec.Action == On {
		if d.Receipt.Covers(0) {
			w.t.Fatal("the receipt of an on covers a boot")
		}
		return
	}
	if w.confirmed == nil || w.confirmed.Proof != d.Receipt.Proof {
		w.t.Fatal("done without the receipt that was confirmed")
	}
}

func (w *twin) waitsForPerson(op *Operation) bool {
	return op.stage == acting && op.current().Class == Manual && w.spec.Timeout == 0
}

// TestDrawDelays keeps every delay within its range and repeats no device.
func TestDrawDelays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Duration(rapid.IntRange(0, 10).Draw(t, "base")) * time.Second
		longest := time.Duration(rapid.IntRange(0, 20).Draw(t, "max")) * time.Second
		levels := []Level{{Steps: []Step{{Device: "a", Delay: DelayRange{base, longest}}, {Device: "a", Delay: DelayRange{base, longest}}}}}
		draws := 0
		d := DrawDelays(levels, 0, func() float64 { draws++; return rapid.Float64Range(0, 0.999).Draw(t, "draw") })
		if got := d.Device["a"]; got < base || got > max(base, longest) {
			t.Errorf("delay %v is outside %v to %v", got, base, longest)
		}
		if draws > 1 {
			t.Error("a device was drawn twice")
		}
	})
}
