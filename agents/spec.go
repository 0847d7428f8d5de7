package agents

import (
	"fmt"
	"strings"
)

// BuiltIn is the class of the agents that are part of Holdfast.
const BuiltIn = "holdfast"

// ParseSpec reads a spec as administrators write it: "ocf:heartbeat:IPaddr2"
// (and "ocf::heartbeat:IPaddr2", as some old tools print it),
// "systemd:nginx.service", or a lone name, "vip", for a built-in agent. An OCF
// agent without a provider, "ocf:IPaddr2", is one of "heartbeat". Whether such
// an agent exists is not looked at. It is the inverse of [Spec.String].
func ParseSpec(text string) (Spec, error) {
	parts := strings.Split(strings.Replace(text, "ocf::", "ocf:", 1), ":")
	var s Spec
	switch {
	case len(parts) == 1:
		s = Spec{Class: BuiltIn, Type: parts[0]}
	case parts[0] == "ocf" && len(parts) == 2:
		s = Spec{Class: "ocf", Provider: "heartbeat", Type: parts[1]}
	case parts[0] == "ocf" && len(parts) == 3 && parts[1] != "":
		s = Spec{Class: "ocf", Provider: parts[1], Type: parts[2]}
	case parts[0] != "ocf": // a unit's name may hold colons
		s = Spec{Class: parts[0], Type: strings.Join(parts[1:], ":")}
	}
	if s.Class == "" || s.Type == "" || strings.ContainsAny(text, " \t\r\n\x00") {
		return Spec{}, fmt.Errorf("agent %q: write it as a name (vip), class:type (systemd:nginx) or class:provider:type (ocf:heartbeat:IPaddr2)", text)
	}
	return s, nil
}
