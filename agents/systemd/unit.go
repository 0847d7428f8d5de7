package systemd

import (
	"fmt"
	"strings"

	"github.com/holdfast-ha/holdfast/agents"
)

// suffixes are the unit types that can be started and stopped.
var suffixes = []string{
	".service", ".socket", ".mount", ".target", ".timer", ".path", ".swap", ".automount", ".slice",
}

// interfaces name the D-Bus interface of each unit type that has a Result.
var interfaces = map[string]string{
	".service":   "org.freedesktop.systemd1.Service",
	".socket":    "org.freedesktop.systemd1.Socket",
	".mount":     "org.freedesktop.systemd1.Mount",
	".timer":     "org.freedesktop.systemd1.Timer",
	".path":      "org.freedesktop.systemd1.Path",
	".swap":      "org.freedesktop.systemd1.Swap",
	".automount": "org.freedesktop.systemd1.Automount",
}

// suffixOf is the unit type's suffix, or "".
func suffixOf(unit string) string {
	for _, s := range suffixes {
		if strings.HasSuffix(unit, s) && len(unit) > len(s) {
			return s
		}
	}
	return ""
}

// UnitName completes and checks a unit's name: "nginx" is "nginx.service".
// A bare template ("web@.service") is refused: it has nothing to run.
func UnitName(name string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("the unit's name is missing")
	}
	full := name
	if suffixOf(name) == "" {
		full += ".service"
	}
	if len(full) > 255 {
		return "", fmt.Errorf("unit %.40q…: the name is longer than 255 characters", name)
	}
	for _, c := range full {
		if !strings.ContainsRune(`:-_.\@`, c) && (c > 'z' || !isAlnum(byte(c))) {
			return "", fmt.Errorf("unit %q: %q cannot be in a unit's name; escape it with systemd-escape", name, c)
		}
	}
	if stem := strings.TrimSuffix(full, suffixOf(full)); strings.HasSuffix(stem, "@") {
		return "", fmt.Errorf("unit %q is a template; name an instance, such as %q", name, stem+"1"+suffixOf(full))
	}
	return full, nil
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// unitOf is the unit that a request is about.
func unitOf(spec agents.Spec, params map[string]string) (string, error) {
	if spec.Class != agents.BuiltIn {
		return UnitName(spec.Type)
	}
	if params["unit"] == "" {
		return "", fmt.Errorf("parameter unit is missing: name the systemd unit")
	}
	unit, err := UnitName(params["unit"])
	if err != nil {
		return "", fmt.Errorf("parameter unit: %w", err)
	}
	return unit, nil
}
