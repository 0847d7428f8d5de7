package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/holdfast-ha/holdfast/agents"
)

// The language is strict with what people write. Imported configurations hold
// things that Pacemaker tolerates and that would be refused: a timeout that is
// no duration, a constraint about a node that is gone, an agent of a class that
// nothing here can run. The word "literal" says "as it stands, whatever it is":
//
//	timeout = literal("a while")       a value
//	first   = literal("web")           a name: exactly this object, even inside a clone
//	resource "literal:lsb:apache" "a"  a label
//
// It turns the error into a warning; nothing else changes.

// literalPrefix begins a label that is taken as it stands.
const literalPrefix = "literal:"

// literalFunc marks a text as one that is taken as it stands.
var literalFunc = function.New(&function.Spec{
	Description: "A value or name that is kept as it stands, although it would be refused.",
	Params:      []function.Parameter{{Name: "text", Type: cty.String}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return args[0].Mark(literalMark), nil
	},
})

// unfit reports a value that does not fit: as an error, or as a warning when
// its author says that it is meant literally.
func (d *decoder) unfit(s scalar, rng hcl.Range, title, format string, args ...any) {
	if s.literal {
		d.warnf(rng, title, format, args...)
		return
	}
	d.errorf(rng, title, format, args...)
}

// literalSpec reads the agent behind "literal:": CLASS:TYPE, or
// CLASS:PROVIDER:TYPE with any of them empty.
func literalSpec(text string) agents.Spec {
	class, rest, _ := strings.Cut(text, ":")
	if provider, typ, ok := strings.Cut(rest, ":"); ok {
		return agents.Spec{Class: class, Provider: provider, Type: typ}
	}
	return agents.Spec{Class: class, Type: rest}
}

// literalAgent is the label of an agent that no other label can name.
func literalAgent(s agents.Spec) string {
	if s.Provider == "" && !strings.Contains(s.Type, ":") {
		return literalPrefix + s.Class + ":" + s.Type
	}
	return literalPrefix + s.Class + ":" + s.Provider + ":" + s.Type
}

// runnable are the classes whose agents this version can run.
var runnable = []string{"ocf", "systemd", "holdfast", fenceClass}

// warnLiteralAgent says what comes of an agent that is taken as it stands.
func (d *decoder) warnLiteralAgent(spec agents.Spec, rng hcl.Range) {
	if !slices.Contains(runnable, spec.Class) {
		d.warnf(rng, "Agent not in this version", "nothing here can run an agent of class %q: every action of the resource will fail", spec.Class)
		return
	}
	d.warnf(rng, "Agent not checked", "the agent is taken as it stands: neither it nor its parameters are checked")
}
