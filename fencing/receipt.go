package fencing

import (
	"fmt"
	"strings"
	"time"
)

// Receipt is the proof that one boot of one node is fenced. It goes through
// the replicated log; only its application lets resources move.
type Receipt struct {
	OpID    OpID      `json:"op"`
	Action  Action    `json:"action"`
	Target  string    `json:"target"`
	Boot    uint64    `json:"boot"` // 0: the node was never seen
	Devices []string  `json:"devices,omitempty"`
	Proof   string    `json:"proof"`
	Class   Class     `json:"class"`
	At      time.Time `json:"at"`
}

// Covers reports whether the receipt says that this boot of its target is
// fenced: its own boot and every older one, never a newer one.
func (r Receipt) Covers(boot uint64) bool {
	return r.Class != "" && (r.Action == Off || r.Action == Reboot) && boot <= r.Boot
}

// ContradictedBy reports whether a heartbeat shows that the receipt is wrong:
// it is of a covered boot and was sent after the receipt was made. Whoever
// hears heartbeats asks this for as long as the receipt matters, and alarms.
func (r Receipt) ContradictedBy(b TargetBeat, t Timing) bool {
	return r.Covers(b.Boot) && r.Class != Fabric && b.At.After(r.At.Add(t.Grace))
}

// String is one line: target, boot, how, proof, operation and time.
func (r Receipt) String() string {
	by := ""
	if len(r.Devices) > 0 {
		by = " by " + strings.Join(r.Devices, "+")
	}
	return fmt.Sprintf("%s of %s boot %d%s (%s): %s; op %s at %s",
		r.Action, r.Target, r.Boot, by, r.Class, r.Proof, r.OpID, r.At.UTC().Format(stamp))
}
