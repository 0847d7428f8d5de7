package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// Sign says what happened to an object or an argument.
type Sign string

// The signs, as a diff shows them.
const (
	Added   Sign = "+"
	Removed Sign = "-"
	Changed Sign = "~"
)

// hidden stands for a value that must not be shown.
const hidden = "(hidden)"

// Change is what happened to one object. Arguments of an added or removed
// object are all listed.
type Change struct {
	Sign      Sign             `json:"sign"`
	Kind      string           `json:"kind"` // "resource", "colocation", "options" …
	ID        string           `json:"id"`
	Arguments []ArgumentChange `json:"arguments,omitempty"`
	Pos       policy.Pos       `json:"pos,omitzero"` // in the new configuration, or in the old one for what was removed
}

// ArgumentChange is what happened to one argument: "params.ip", "meta.priority",
// "op.monitor.10s". Values that must not be shown read "(hidden)".
type ArgumentChange struct {
	Sign Sign   `json:"sign"`
	Name string `json:"name"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// Diff compares two configurations object by object: first what the new one
// changes and adds, in its order, then what it removes, in the old order. Either
// may be nil, for none.
func Diff(old, new *Decoded) []Change {
	before, after := objectsOf(old), objectsOf(new)
	at := map[string]object{}
	for _, o := range before {
		at[o.kind+" "+o.id] = o
	}
	var changes []Change
	kept := map[string]bool{}
	for _, o := range after {
		key := o.kind + " " + o.id
		was, ok := at[key]
		kept[key] = true
		if !ok {
			changes = append(changes, whole(Added, o))
			continue
		}
		if args := argumentChanges(was.args, o.args); len(args) > 0 {
			changes = append(changes, Change{Sign: Changed, Kind: o.kind, ID: o.id, Arguments: args, Pos: o.pos})
		}
	}
	for _, o := range before {
		if !kept[o.kind+" "+o.id] {
			changes = append(changes, whole(Removed, o))
		}
	}
	return changes
}

func objectsOf(d *Decoded) []object {
	if d == nil {
		return nil
	}
	return d.objects()
}

// whole is an object that came or went with all its arguments.
func whole(sign Sign, o object) Change {
	c := Change{Sign: sign, Kind: o.kind, ID: o.id, Pos: o.pos}
	for _, a := range o.args {
		ac := ArgumentChange{Sign: sign, Name: a.name}
		if sign == Added {
			ac.New = a.shown()
		} else {
			ac.Old = a.shown()
		}
		c.Arguments = append(c.Arguments, ac)
	}
	return c
}

func (a argument) shown() string {
	if a.masked {
		return hidden
	}
	return a.value
}

// argumentChanges compares two lists of arguments. A name that is there twice
// is matched in order.
func argumentChanges(old, new []argument) []ArgumentChange {
	old = slices.Clone(old)
	var out []ArgumentChange
	for _, n := range new {
		i := slices.IndexFunc(old, func(o argument) bool { return o.name == n.name })
		if i < 0 {
			out = append(out, ArgumentChange{Sign: Added, Name: n.name, New: n.shown()})
			continue
		}
		o := old[i]
		old = slices.Delete(old, i, i+1)
		if o.value != n.value {
			o.masked = o.masked || n.masked
			n.masked = o.masked
			out = append(out, ArgumentChange{Sign: Changed, Name: n.name, Old: o.shown(), New: n.shown()})
		}
	}
	for _, o := range old {
		out = append(out, ArgumentChange{Sign: Removed, Name: o.name, Old: o.shown()})
	}
	return out
}

// String is one line per fact:
//
//	~ resource web_ip
//	    ~ params.ip: "10.0.0.1" -> "10.0.0.2"
func (c Change) String() string {
	var b strings.Builder
	b.WriteString(string(c.Sign) + " " + c.Kind + " " + c.ID + "\n")
	for _, a := range c.Arguments {
		b.WriteString("    " + a.String() + "\n")
	}
	return b.String()
}

// String is one line without its end.
func (a ArgumentChange) String() string {
	switch a.Sign {
	case Added:
		return "+ " + a.Name + " = " + shownText(a.New)
	case Removed:
		return "- " + a.Name + " = " + shownText(a.Old)
	}
	return "~ " + a.Name + ": " + shownText(a.Old) + " -> " + shownText(a.New)
}

func shownText(s string) string {
	if s == hidden {
		return s
	}
	return strconv.Quote(s)
}

// DiffText renders changes for people.
func DiffText(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		b.WriteString(c.String())
	}
	return b.String()
}
