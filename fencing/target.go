package fencing

import (
	"cmp"
	"slices"
	"strings"
)

// reach says whether a device can fence a target, and by which plug.
type reach struct {
	ok      bool
	plug    string
	arg     string // parameter that takes the plug, if not the usual one
	why     string // why not
	foreign bool   // the device is simply another node's: nothing to tell
}

func no(why string) reach { return reach{why: why} }

// reaches finds out whether d can fence target. named says that a topology
// names d for this very target: then a device that has not answered yet is
// believed to know the node, because the administrator says so.
func (d Device) reaches(target string, s Settings, named bool) reach {
	if s.HostMap == nil {
		return no("its pcmk_host_map cannot be read, so its plugs are not known")
	}
	plug := cmp.Or(s.HostMap[target], target)
	switch s.HostCheck {
	case StaticList:
		if !slices.Contains(s.HostList, target) {
			return reach{why: target + " is not one of its targets (" + strings.Join(s.HostList, ", ") + ")", foreign: !named}
		}
	case DynamicList:
		return d.fixed(d.listed(target, plug, s, named), s)
	case StatusCheck:
		known, asked := d.Seen.Status[target]
		if asked && !known || !asked && !named {
			return no("it gave no status for " + target + "; name its nodes with targets = [" + target + "]")
		}
	case NoCheck:
	}
	return d.fixed(reach{ok: true, plug: plug}, s)
}

// Plug returns how the target is named to the agent: the parameter (empty if
// it takes none) and its value. ok tells whether the device can fence it; if
// not, the value is the best guess.
func (d Device) Plug(target string) (arg, plug string, ok bool) {
	s, _ := d.Settings()
	r := d.reaches(target, s, true)
	return cmp.Or(r.arg, s.HostArgument), cmp.Or(r.plug, s.HostMap[target], target), r.ok
}

// listed looks the target up in the device's own list.
func (d Device) listed(target, plug string, s Settings, named bool) reach {
	if !d.Seen.ListKnown {
		if named {
			return reach{ok: true, plug: plug}
		}
		return no("it has not listed its targets yet (pcmk_host_check = dynamic-list); name them with targets = [" + target + "]")
	}
	var byAlias []string
	for _, port := range d.Seen.Ports {
		if port.Plug == plug {
			return reach{ok: true, plug: plug}
		}
		if port.Alias == plug {
			byAlias = append(byAlias, port.Plug)
		}
	}
	switch {
	case len(byAlias) == 1:
		return reach{ok: true, plug: byAlias[0]}
	case len(byAlias) > 1:
		return no("it lists " + target + " as plugs " + strings.Join(byAlias, ", ") +
			"; say which with pcmk_host_map = \"" + target + ":" + strings.Join(byAlias, ",") + "\"")
	case s.HostMap[target] != "":
		return no("it does not list plug " + plug + ", which pcmk_host_map gives for " + target)
	default:
		return reach{why: "it does not list " + target, foreign: !named}
	}
}

// fixed honours a plug that is written into the device's own parameters. Such
// a device must be about one node: with two it would switch off the wrong one.
func (d Device) fixed(r reach, s Settings) reach {
	arg := d.fixedArg(s.HostArgument)
	if !r.ok || arg == "" {
		return r
	}
	if len(s.HostMap) > 0 || s.HostCheck != StaticList || len(s.HostList) > 1 {
		return no("it has " + arg + " = \"" + d.Params[arg] + "\" fixed, but is not limited to one node; " +
			"use pcmk_host_map, or one device for each node")
	}
	r.plug, r.arg = d.Params[arg], arg
	return r
}

// fixedArg is the parameter by which the configuration itself names a plug.
// "port" is the old word for "plug": agents take either.
func (d Device) fixedArg(hostArgument string) string {
	candidates := []string{hostArgument}
	if hostArgument == "port" || hostArgument == "plug" {
		candidates = []string{"plug", "port"}
	}
	for _, arg := range candidates {
		if arg != "" && d.Params[arg] != "" {
			return arg
		}
	}
	return ""
}
