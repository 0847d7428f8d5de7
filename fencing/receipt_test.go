package fencing

import (
	"encoding/json"
	"testing"
	"time"
)

func TestReceiptCoversItsBootAndOlderOnes(t *testing.T) {
	r := Receipt{Action: Reboot, Target: "n3", Boot: 7, Class: Power, At: origin}
	for boot, want := range map[uint64]bool{0: true, 6: true, 7: true, 8: false} {
		if r.Covers(boot) != want {
			t.Errorf("boot %d: %v", boot, r.Covers(boot))
		}
	}
	if (Receipt{}).Covers(0) {
		t.Error("the zero receipt covers something")
	}
	r.Action = On
	if r.Covers(7) {
		t.Error("an on covers a boot")
	}
}

func TestReceiptContradicted(t *testing.T) {
	timing := DefaultTiming()
	r := Receipt{Action: Off, Boot: 7, Class: Power, At: origin}
	beat := func(boot uint64, after time.Duration) TargetBeat {
		return TargetBeat{Boot: boot, At: origin.Add(after)}
	}
	for _, c := range []struct {
		beat  TargetBeat
		class Class
		want  bool
	}{
		{beat(7, time.Second), Power, true},
		{beat(6, time.Second), Manual, true},
		{beat(7, timing.Grace), Power, false},
		{beat(8, time.Second), Power, false},
		{beat(7, time.Second), Fabric, false},
	} {
		if r.Class = c.class; r.ContradictedBy(c.beat, timing) != c.want {
			t.Errorf("%s on a %s receipt: want %v", c.beat, c.class, c.want)
		}
	}
}

func TestReceiptSurvivesTheLog(t *testing.T) {
	r := Receipt{OpID: "f-1", Action: Off, Target: "n3", Boot: 7, Devices: []string{"a"}, Proof: "a said off", Class: Power, At: origin}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Receipt
	if err := json.Unmarshal(data, &back); err != nil || back.String() != r.String() || !back.Covers(7) {
		t.Errorf("%s became %s (%v)", r, back, err)
	}
}

func TestPendingEntry(t *testing.T) {
	e := Entry{Action: Reboot, Target: "n3", State: Pending, Client: "controller", Origin: "n2", Started: origin}
	if got, want := e.String(), "reboot of n3 pending: client=controller, origin=n2, started='2026-10-03 14:06:40Z'"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
