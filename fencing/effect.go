package fencing

import (
	"fmt"
	"strings"
	"time"
)

// Effect is what an [Operation] wants done.
type Effect interface {
	fmt.Stringer
	effect()
}

// RunDevice asks for one run of a device's agent. The answer is a
// [DeviceResult] with the same Attempt; there is at most one run under way.
type RunDevice struct {
	Attempt  string // unique within the operation and readable: "f-12/1.ipmi-n3.off"
	Device   string
	Action   Action // the agent's word
	Target   string // the node, for the parameter nodename
	PlugArg  string // parameter that names the target; empty: none
	Plug     string
	Timeout  time.Duration
	OnTarget bool // it has to run on the target itself
}

// StopDevice asks to end a run, and its agent with it; its answer will not be
// heard.
type StopDevice struct{ Attempt string }

// WakeAt asks for a [Tick] at T or later; a newer one replaces it.
type WakeAt struct{ T time.Time }

// Report is a line for the log and the history.
type Report struct{ Text string }

// Alarm is a line that a person has to see now.
type Alarm struct{ Text string }

// Confirmed says that the target is fenced. It comes once. Record the receipt,
// then answer with [Recorded].
type Confirmed struct{ Receipt Receipt }

// Done ends an operation that was confirmed (or an "on" that succeeded).
type Done struct{ Receipt Receipt }

// Failed ends an operation without a receipt. A [ManualConfirm] may still
// confirm it afterwards.
type Failed struct {
	Target  string
	Why     string
	Reasons []Reason
}

// Reason says why one device did not fence the target.
type Reason struct {
	Level  int
	Device string
	Text   string
}

// String is "level 1 ipmi-n3: timed out …".
func (r Reason) String() string { return fmt.Sprintf("level %d %s: %s", r.Level, r.Device, r.Text) }

func (RunDevice) effect()  {}
func (StopDevice) effect() {}
func (WakeAt) effect()     {}
func (Report) effect()     {}
func (Alarm) effect()      {}
func (Confirmed) effect()  {}
func (Done) effect()       {}
func (Failed) effect()     {}

func (e RunDevice) String() string {
	text := fmt.Sprintf("run %s: %s of %s", e.Attempt, e.Action, e.Target)
	if e.PlugArg != "" {
		text += fmt.Sprintf(", %s=%s", e.PlugArg, e.Plug)
	}
	if e.OnTarget {
		text += ", on the target itself"
	}
	return text + fmt.Sprintf(", within %v", e.Timeout)
}

func (e StopDevice) String() string { return "stop " + e.Attempt }

func (e WakeAt) String() string { return "wake at " + e.T.UTC().Format(stamp) }

func (e Report) String() string { return "report: " + e.Text }

func (e Alarm) String() string { return "ALARM: " + e.Text }

func (e Confirmed) String() string { return "confirmed: " + e.Receipt.String() }

func (e Done) String() string { return "done: " + e.Receipt.String() }

func (e Failed) String() string { return "failed: " + e.Error() }

// Error makes a Failed an error: the operation did not fence its target.
func (e Failed) Error() string {
	parts := make([]string, len(e.Reasons))
	for i, r := range e.Reasons {
		parts[i] = r.String()
	}
	text := e.Target + " is not fenced: " + e.Why
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, "; ") + ")"
	}
	return text
}

// stamp is how times are written: to the millisecond, sortable.
const stamp = "2006-01-02 15:04:05.000Z"
