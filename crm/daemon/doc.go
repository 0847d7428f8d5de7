// Package daemon is the place where everything meets: the only one with
// goroutines, timers and effects of the cluster as a whole.
//
//	membership ─ log ─▶ machine (state) ─▶ executor   runs what is ordered here
//	     │                    │       └──▶ fencer     fences what this node was told to
//	     └─ view ─▶ controller loop ◀─┘               decides, while this node leads
//	                    API ◀─ state, view, decision ─▶ shell, commands, other nodes
//
// Each loop is thin: it takes what a pure package says and carries it out. What
// may be lost when the process dies is nothing that anybody was told: orders and
// results live in the log, resources live in the host, and the next daemon
// adopts them.
package daemon
