package state

import (
	"fmt"
	"testing"

	"github.com/holdfast-ha/holdfast/policy"
)

// BenchmarkApplyResult is one result among a thousand resources on ten nodes,
// each with a monitor, as after a start of everything.
func BenchmarkApplyResult(b *testing.B) {
	s := New()
	index := uint64(0)
	apply := func(c Command) Outcome {
		index++
		c.At = int64(index)
		data, err := c.Encode()
		if err != nil {
			b.Fatal(err)
		}
		next, out := Apply(s, Entry{Index: index, Term: 1, Data: data})
		if out.Refused != nil {
			b.Fatal(out.Refused)
		}
		s = next
		return out
	}
	run := func(i int, task string, interval int64) {
		node, rsc := fmt.Sprintf("n%d", i%10), fmt.Sprintf("r%d", i)
		op := order(task+rsc, node, rsc, task, 0)
		op.Action.IntervalMS = interval
		id := apply(Command{Begin: &Begin{Seen: index, Ops: []Operation{op}}}).Ops[0]
		apply(Command{Result: &Result{Op: id, Node: node, Incarnation: 1, Resource: rsc, Record: policy.OpRecord{}}})
	}
	for i := range 10 {
		apply(Command{Join: &Join{Node: fmt.Sprintf("n%d", i), Boot: 1, Incarnation: 1}})
	}
	for i := range 1000 {
		run(i, policy.TaskStart, 0)
		run(i, policy.TaskMonitor, 10000)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() { // an order and its result
		run(i%1000, policy.TaskMonitor, 10000)
		i++
	}
}
