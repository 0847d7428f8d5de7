package agents

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Spec names an agent: "ocf:heartbeat:IPaddr2" has class "ocf", provider
// "heartbeat" and type "IPaddr2"; built-in agents ("vip", "filesystem",
// "process") have class "holdfast" and no provider; "systemd:nginx" has class
// "systemd", and its type is the unit's name.
type Spec struct {
	Class    string `json:"class"`
	Provider string `json:"provider,omitempty"`
	Type     string `json:"type"`
}

// String renders the spec as administrators write it, "class:provider:type".
func (s Spec) String() string {
	parts := []string{s.Class}
	if s.Provider != "" {
		parts = append(parts, s.Provider)
	}
	return strings.Join(append(parts, s.Type), ":")
}

// Action is what an agent is asked to do.
type Action string

// The actions of the OCF API that the cluster asks for.
const (
	Start       Action = "start"
	Stop        Action = "stop"
	Monitor     Action = "monitor"
	Promote     Action = "promote"
	Demote      Action = "demote"
	Notify      Action = "notify"
	Reload      Action = "reload"
	MigrateTo   Action = "migrate_to"
	MigrateFrom Action = "migrate_from"
	ValidateAll Action = "validate-all"
	MetaData    Action = "meta-data"
)

// Code is an OCF result code (resource agent API 1.1, section "Exit codes").
type Code int

// The result codes.
const (
	OK             Code = 0
	ErrGeneric     Code = 1
	ErrArgs        Code = 2
	ErrUnsupported Code = 3
	ErrPermission  Code = 4
	ErrInstalled   Code = 5
	ErrConfigured  Code = 6
	NotRunning     Code = 7
	RunningMaster  Code = 8
	FailedMaster   Code = 9
	Degraded       Code = 190
	DegradedMaster Code = 191
)

var codeNames = map[Code]string{
	OK: "ok", ErrGeneric: "error", ErrArgs: "invalid parameter", ErrUnsupported: "unimplemented feature",
	ErrPermission: "insufficient privileges", ErrInstalled: "not installed", ErrConfigured: "not configured",
	NotRunning: "not running", RunningMaster: "promoted", FailedMaster: "promoted (failed)",
	Degraded: "degraded", DegradedMaster: "promoted (degraded)",
}

// String is the wording that crm_mon's users know.
func (c Code) String() string {
	if s, ok := codeNames[c]; ok {
		return s
	}
	return fmt.Sprintf("code %d", int(c))
}

// Status says how an operation ended, beside its code.
type Status string

// The ways an operation can end.
const (
	Done         Status = "complete"      // the agent answered; Code says what
	TimedOut     Status = "Timed Out"     // the deadline came first
	Failed       Status = "Error"         // the agent could not be run to an answer
	Cancelled    Status = "Cancelled"     // the caller gave up
	NotInstalled Status = "Not installed" // there is no such agent on this node
	NotSupported Status = "Not supported" // the agent does not offer the action
)

// Request is one operation on one resource instance.
type Request struct {
	Resource string            // instance name, for example "web" or "db:0"
	Agent    Spec              //
	Action   Action            //
	Interval time.Duration     // of a recurring monitor; 0 is a probe or a one-off
	Timeout  time.Duration     // the whole operation; must be positive
	Params   map[string]string // the agent's parameters, as configured
	Meta     map[string]string // meta-attributes and cluster environment, names without the OCF_RESKEY_CRM_meta_ prefix
	Node     string            // this node's name
}

// Result is what came of a Request.
type Result struct {
	Status   Status
	Code     Code
	Reason   string // one line for people: why it failed; empty when all is well
	Output   string // what the agent printed, bounded; for the log
	Started  time.Time
	Finished time.Time
}

// String is "ok", "not running", "Timed Out: …" and so on.
func (r Result) String() string {
	s := r.Code.String()
	if r.Status != Done {
		s = string(r.Status)
	}
	if r.Reason != "" {
		s += ": " + r.Reason
	}
	return s
}

// Agent runs operations. Implementations are safe for concurrent use by
// different resources; the caller runs one operation at a time per resource,
// recurring monitors included.
type Agent interface {
	// Metadata describes the agent: parameters, actions, advised timeouts.
	Metadata(ctx context.Context, spec Spec) (*Metadata, error)
	// Run carries one operation out. It never panics on bad input and returns
	// within req.Timeout (plus a grace of two seconds to clean up).
	Run(ctx context.Context, req Request) Result
}

// Event says that a watched resource may have changed: look again now.
type Event struct {
	Resource string
	At       time.Time
	Reason   string // what was seen, for people: "main process 812 killed by signal 9"
}

// Watcher is an agent that notices changes by itself, between monitors. Watch
// blocks until ctx ends; emit must not be called after Watch returned. Watch
// re-establishes its own connections; it returns an error only when watching
// that resource is impossible.
type Watcher interface {
	Watch(ctx context.Context, req Request, emit func(Event)) error
}

// Metadata is what an agent says of itself (OCF metadata, or its equal).
type Metadata struct {
	Name       string      `json:"name"`
	Version    string      `json:"version,omitempty"`
	Short      string      `json:"short,omitempty"`
	Long       string      `json:"long,omitempty"`
	Parameters []Parameter `json:"parameters,omitempty"`
	Actions    []ActionDef `json:"actions,omitempty"`
}

// Parameter is one parameter that the agent takes.
type Parameter struct {
	Name       string   `json:"name"`
	Short      string   `json:"short,omitempty"`
	Long       string   `json:"long,omitempty"`
	Type       string   `json:"type,omitempty"` // string, integer, boolean, time, select …
	Default    string   `json:"default,omitempty"`
	Options    []string `json:"options,omitempty"` // of a select
	Required   bool     `json:"required,omitempty"`
	Unique     bool     `json:"unique,omitempty"`
	Reloadable bool     `json:"reloadable,omitempty"`
	Deprecated bool     `json:"deprecated,omitempty"`
	Secret     bool     `json:"secret,omitempty"`
}

// ActionDef is one action that the agent offers, with its advised timing.
type ActionDef struct {
	Name     string        `json:"name"`
	Timeout  time.Duration `json:"timeout,omitempty"`
	Interval time.Duration `json:"interval,omitempty"`
	Depth    string        `json:"depth,omitempty"`
	Role     string        `json:"role,omitempty"`
}

// Parameter finds a parameter by name, or nil.
func (m *Metadata) Parameter(name string) *Parameter {
	for i := range m.Parameters {
		if m.Parameters[i].Name == name {
			return &m.Parameters[i]
		}
	}
	return nil
}

// Offers says whether the agent has the action.
func (m *Metadata) Offers(a Action) bool {
	for _, d := range m.Actions {
		if d.Name == string(a) {
			return true
		}
	}
	return false
}
