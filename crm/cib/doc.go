// Package cib reads Pacemaker's cluster information base, an XML document with
// a configuration and a status, into the words of package policy, and writes a
// configuration as such a document.
//
//	CIB XML ──▶ element tree ──▶ Document: policy.Config, policy.Status, Problems
//	            (limits, lines)  (normalised from older schemas)
//	CIB XML ◀── element tree ◀── Document: policy.Config, alerts, permissions
//	            (valid ids)
//
// It promises that values stay the text that was written, that the order of the
// document is kept where it decides ties, that every object knows its line, and
// that nothing is left out silently: what has no meaning here is a Problem.
// Malformed XML is one error with file and line. Any input ends in a result or
// an error; sizes and depths are limited, and nothing outside of the document
// is ever read.
//
// What is exported reads back as the same configuration, and equal
// configurations give equal texts.
//
// It never judges a configuration (that is package policy's task) and never
// talks to a cluster.
//
//	config, status, problems, err := cib.Import(file, "cib.xml")
//	err = cib.Export(config, os.Stdout)
package cib
