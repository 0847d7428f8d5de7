package policy

import "fmt"

// Pos is where an object was written: a file (or document) name and a line,
// both optional. Diagnostics and explanations name it.
type Pos struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// String is "file:line", or "" for the zero value.
func (p Pos) String() string {
	switch {
	case p.File == "" && p.Line == 0:
		return ""
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Config is what administrators ask for: options, nodes, resources and rules.
// Its words are those of Pacemaker's configuration, and values stay text as
// written: the engine gives them meaning, so that what is shown is what was
// typed. Slices are in document order, which decides ties.
//
// The zero value is an empty, valid configuration.
type Config struct {
	Options          []NVSet      `json:"options,omitempty"`           // cluster properties
	ResourceDefaults []NVSet      `json:"resource-defaults,omitempty"` // rsc_defaults
	OpDefaults       []NVSet      `json:"op-defaults,omitempty"`       // op_defaults
	Nodes            []Node       `json:"nodes,omitempty"`
	Resources        []Resource   `json:"resources,omitempty"` // top level, fence devices (class "stonith") included
	Templates        []Resource   `json:"templates,omitempty"`
	Constraints      []Constraint `json:"constraints,omitempty"`
	Tags             []Tag        `json:"tags,omitempty"`
	FencingLevels    []FenceLevel `json:"fencing-levels,omitempty"`
}

// NVSet is one set of name/value pairs: meta-attributes, parameters, options.
// Several sets of one kind are merged by score, and by rule.
type NVSet struct {
	ID    string `json:"id,omitempty"`
	IDRef string `json:"id-ref,omitempty"` // stands for the set of that id
	Score string `json:"score,omitempty"`
	Rules []Rule `json:"rules,omitempty"` // only the first one counts
	Pairs []Pair `json:"pairs,omitempty"`
	Pos   Pos    `json:"pos,omitzero"`
}

// Pair is one name and value. A pair without a value differs from one with an
// empty value.
type Pair struct {
	ID      string `json:"id,omitempty"`
	IDRef   string `json:"id-ref,omitempty"` // stands for the pair of that id
	Name    string `json:"name,omitempty"`
	Value   string `json:"value"`
	NoValue bool   `json:"no-value,omitempty"`
	Pos     Pos    `json:"pos,omitzero"`
}

// Node is a configured node. ID and Name are the same in clusters of our own;
// imported ones may have numeric ids.
type Node struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Type        string  `json:"type,omitempty"`  // "", "member", "remote"
	Score       string  `json:"score,omitempty"` // base score
	Attributes  []NVSet `json:"attributes,omitempty"`
	Utilization []NVSet `json:"utilization,omitempty"`
	Pos         Pos     `json:"pos,omitzero"`
}

// Kind tells resources apart by shape.
type Kind string

// The kinds of resources.
const (
	Primitive Kind = "primitive"
	Group     Kind = "group"
	Clone     Kind = "clone"
	Bundle    Kind = "bundle"
	Template  Kind = "template"
)

// Resource is one configured resource and, for collective kinds, its children.
// A promotable clone is a Clone whose meta-attribute "promotable" is true.
type Resource struct {
	ID          string      `json:"id"`
	Kind        Kind        `json:"kind"`
	Description string      `json:"description,omitempty"`
	Class       string      `json:"class,omitempty"` // primitives and templates only
	Provider    string      `json:"provider,omitempty"`
	Type        string      `json:"type,omitempty"`
	Template    string      `json:"template,omitempty"` // the template that a primitive takes from
	Params      []NVSet     `json:"params,omitempty"`
	Meta        []NVSet     `json:"meta,omitempty"`
	Utilization []NVSet     `json:"utilization,omitempty"`
	Operations  Operations  `json:"operations,omitzero"`
	Children    []Resource  `json:"children,omitempty"`
	Bundle      *BundleSpec `json:"bundle,omitempty"`
	Pos         Pos         `json:"pos,omitzero"`
}

// Operations are the operations configured for a primitive.
type Operations struct {
	ID    string `json:"id,omitempty"`
	IDRef string `json:"id-ref,omitempty"`
	List  []Op   `json:"list,omitempty"`
}

// Op is one configured operation. Everything but its name and interval is an
// attribute (timeout, on-fail, role, enabled, start-delay, record-pending …).
type Op struct {
	ID         string  `json:"id,omitempty"`
	IDRef      string  `json:"id-ref,omitempty"`
	Name       string  `json:"name"`
	Interval   string  `json:"interval,omitempty"`
	Attributes []Pair  `json:"attributes,omitempty"`
	Params     []NVSet `json:"params,omitempty"`
	Meta       []NVSet `json:"meta,omitempty"`
	Pos        Pos     `json:"pos,omitzero"`
}

// BundleSpec is what a bundle says beside its primitive.
type BundleSpec struct {
	Runtime      string          `json:"runtime"`             // "docker" or "podman"
	Container    []Pair          `json:"container,omitempty"` // image, replicas, replicas-per-host, promoted-max, run-command, network, options
	Network      []Pair          `json:"network,omitempty"`   // ip-range-start, host-netmask, host-interface, control-port, add-host
	PortMappings []BundlePort    `json:"port-mappings,omitempty"`
	Storage      []BundleStorage `json:"storage,omitempty"`
}

// BundlePort is one port mapping of a bundle.
type BundlePort struct {
	ID           string `json:"id,omitempty"`
	Port         string `json:"port,omitempty"`
	InternalPort string `json:"internal-port,omitempty"`
	Range        string `json:"range,omitempty"`
}

// BundleStorage is one storage mapping of a bundle.
type BundleStorage struct {
	ID            string `json:"id,omitempty"`
	SourceDir     string `json:"source-dir,omitempty"`
	SourceDirRoot string `json:"source-dir-root,omitempty"`
	TargetDir     string `json:"target-dir,omitempty"`
	Options       string `json:"options,omitempty"`
}

// Tag names a set of objects.
type Tag struct {
	ID      string   `json:"id"`
	Members []string `json:"members"`
	Pos     Pos      `json:"pos,omitzero"`
}

// FenceLevel is one level of a fencing topology for the targets that it names
// by exactly one of Target, TargetPattern, and TargetAttribute with
// TargetValue.
type FenceLevel struct {
	ID              string   `json:"id,omitempty"`
	Target          string   `json:"target,omitempty"`
	TargetPattern   string   `json:"target-pattern,omitempty"`
	TargetAttribute string   `json:"target-attribute,omitempty"`
	TargetValue     string   `json:"target-value,omitempty"`
	Index           int      `json:"index"`
	Devices         []string `json:"devices"`
	Pos             Pos      `json:"pos,omitzero"`
}
