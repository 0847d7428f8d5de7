package state

import (
	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/policy"
)

// State is everything that the cluster's members agree on.
type State struct {
	Index uint64 `json:"index"` // of the last applied entry
	Term  uint64 `json:"term"`
	Clock int64  `json:"clock"` // latest time that a command carried, Unix milliseconds

	Config   Config           `json:"config"`
	Versions []Version        `json:"versions,omitempty"` // earlier configurations, newest last, bounded
	Nodes    map[string]*Node `json:"nodes"`
	Settings Settings         `json:"settings"`

	// Pending are the operations that executors were ordered to carry out and
	// have not answered. A decision keeps, awaits or reverses them.
	Pending map[string]*Operation `json:"pending,omitempty"`

	Fencing  map[string]*Fencing `json:"fencing,omitempty"`   // running, by target
	FenceLog []FenceRecord       `json:"fence-log,omitempty"` // ended, newest last, bounded
	Audit    []AuditRecord       `json:"audit,omitempty"`     // who changed what, newest last, bounded

	// Changed holds, per topic, the index of the last change that can make an
	// earlier decision wrong: "config", "nodes", "rsc:NAME".
	Changed map[string]uint64 `json:"changed,omitempty"`
}

// How much of the past the state keeps.
const (
	keepVersions = 20
	keepFencings = 100
	keepAudit    = 200
)

// New is the state of a cluster in which nothing has happened.
func New() *State {
	return &State{
		Nodes:   map[string]*Node{},
		Pending: map[string]*Operation{},
		Fencing: map[string]*Fencing{},
		Changed: map[string]uint64{},
		Config:  Config{Policy: &policy.Config{}},
	}
}

// Document is one piece of configuration text.
type Document struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Config is the configuration in force: text as written, and what it means.
type Config struct {
	Version   int64          `json:"version"` // 0: none was ever set
	Documents []Document     `json:"documents,omitempty"`
	Policy    *policy.Config `json:"policy"`
	Cluster   Cluster        `json:"cluster,omitzero"`
	Author    string         `json:"author,omitempty"`
	Comment   string         `json:"comment,omitempty"`
	At        int64          `json:"at,omitempty"` // Unix milliseconds
}

// Cluster is what the configuration says of the cluster as a whole.
type Cluster struct {
	// FailureTimeoutMS is the silence after which a member counts as lost; 0 is
	// the default.
	FailureTimeoutMS int64 `json:"failure-timeout-ms,omitempty"`
}

// Version is an earlier configuration, kept for comparison and rollback.
type Version struct {
	Version   int64      `json:"version"`
	Documents []Document `json:"documents,omitempty"`
	Author    string     `json:"author,omitempty"`
	Comment   string     `json:"comment,omitempty"`
	At        int64      `json:"at,omitempty"`
}

// Phase is what the cluster knows of a node.
type Phase string

// The phases of a node.
const (
	// PhaseDown: it runs nothing, for certain. It has never joined, left cleanly, or
	// its fencing was confirmed.
	PhaseDown Phase = "down"
	// PhaseMember: it joined and follows orders.
	PhaseMember Phase = "member"
	// PhaseLost: it was a member and fell silent. What it ran may still run: nothing
	// of that starts elsewhere before a fencing is confirmed.
	PhaseLost Phase = "lost"
)

// Node is what the cluster knows of one node.
type Node struct {
	Name        string `json:"name"`
	Phase       Phase  `json:"phase"`
	Boot        uint64 `json:"boot,omitempty"`        // which start of the machine
	Incarnation uint64 `json:"incarnation,omitempty"` // which start of the daemon
	Joined      uint64 `json:"joined,omitempty"`      // index of the join; older orders are void
	Since       int64  `json:"since,omitempty"`       // of the phase, Unix milliseconds
	Leaving     bool   `json:"leaving,omitempty"`     // it asked to drain and leave
	LeaveReason string `json:"leave-reason,omitempty"`
	Version     string `json:"version,omitempty"` // of its binary
	Fenced      bool   `json:"fenced,omitempty"`  // Boot was confirmed off: it may not join in that boot again
	Kept        []Kept `json:"kept,omitempty"`    // what it left running when it went; only while it is down

	Attributes map[string]string           `json:"attributes,omitempty"` // until the next boot
	History    map[string]*ResourceHistory `json:"history,omitempty"`    // by history name
	Failures   map[string]Failure          `json:"failures,omitempty"`   // by "RSC#OP_INTERVALMS"
}

// Kept is a resource that still ran, unmanaged, when its node left. Until the node
// is back, has booted again, or is confirmed off, it runs there as far as anyone
// knows.
type Kept struct {
	Resource string `json:"resource"`
	Promoted bool   `json:"promoted,omitempty"`
}

// ResourceHistory is what a node's operations on one resource came to.
type ResourceHistory struct {
	Class    string                     `json:"class"`
	Provider string                     `json:"provider,omitempty"`
	Type     string                     `json:"type"`
	Records  map[string]policy.OpRecord `json:"records,omitempty"` // by record id

	// Last is the latest operation that made it run, with the parameters it was
	// given: a restarted daemon looks after the resource by them.
	Last *policy.Action `json:"last,omitempty"`
}

// Failure counts the failures of one operation of one resource on a node.
type Failure struct {
	Count  int64  `json:"count"` // policy's INFINITY (1000000) bans the node
	Last   int64  `json:"last"`  // Unix seconds
	Reason string `json:"reason,omitempty"`
}

// Settings are what operators ask for beside the configuration text. Each is
// shown by the status until it is taken back.
type Settings struct {
	Nodes     map[string]NodeSetting     `json:"nodes,omitempty"`
	Resources map[string]ResourceSetting `json:"resources,omitempty"`
	Rules     []ManualRule               `json:"rules,omitempty"`
	Moves     map[string]Move            `json:"moves,omitempty"` // by resource
}

// NodeSetting is what an operator asked of a node.
type NodeSetting struct {
	Standby       bool   `json:"standby,omitempty"`
	StandbyReboot bool   `json:"standby-until-reboot,omitempty"`
	Maintenance   bool   `json:"maintenance,omitempty"`
	By            string `json:"by,omitempty"`
	At            int64  `json:"at,omitempty"`
}

// ResourceSetting is what an operator asked of a resource. Empty fields leave
// the configuration's word.
type ResourceSetting struct {
	TargetRole  string `json:"target-role,omitempty"` // Started, Stopped, Promoted, Unpromoted
	Maintenance string `json:"maintenance,omitempty"` // "true" or "false"
	Managed     string `json:"is-managed,omitempty"`
	By          string `json:"by,omitempty"`
	At          int64  `json:"at,omitempty"`
}

// ManualRule is an operator's ban or preference.
type ManualRule struct {
	ID       string `json:"id"`
	Resource string `json:"resource"`
	Node     string `json:"node"`
	Score    string `json:"score"`             // "-INFINITY" is a ban
	Expires  int64  `json:"expires,omitempty"` // Unix seconds; 0 never
	By       string `json:"by,omitempty"`
	At       int64  `json:"at,omitempty"`
}

// Move asks that a resource go to a node, once. It is over when the resource is
// there, or when Until has passed.
type Move struct {
	Resource string `json:"resource"`
	Node     string `json:"node"`
	Until    int64  `json:"until"` // Unix seconds
	By       string `json:"by,omitempty"`
	At       int64  `json:"at,omitempty"`
}

// Operation is an order to the executor of one node.
//
// Invariant (an executor never acts on a void order): the order's Incarnation
// is that of the node's daemon when it was decided, and executors refuse orders
// of another incarnation, of an index at or below their join, or of a term below
// the highest they have seen.
type Operation struct {
	ID          string        `json:"id"`  // unique for ever: "INDEX.N"
	Key         string        `json:"key"` // the plan's action id: what is in flight is not ordered twice
	Index       uint64        `json:"index"`
	Term        uint64        `json:"term"`
	Node        string        `json:"node"`
	Incarnation uint64        `json:"incarnation"`
	At          int64         `json:"at"`       // ordered, Unix milliseconds
	Deadline    int64         `json:"deadline"` // when the controller gives up on an answer
	Action      policy.Action `json:"action"`
	Class       string        `json:"class"`
	Provider    string        `json:"provider,omitempty"`
	Type        string        `json:"type"`
}

// Fencing is a fence operation under way.
type Fencing struct {
	ID          string `json:"id"`
	Target      string `json:"target"`
	Boot        uint64 `json:"boot"`
	Action      string `json:"action"` // off or reboot
	Reason      string `json:"reason"`
	Requested   string `json:"requested,omitempty"` // who asked, when not the policy
	Executor    string `json:"executor,omitempty"`
	Incarnation uint64 `json:"incarnation,omitempty"` // of the executor
	Attempt     int    `json:"attempt"`
	Since       int64  `json:"since,omitempty"` // begin or end of this attempt, by the clock of who said so
	Running     bool   `json:"running"`         // an executor is at it
	Retry       int64  `json:"retry,omitempty"` // not before, Unix milliseconds
	Begun       int64  `json:"begun"`
	DelayMS     int64  `json:"delay-ms,omitempty"`
	LastError   string `json:"last-error,omitempty"`
}

// FenceRecord is a fence operation that ended.
type FenceRecord struct {
	ID        string           `json:"id"`
	Target    string           `json:"target"`
	Boot      uint64           `json:"boot"`
	Action    string           `json:"action"`
	Executor  string           `json:"executor,omitempty"`
	Requested string           `json:"requested,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	OK        bool             `json:"ok"`
	Error     string           `json:"error,omitempty"`
	Receipt   *fencing.Receipt `json:"receipt,omitempty"`
	Begun     int64            `json:"begun"`
	Ended     int64            `json:"ended"`
	Index     uint64           `json:"index"`
}

// AuditRecord says who changed what.
type AuditRecord struct {
	At   int64  `json:"at"`
	By   string `json:"by"`
	What string `json:"what"`
}
