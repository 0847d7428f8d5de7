package control

import (
	"maps"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// Decision is a plan seen from the state it was made on: what may begin now, and
// what is held back because no fence device protects it.
type Decision struct {
	Index uint64 // of the state
	At    time.Time
	Plan  *policy.Plan
	Ready []policy.Action // no predecessor of theirs is left, and nothing holds them
	Gated []policy.Blocked
}

// Decide is the one way from a state to a decision. The controller acts on it,
// and the same function shows an operator what a change would do.
func Decide(s *state.State, now time.Time, dc string, quorum bool) (*Decision, error) {
	in := s.Input(now.Truncate(time.Second), dc, quorum)
	plan, err := policy.Decide(in)
	if err != nil {
		return nil, err
	}
	d := &Decision{Index: s.Index, At: now, Plan: plan}
	held := gate(in.Config, s, plan, &d.Gated)
	waits := waiting(plan)
	for _, a := range plan.Actions {
		if a.Kind != policy.PseudoAction && !waits[a.ID] && !held[a.ID] {
			d.Ready = append(d.Ready, a)
		}
	}
	return d, nil
}

// waiting tells which actions have a real predecessor in the plan. A pseudo
// action carries orderings: whoever waits for it waits for what it waits for.
// What has been done is not in the plan any more, so what is left is undone.
func waiting(p *policy.Plan) map[string]bool {
	pseudo := map[string]bool{}
	for i := range p.Actions {
		pseudo[p.Actions[i].ID] = p.Actions[i].Kind == policy.PseudoAction
	}
	waits := map[string]bool{}
	for i := range p.Actions { // predecessors come first
		a := &p.Actions[i]
		for _, id := range a.After {
			if isPseudo, known := pseudo[id]; known && (!isPseudo || waits[id]) {
				waits[a.ID] = true
				break
			}
		}
	}
	return waits
}

// arrived says whether a moved resource is where it was moved to, or can not go
// there at all; either way the move is over.
func (d *Decision) arrived(s *state.State, m state.Move) bool {
	parts := state.Descendants(state.FindResource(s.Config.Policy, m.Resource))
	there, elsewhere := false, false
	for _, p := range d.Plan.Current {
		if !parts[instanceBase(p.Resource)] || p.Role == policy.RoleStopped {
			continue
		}
		if p.Node == m.Node {
			there = true
		} else {
			elsewhere = true
		}
	}
	if there && !elsewhere {
		return !d.touches(parts)
	}
	return !d.touches(parts) && len(s.Pending) == 0 && s.Index > 0 && !d.planned(parts, m.Node)
}

func (d *Decision) touches(parts map[string]bool) bool {
	return slices.ContainsFunc(d.Plan.Actions, func(a policy.Action) bool {
		return a.Kind == policy.ResourceAction && a.Task != policy.TaskMonitor && parts[instanceBase(a.Resource)]
	})
}

func (d *Decision) planned(parts map[string]bool, node string) bool {
	return slices.ContainsFunc(d.Plan.Placement, func(p policy.Placement) bool {
		return parts[instanceBase(p.Resource)] && p.Node == node && p.Role != policy.RoleStopped
	})
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
