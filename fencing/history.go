package fencing

import (
	"fmt"
	"strings"
	"time"
)

// State is how far a fencing of the history has come.
type State string

// The states, in the words of crm_mon.
const (
	Pending    State = "pending"
	Successful State = "successful"
	FailedOp   State = "failed"
)

// Entry is one fencing in the history.
type Entry struct {
	OpID     OpID      `json:"op"`
	Action   Action    `json:"action"`
	Target   string    `json:"target"`
	Boot     uint64    `json:"boot"`
	State    State     `json:"state"`
	Delegate string    `json:"delegate,omitempty"` // the node that ran the devices
	Client   string    `json:"client"`             // who asked: "controller", "root", …
	Origin   string    `json:"origin"`             // the node where it was asked
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended,omitzero"`
	Detail   string    `json:"detail,omitempty"` // proof, or why it failed
}

// Complete returns the entry of a fencing that was confirmed.
func (e Entry) Complete(r Receipt) Entry {
	e.State, e.Ended, e.Detail = Successful, r.At, r.Proof
	return e
}

// Fail returns the entry of a fencing that failed.
func (e Entry) Fail(f Failed, at time.Time) Entry {
	e.State, e.Ended, e.Detail = FailedOp, at, f.Error()
	return e
}

// String is the line under "Fencing History:" that users of crm_mon know, with
// how it went behind it.
func (e Entry) String() string {
	var fields []string
	if e.Delegate != "" {
		fields = append(fields, "delegate="+e.Delegate)
	}
	fields = append(fields, "client="+e.Client, "origin="+e.Origin)
	switch e.State {
	case Successful:
		fields = append(fields, "completed='"+e.Ended.UTC().Format(second)+"'")
	case FailedOp:
		fields = append(fields, "last-failed='"+e.Ended.UTC().Format(second)+"'")
	case Pending:
		fields = append(fields, "started='"+e.Started.UTC().Format(second)+"'")
	}
	line := fmt.Sprintf("%s of %s %s: %s", e.Action, e.Target, e.State, strings.Join(fields, ", "))
	if e.Detail != "" {
		line += " (" + e.Detail + ")"
	}
	return line
}

const second = "2006-01-02 15:04:05Z"
