package control

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/fake"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run only this seed of the storm")
	seedsFlag = flag.Int("seeds", 60, "how many seeds of the storm to run")
)

// TestStorm lets hosts die, be cut off, restart their daemons, answer late and
// be operated on at random. In truth no resource ever runs twice; when the storm
// is over, everything runs, nothing is in flight and nobody writes.
func TestStorm(t *testing.T) {
	first, count := uint64(1), *seedsFlag
	if *seedFlag != 0 {
		first, count = *seedFlag, 1
	}
	for seed := first; seed < first+uint64(count); seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w := newSkewedWorld(t, seed, cluster(), time.Hour, "n1", "n2", "n3")
			w.fabric = seed%4 == 0
			w.storm()
		})
	}
}

func (w *world) storm() {
	w.run(20 * time.Second)
	for range 14 {
		w.trouble([]string{"n1", "n2", "n3"}[w.rng.IntN(3)])
		w.run(w.millis(0, 8000))
	}
	w.calm()
	w.run(4 * time.Minute)
	w.apply(state.Command{By: "test", Cleanup: &state.Cleanup{}})
	w.run(2 * time.Minute)
	for _, name := range sortedKeys(w.s.Nodes) {
		if n := w.s.Nodes[name]; n.Phase != state.PhaseMember {
			w.fail("%s is %s when the storm is over", name, n.Phase)
		}
	}
	w.wantRunning("a", "b", "c", "d")
	if len(w.s.Pending)+len(w.s.Fencing) > 0 {
		w.fail("still in flight: %v, fencing of %v", sortedKeys(w.s.Pending), sortedKeys(w.s.Fencing))
	}
	index := w.index
	w.run(time.Minute)
	if w.index != index {
		w.fail("a cluster at rest wrote %d entries", w.index-index)
	}
}

// trouble is one thing that goes wrong, or that an operator does.
func (w *world) trouble(victim string) {
	h := w.hosts[victim]
	rsc := []string{"a", "b", "c", "d"}[w.rng.IntN(4)]
	switch w.rng.IntN(14) {
	case 0:
		w.killHost(victim)
		if !h.up {
			w.after(w.millis(2000, 22000), func() { w.bootHost(victim) })
		}
	case 1, 2:
		w.cutHost(victim, w.millis(500, 15000))
	case 3, 4:
		w.restartDaemon(victim)
	case 5:
		for _, rsc := range []string{"a", "b", "c", "d"} {
			h.agent.Script(rsc, agents.Start, fake.Answer{Delay: w.millis(0, 8000)})
		}
	case 6:
		h.agent.Script(rsc, agents.Stop, fake.Answer{Delay: w.millis(0, 30000)})
	case 7:
		left := fake.Started
		h.agent.Script(rsc, agents.Start, fake.Answer{Delay: w.millis(0, 3000), Code: agents.ErrGeneric, Leaves: &left})
	case 8:
		h.mute = w.now.Add(w.millis(1000, 60000))
		w.log("%s is mute for %v", victim, h.mute.Sub(w.now))
	case 9:
		w.breakResource(h, rsc)
	default:
		w.operate(victim, rsc)
	}
}

// operate is something that an operator asks for.
func (w *world) operate(victim, rsc string) {
	var c state.Command
	switch w.rng.IntN(6) {
	case 0:
		on := w.rng.IntN(2) == 0
		c.SetNode = &state.SetNode{Node: victim, Standby: &on}
	case 1:
		c.Cleanup = &state.Cleanup{Resource: rsc, Forget: w.rng.IntN(2) == 0}
	case 2:
		c.StartMove = &state.Move{Resource: rsc, Node: victim, Until: w.now.Add(20 * time.Second).Unix()}
	case 3:
		if n := w.s.Nodes[victim]; n != nil && w.s.Fencing[victim] == nil {
			c.FenceBegin = &state.FenceBegin{Target: victim, Boot: n.Boot, Action: policy.TaskReboot, Reason: "asked for", Requested: "test", Attempt: 1}
		}
	case 4:
		managed := []string{"", "false"}[w.rng.IntN(2)]
		c.SetResource = &state.SetResource{Resource: rsc, Managed: &managed}
	case 5:
		c.Leave = &state.Leave{Node: victim, Reason: "test", Cancel: w.rng.IntN(3) == 0}
	}
	if w.leader != "" && c != (state.Command{}) {
		c.By = "operator"
		w.apply(c)
	}
}

// calm takes back what operators asked for, and boots what is off.
func (w *world) calm() {
	for _, name := range sortedKeys(w.hosts) {
		if h := w.hosts[name]; h.up {
			h.agent.Behave()
		} else {
			w.bootHost(name)
		}
	}
	w.run(time.Minute) // until there is somebody to ask
	off, asConfigured := false, ""
	for _, name := range sortedKeys(w.hosts) {
		w.apply(state.Command{By: "test", SetNode: &state.SetNode{Node: name, Standby: &off}})
		w.apply(state.Command{By: "test", Leave: &state.Leave{Node: name, Cancel: true}})
	}
	for _, rsc := range []string{"a", "b", "c", "d"} {
		w.apply(state.Command{By: "test", SetResource: &state.SetResource{Resource: rsc, Managed: &asConfigured}})
	}
	w.apply(state.Command{By: "test", ClearRules: &state.ClearRules{}})
	for _, name := range sortedKeys(w.s.Settings.Moves) {
		w.apply(state.Command{By: "test", ClearRules: &state.ClearRules{Resource: name}})
	}
}

// noticed is in which storm a mutant was last noticed, when that was a late one.
var noticed = map[string]uint64{
	"orders rest on whatever is true now": 185,
	"joins are accepted during fencing":   610,
}

// TestMutants switches off one rule each and wants the storm to notice: a rule
// that can go without a trace is not tested.
func TestMutants(t *testing.T) {
	for name, m := range map[string]func(w *world, c *state.Command){
		"a failed fencing counts as confirmed": func(_ *world, c *state.Command) {
			if e := c.FenceEnd; e != nil && e.Receipt == nil {
				e.Receipt = receiptFor(e)
			}
		},
		"a lost node counts as off": func(w *world, c *state.Command) {
			if f := c.FenceBegin; f != nil && f.Requested == "" {
				c.FenceBegin = nil
				c.FenceConfirm = &state.FenceConfirm{Target: f.Target, Boot: f.Boot, Receipt: *receiptFor(&state.FenceEnd{Target: f.Target, Boot: f.Boot})}
			}
		},
		"orders rest on whatever is true now": func(w *world, c *state.Command) {
			if c.Begin != nil {
				c.Begin.Seen = w.index
			}
		},
		"joins are accepted during fencing": func(w *world, c *state.Command) {
			if c.Join != nil && w.s.Fencing[c.Join.Node] != nil {
				s := *w.s
				s.Fencing = map[string]*state.Fencing{}
				w.s = &s
			}
		},
		"a boot that was fenced may join": func(w *world, c *state.Command) {
			if c.Join != nil && w.s.Nodes[c.Join.Node] != nil && w.s.Nodes[c.Join.Node].Fenced {
				s := *w.s
				s.Nodes = map[string]*state.Node{}
				for name, n := range w.s.Nodes {
					own := *n
					own.Fenced = false
					s.Nodes[name] = &own
				}
				w.s = &s
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			first := noticed[name] // where the search has been short
			for seed := max(first, 1); seed < first+400; seed++ {
				if found := mutantStorm(t, seed, name, m); found != "" {
					t.Logf("noticed in storm %d: %s", seed, found)
					return
				}
			}
			t.Fatal("nothing noticed in 400 storms")
		})
	}
}

func mutantStorm(t *testing.T, seed uint64, name string, m func(*world, *state.Command)) (found string) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case violation:
			found = string(v)
		default:
			panic(v)
		}
	}()
	w := newSkewedWorld(t, seed, cluster(), time.Hour, "n1", "n2", "n3")
	w.fabric, w.mutant, w.mutate = seed%4 == 0, name, m
	w.storm()
	return ""
}
