package fencing

import "fmt"

// OpID names one fencing operation in the whole cluster and for ever.
type OpID string

// Action is what is asked of a device.
type Action string

// The actions of the fence-agents API.
const (
	Off         Action = "off"
	On          Action = "on"
	Reboot      Action = "reboot"
	Status      Action = "status"
	Monitor     Action = "monitor"
	List        Action = "list"
	Metadata    Action = "metadata"
	ValidateAll Action = "validate-all"
)

// Class says what a successful device has done to its target.
type Class string

// The classes.
const (
	// Power devices take the target's power away: its memory is gone.
	Power Class = "power"
	// Fabric devices cut the target off from storage or network; it keeps
	// running, so its heartbeats contradict nothing, and it keeps its right to
	// vote.
	Fabric Class = "fabric"
	// Manual is a person's word.
	Manual Class = "manual"
	// Rebooted means that the target itself showed a newer boot.
	Rebooted Class = "rebooted"
	// Guard devices fence nothing; they only allow the rest of their level to
	// go on (fence_heuristics_ping).
	Guard Class = "guard"
)

// Dead reports whether a confirmation of this class proves that the target's
// boot is over: nothing of its memory, its rights or its pending writes is
// left. Vote by proxy needs this; recovery of resources does not.
func (c Class) Dead() bool { return c == Power || c == Manual || c == Rebooted }

// Outcome is how one run of a device ended.
type Outcome string

// The outcomes.
const (
	Succeeded Outcome = "ok"        // the device did as told (exit code 0)
	IsOn      Outcome = "on"        // status: the target is on (exit code 0)
	IsOff     Outcome = "off"       // status: the target is off (exit code 2)
	Failure   Outcome = "failed"    // the device said no, or could not be run
	TimedOut  Outcome = "timed out" // no answer in time
	Stopped   Outcome = "stopped"   // ended by us, before its answer
)

// Problem is one thing that stands in the way, in words for the operator: on
// which object, what, and what to do next.
type Problem struct {
	Subject string // a device, a topology or a node
	Text    string
}

// String is "SUBJECT: TEXT".
func (p Problem) String() string { return p.Subject + ": " + p.Text }

func problemf(subject, format string, args ...any) Problem {
	return Problem{Subject: subject, Text: fmt.Sprintf(format, args...)}
}
