package render

import (
	"testing"

	"github.com/holdfast-ha/holdfast/policy"
)

func TestFailures(t *testing.T) {
	op := func(id, operation string, interval, call, rc, expected, status int64) policy.OpRecord {
		return policy.OpRecord{ID: id, Operation: operation, IntervalMS: interval, CallID: call, RC: rc, ExpectedRC: expected, Status: status}
	}
	for name, c := range map[string]struct {
		ops  []policy.OpRecord
		want int
	}{
		"a success":                             {[]policy.OpRecord{op("a_last_0", "start", 0, 1, 0, 0, policy.OpDone)}, 0},
		"a probe that found nothing":            {[]policy.OpRecord{op("a_last_0", "monitor", 0, 1, 7, 7, policy.OpDone)}, 0},
		"a probe that found it running":         {[]policy.OpRecord{op("a_last_0", "monitor", 0, 1, 0, 7, policy.OpError)}, 0},
		"a probe that cannot tell":              {[]policy.OpRecord{op("a_last_0", "monitor", 0, 1, 5, 7, policy.OpNotInstalled)}, 1},
		"a promoted monitor":                    {[]policy.OpRecord{op("a_monitor_10", "monitor", 10, 1, 8, 8, policy.OpDone)}, 0},
		"a failed monitor":                      {[]policy.OpRecord{op("a_monitor_10", "monitor", 10, 1, 7, 0, policy.OpError)}, 1},
		"a timeout":                             {[]policy.OpRecord{op("a_last_0", "start", 0, 1, 1, 0, policy.OpTimeout)}, 1},
		"one that is still going on":            {[]policy.OpRecord{op("a_last_0", "start", 0, -1, 193, 0, policy.OpPending)}, 0},
		"recorded twice":                        {[]policy.OpRecord{op("a_last_0", "start", 0, 3, 1, 0, policy.OpError), op("a_last_failure_0", "start", 0, 3, 1, 0, policy.OpError)}, 1},
		"of which a later success is known":     {[]policy.OpRecord{op("a_last_failure_0", "start", 0, 3, 1, 0, policy.OpError), op("a_last_0", "start", 0, 5, 0, 0, policy.OpDone)}, 0},
		"of another operation than the success": {[]policy.OpRecord{op("a_last_failure_0", "monitor", 10, 3, 1, 0, policy.OpError), op("a_last_0", "start", 0, 5, 0, 0, policy.OpDone)}, 1},
		"with no expectation":                   {[]policy.OpRecord{op("a_last_0", "start", 0, 1, 6, policy.Unset, policy.OpDone)}, 1},
	} {
		status := &policy.Status{Nodes: []policy.NodeState{{Name: "n1", History: []policy.ResourceHistory{{ID: "a", Ops: c.ops}}}}}
		if got := Failures(status); len(got) != c.want {
			t.Errorf("%s: got %+v, want %d", name, got, c.want)
		}
	}
}
