// Package hostagent is a fence device for hosts that a daemon outside can kill
// and boot: the machines of a test bed, of the demo, of a laboratory.
//
//	fence agent (Main) ── unix socket, JSON lines ── Serve ── Power ── hosts
//	fence_hosts: stdin protocol of the fence-agents API      (Moody in between)
//
// [Main] is the agent, a program like any other fence agent: parameters
// "socket" and "plug" on standard input, an answer only when the host is
// really off or on. [Serve] is the other side; what "off" means is the
// [Power] that it is given. [Memory] keeps hosts that are nothing but a name
// and a state. [Moody] makes a device misbehave: slow, late, hanging, refusing,
// lying; moods are set from code or over the same socket ([Client.SetMood]).
//
// A request that has arrived is carried out even if the agent that sent it is
// gone: a device does not know who waits for it.
//
// Usage:
//
//	go hostagent.Serve(ctx, listener, &hostagent.Moody{Power: hosts})
//	os.Exit(hostagent.Main(os.Stdin, os.Stdout, os.Stderr, os.Args[1:]))
package hostagent
