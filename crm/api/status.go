package api

import (
	"net/http"
	"time"

	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/policy"
)

// Health is the one word for a whole cluster.
type Health string

// The healths. Their order is the exit code of a simple status: 0, 1, 2.
const (
	OK      Health = "OK"
	Warning Health = "WARNING"
	Failed  Health = "CRITICAL"
)

// Status is everything that is to be known about a cluster at one moment.
type Status struct {
	Index   uint64    `json:"index"` // of the state; a watch resumes from here
	Time    time.Time `json:"time"`
	Node    string    `json:"node"`    // who answers
	Version string    `json:"version"` // of its program

	Health  Health   `json:"health"`
	Reasons []string `json:"reasons,omitempty"` // why it is not OK, most urgent first

	Cluster   Cluster          `json:"cluster"`
	Config    ConfigInfo       `json:"config"`
	Options   Switches         `json:"options"`
	Nodes     []Node           `json:"nodes"`
	Resources []Resource       `json:"resources"`
	Failures  []Failure        `json:"failures,omitempty"`
	Fencing   []Fencing        `json:"fencing,omitempty"`         // under way
	FenceLog  []FenceRecord    `json:"fencing-history,omitempty"` // newest first
	Manual    []ManualRule     `json:"manual-rules,omitempty"`
	Pending   []Operation      `json:"pending,omitempty"` // in flight
	Next      []policy.Action  `json:"next,omitempty"`    // decided and not begun
	Blocked   []policy.Blocked `json:"blocked,omitempty"`
	Problems  []policy.Problem `json:"problems,omitempty"`
	Warnings  []string         `json:"warnings,omitempty"`

	// For displays: the configuration's shape without parameters, and where every
	// instance is.
	Shape     *policy.Config     `json:"shape"`
	Placement []policy.Placement `json:"placement"`
}

// ConfigInfo names the configuration in force.
type ConfigInfo struct {
	Version int64     `json:"version"` // 0: none was ever set
	Author  string    `json:"author,omitempty"`
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at,omitzero"`
}

// Switches are the cluster options that a display must not hide.
type Switches struct {
	Fencing     bool `json:"fencing"`
	Maintenance bool `json:"maintenance,omitempty"`
	StopAll     bool `json:"stop-all,omitempty"`
}

// Node is one node.
type Node struct {
	policy.NodeView
	Phase       string            `json:"phase,omitempty"` // down, member, lost; "" for a node that never joined
	DC          bool              `json:"dc,omitempty"`
	Voter       bool              `json:"voter,omitempty"`
	Membership  string            `json:"membership,omitempty"` // up, suspect, lost, unknown
	Addresses   []string          `json:"addresses,omitempty"`
	Boot        uint64            `json:"boot,omitempty"`
	Incarnation uint64            `json:"incarnation,omitempty"`
	Version     string            `json:"version,omitempty"`
	Since       time.Time         `json:"since,omitzero"`
	Leaving     string            `json:"leaving,omitempty"`     // why it drains
	Unprotected string            `json:"unprotected,omitempty"` // why nobody could fence it
	Resources   []string          `json:"resources,omitempty"`   // instances that are active there
	FailCounts  []FailCount       `json:"fail-counts,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty"`
}

// FailCount is how often an operation failed on a node.
type FailCount struct {
	Resource  string    `json:"resource"`
	Operation string    `json:"operation"` // "monitor_10000"
	Count     int64     `json:"count"`     // 1000000: the node is banned
	Last      time.Time `json:"last"`
	Reason    string    `json:"reason,omitempty"`
}

// Resource is one configured resource with what it consists of.
type Resource struct {
	ID          string             `json:"id"`
	Kind        policy.Kind        `json:"kind"`
	Agent       string             `json:"agent,omitempty"`
	Description string             `json:"description,omitempty"`
	Role        policy.Role        `json:"role"` // the highest of all instances
	Instances   []policy.Placement `json:"instances,omitempty"`
	Failed      bool               `json:"failed,omitempty"`
	Blocked     []string           `json:"blocked,omitempty"` // why it is not as it should be
	Unmanaged   bool               `json:"unmanaged,omitempty"`
	Disabled    bool               `json:"disabled,omitempty"`
	Orphaned    bool               `json:"orphaned,omitempty"`
	Pending     string             `json:"pending,omitempty"` // "start on n1"
	Children    []Resource         `json:"children,omitempty"`
}

// Failure is an operation that went wrong and was not cleaned up.
type Failure struct {
	Resource  string    `json:"resource"`
	Operation string    `json:"operation"`
	Interval  int64     `json:"interval-ms,omitempty"`
	Node      string    `json:"node"`
	RC        int64     `json:"rc"`
	Result    string    `json:"result"`
	Status    int64     `json:"status"`
	CallID    int64     `json:"call-id"`
	Reason    string    `json:"reason,omitempty"`
	At        time.Time `json:"at,omitzero"`
	ExecMS    int64     `json:"exec-ms,omitempty"`
	QueueMS   int64     `json:"queue-ms,omitempty"`
}

// Fencing is a fencing under way.
type Fencing struct {
	ID        string    `json:"id"`
	Target    string    `json:"target"`
	Boot      uint64    `json:"boot"`
	Action    string    `json:"action"`
	Reason    string    `json:"reason"`
	Requested string    `json:"requested,omitempty"`
	Executor  string    `json:"executor,omitempty"`
	Attempt   int       `json:"attempt"`
	Running   bool      `json:"running"`
	Retry     time.Time `json:"retry,omitzero"`
	Begun     time.Time `json:"begun"`
	LastError string    `json:"last-error,omitempty"`
}

// FenceRecord is a fencing that ended.
type FenceRecord struct {
	ID        string           `json:"id"`
	Target    string           `json:"target"`
	Boot      uint64           `json:"boot"`
	Action    string           `json:"action"`
	OK        bool             `json:"ok"`
	Error     string           `json:"error,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	Executor  string           `json:"executor,omitempty"`
	Requested string           `json:"requested,omitempty"`
	Receipt   *fencing.Receipt `json:"receipt,omitempty"`
	Begun     time.Time        `json:"begun"`
	Ended     time.Time        `json:"ended"`
	Index     uint64           `json:"index"`
}

// ManualRule is what an operator asked for beside the configuration, until it
// is taken back or expires.
type ManualRule struct {
	Kind    string    `json:"kind"` // "ban", "prefer", "move", "node", "resource"
	ID      string    `json:"id"`
	Object  string    `json:"object"`
	Node    string    `json:"node,omitempty"`
	Text    string    `json:"text"` // "web may not run on n2"
	Undo    string    `json:"undo"` // the command that takes it back
	Author  string    `json:"author,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
}

// Operation is an operation in flight.
type Operation struct {
	ID       string    `json:"id"`
	Task     string    `json:"task"`
	Resource string    `json:"resource"`
	Node     string    `json:"node"`
	Text     string    `json:"text"`
	Interval int64     `json:"interval-ms,omitempty"`
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline"`
	Index    uint64    `json:"index"`
}

func (s *Server) getStatus(*http.Request) (any, error) { return s.status(time.Now()), nil }

// View is the status as the text display takes it.
func (st *Status) View() render.View {
	v := render.View{Config: st.Shape, Placement: st.Placement, Agents: map[string]string{}}
	v.Summary = &render.Summary{
		Cluster: st.Cluster.Name, DC: st.Cluster.Leader, Version: st.Version, Quorum: st.Cluster.Quorum,
		LastUpdated: st.Time, LastChange: st.Config.At, ChangedBy: st.Config.Author,
		Maintenance: st.Options.Maintenance, StopAll: st.Options.StopAll, NoFencing: !st.Options.Fencing,
	}
	for _, n := range st.Nodes {
		v.Nodes = append(v.Nodes, n.NodeView)
	}
	for _, f := range st.Failures {
		v.Failures = append(v.Failures, render.Failure{
			Resource: f.Resource, Operation: f.Operation, IntervalMS: f.Interval, Node: f.Node, RC: f.RC, Status: f.Status,
			CallID: f.CallID, Reason: f.Reason, LastChange: f.At, QueueMS: f.QueueMS, ExecMS: f.ExecMS,
		})
	}
	for _, f := range st.Fencing {
		v.Fencing = append(v.Fencing, render.FenceEvent{
			Action: f.Action, Target: f.Target, Outcome: render.FencePending, Delegate: f.Executor, Client: f.Requested, Reason: f.Reason,
		})
	}
	for _, f := range st.FenceLog {
		e := render.FenceEvent{
			Action: f.Action, Target: f.Target, Outcome: render.FenceSucceeded, Delegate: f.Executor, Client: f.Requested, Completed: f.Ended,
		}
		if !f.OK {
			e.Outcome, e.Reason = render.FenceFailed, f.Error
		}
		v.Fencing = append(v.Fencing, e)
	}
	for _, r := range st.Resources {
		if r.Orphaned {
			v.Agents[r.ID] = r.Agent
		}
	}
	return v
}
