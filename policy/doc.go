// Package policy decides what a cluster should do next.
//
// It is pure: [Decide] takes a configuration, a status and a time, and returns
// a plan. It does no I/O, reads no clock, starts no goroutine and keeps nothing
// between calls, so that the plan shown before a commit, the plan that acts,
// and the plan replayed from history on a laptop are the same plan.
//
//	Config + Status + Now ──▶ Decide ──▶ Plan: actions with their orderings,
//	                                     placement, reasons, what is blocked
//
// The meaning of every option, score and rule is the one that administrators
// know from Pacemaker. Illegal configuration never aborts a decision: each
// problem falls back to a documented default and is listed in Plan.Problems.
//
// It never starts a resource that may still be active on an unclean node before
// that node's fencing.
package policy
