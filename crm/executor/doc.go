// Package executor carries out this node's operations and looks after what runs
// here.
//
//	state ──▶ Sync ──▶ lanes (one per resource) ──▶ agents ──▶ Report ──▶ the log
//	                   recurring monitors, watches ──▶ check ──▶ Report, on change only
//
// Orders are entries of the replicated log; Sync picks those that are for this
// node and this incarnation of its daemon. One resource does one thing at a time,
// different resources never wait for each other.
//
// It promises:
//
//   - an order of another incarnation, from before this daemon joined, or of a
//     term below the highest that it has seen, is never carried out, nor one that
//     became void while it waited for its resource;
//   - an order is carried out at most once, and its result is reported until the
//     log has it or says that it is void;
//   - before a resource is stopped, started, promoted or demoted, its monitors
//     and watches end, so that no late finding speaks of an earlier state;
//   - what an earlier daemon's agents left half done is ended before this one
//     joins.
//
// It never decides: it does not retry, move or fence.
package executor
