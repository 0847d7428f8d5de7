package api

import (
	"context"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/state"
)

// Backend is what the API asks of the daemon that it speaks for. Every member
// can answer every question and take every change: reads come from its own copy
// of the state, changes go through the log.
type Backend interface {
	// Self is this node's name.
	Self() string
	// Version is the binary's version.
	Version() string
	// State is the state as this node has applied it. It is immutable.
	State() *state.State
	// Changed is closed when a newer State is there, or a newer Cluster.
	Changed() <-chan struct{}
	// Cluster is the membership as this node sees it.
	Cluster() Cluster
	// Decision is what the designated controller is about to do, as far as this
	// node can tell: decided on its own copy of the state.
	Decision(now time.Time) (*control.Decision, error)
	// Propose brings a command to the log and waits until it is applied here. At
	// is filled in. The error is of kind ErrNoQuorum when there is no leader, and
	// ErrUnknown when nobody can say whether the command got through.
	Propose(ctx context.Context, cmd state.Command) (state.Outcome, error)
	// CreateToken makes a token that lets one machine join within ttl.
	CreateToken(ctx context.Context, ttl time.Duration) (token string, expires time.Time, err error)
	// RemoveMember takes a member that is down out of the cluster, for good.
	RemoveMember(ctx context.Context, name string) error
	// Leave drains this node and takes it out of the cluster, for good. The daemon
	// ends after that.
	Leave(ctx context.Context) error
	// Heartbeat says when a heartbeat of the node's present boot was last heard,
	// zero if never.
	Heartbeat(node string) time.Time
	// AgentMetadata describes a resource agent; FenceMetadata a fence agent.
	AgentMetadata(ctx context.Context, spec agents.Spec) (*agents.Metadata, error)
	FenceMetadata(ctx context.Context, agent string) (*agents.Metadata, error)
	// AgentNames lists the agents that this node can run, for completion.
	AgentNames(ctx context.Context) []string
}

// Cluster is the membership as one node sees it.
type Cluster struct {
	Name    string   `json:"name"`
	ID      string   `json:"id"`
	Self    string   `json:"self"`
	Leader  string   `json:"leader,omitempty"` // the designated controller
	Term    uint64   `json:"term"`
	Quorum  bool     `json:"quorum"` // a leader with a majority is known here
	Voters  int      `json:"voters"`
	Needed  int      `json:"needed"` // votes for a majority
	Members []Member `json:"members"`
	DiskAge int64    `json:"disk-age-ms"` // of the oldest write that is still on its way to the disk
}

// Member is one member of the cluster.
type Member struct {
	Name        string    `json:"name"`
	Addresses   []string  `json:"addresses"`
	Voter       bool      `json:"voter"`
	State       string    `json:"state"` // up, suspect, lost, unknown
	Boot        uint64    `json:"boot,omitempty"`
	Incarnation uint64    `json:"incarnation,omitempty"`
	LastHeard   time.Time `json:"last-heard,omitzero"`
	Links       []Link    `json:"links,omitempty"`
}

// Link is one path to a member.
type Link struct {
	Index   int     `json:"index"`
	Address string  `json:"address"`
	Up      bool    `json:"up"`
	RTT     float64 `json:"rtt-ms,omitempty"`
}
