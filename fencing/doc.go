// Package fencing makes sure that a lost node is off before anyone relies on
// it.
//
// It is the deciding part and pure: no I/O, no clock, no goroutine, no
// randomness of its own. It answers two questions. [Plan] says which devices
// can fence a node, in which levels, and if none can, what to change. An
// [Operation] carries one fencing through: events in, effects out, time as an
// argument.
//
//	 Plan ──> Levels ──> New(Spec) ──> Operation
//	                                    │   ▲
//	              RunDevice, StopDevice │   │ DeviceResult, Tick, TargetBeat,
//	              WakeAt, Report, Alarm │   │ ManualConfirm, Recorded, Cancel
//	                                    ▼   │
//	off on all of a level ─ status ─ silence ─ Confirmed ─ on ─ Done
//	    └─ failed, hung or lying: next level; none left: Failed
//
// Promises:
//
//   - A node counts as fenced only when every device of one level said so, no
//     device that can be asked contradicted it, and the node itself stayed
//     silent afterwards; or when it shows a newer boot; or when a person says
//     so by name. [Confirmed] carries the [Receipt], once.
//   - A receipt is about one boot of one node: [Receipt.Covers] never holds for
//     a later boot.
//   - Late, repeated and foreign results change nothing.
//   - A reboot is off, then verify, then the receipt, and only after the
//     receipt is recorded ([Recorded]) the node is switched on again: a second
//     shot never hits a fresh boot.
//   - A failed "on" is reported and never takes a receipt back.
//
// It never runs a program, never waits and never decides who should be fenced.
// Sub-package agent runs fence agents, executor carries out the effects,
// hostagent is a fence device for hosts that a test bed or the demo starts.
//
// Usage:
//
//	levels, problems := fencing.Plan("n3", devices, topologies, attrs, fencing.Reboot)
//	op := fencing.New(fencing.Spec{ID: "f-12", Target: "n3", Boot: 7,
//		Action: fencing.Reboot, Levels: levels, Timing: fencing.DefaultTiming()}, now)
//	for _, e := range op.Step(now, fencing.Tick{}) {
//		// carry out e, hand the answers to op.Step
//	}
package fencing
