package policy

import "time"

// Input is everything that Decide looks at. Equal inputs give equal plans.
type Input struct {
	Now    time.Time // the only clock; whole seconds count
	Config *Config
	Status *Status
}

// Plan is what the cluster should do next, and what it would look like then.
type Plan struct {
	Actions   []Action    `json:"actions"`             // in a valid order: predecessors first
	Placement []Placement `json:"placement"`           // after all actions succeeded
	Current   []Placement `json:"current"`             // as read from the status
	Nodes     []NodeView  `json:"nodes"`               // what the engine makes of each node
	Blocked   []Blocked   `json:"blocked,omitempty"`   // what should happen and cannot, and why
	Problems  []Problem   `json:"problems,omitempty"`  // of the configuration
	RecheckAt time.Time   `json:"recheck-at,omitzero"` // decide again then, if nothing changes before
}

// ActionKind tells who carries an action out.
type ActionKind string

// The kinds of actions.
const (
	ResourceAction ActionKind = "resource" // an executor runs an agent
	FenceAction    ActionKind = "fence"    // the fencing layer acts on Node
	NodeAction     ActionKind = "node"     // shutdown: the node may leave now
	PseudoAction   ActionKind = "pseudo"   // nothing runs; it carries orderings
)

// Tasks of actions.
const (
	TaskStart          = "start"
	TaskStop           = "stop"
	TaskPromote        = "promote"
	TaskDemote         = "demote"
	TaskMonitor        = "monitor" // IntervalMS 0: a probe
	TaskCancel         = "cancel"  // of the recurring monitor with IntervalMS
	TaskMigrateTo      = "migrate_to"
	TaskMigrateFrom    = "migrate_from"
	TaskReload         = "reload"
	TaskNotify         = "notify"
	TaskDelete         = "delete"     // forget the agent's history of the resource and read it again
	TaskLRMDelete      = "lrm_delete" // erase the history from the status only
	TaskClearFailCount = "clear_failcount"
	TaskOff            = "off"
	TaskReboot         = "reboot"
	TaskOn             = "on" // unfencing
	TaskShutdown       = "shutdown"
)

// Action is one step of a plan.
type Action struct {
	ID         string     `json:"id"` // unique in the plan; stable between equal plans
	Kind       ActionKind `json:"kind"`
	Task       string     `json:"task"`
	Resource   string     `json:"resource,omitempty"`   // instance name: "web", "db:0"
	HistoryID  string     `json:"history-id,omitempty"` // the name under which the node's history keeps it
	Node       string     `json:"node,omitempty"`       // node name
	IntervalMS int64      `json:"interval_ms,omitempty"`
	Detail     string     `json:"detail,omitempty"` // of a notify: "pre-start"
	After      []string   `json:"after"`            // ids of actions that must have ended well first
	Reasons    []Reason   `json:"reasons,omitempty"`

	// What the executor needs, for resource actions.
	Class, Provider, Type string            `json:"-"`
	Params                map[string]string `json:"params,omitempty"`
	Meta                  map[string]string `json:"meta,omitempty"` // meta-attributes and notify environment
	TimeoutMS             int64             `json:"timeout_ms,omitempty"`
	StartDelayMS          int64             `json:"start_delay_ms,omitempty"`
	ExpectedRC            int               `json:"expected_rc,omitempty"`
	OnFail                string            `json:"on_fail,omitempty"`
	Protected             bool              `json:"protected,omitempty"` // requires fencing: it may start only where a lost node could be fenced
	MigrateSource         string            `json:"migrate_source,omitempty"`
	MigrateTarget         string            `json:"migrate_target,omitempty"`
	Digest                string            `json:"digest,omitempty"`
	RestartDigest         string            `json:"restart_digest,omitempty"`
	RestartParams         string            `json:"restart_params,omitempty"`

	// FenceDelayMS is the delay that gives the other side of a race the
	// advantage (option priority-fencing-delay), for fence actions.
	FenceDelayMS int64 `json:"fence_delay_ms,omitempty"`
}

// Role is what a resource does on a node.
type Role string

// The roles, lowest first.
const (
	RoleStopped    Role = "Stopped"
	RoleStarted    Role = "Started"
	RoleUnpromoted Role = "Unpromoted"
	RolePromoted   Role = "Promoted"
)

// Placement says that a primitive instance is on a node in a role.
type Placement struct {
	Resource string `json:"resource"`
	Node     string `json:"node,omitempty"`
	Role     Role   `json:"role"`

	// Set where they apply, for status displays.
	Failed    bool `json:"failed,omitempty"`
	Blocked   bool `json:"blocked,omitempty"`
	Unmanaged bool `json:"unmanaged,omitempty"`
	Orphaned  bool `json:"orphaned,omitempty"`
	Disabled  bool `json:"disabled,omitempty"`
}

// NodeView is what the engine makes of a node.
type NodeView struct {
	Name        string `json:"name"`
	Online      bool   `json:"online"`
	Unclean     bool   `json:"unclean,omitempty"`
	Pending     bool   `json:"pending,omitempty"`
	Standby     bool   `json:"standby,omitempty"`
	Maintenance bool   `json:"maintenance,omitempty"`
	Shutdown    bool   `json:"shutdown,omitempty"`
	Remote      bool   `json:"remote,omitempty"`
	Reason      string `json:"reason,omitempty"` // why it is unclean
}

// Blocked is something that should happen and cannot: Resource should be in
// Role (or Node fenced), but the reasons say why not.
type Blocked struct {
	Resource string   `json:"resource,omitempty"`
	Node     string   `json:"node,omitempty"`
	Task     string   `json:"task"`
	Reasons  []Reason `json:"reasons"`
}

// Reason is one deciding rule behind an action, a placement or its absence.
type Reason struct {
	Rule   string `json:"rule"`             // a stable word: "colocation", "failed", "node-lost", "standby" …
	Object string `json:"object,omitempty"` // the configuration object or resource that decided
	Text   string `json:"text"`             // for people, a clause without a capital or full stop
	Pos    Pos    `json:"pos,omitzero"`
}

// Problem is something wrong with a configuration. An error makes it
// unacceptable for a commit; a warning does not.
type Problem struct {
	Error  bool   `json:"error"`
	Object string `json:"object,omitempty"`
	Text   string `json:"text"`
	Pos    Pos    `json:"pos,omitzero"`
}
