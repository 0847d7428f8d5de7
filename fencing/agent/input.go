package agent

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/fencing"
)

// input writes what the agent reads: the action, then the parameters by name.
// An error names the parameter, never its value.
func input(req Request) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "action=%s\n", req.Action)
	if strings.ContainsAny(string(req.Action), "=\n\r\x00") {
		return "", fmt.Errorf("the action %q cannot be passed on", req.Action)
	}
	for _, name := range slices.Sorted(maps.Keys(req.Params)) {
		value := req.Params[name]
		switch {
		case name == "action" || name == "option":
			return "", fmt.Errorf("the parameter %s is not configured: the cluster sets it", name)
		case name == "" || strings.ContainsAny(name, " \t=\n\r\x00#"):
			return "", fmt.Errorf("the parameter name %q cannot be passed on", name)
		case strings.ContainsAny(value, "\n\r\x00"):
			return "", fmt.Errorf("the value of %s has a line break, which cannot be passed on", name)
		}
		fmt.Fprintf(&b, "%s=%s\n", name, value)
	}
	return b.String(), nil
}

// bounded keeps the first max bytes that are written to it.
type bounded struct {
	max  int
	kept []byte
}

func (b *bounded) Write(p []byte) (int, error) {
	room := max(0, min(len(p), b.max-len(b.kept)))
	b.kept = append(b.kept, p[:room]...)
	return len(p), nil
}

func (b *bounded) String() string { return string(b.kept) }

// secretWords mark a parameter as secret wherever they stand in its name.
var secretWords = []string{"passw", "secret", "token", "key", "credential", "auth"}

// Secret reports whether a parameter's value must not be shown. A name that
// ends in "_file", "_path" or "_script" says where the secret is, not what.
func Secret(name string) bool {
	name = strings.ToLower(name)
	for _, suffix := range []string{"_file", "_path", "_script", "_url"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(name, w) })
}

// secrets are the values to hide, longest first, so that one that holds
// another is hidden whole.
type secrets []string

func secretsOf(params map[string]string) secrets {
	var s secrets
	for name, value := range params {
		if value != "" && Secret(name) {
			s = append(s, value)
		}
	}
	slices.SortFunc(s, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	return s
}

// hide replaces every secret in text. A secret of one or two characters would
// tear the text to pieces, so the whole text goes instead.
func (s secrets) hide(text string) string {
	for _, value := range s {
		if len(value) < 3 && strings.Contains(text, value) {
			return "(not shown: it holds a secret)"
		}
		text = strings.ReplaceAll(text, value, "***")
	}
	return text
}

// lastLine is the last line that says something, cut to a readable length,
// without control characters and without the stamp of the agents' library
// ("2026-10-03 14:06:40,123 ERROR: ").
func lastLine(text string) string {
	lines := strings.Split(text, "\n")
	for _, line := range slices.Backward(lines) {
		line = strings.TrimSpace(strings.Map(printable, line))
		if _, text, stamped := strings.Cut(line, " ERROR: "); stamped {
			line = text
		}
		if line == "" || strings.HasPrefix(line, "Please use '-h'") {
			continue
		}
		if runes := []rune(line); len(runes) > 200 {
			line = string(runes[:200]) + "…"
		}
		return line
	}
	return ""
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r == '\ufffd' {
		return ' '
	}
	return r
}

// Params puts the parameters of one run together: the device's own without
// the pcmk_* ones, the target's plug where the agent wants it, and nodename,
// which every agent is given and those without need ignore.
func Params(d fencing.Device, run fencing.RunDevice) map[string]string {
	params := d.AgentParams()
	if run.Target != "" {
		params["nodename"] = run.Target
	}
	if run.PlugArg != "" {
		params[run.PlugArg] = run.Plug
	}
	return params
}
