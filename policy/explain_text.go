package policy

import (
	"fmt"
	"strings"
)

// String is the explanation in stable lines, one fact each.
func (x *Explanation) String() string {
	var b strings.Builder
	for _, p := range x.Now {
		fmt.Fprintf(&b, "now %s on %s %s\n", p.Resource, p.Node, p.Role)
	}
	for _, p := range x.Wanted {
		fmt.Fprintf(&b, "wanted %s on %s %s\n", p.Resource, p.Node, p.Role)
	}
	writeFacts(&b, "stopped because ", x.Stopped)
	for _, c := range x.Blocked {
		writeFacts(&b, strings.TrimSpace("blocked "+c.Task+" "+c.Resource+" "+c.Node)+" because ", c.Reasons)
	}
	for _, n := range x.Nodes {
		fmt.Fprintf(&b, "%s %s as %s", n.Node, n.Word, n.Instance)
		if n.Here {
			b.WriteString(", is there")
		}
		if n.Score != "" {
			b.WriteString(", score " + n.Score)
		}
		b.WriteString("\n")
		writeFacts(&b, "  ", n.Why)
		for _, s := range n.Scores {
			writeFacts(&b, "  "+s.Value+" ", []Reason{s.Reason})
		}
		writeFacts(&b, "  role: ", n.Role)
	}
	return b.String()
}

func writeFacts(b *strings.Builder, head string, reasons []Reason) {
	for _, r := range reasons {
		where := ""
		if pos := r.Pos.String(); pos != "" {
			where = " (" + pos + ")"
		}
		fmt.Fprintf(b, "%s[%s] %s%s\n", head, r.Rule, r.Text, where)
	}
}
