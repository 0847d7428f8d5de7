package control

import (
	"flag"
	"fmt"
	"strings"
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

func primitive(id string, meta ...string) policy.Resource {
	r := policy.Resource{ID: id, Kind: policy.Primitive, Class: "holdfast", Type: "fake"}
	r.Operations.List = []policy.Op{{ID: id + "-monitor", Name: "monitor", Interval: "10s"}}
	if len(meta) > 0 {
		set := policy.NVSet{ID: id + "-meta"}
		for i := 0; i < len(meta); i += 2 {
			set.Pairs = append(set.Pairs, policy.Pair{Name: meta[i], Value: meta[i+1]})
		}
		r.Meta = []policy.NVSet{set}
	}
	return r
}

func device(id string) policy.Resource {
	return policy.Resource{ID: id, Kind: policy.Primitive, Class: "stonith", Type: "fence_test", Params: []policy.NVSet{{
		ID: id + "-params", Pairs: []policy.Pair{{Name: "pcmk_host_list", Value: "n1 n2 n3"}},
	}}}
}

// cluster is three nodes, one fence device, a group of a and b, and c, d alone.
func cluster() *policy.Config {
	return &policy.Config{
		ResourceDefaults: []policy.NVSet{{ID: "defaults", Pairs: []policy.Pair{{Name: "resource-stickiness", Value: "100"}}}},
		Resources: []policy.Resource{
			device("fence"),
			{ID: "g", Kind: policy.Group, Children: []policy.Resource{primitive("a"), primitive("b")}},
			primitive("c"), primitive("d"),
		},
	}
}

func three(t *testing.T, seed uint64, c *policy.Config) *world {
	w := newWorld(t, seed, c, "n1", "n2", "n3")
	w.run(20 * time.Second)
	return w
}

// on is where a resource runs in truth.
func (w *world) on(rsc string) string {
	for _, name := range sortedKeys(w.hosts) {
		if h := w.hosts[name]; h.up && h.agent.State(rsc) == fake.Started {
			return name
		}
	}
	return ""
}

func (w *world) wantRunning(names ...string) {
	w.t.Helper()
	for _, rsc := range names {
		if w.on(rsc) == "" {
			w.fail("%s runs nowhere", rsc)
		}
	}
}

func TestAClusterStartsItsResources(t *testing.T) {
	w := three(t, 1, cluster())
	w.wantRunning("a", "b", "c", "d")
	if w.on("a") != w.on("b") {
		w.fail("the group is apart: a on %s, b on %s", w.on("a"), w.on("b"))
	}
	if len(w.s.Pending) != 0 {
		w.fail("still in flight: %v", sortedKeys(w.s.Pending))
	}
	index := w.index
	w.run(5 * time.Minute)
	if w.index != index {
		w.fail("a cluster at rest wrote %d entries", w.index-index)
	}
}

func TestALostNodeIsFencedBeforeAnythingStartsElsewhere(t *testing.T) {
	w := three(t, 2, cluster())
	victim := w.on("a")
	w.killHost(victim)
	w.run(40 * time.Second)
	w.wantRunning("a", "b", "c", "d")
	if w.on("a") == victim {
		w.fail("a went back to %s although stickiness holds it", victim)
	}
	fenced, started := -1, -1
	for i, line := range w.trace {
		if strings.Contains(line, `"receipt"`) && strings.HasSuffix(line, ": ok") && fenced < 0 {
			fenced = i
		}
		if strings.Contains(line, "start a ->") && !strings.Contains(line, victim+":") && started < 0 {
			started = i
		}
	}
	if fenced < 0 || started < fenced {
		w.fail("fenced at line %d, started elsewhere at line %d", fenced, started)
	}
	if w.s.Nodes[victim].Phase != state.PhaseMember {
		w.fail("%s did not come back", victim)
	}
}

func TestWithoutAFenceDeviceNothingProtectedStarts(t *testing.T) {
	c := cluster()
	c.Resources = c.Resources[1:]
	c.Resources = append(c.Resources, primitive("free", "requires", "nothing"))
	w := three(t, 3, c)
	if on := w.on("a") + w.on("c"); on != "" {
		w.fail("protected resources started on %s", on)
	}
	w.wantRunning("free")
	d, err := Decide(w.s, w.now, w.leader, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Gated) == 0 || !strings.Contains(d.Gated[0].Reasons[0].Text, "add a fence block with targets = [n") {
		t.Fatalf("the decision does not say why: %+v", d.Gated)
	}
	c.Options = []policy.NVSet{{ID: "options", Pairs: []policy.Pair{{Name: "fencing-enabled", Value: "false"}}}}
	w.apply(state.Command{By: "test", SetConfig: &state.SetConfig{Base: 1, Policy: c}})
	w.run(20 * time.Second)
	w.wantRunning("a", "b", "c", "d")
}

func TestASlowStartDelaysNobodyElsesRecovery(t *testing.T) {
	w := newWorld(t, 4, cluster(), "n1", "n2", "n3")
	for _, h := range w.hosts {
		h.agent.Always("c", agents.Start, fake.Answer{Delay: 15 * time.Second})
	}
	w.run(8 * time.Second)
	if w.on("c") != "" {
		w.fail("c is not slow")
	}
	where := w.on("d")
	ev, ok := w.hosts[where].agent.Break("d", "killed by signal 9", w.now)
	if !ok {
		w.fail("d does not run")
	}
	n := w.s.Nodes[where]
	rec := n.History["d"].Records["d_monitor_10000"]
	rec.RC, rec.ExitReason = 7, ev.Reason
	w.apply(state.Command{By: where, Result: &state.Result{Node: where, Incarnation: n.Incarnation, Resource: "d", Record: rec}})
	w.run(time.Second)
	w.wantRunning("d")
	if w.on("c") != "" {
		w.fail("c was not slow enough for the test to mean anything")
	}
	w.run(20 * time.Second)
	w.wantRunning("c")
}

func TestAFailedStopLeadsToFencing(t *testing.T) {
	w := three(t, 5, cluster())
	where := w.on("d")
	boot := w.hosts[where].boot
	w.hosts[where].agent.Always("d", agents.Stop, fake.Answer{Code: agents.ErrGeneric, Reason: "device busy"})
	yes := true
	w.apply(state.Command{By: "test", SetNode: &state.SetNode{Node: where, Standby: &yes}})
	w.run(time.Minute)
	if w.hosts[where].boot == boot {
		w.fail("%s was not fenced", where)
	}
	w.wantRunning("a", "b", "c", "d")
	if w.on("d") == where {
		w.fail("d is on %s, which is in standby", where)
	}
}

func TestANodeDrainsBeforeItLeaves(t *testing.T) {
	w := three(t, 6, cluster())
	leaver := w.on("a")
	w.apply(state.Command{By: leaver, Leave: &state.Leave{Node: leaver, Reason: "reboot"}})
	w.run(10 * time.Second)
	if w.s.Nodes[leaver].Phase != state.PhaseDown {
		w.fail("%s is %s", leaver, w.s.Nodes[leaver].Phase)
	}
	if len(w.s.FenceLog) != 0 {
		w.fail("somebody was fenced: %+v", w.s.FenceLog)
	}
	w.wantRunning("a", "b", "c", "d")
}

func TestAMoveEndsWhenItHasArrived(t *testing.T) {
	w := three(t, 7, cluster())
	from := w.on("g-none") + w.on("a")
	to := "n1"
	if from == "n1" {
		to = "n2"
	}
	w.apply(state.Command{By: "test", StartMove: &state.Move{Resource: "g", Node: to, Until: w.now.Add(time.Minute).Unix()}})
	w.run(20 * time.Second)
	if w.on("a") != to || w.on("b") != to {
		w.fail("a on %s, b on %s, want %s", w.on("a"), w.on("b"), to)
	}
	if len(w.s.Settings.Moves) != 0 {
		w.fail("the move is still there: %+v", w.s.Settings.Moves)
	}
}

// TestStorm lets hosts die, be cut off and restart their daemons at random. In
// truth no resource ever runs twice; when the storm is over, everything runs.
func TestStorm(t *testing.T) {
	first, count := uint64(1), *seedsFlag
	if *seedFlag != 0 {
		first, count = *seedFlag, 1
	}
	for seed := first; seed < first+uint64(count); seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w := three(t, seed, cluster())
			for range 12 {
				victim := []string{"n1", "n2", "n3"}[w.rng.IntN(3)]
				switch w.rng.IntN(5) {
				case 0:
					w.killHost(victim)
					if !w.hosts[victim].up {
						w.after(time.Duration(2+w.rng.IntN(20))*time.Second, func() { w.bootHost(victim) })
					}
				case 1:
					w.cutHost(victim, time.Duration(500+w.rng.IntN(15000))*time.Millisecond)
				case 2, 3:
					w.restartDaemon(victim)
				case 4:
					for _, rsc := range []string{"a", "b", "c", "d"} {
						w.hosts[victim].agent.Script(rsc, agents.Start, fake.Answer{Delay: time.Duration(w.rng.IntN(8000)) * time.Millisecond})
					}
				}
				w.run(time.Duration(w.rng.IntN(8000)) * time.Millisecond)
			}
			for name, h := range w.hosts {
				if !h.up {
					w.bootHost(name)
				}
			}
			w.run(3 * time.Minute)
			w.apply(state.Command{By: "test", Cleanup: &state.Cleanup{}})
			w.run(2 * time.Minute)
			for name, n := range w.s.Nodes {
				if n.Phase != state.PhaseMember {
					w.fail("%s is %s when the storm is over", name, n.Phase)
				}
			}
			w.wantRunning("a", "b", "c", "d")
		})
	}
}
