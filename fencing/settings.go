package fencing

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// HostCheck says how to find out which nodes a device can fence.
type HostCheck string

// The ways of pcmk_host_check.
const (
	DynamicList HostCheck = "dynamic-list" // ask the device ("list")
	StaticList  HostCheck = "static-list"  // targets, pcmk_host_list, pcmk_host_map
	StatusCheck HostCheck = "status"       // ask the device about the node ("status")
	NoCheck     HostCheck = "none"         // it can fence every node
)

// Call is how one action is asked of an agent.
type Call struct {
	Action  Action        // the agent's word for it; empty: it is not called
	Timeout time.Duration // of each attempt
	Tries   int           // attempts in all, at least 1
}

// DelayRange is how long a device waits before it shoots: Base, and where Max
// is larger, a random part up to Max in all.
type DelayRange struct{ Base, Max time.Duration }

// Settings is what the pcmk_* parameters of a device mean, defaults filled in.
type Settings struct {
	HostCheck    HostCheck
	HostList     []string          // sorted, with the names of Targets and of HostMap
	HostMap      map[string]string // node: plug; nil: it cannot be read
	HostArgument string            // parameter that names the target; empty: none is given
	Delay        DelayRange
	DelayBase    map[string]time.Duration // per node, where pcmk_delay_base names nodes
	ActionLimit  int                      // runs at the same time; -1: any number
	Calls        map[Action]Call
}

// DefaultTimeout is the time for one attempt where neither the device nor the
// caller says otherwise.
const DefaultTimeout = 60 * time.Second

// defaultRetries repeats an attempt that failed at once: many BMCs refuse a
// second session for a moment.
const defaultRetries = 2

// harmless actions leave the target as it is.
var harmless = []Action{On, Status, List, "list-status", Monitor, Metadata, ValidateAll}

var callActions = []Action{Off, On, Reboot, Status, List, Monitor}

// reader collects problems while parameters are read.
type reader struct {
	device   Device
	problems []Problem
}

func (r *reader) problem(format string, args ...any) {
	r.problems = append(r.problems, problemf(r.device.Name, format, args...))
}

// Settings reads the pcmk_* parameters. A parameter with a bad value keeps its
// default and is reported.
func (d Device) Settings() (Settings, []Problem) {
	r := &reader{device: d}
	s := Settings{ActionLimit: 1}
	r.hosts(&s)
	r.delay(&s)
	if text, ok := d.Params["pcmk_action_limit"]; ok {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < -1 || n == 0 {
			r.problem("pcmk_action_limit = %q is not a positive number or -1", text)
		} else {
			s.ActionLimit = n
		}
	}
	s.Calls = make(map[Action]Call, len(callActions))
	for _, a := range callActions {
		s.Calls[a] = r.call(a)
	}
	if class := d.Meta["class"]; class != "" && d.class() != Class(class) {
		r.problem("class = %q is none of power, fabric, guard", class)
	}
	r.unknown()
	return s, r.problems
}

func (r *reader) hosts(s *Settings) {
	hostMap, err := parseHostMap(r.device.Params["pcmk_host_map"])
	if err != nil {
		r.problem("pcmk_host_map: %v", err)
	}
	s.HostMap = hostMap
	s.HostList = append(splitNames(r.device.Params["pcmk_host_list"]), r.device.Targets...)
	s.HostList = slices.AppendSeq(s.HostList, maps.Keys(hostMap))
	slices.Sort(s.HostList)
	s.HostList = slices.Compact(s.HostList)
	s.HostCheck = r.hostCheck(len(s.HostList) > 0)
	s.HostArgument = r.hostArgument()
}

func (r *reader) hostCheck(listed bool) HostCheck {
	abilities := r.device.Abilities
	text, given := r.device.Params["pcmk_host_check"]
	check := HostCheck(strings.ToLower(strings.TrimSpace(text)))
	switch check {
	case DynamicList, StaticList, StatusCheck, NoCheck:
		return check
	}
	if given {
		r.problem("pcmk_host_check = %q is none of dynamic-list, static-list, status, none", text)
	}
	switch {
	case listed:
		return StaticList
	case r.device.Agent == ManualAgent:
		return NoCheck
	case abilities.Can(List):
		return DynamicList
	case abilities.Can(Status):
		return StatusCheck
	default:
		return NoCheck
	}
}

func (r *reader) hostArgument() string {
	switch text := strings.TrimSpace(r.device.Params["pcmk_host_argument"]); {
	case text == "none":
		return ""
	case text != "":
		return text
	case !r.device.Abilities.Known:
		return "plug"
	default:
		return r.device.Abilities.PlugArg
	}
}

func (r *reader) delay(s *Settings) {
	text := strings.TrimSpace(r.device.Params["pcmk_delay_base"])
	if strings.Contains(text, ":") {
		pairs, err := parseHostMap(text)
		if err != nil {
			r.problem("pcmk_delay_base: %v", err)
		}
		s.DelayBase = make(map[string]time.Duration, len(pairs))
		for _, node := range slices.Sorted(maps.Keys(pairs)) {
			s.DelayBase[node] = r.duration("pcmk_delay_base of "+node, pairs[node], 0)
		}
	} else {
		s.Delay.Base = r.duration("pcmk_delay_base", text, 0)
	}
	s.Delay.Max = r.duration("pcmk_delay_max", r.device.Params["pcmk_delay_max"], 0)
}

func (r *reader) call(a Action) Call {
	prefix := "pcmk_" + string(a)
	c := Call{Action: a, Tries: 1 + defaultRetries}
	switch word := Action(strings.TrimSpace(r.device.Params[prefix+"_action"])); {
	case word == "":
	case (a == Off || a == Reboot) && slices.Contains(harmless, word):
		r.problem("%s_action = %q switches nothing off, so its success would prove nothing", prefix, word)
	default:
		c.Action = word
	}
	standard := r.device.Timeout
	if standard <= 0 {
		standard = DefaultTimeout
	}
	c.Timeout = r.duration(prefix+"_timeout", r.device.Params[prefix+"_timeout"], standard)
	if c.Timeout == 0 {
		r.problem("%s_timeout = 0 leaves no time: write at least 1s", prefix)
		c.Timeout = standard
	}
	if text, ok := r.device.Params[prefix+"_retries"]; ok {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 0 || n > 100 {
			r.problem("%s_retries = %q is not a number from 0 to 100", prefix, text)
		} else {
			c.Tries = 1 + n
		}
	}
	return c
}

func (r *reader) duration(name, text string, standard time.Duration) time.Duration {
	if strings.TrimSpace(text) == "" {
		return standard
	}
	d, err := ParseDuration(text)
	if err != nil {
		r.problem("%s: %v", name, err)
		return standard
	}
	return d
}

// unknown reports pcmk_* names that mean nothing: a typing error there would
// otherwise silently drop a delay or a host list.
func (r *reader) unknown() {
	known := map[string]bool{}
	for _, n := range []string{"host_list", "host_map", "host_check", "host_argument", "delay_base", "delay_max", "action_limit"} {
		known["pcmk_"+n] = true
	}
	for _, a := range callActions {
		for _, n := range []string{"action", "timeout", "retries"} {
			known["pcmk_"+string(a)+"_"+n] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.device.Params)) {
		if strings.HasPrefix(name, "pcmk_") && !known[name] {
			r.problem("%s is not a parameter of fence devices", name)
		}
	}
}

// delayFor is the device's delay before it shoots at target.
func (s Settings) delayFor(target string) DelayRange {
	if s.DelayBase == nil {
		return s.Delay
	}
	return DelayRange{Base: s.DelayBase[target], Max: s.Delay.Max}
}
