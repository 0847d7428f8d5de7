// Package membership answers who is here, who leads, and in what order things
// happened. It is the runtime around package core: one loop goroutine that
// steps core.Node, one storage goroutine that writes, and thin I/O.
//
//	transport ──▶ loop: core.Node.Step ──▶ transport, Application, events, views
//	                     ▲      │
//	             written │      ▼ writes
//	               storage goroutine: log and snapshots, fsynced
//
// Usage:
//
//	err := membership.Bootstrap(dir, membership.Init{ClusterName: "shop", Self: me}) // once
//	cfg := membership.DefaultConfig()
//	cfg.Dir, cfg.RunDir, cfg.Transport, cfg.App = dir, "/run/holdfast", transport, app
//	m, err := membership.Open(ctx, cfg)
//	out, err := m.Propose(ctx, data) // applied on this node when it returns
//
// What it promises:
//
//   - A proposal that Propose reported as done is on the disks of a majority
//     and survives whatever leaves a majority. It is applied at most once, also
//     if it was sent twice.
//   - The errors of Propose tell the three cases apart: certainly not done,
//     done, and unknown (core.ErrOutcomeUnknown).
//   - Boot and incarnation are on disk before the first packet leaves: a
//     restarted daemon and a rebooted host can be told apart, and late packets
//     of an earlier life are ignored.
//   - A member that cannot trust its disk or its log stops, falls silent and
//     says why (Done, Err). It never retries a failed fsync.
//
// What it never does: decide that a lost member is off (that is fencing's
// part), act on a minority, or read wall-clock time to decide anything but the
// lifetime of join tokens.
package membership
