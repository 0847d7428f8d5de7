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
// [Check] lists them without a decision.
//
// It never starts a resource that may still be active on an unclean node before
// that node's fencing.
//
//	plan, err := policy.Decide(policy.Input{Now: now, Config: cfg, Status: st})
//	fmt.Print(plan)
//
// # How a decision is made
//
// A model of the cluster goes through the stages that Decide lists. Each stage
// is a file or a few of them; in the order in which they work:
//
//	options, nodes, resource, resources, meta, templates,    what is configured
//	instances, bundles, remotes, ops
//	nodestate, history, results, outcomes, conclusions,      what is the case
//	migration_history, failures, locks, fencing
//	health, location, colocation, orders, tickets            what is wanted
//	internal                                                 what follows from shape
//	changes, digests, unfencing                              what ran with other parameters
//	assign, merge, apply_colocation, clones, promote,        where everything goes
//	bundle_placement, utilization
//	probes, primitive_actions, recurring, migration,         what that takes
//	collective_actions, notify
//	relations, update, effects                               what requires and blocks what
//	graph, plan_out, reasons, render                         what is left, in order, and why
//
// Resources form a tree: groups, clones, their instances and bundles have
// children, primitives act. Actions hang on resources; a relation between two
// actions carries flags, and the relations work on the actions until nothing
// changes. An action is part of the plan if it is then both required and
// possible.
package policy
