// Package render turns what the cluster knows into text that people read: the
// status in the shape that users of crm_mon know by heart, and the actions of a
// plan in their order with their reasons.
//
//	View (nodes, configuration, placement, failures, fencing) ──▶ Status ──▶ text
//	policy.Plan ──────────────────────────────────────────────▶ Actions ─▶ text
//
// It takes plain structs and a writer. It does no I/O of its own, reads no
// clock and decides nothing; the same input always gives the same text. What it
// derives from a configuration, such as the number of a clone's instances, is
// for display only.
package render
