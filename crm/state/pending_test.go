package state

import (
	"testing"

	"github.com/holdfast-ha/holdfast/policy"
)

// TestAPendingOperationHasItsParameters: the engine compares the digest of what
// is in flight with the configuration.
func TestAPendingOperationHasItsParameters(t *testing.T) {
	h := begin(t)
	h.join("n1", 1, 1)
	op := order("a_start_0@n1", "n1", "a", policy.TaskStart, 0)
	op.Action.Digest, op.Action.RestartDigest, op.Action.RestartParams = "all", "some", " x "
	h.begin(op)
	ops := h.s.Status("n1", true).Nodes[0].History[0].Ops
	if len(ops) != 1 {
		t.Fatalf("the start under way is told as %+v", ops)
	}
	if o := ops[0]; o.Status != policy.OpPending || o.Digest != "all" || o.RestartDigest != "some" || o.RestartParams != " x " {
		t.Errorf("the start under way is told as %+v", o)
	}
}
