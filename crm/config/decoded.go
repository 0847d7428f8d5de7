package config

import (
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/policy"
)

// Decoded is a configuration as the cluster acts on it. It is plain data and
// survives JSON: it is stored beside the documents, so that no node has to
// decode them to act.
type Decoded struct {
	Cluster Cluster        `json:"cluster"`
	Policy  *policy.Config `json:"policy"`
	Fences  []Fence        `json:"fences,omitempty"` // also in Policy.Resources, with class "stonith"
	Alerts  []Alert        `json:"alerts,omitempty"`
	Roles   []ACLRole      `json:"acl-roles,omitempty"`
	Users   []ACLSubject   `json:"acl-users,omitempty"` // users and groups
	Names   Names          `json:"names"`

	// Masked are the arguments whose values must not be shown, as
	// "OBJECT/params/NAME". Sorted.
	Masked []string `json:"masked,omitempty"`
}

// Cluster is what the cluster block and the node blocks say to the layers
// below policy.
type Cluster struct {
	Name           string        `json:"name,omitempty"`
	Networks       []Network     `json:"networks,omitempty"` // at least one: "main" when none is written
	Quorum         string        `json:"quorum"`             // "majority"
	Watchdog       *Watchdog     `json:"watchdog,omitempty"` // nil: none configured
	FailureTimeout time.Duration `json:"failure-timeout"`    // silence after which a node counts as lost; default 3s, at least 1s
	Members        []Member      `json:"members,omitempty"`  // the node blocks, in document order
	Pos            policy.Pos    `json:"pos,omitzero"`
}

// Network is one link between the nodes.
type Network struct {
	Name     string     `json:"name"`
	Port     int        `json:"port"`               // default 7413
	Priority int        `json:"priority,omitempty"` // higher is preferred; default 0
	Pos      policy.Pos `json:"pos,omitzero"`
}

// Watchdog is the device that resets a node which stops feeding it.
type Watchdog struct {
	Device  string        `json:"device"`  // default "/dev/watchdog"
	Timeout time.Duration `json:"timeout"` // default 10s
	Pos     policy.Pos    `json:"pos,omitzero"`
}

// Member is the address side of a node; its policy side is in Policy.Nodes.
type Member struct {
	Name      string     `json:"name"`
	Addresses []string   `json:"addresses,omitempty"` // one per network, in order: "10.0.0.1" or "10.0.0.1:7413"
	Pos       policy.Pos `json:"pos,omitzero"`
}

// DefaultCluster is a cluster whose documents say nothing about it. The
// failure timeout is long enough for a switch to reconverge a link and short
// enough that a service is back within seconds.
func DefaultCluster() Cluster {
	return Cluster{
		Networks:       []Network{{Name: "main", Port: DefaultPort}},
		Quorum:         "majority",
		FailureTimeout: 3 * time.Second,
	}
}

// Defaults and floors of the cluster block.
const (
	DefaultPort            = 7413
	MinFailureTimeout      = time.Second
	DefaultWatchdogDevice  = "/dev/watchdog"
	DefaultWatchdogTimeout = 10 * time.Second
	maxNetworks            = 8 // links that membership can watch
)

// Fence is one fence device.
type Fence struct {
	Name    string            `json:"name"`
	Agent   string            `json:"agent"`             // "fence_ipmilan", or a built-in one
	Params  map[string]string `json:"params,omitempty"`  // without rules; "secret:NAME" where a secret belongs
	Targets []string          `json:"targets,omitempty"` // nodes it can fence; empty: what the device says itself
	Ops     []policy.Op       `json:"ops,omitempty"`
	Meta    map[string]string `json:"meta,omitempty"`
	Secrets []string          `json:"secrets,omitempty"` // names of the params that hold "secret:NAME"; sorted
	Pos     policy.Pos        `json:"pos,omitzero"`
}

// Alert is something to tell when the cluster acts.
type Alert struct {
	Name             string            `json:"name"`
	Kind             string            `json:"kind"` // script, mail, webhook
	Description      string            `json:"description,omitempty"`
	Path             string            `json:"path,omitempty"` // script
	To               string            `json:"to,omitempty"`   // mail
	From             string            `json:"from,omitempty"`
	SMTP             string            `json:"smtp,omitempty"`
	URL              string            `json:"url,omitempty"`    // webhook
	Secret           string            `json:"secret,omitempty"` // "secret:NAME"
	Select           []string          `json:"select,omitempty"` // nodes, fencing, resources, attributes; empty: the first three
	SelectAttributes []string          `json:"select-attributes,omitempty"`
	Params           map[string]string `json:"params,omitempty"`
	Meta             map[string]string `json:"meta,omitempty"`
	Recipients       []Recipient       `json:"recipients,omitempty"`
	Pos              policy.Pos        `json:"pos,omitzero"`
}

// Recipient is one address that an alert script is called with.
type Recipient struct {
	Value       string            `json:"value"`
	Description string            `json:"description,omitempty"`
	Params      map[string]string `json:"params,omitempty"`
	Meta        map[string]string `json:"meta,omitempty"`
}

// ACLRole is a named set of permissions.
type ACLRole struct {
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	Permissions []Permission `json:"permissions,omitempty"`
	Pos         policy.Pos   `json:"pos,omitzero"`
}

// Permission allows or denies one part of the configuration. It names the part
// by exactly one of XPath, Reference and ObjectType.
type Permission struct {
	Kind        string `json:"kind"` // read, write, deny
	XPath       string `json:"xpath,omitempty"`
	Reference   string `json:"reference,omitempty"`
	ObjectType  string `json:"object-type,omitempty"`
	Attribute   string `json:"attribute,omitempty"`
	Description string `json:"description,omitempty"`
}

// ACLSubject is a user or a group of users with its roles.
type ACLSubject struct {
	Name  string     `json:"name"`
	Group bool       `json:"group,omitempty"`
	Roles []string   `json:"roles,omitempty"`
	Pos   policy.Pos `json:"pos,omitzero"`
}

// Names are the words that completion offers. Each list is in document order.
type Names struct {
	Nodes       []string `json:"nodes,omitempty"`
	Resources   []string `json:"resources,omitempty"` // groups, clones and bundles included
	Fences      []string `json:"fences,omitempty"`
	Constraints []string `json:"constraints,omitempty"`
	Templates   []string `json:"templates,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Variables   []string `json:"variables,omitempty"`
}

// Options are what the reader may know beside the documents. The zero value
// knows nothing and checks what can be checked without.
type Options struct {
	Agents     AgentCatalog      // nil: parameters are not checked against agents
	KnownNodes []string          // nodes that the cluster has, beside the node blocks
	Variables  map[string]string // values for variable blocks; text, or an HCL expression for lists and maps
	AlertsWork bool              // false: an alert block draws a warning that nothing is sent
	ACLsWork   bool              // false: an ACL block draws a warning that nothing is enforced
	NoLints    bool              // leave out advice that no single line caused
}

// AgentCatalog knows the agents that can be used. Implementations answer from
// memory or quickly: Decode asks once per agent and waits.
type AgentCatalog interface {
	// Lookup gives the metadata of a resource agent, ErrUnknownAgent when there
	// is no such agent, or another error when the agent cannot say.
	Lookup(spec agents.Spec) (*agents.Metadata, error)
	// FenceMetadata does the same for a fence agent.
	FenceMetadata(agent string) (*agents.Metadata, error)
	// Agents lists what can be written as an agent, for suggestions:
	// "ocf:heartbeat:IPaddr2", "fence_ipmilan". It may be empty.
	Agents() []string
}

// Find gives the position of the object, the zero Pos when there is none.
func (d *Decoded) Find(id string) policy.Pos {
	if o, ok := d.object(id); ok {
		return o.pos
	}
	return policy.Pos{}
}

// IsMasked says whether the argument of the object must not be shown. The
// argument is named as in a Change: "params.password".
func (d *Decoded) IsMasked(object, argument string) bool {
	_, ok := slices.BinarySearch(d.Masked, maskKey(object, argument))
	return ok
}

func maskKey(object, argument string) string { return object + "/" + argument }
