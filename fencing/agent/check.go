package agent

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/fencing"
)

// given are parameters that the cluster fills in.
var given = map[string]bool{"action": true, "port": true, "plug": true, "nodename": true}

// Check compares a device's parameters with what its agent takes: unknown
// names, missing ones, values of the wrong type. Values are not shown.
func (m Metadata) Check(d fencing.Device) []fencing.Problem {
	var problems []fencing.Problem
	problem := func(format string, args ...any) {
		problems = append(problems, fencing.Problem{Subject: d.Name, Text: fmt.Sprintf(format, args...)})
	}
	params := d.AgentParams()
	for _, name := range slices.Sorted(maps.Keys(params)) {
		p, ok := m.Param(name)
		switch {
		case !ok && !given[name]:
			problem("%s has no parameter %s%s", d.Agent, name, m.similar(name))
		case ok && !p.fits(params[name]):
			problem("the value of %s is not %s", name, p.wants())
		}
	}
	for _, p := range m.Params {
		if p.Required && !p.HasDefault && !given[p.Name] && !p.Deprecated && params[p.Name] == "" && params[p.Obsoletes] == "" {
			problem("%s needs the parameter %s (%s)", d.Agent, p.Name, p.ShortDesc)
		}
	}
	return problems
}

func (p Param) fits(value string) bool {
	switch p.Type {
	case "boolean":
		return slices.Contains([]string{"1", "0", "on", "off", "true", "false", "yes", "no", ""}, strings.ToLower(value))
	case "integer":
		_, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		return err == nil
	case "second":
		_, err := fencing.ParseDuration(value)
		return err == nil || strings.HasPrefix(value, "-")
	case "select":
		return len(p.Options) == 0 || slices.Contains(p.Options, value)
	}
	return true
}

func (p Param) wants() string {
	switch p.Type {
	case "boolean":
		return "true or false"
	case "integer":
		return "a whole number"
	case "second":
		return "a number of seconds"
	default:
		return "one of " + strings.Join(p.Options, ", ")
	}
}

// similar suggests a parameter whose name is one slip away.
func (m Metadata) similar(name string) string {
	for _, p := range m.Params {
		if !p.Deprecated && slip(strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(p.Name, "-", "_")) {
			return "; did you mean " + p.Name + "?"
		}
	}
	return ""
}

// slip reports whether a becomes b by one letter changed, added, dropped or
// swapped with its neighbour.
func slip(a, b string) bool {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return len(a) <= 1 && len(b) <= 1 || swapped
}
