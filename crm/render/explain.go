package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// Explanation writes why a resource is where it is and, node by node, why it is
// not elsewhere and what would let it run there (see Fixes).
func Explanation(w io.Writer, x *policy.Explanation, fixes map[string][]string) error {
	var b strings.Builder
	now, wanted := placesText(x.Now), placesText(x.Wanted)
	fmt.Fprintf(&b, "%s: %s\n", x.Resource, now)
	if now != wanted {
		fmt.Fprintf(&b, "Once everything is done: %s\n", wanted)
	}
	for _, a := range x.Actions {
		if a.Task != policy.TaskMonitor && a.Task != policy.TaskNotify {
			line := "  will " + ActionText(a) + " on " + a.Node
			if text := why(a.Reasons); text != "" {
				line += ": " + text
			}
			b.WriteString(line + "\n")
		}
	}
	writeStopped(&b, x, fixes[""])
	for _, n := range x.Nodes {
		writeVerdict(&b, x, n, fixes[n.Node])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeStopped says why it does not run, or is left alone.
func writeStopped(b *strings.Builder, x *policy.Explanation, fixes []string) {
	var lines []string
	say := func(text string) {
		if !slices.Contains(lines, text) {
			lines = append(lines, text)
		}
	}
	for _, r := range x.Stopped {
		say(why([]policy.Reason{r}))
	}
	for _, c := range x.Blocked {
		if c.Node == "" && c.Task == policy.TaskStart {
			continue // it may run nowhere: the nodes say why
		}
		text := strings.TrimSpace("can not " + c.Task + " " + c.Resource)
		if c.Node != "" {
			text += " on " + c.Node
		}
		say(text + ": " + why(slices.Compact(slices.Clone(c.Reasons))))
	}
	for _, line := range lines {
		b.WriteString("  " + line + "\n")
	}
	if len(fixes) > 0 {
		b.WriteString("  to change that: " + strings.Join(fixes, "; ") + "\n")
	}
}

func writeVerdict(b *strings.Builder, x *policy.Explanation, n policy.NodeVerdict, fixes []string) {
	width := 0
	for _, other := range x.Nodes {
		width = max(width, len(other.Node))
	}
	word := map[policy.Verdict]string{policy.Chosen: "yes", policy.Beaten: "could", policy.Possible: "could", policy.Impossible: "no"}[n.Word]
	if n.Here {
		word = "here"
		if n.Word == policy.Impossible || n.Word == policy.Beaten {
			word = "leaves"
		}
	}
	lines := verdictLines(n)
	if len(fixes) > 0 {
		head := "to run it there: "
		lines = append(lines, head+strings.Join(fixes, "; "))
	}
	if len(lines) == 0 {
		lines = []string{"nothing forbids it"}
	}
	for i, line := range lines {
		if i == 0 {
			fmt.Fprintf(b, "  %-*s  %-6s  %s\n", width, n.Node, word, line)
		} else {
			fmt.Fprintf(b, "  %-*s  %-6s  %s\n", width, "", "", line)
		}
	}
}

// verdictLines are the reasons for a verdict; a score beside its cause says how
// much it counted.
func verdictLines(n policy.NodeVerdict) []string {
	var lines []string
	counted := map[policy.Reason]string{}
	for _, s := range n.Scores {
		counted[s.Reason] = s.Value
	}
	for _, r := range n.Why {
		line := why([]policy.Reason{r})
		if v := counted[r]; v != "" && n.Word != policy.Impossible {
			line += ": " + v
		}
		lines = append(lines, line)
	}
	if n.Word == policy.Beaten {
		for _, s := range n.Scores {
			if !slices.Contains(n.Why, s.Reason) {
				lines = append(lines, why([]policy.Reason{s.Reason})+": "+s.Value)
			}
		}
	}
	for _, r := range n.Role {
		lines = append(lines, "role: "+why([]policy.Reason{r}))
	}
	return lines
}

// placesText is "Started on n1", "pg:0 Promoted on n1, pg:1 Unpromoted on n2".
func placesText(list []policy.Placement) string {
	if len(list) == 0 {
		return "runs nowhere"
	}
	if len(list) == 1 {
		return string(list[0].Role) + " on " + list[0].Node
	}
	var out []string
	for _, p := range list {
		out = append(out, p.Resource+" "+string(p.Role)+" on "+p.Node)
	}
	return strings.Join(out, ", ")
}
