package fencing

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write the goldens anew; then read the diff")

// TestStories runs the scripts under testdata. A script is prose, then blocks:
// command lines, a line "----", the output, an empty line.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			old, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := (&story{now: origin}).play(string(old))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(old), got); diff != "" {
				t.Errorf("%s (-want +got), or run with -rewrite:\n%s", file, diff)
			}
		})
	}
}

var origin = time.Date(2026, 10, 3, 14, 6, 40, 0, time.UTC)

// story is the state of one script.
type story struct {
	now      time.Time
	devices  []Device
	topology []Topology
	attrs    map[string]string
	spec     Spec
	op       *Operation
}

func (s *story) play(text string) string {
	var out, commands strings.Builder
	skipping := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case skipping:
			if line == "" {
				skipping = false
				out.WriteString("\n")
			}
		case line == "----":
			out.WriteString(commands.String() + "----\n")
			for c := range strings.Lines(commands.String()) {
				out.WriteString(s.command(strings.Fields(c)))
			}
			commands.Reset()
			skipping = true
		case line == "" || strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
		default:
			commands.WriteString(line + "\n")
		}
	}
	return out.String()
}

func (s *story) command(f []string) string {
	if len(f) == 0 {
		return ""
	}
	args := f[1:]
	switch f[0] {
	case "device":
		s.devices = append(s.devices, device(args))
	case "topology":
		s.topology = append(s.topology, topology(args))
	case "attr":
		s.attrs = fields(args)
	case "settings":
		return s.settings(args[0])
	case "clear":
		s.devices, s.topology, s.attrs = nil, nil, nil
	case "render":
		return s.render()
	case "plan":
		return s.plan(args[0], Action(args[1]))
	case "op":
		return s.begin(args)
	case "at":
		return s.at(args)
	case "show":
		return s.op.String()
	case "history":
		return s.history() + "\n"
	default:
		return "unknown command " + f[0] + "\n"
	}
	return ""
}

// fields reads words of the form key=value; "_" stands for a blank in values.
func fields(args []string) map[string]string {
	m := map[string]string{}
	for _, a := range args {
		k, v, _ := strings.Cut(a, "=")
		m[k] = strings.ReplaceAll(v, "_", " ")
	}
	return m
}

func device(args []string) Device {
	d := Device{Name: args[0], Agent: "fence_x", Params: map[string]string{}, Meta: map[string]string{}}
	for k, v := range fields(args[1:]) {
		switch k {
		case "agent":
			d.Agent = strings.ReplaceAll(v, " ", "_")
		case "targets":
			d.Targets = strings.Split(v, ",")
		case "can":
			d.Abilities.Known, d.Abilities.PlugArg = true, "plug"
			for a := range strings.SplitSeq(v, ",") {
				d.Abilities.Actions = append(d.Abilities.Actions, Action(a))
			}
		case "unfencing":
			d.Abilities.AutomaticOn, d.Abilities.OnTarget = true, v == "target"
		case "lists":
			d.Seen.ListKnown = true
			for p := range strings.SplitSeq(v, ";") {
				plug, alias, _ := strings.Cut(p, ",")
				d.Seen.Ports = append(d.Seen.Ports, Port{plug, alias})
			}
		case "answers":
			d.Seen.Status = map[string]bool{v: true}
		case "disabled":
			d.Disabled = true
		case "priority", "class":
			d.Meta[k] = v
		default:
			d.Params[k] = v
		}
	}
	return d
}

// topology reads "NAME target=n3 1=a,b 2=c".
func topology(args []string) Topology {
	t := Topology{Name: args[0]}
	for _, a := range args[1:] {
		k, v, _ := strings.Cut(a, "=")
		switch k {
		case "target":
			t.Target = v
		case "pattern":
			t.Pattern = v
		case "attribute":
			t.Attribute, t.Value, _ = strings.Cut(v, "=")
		default:
			n, _ := strconv.Atoi(k)
			t.Levels = append(t.Levels, TopologyLevel{Index: n, Devices: strings.Split(v, ",")})
		}
	}
	return t
}

func (s *story) settings(name string) string {
	for _, d := range s.devices {
		if d.Name != name {
			continue
		}
		x, problems := d.Settings()
		var b strings.Builder
		fmt.Fprintf(&b, "%s: check %s, hosts %v, map %v, argument %q, delay %v %v, limit %d\n",
			name, x.HostCheck, x.HostList, x.HostMap, x.HostArgument, x.Delay, x.DelayBase, x.ActionLimit)
		for _, a := range callActions {
			c := x.Calls[a]
			fmt.Fprintf(&b, "  %s: %s within %v, %d tries\n", a, c.Action, c.Timeout, c.Tries)
		}
		return b.String() + problemLines(problems)
	}
	return "no such device\n"
}

func (s *story) render() string {
	var b strings.Builder
	for _, d := range s.devices {
		fmt.Fprintf(&b, "device %s\n", d)
	}
	for _, t := range s.topology {
		fmt.Fprintf(&b, "topology %s\n", t)
	}
	return b.String()
}

func problemLines(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "problem: %s\n", p)
	}
	return b.String()
}

func (s *story) plan(target string, action Action) string {
	levels, problems := Plan(target, s.devices, s.topology, s.attrs, action)
	var b strings.Builder
	for _, l := range levels {
		fmt.Fprintf(&b, "%s\n", l)
	}
	return b.String() + problemLines(problems)
}

// begin reads "ID TARGET BOOT ACTION [timeout=] [start=] [draw=] [heard=]".
func (s *story) begin(args []string) string {
	boot, _ := strconv.ParseUint(args[2], 10, 64)
	more := fields(args[4:])
	s.spec = Spec{ID: OpID(args[0]), Target: args[1], Boot: boot, Action: Action(args[3])}
	s.spec.Levels, _ = Plan(s.spec.Target, s.devices, s.topology, s.attrs, s.spec.Action)
	s.spec.Timeout, _ = time.ParseDuration(more["timeout"])
	start, _ := time.ParseDuration(more["start"])
	draw, _ := strconv.ParseFloat(more["draw"], 64)
	s.spec.Delays = DrawDelays(s.spec.Levels, start, func() float64 { return draw })
	if ago, err := time.ParseDuration(more["heard"]); err == nil {
		s.spec.LastBeat = origin.Add(-ago)
	}
	s.op, s.now = New(s.spec, origin), origin
	return s.step(Tick{})
}

// at reads "SECONDS EVENT…"; seconds count from the story's beginning.
func (s *story) at(args []string) string {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err.Error() + "\n"
	}
	s.now = origin.Add(d)
	return s.step(s.event(args[1], args[2:]))
}

func (s *story) event(name string, args []string) Event {
	rest := strings.Join(args, " ")
	switch name {
	case "ok", "on", "off", "failed", "timeout":
		outcomes := map[string]Outcome{"ok": Succeeded, "on": IsOn, "off": IsOff, "failed": Failure, "timeout": TimedOut}
		return DeviceResult{Attempt: s.op.attempt, Outcome: outcomes[name], Reason: rest}
	case "late":
		return DeviceResult{Attempt: args[0], Outcome: Outcome(args[1])}
	case "beat":
		boot, _ := strconv.ParseUint(args[0], 10, 64)
		return TargetBeat{Boot: boot, Joined: slices.Contains(args, "joined")}
	case "manual":
		forced := 0
		if len(args) > 2 {
			forced, _ = strconv.Atoi(args[2])
		}
		return ManualConfirm{Who: args[0], Typed: args[1], Forced: forced}
	case "recorded":
		return Recorded{}
	case "cancel":
		return Cancel{Why: rest}
	default:
		return Tick{}
	}
}

func (s *story) step(e Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%6.2fs %s\n", s.now.Sub(origin).Seconds(), e)
	for _, effect := range s.op.Step(s.now, e) {
		text := effect.String()
		if w, ok := effect.(WakeAt); ok {
			text = fmt.Sprintf("wake at %.2fs", w.T.Sub(origin).Seconds())
		}
		fmt.Fprintf(&b, "        %s\n", text)
	}
	return b.String()
}

func (s *story) history() string {
	e := Entry{
		OpID: s.spec.ID, Action: s.spec.Action, Target: s.spec.Target, Boot: s.spec.Boot,
		State: Pending, Delegate: "n1", Client: "controller", Origin: "n2", Started: origin,
	}
	if r, ok := s.op.Receipt(); ok {
		e = e.Complete(r)
	} else if s.op.Over() {
		e = e.Fail(Failed{Target: s.spec.Target, Why: "every level failed", Reasons: s.op.reasons}, s.now)
	}
	return e.String()
}
