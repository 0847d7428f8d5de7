// Package cib reads Pacemaker's cluster information base, an XML document with
// a configuration and a status, into the words of package policy.
//
//	CIB XML ──▶ element tree ──▶ Document: policy.Config, policy.Status, Problems
//	            (limits, lines)  (normalised from older schemas)
//
// It promises that values stay the text that was written, that the order of the
// document is kept where it decides ties, that every object knows its line, and
// that nothing is left out silently: what has no meaning here is a Problem.
// Malformed XML is one error with file and line. Any input ends in a result or
// an error; sizes and depths are limited, and nothing outside of the document
// is ever read.
//
// It never judges a configuration (that is package policy's task), never talks
// to a cluster and never writes.
//
//	config, status, problems, err := cib.Import(file, "cib.xml")
package cib
