package fencing

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Level is a set of devices that together fence the target.
type Level struct {
	Index int
	Steps []Step // carried out in this order
}

// Step is what one device does for one target.
type Step struct {
	Device   string
	Class    Class
	PlugArg  string     // parameter that names the target; empty: none
	Plug     string     // its value
	Do       Call       // off (or on, if that is asked for)
	Verify   Call       // status afterwards; no Action: not asked
	Restore  Call       // on, after a reboot's confirmation; no Action: not run
	Delay    DelayRange // before the first attempt
	OnTarget bool       // Do has to run on the target itself
}

// String is one line: level and devices.
func (l Level) String() string {
	parts := make([]string, len(l.Steps))
	for i, s := range l.Steps {
		parts[i] = s.String()
	}
	return fmt.Sprintf("level %d: %s", l.Index, strings.Join(parts, ", "))
}

// String names the device, what it does, and to which plug.
func (s Step) String() string {
	text := fmt.Sprintf("%s (%s)", s.Device, s.Class)
	if s.Class == Manual {
		return text
	}
	text += " " + string(s.Do.Action)
	if s.PlugArg != "" {
		text += fmt.Sprintf(" %s=%s", s.PlugArg, s.Plug)
	}
	if s.Verify.Action != "" {
		text += ", " + string(s.Verify.Action)
	}
	if s.Restore.Action != "" {
		text += ", then " + string(s.Restore.Action)
	}
	switch {
	case s.Delay.Max > s.Delay.Base:
		text += fmt.Sprintf(", after %v to %v", s.Delay.Base, s.Delay.Max)
	case s.Delay.Base > 0:
		text += fmt.Sprintf(", after %v", s.Delay.Base)
	}
	return text
}

// planner holds one planning.
type planner struct {
	target   string
	action   Action
	devices  map[string]Device
	problems []Problem
	blamed   bool // a device that should fence the target cannot
}

// Plan says which devices fence target, in which levels, and what stands in
// the way. action is Off, Reboot or On. attrs are the target's attributes.
// Without levels the last problem says why nothing can fence the target.
func Plan(target string, devices []Device, topologies []Topology, attrs map[string]string, action Action) ([]Level, []Problem) {
	p := &planner{target: target, action: action, devices: make(map[string]Device, len(devices))}
	for _, d := range devices {
		p.devices[d.Name] = d
	}
	wanted, problems := selectLevels(target, topologies, attrs)
	p.problems = problems
	var levels []Level
	switch {
	case action != Off && action != On && action != Reboot:
		p.problem(target, "cannot plan %q: it is none of off, on, reboot", action)
		return nil, p.problems
	case action == On:
		levels = p.unfencing()
	}
	switch {
	case len(levels) > 0:
	case len(wanted) > 0:
		levels = p.fromTopology(wanted)
	default:
		levels = p.eachAlone()
	}
	if len(levels) == 0 {
		p.nothing(len(wanted) > 0)
	}
	return levels, p.problems
}

func (p *planner) problem(subject, format string, args ...any) {
	p.problems = append(p.problems, problemf(subject, format, args...))
}

func (p *planner) blame(device, why string) {
	p.problem(device, "is not used for %s: %s", p.target, why)
	p.blamed = true
}

func (p *planner) nothing(topology bool) {
	switch {
	case len(p.automatic()) == 0:
		p.problem(p.target, "no device can fence %s: there is no fence device that acts by itself; add a fence block with targets = [%s]",
			p.target, p.target)
	case topology:
		p.problem(p.target, "no device can fence %s: every level of its topology is left out; mend the devices named above", p.target)
	case p.blamed:
		p.problem(p.target, "no device can fence %s: mend the devices named above, or add targets = [%s] to another one", p.target, p.target)
	default:
		p.problem(p.target, "no device can fence %s: add targets = [%s] to one of %s",
			p.target, p.target, strings.Join(p.automatic(), ", "))
	}
}

func (p *planner) names() []string {
	names := make([]string, 0, len(p.devices))
	for name := range p.devices {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// automatic are the devices that could be given another target.
func (p *planner) automatic() []string {
	return slices.DeleteFunc(p.names(), func(name string) bool { return p.devices[name].class() == Manual })
}

// fromTopology keeps the levels all of whose devices can do their part.
func (p *planner) fromTopology(wanted []TopologyLevel) []Level {
	var levels []Level
	for _, w := range wanted {
		level := Level{Index: w.Index}
		whole := true
		for _, name := range w.Devices {
			d, known := p.devices[name]
			if !known {
				p.problem(name, "level %d for %s is left out: there is no such device", w.Index, p.target)
				whole = false
				continue
			}
			step, why, _ := p.step(d, true)
			if why != "" {
				p.problem(name, "level %d for %s is left out: %s", w.Index, p.target, why)
				whole = false
			}
			level.Steps = append(level.Steps, step)
		}
		if whole && p.sound(level) {
			levels = append(levels, level)
		}
	}
	return levels
}

// sound refuses levels that could succeed without the target being off.
func (p *planner) sound(level Level) bool {
	acting := 0
	for _, s := range level.Steps {
		if s.Class != Guard {
			acting++
		}
	}
	if acting == 0 {
		p.problem(p.target, "level %d is left out: none of its devices fences anything; add one that does", level.Index)
		return false
	}
	for _, s := range level.Steps {
		if acting > 1 && s.Class == Power && s.Do.Action == Reboot {
			p.problem(s.Device, "level %d for %s is left out: %s can only reboot, and beside other devices that never "+
				"has all of them off at once", level.Index, p.target, s.Device)
			return false
		}
	}
	return true
}

// eachAlone makes a level of every device that can fence the target: those of
// higher priority first, then by name, and a manual one always last.
func (p *planner) eachAlone() []Level {
	names := p.names()
	slices.SortStableFunc(names, func(a, b string) int {
		da, db := p.devices[a], p.devices[b]
		return cmp.Or(cmp.Compare(last(da), last(db)), cmp.Compare(priority(db), priority(da)))
	})
	var levels []Level
	for _, name := range names {
		step, why, quiet := p.step(p.devices[name], false)
		switch {
		case why == "":
			level := Level{Index: len(levels) + 1, Steps: []Step{step}}
			if p.sound(level) {
				levels = append(levels, level)
			}
		case !quiet:
			p.blame(name, why)
		}
	}
	return levels
}

func last(d Device) int {
	if d.class() == Manual {
		return 1
	}
	return 0
}

func priority(d Device) int {
	n, _ := strconv.Atoi(d.Meta["priority"])
	return n
}

// unfencing is one level of all fabric devices that know the target, if there
// are any: a node that is let in again needs every one of them.
func (p *planner) unfencing() []Level {
	level := Level{Index: 1}
	for _, name := range p.names() {
		d := p.devices[name]
		if d.class() != Fabric {
			continue
		}
		step, why, quiet := p.step(d, false)
		switch {
		case why == "":
			level.Steps = append(level.Steps, step)
		case !quiet:
			p.blame(name, why)
		}
	}
	if len(level.Steps) == 0 {
		return nil
	}
	return []Level{level}
}

// step says what d does for the target, or why it cannot; quiet means that the
// reason is not worth telling.
func (p *planner) step(d Device, named bool) (step Step, why string, quiet bool) {
	settings, problems := d.Settings()
	for _, problem := range problems {
		if !slices.Contains(p.problems, problem) {
			p.problems = append(p.problems, problem)
		}
	}
	if d.Disabled {
		return step, "it is disabled (target-role = Stopped)", false
	}
	r := d.reaches(p.target, settings, named)
	if !r.ok {
		return step, r.why, r.foreign
	}
	step = Step{
		Device: d.Name, Class: d.class(), PlugArg: cmp.Or(r.arg, settings.HostArgument), Plug: r.plug,
		Delay: settings.delayFor(p.target), OnTarget: p.action == On && d.Abilities.OnTarget,
	}
	return step, p.calls(&step, d, settings), false
}

// calls fills in what the device is asked to do, and says why that is
// impossible.
func (p *planner) calls(step *Step, d Device, s Settings) string {
	if step.Class == Manual {
		return ""
	}
	if p.action == On {
		if !d.Abilities.Can(On) {
			return "it cannot switch on"
		}
		step.Do, step.Delay = s.Calls[On], DelayRange{}
		return ""
	}
	switch {
	case d.Abilities.Can(Off):
		step.Do = s.Calls[Off]
	case p.action == Reboot && d.Abilities.Can(Reboot):
		// The API lets a reboot succeed only when its off part did. Its status
		// says "on" again, so nothing can be verified, and there is no "on".
		step.Do = s.Calls[Reboot]
		return ""
	default:
		return "it cannot switch off"
	}
	if d.Abilities.Can(Status) && step.Class != Guard && step.Do.Action == Off {
		step.Verify = s.Calls[Status]
	}
	// Fabric is given back by the target when it has booted, never by us; and
	// a device whose reboot is mapped to off is meant to leave its target off.
	stayOff := s.Calls[Reboot].Action == Off
	if p.action == Reboot && d.Abilities.Can(On) && step.Class == Power && step.Do.Action == Off && !stayOff {
		step.Restore = s.Calls[On]
	}
	return ""
}
