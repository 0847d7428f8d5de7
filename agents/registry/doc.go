// Package registry finds the agent for a spec.
//
// There is no global list that packages put themselves into: whoever builds a
// daemon, a demo or a test fills in a [Set] with the agents that it has, and
// hands it on.
//
//	set := registry.Set{VIP: vip.New(...), Process: p, OCF: o}
//	agent, err := set.Lookup(agents.Spec{Class: "holdfast", Type: "vip"})
//
// A class that the set lacks is an error that says so; a name that is nearly
// right brings the right one in its error.
package registry
