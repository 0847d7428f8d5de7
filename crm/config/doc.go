// Package config is the configuration language: HCL documents on one side,
// policy.Config and its neighbours on the other, positions in between.
//
// A cluster stores the documents that administrators wrote, comments included,
// beside what they decode to. Decode turns a Set of documents into a Decoded,
// or into diagnostics that name file, line and columns and say what to do:
//
//	Error: Unknown resource
//	  on nginx.hcl line 5, in resource "vip" "web_ip":
//	   5:   with = [ngnix]
//	there is no resource named "ngnix". Did you mean "nginx"?
//
// How a configuration is read:
//
//	documents ── checkLimits ── parse ── variables, locals
//	                                          │
//	          names of all objects  ◄── for_each expanded
//	                  │
//	  one reader per block ── agents' metadata ── lints ── Decoded
//
// The readers are the schema: a block remembers what it was asked for, and
// whatever nobody asked for is reported with the nearest word that is known.
//
// The language is strict; what imported configurations hold all the same is
// written with the word "literal" and draws a warning (see literal.go).
//
// The other way round, SetMeta, AddBlock, DeleteObject and their kin edit the
// text in place and leave the rest of it alone; FromPolicy writes a
// configuration as canonical HCL; Format lays text out; Diff compares two
// configurations object by object; Rebase merges two edits of one base.
//
// Promises: equal documents and options give equal results. No text, however
// hostile, makes this package panic, hang or fill the memory: depth, size and
// repetition have limits (see limits.go). Functions of the language are pure.
//
// It never reads a file, the network or the clock; it never asks an agent
// anything itself (an AgentCatalog may); and it never resolves a secret:
// secret("name") stays the reference "secret:name", and values that must not
// be shown are masked in everything that this package renders.
package config
