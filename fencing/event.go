package fencing

import (
	"fmt"
	"time"
)

// Event is what an [Operation] is told.
type Event interface {
	fmt.Stringer
	event()
}

// Tick says that time has passed. The first one begins the operation.
type Tick struct{}

// DeviceResult is the answer to a [RunDevice].
type DeviceResult struct {
	Attempt string
	Outcome Outcome
	Reason  string // why it failed, one line without secrets; empty when it did not
}

// TargetBeat says that a heartbeat of the target was received.
type TargetBeat struct {
	Boot   uint64
	At     time.Time // when it was received here, on the clock of Step; zero: now
	Joined bool      // the target counts itself a member (it is not waiting to be let in)
}

// ManualConfirm is a person's word that the target is off.
type ManualConfirm struct {
	Who    string // "root@n1"
	Typed  string // the node name as the person typed it
	Forced int    // how often the person insisted; see [CheckManual]
}

// Recorded says that the receipt of [Confirmed] is in the replicated log:
// from now on the target may be switched on again.
type Recorded struct{}

// Cancel ends the operation, if it is not confirmed yet; after that it only
// ends the switching on.
type Cancel struct{ Why string }

func (Tick) event()          {}
func (DeviceResult) event()  {}
func (TargetBeat) event()    {}
func (ManualConfirm) event() {}
func (Recorded) event()      {}
func (Cancel) event()        {}

func (Tick) String() string { return "tick" }

func (e DeviceResult) String() string {
	return e.Attempt + ": " + e.text()
}

func (e DeviceResult) text() string {
	if e.Reason == "" {
		return string(e.Outcome)
	}
	return string(e.Outcome) + ": " + e.Reason
}

func (e TargetBeat) String() string {
	if e.Joined {
		return fmt.Sprintf("heartbeat of boot %d (joined)", e.Boot)
	}
	return fmt.Sprintf("heartbeat of boot %d", e.Boot)
}

func (e ManualConfirm) String() string {
	return fmt.Sprintf("%s confirms %q (forced %d times)", e.Who, e.Typed, e.Forced)
}

func (Recorded) String() string { return "recorded" }

func (e Cancel) String() string { return "cancel: " + e.Why }
