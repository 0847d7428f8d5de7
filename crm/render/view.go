package render

import (
	"time"

	"github.com/holdfast-ha/holdfast/policy"
)

// View is everything that a status display shows. Absent parts are left out.
type View struct {
	Summary   *Summary // nil: no such section
	Config    *policy.Config
	Nodes     []policy.NodeView
	Placement []policy.Placement // of the present: Plan.Current; or Plan.Placement
	Failures  []Failure
	Fencing   []FenceEvent // newest first

	// Agents names the agents of removed resources, by resource:
	// "ocf:heartbeat:IPaddr2". Only the history still knows them.
	Agents map[string]string
}

// Summary is the head of a status display.
type Summary struct {
	Cluster     string // the cluster's name, or ""
	DC          string // the name of the designated controller, or ""
	Version     string // of the DC's program, or ""
	Quorum      bool
	LastUpdated time.Time
	LastChange  time.Time // of the configuration
	ChangedBy   string    // "root by crm on n1", or ""
	Maintenance bool      // option maintenance-mode
	StopAll     bool      // option stop-all-resources
	NoFencing   bool      // option fencing-enabled is false
}

// Failure is an operation that went wrong and was not cleaned up.
type Failure struct {
	Resource   string
	Operation  string
	IntervalMS int64
	Node       string
	RC         int64
	Status     int64 // policy.OpDone …
	CallID     int64
	Reason     string    // what the agent said, or ""
	LastChange time.Time // zero: unknown
	QueueMS    int64
	ExecMS     int64
}

// Outcome is how a fencing attempt stands.
type Outcome string

// The outcomes.
const (
	FencePending   Outcome = "pending"
	FenceSucceeded Outcome = "successful"
	FenceFailed    Outcome = "failed"
)

// FenceEvent is one entry of the fencing history.
type FenceEvent struct {
	Action    string // "reboot", "off", "on"
	Target    string
	Outcome   Outcome
	Delegate  string    // the node that ran the device, or ""
	Client    string    // who asked
	Origin    string    // the node that it was asked on
	Reason    string    // why it failed, or ""
	Completed time.Time // zero while pending
}

// Options choose what Status shows and how.
type Options struct {
	Inactive  bool // show stopped resources too
	Brief     bool // count resources by agent and node
	ByNode    bool // list resources under their nodes
	NoHeaders bool // without titles of sections
	Indent    int  // levels, for a status inside of something else
	Color     bool // colour what needs attention
}
