package daemon

import (
	"testing"

	"github.com/holdfast-ha/holdfast/crm/state"
)

func TestWhenAFencingAttemptIsOver(t *testing.T) {
	mine := attempt{Fencing: state.Fencing{ID: "f7", Target: "n2", Attempt: 1, Executor: "n1", Running: true}}
	running := func(id string, number int, on bool) map[string]*state.Fencing {
		return map[string]*state.Fencing{"n2": {ID: id, Target: "n2", Attempt: number, Running: on}}
	}
	for what, c := range map[string]struct {
		fencing    map[string]*state.Fencing
		log        []state.FenceRecord
		over, void bool
	}{
		"still running":           {fencing: running("f7", 1, true)},
		"it failed":               {fencing: running("f7", 1, false), over: true},
		"handed to another node":  {fencing: running("f7", 2, true), over: true, void: true},
		"another fencing":         {fencing: running("f9", 1, true), over: true, void: true},
		"the node came back":      {over: true, void: true},
		"a person confirmed it":   {log: []state.FenceRecord{{ID: "f8", OK: true, Executor: "root"}}, over: true, void: true},
		"another node did it":     {log: []state.FenceRecord{{ID: "f7", OK: true, Executor: "n3"}}, over: true, void: true},
		"own receipt: still 'on'": {log: []state.FenceRecord{{ID: "f7", OK: true, Executor: "n1"}}, over: true},
	} {
		over, void := mine.over(&state.State{Fencing: c.fencing, FenceLog: c.log}, "n1")
		if over != c.over || void != c.void {
			t.Errorf("%s: over %v, void %v", what, over, void)
		}
	}
}
