package policy

import (
	"fmt"
	"slices"
	"strings"
)

// String renders the plan, one fact per line, in a stable order: what to do,
// where things are then, and what cannot be done.
func (p *Plan) String() string {
	var b strings.Builder
	for i := range p.Actions {
		b.WriteString(p.Actions[i].String())
		b.WriteByte('\n')
	}
	for _, x := range sortedLines(p.Placement) {
		b.WriteString("then " + x + "\n")
	}
	for i := range p.Blocked {
		b.WriteString("blocked " + p.Blocked[i].String() + "\n")
	}
	for i := range p.Problems {
		b.WriteString("problem " + p.Problems[i].String() + "\n")
	}
	if !p.RecheckAt.IsZero() {
		b.WriteString("recheck at " + p.RecheckAt.UTC().Format("2006-01-02 15:04:05") + "\n")
	}
	return b.String()
}

func sortedLines(list []Placement) []string {
	out := make([]string, 0, len(list))
	for i := range list {
		out = append(out, list[i].String())
	}
	slices.Sort(out)
	return out
}

// String is the action's id, what it waits for, and why it is there.
func (a *Action) String() string {
	var b strings.Builder
	b.WriteString("do " + a.ID)
	if a.Kind == PseudoAction {
		b.WriteString(" (nothing to run)")
	}
	if a.Kind == FenceAction {
		b.WriteString(" (" + a.Task + ")")
	}
	if a.FenceDelayMS > 0 {
		fmt.Fprintf(&b, " delayed by %dms", a.FenceDelayMS)
	}
	if len(a.After) > 0 {
		after := slices.Clone(a.After)
		slices.Sort(after)
		b.WriteString(" after " + strings.Join(after, ", "))
	}
	writeReasons(&b, a.Reasons)
	return b.String()
}

func writeReasons(b *strings.Builder, list []Reason) {
	for i := range list {
		if i == 0 {
			b.WriteString(" because ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(list[i].Text)
	}
}

// String is "web on n1 Started", or "web Stopped".
func (x *Placement) String() string {
	if x.Node == "" {
		return x.Resource + " " + string(x.Role)
	}
	return x.Resource + " on " + x.Node + " " + string(x.Role)
}

// String is the task that cannot be done, and why.
func (x *Blocked) String() string {
	var b strings.Builder
	b.WriteString(x.Task)
	if x.Resource != "" {
		b.WriteString(" " + x.Resource)
	}
	if x.Node != "" {
		b.WriteString(" on " + x.Node)
	}
	writeReasons(&b, x.Reasons)
	return b.String()
}

// String is "file:line: error: text".
func (x *Problem) String() string {
	kind := "warning: "
	if x.Error {
		kind = "error: "
	}
	if pos := x.Pos.String(); pos != "" {
		return pos + ": " + kind + x.Text
	}
	return kind + x.Text
}
