package cib

import (
	"fmt"
	"io"
	"time"

	"github.com/holdfast-ha/holdfast/crm/config"
	"github.com/holdfast-ha/holdfast/policy"
)

// Document is everything that a CIB says.
type Document struct {
	Config *policy.Config
	Status *policy.Status

	// Alerts and permissions, which take no part in decisions.
	Alerts []config.Alert      `json:",omitempty"`
	Roles  []config.ACLRole    `json:",omitempty"`
	Users  []config.ACLSubject `json:",omitempty"`

	// Schema is the schema that the document claims to follow, such as
	// "pacemaker-3.9"; "" if it does not say.
	Schema string

	// ExecutionDate is when the document was recorded for a later replay, or
	// the zero time.
	ExecutionDate time.Time

	// Problems lists what was left out or changed while reading. None of them
	// makes the rest unusable.
	Problems []policy.Problem
}

// Decoded is the document as the configuration language holds it, to be written
// with config.Encode.
func (d *Document) Decoded() *config.Decoded {
	return &config.Decoded{Policy: d.Config, Alerts: d.Alerts, Roles: d.Roles, Users: d.Users}
}

// FromDecoded is the part of a configuration that a CIB can hold, for Export.
// The status is empty.
func FromDecoded(d *config.Decoded) *Document {
	return &Document{Config: d.Policy, Status: &policy.Status{}, Alerts: d.Alerts, Roles: d.Roles, Users: d.Users}
}

// Import reads a CIB: its configuration, its status, and what it could not make
// use of. Documents may be compressed with bzip2 or gzip. The name of the file
// appears in positions and errors. The error, if any, names file and line.
func Import(r io.Reader, file string) (*policy.Config, *policy.Status, []policy.Problem, error) {
	doc, err := Read(r, file)
	if err != nil {
		return nil, nil, nil, err
	}
	return doc.Config, doc.Status, doc.Problems, nil
}

// Read is Import with what else the document says.
func Read(r io.Reader, file string) (*Document, error) {
	root, err := parse(r, file, MaxSize)
	if err != nil {
		return nil, err
	}
	if root.name != "cib" {
		return nil, fmt.Errorf("%s:%d: the root element is <%s>, not <cib>: is this a CIB?", file, root.line, root.name)
	}
	in := importer{file: file, sections: sections(root)}
	doc := &Document{
		Config: in.config(root),
		Status: in.status(root),
		Schema: root.attr("validate-with"),
	}
	doc.Alerts = in.alerts(in.section("alerts"))
	doc.Roles, doc.Users = in.acls(in.section("acls"))
	if seconds, ok := integer(root.attr("execution-date")); ok && seconds > 0 && seconds < 1<<40 {
		doc.ExecutionDate = time.Unix(seconds, 0).UTC()
	}
	in.normalise(doc)
	doc.Problems = in.problems
	return doc, nil
}

// importer turns elements into the policy's vocabulary and collects problems.
type importer struct {
	file     string
	sections map[string][]*element
	problems []policy.Problem
}

// sectionNames are found anywhere in the document, if they occur exactly once.
var sectionNames = [...]string{
	"crm_config", "nodes", "op_defaults", "rsc_defaults", "tags", "fencing-topology", "status", "alerts", "acls",
}

func sections(root *element) map[string][]*element {
	found := make(map[string][]*element, len(sectionNames))
	for _, name := range sectionNames {
		found[name] = nil
	}
	var walk func(*element)
	walk = func(e *element) {
		if list, wanted := found[e.name]; wanted {
			found[e.name] = append(list, e)
		}
		for _, c := range e.children {
			walk(c)
		}
	}
	walk(root)
	return found
}

// section is the only element of that name, or an empty one.
func (in *importer) section(name string) *element {
	list := in.sections[name]
	if len(list) > 1 {
		in.fail(list[1], name, "<%s> occurs %d times: all are ignored", name, len(list))
	}
	if len(list) != 1 {
		return &element{name: name}
	}
	return list[0]
}

func (in *importer) config(root *element) *policy.Config {
	configuration := root.child("configuration")
	if configuration == nil {
		configuration = &element{name: "configuration"}
	}
	c := &policy.Config{
		Options:          in.sets(in.section("crm_config"), "cluster_property_set"),
		ResourceDefaults: in.sets(in.section("rsc_defaults"), "meta_attributes"),
		OpDefaults:       in.sets(in.section("op_defaults"), "meta_attributes"),
		Nodes:            in.nodes(in.section("nodes")),
		Tags:             in.tags(in.section("tags")),
		FencingLevels:    in.fencingLevels(in.section("fencing-topology")),
	}
	for _, e := range configuration.children {
		switch e.name {
		case "resources":
			in.topResources(c, e)
		case "constraints":
			c.Constraints = append(c.Constraints, in.constraints(e)...)
		default:
			if _, known := in.sections[e.name]; !known {
				in.unknown(e, configuration)
			}
		}
	}
	return c
}

func (in *importer) pos(e *element) policy.Pos {
	return policy.Pos{File: in.file, Line: e.line}
}

// maxProblems is how many problems one document can have; whoever has more
// learns nothing from the rest.
const maxProblems = 1000

func (in *importer) fail(e *element, object, format string, args ...any) {
	in.problem(true, in.pos(e), object, format, args...)
}

func (in *importer) warn(e *element, object, format string, args ...any) {
	in.problem(false, in.pos(e), object, format, args...)
}

func (in *importer) problem(isError bool, pos policy.Pos, object, format string, args ...any) {
	if len(in.problems) < maxProblems {
		in.problems = append(in.problems, policy.Problem{
			Error: isError, Object: object, Text: fmt.Sprintf(format, args...), Pos: pos,
		})
	}
}

// unknown reports an element that has no meaning where it is.
func (in *importer) unknown(e, parent *element) {
	in.warn(e, e.attr("id"), "element <%s> has no meaning in <%s> and is left out", e.name, parent.name)
}
