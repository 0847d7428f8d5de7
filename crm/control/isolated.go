package control

import (
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// Isolated is what a node may do by itself that has lost the majority: end what
// the no-quorum-policy wants ended, in order, and nothing else. It starts
// nothing, promotes nothing and fences nobody: the others decide about this
// node, and nothing that it ran starts there before it is fenced.
func Isolated(s *state.State, now time.Time, self string) ([]policy.Action, error) {
	d, err := Decide(s, now, self, false)
	if err != nil {
		return nil, err
	}
	var out []policy.Action
	for _, a := range d.Ready {
		if a.Kind == policy.ResourceAction && a.Node == self && (a.Task == policy.TaskStop || a.Task == policy.TaskDemote) {
			out = append(out, a)
		}
	}
	return out, nil
}
