// Package hosts makes several machines out of one, for acceptance tests and for
// the demo. It needs root on Linux.
//
//	       switch namespace: one bridge per link, nftables for cuts
//	      ┌───────┬───────┬───────┬────────┐
//	    [n1]    [n2]    [n3]   [client]    │ veth pairs
//	      │       │       │        └ probes the service from outside
//	each: network namespace, PID namespace, overlay of this machine's root,
//	      and, if asked for, a booted systemd of its own (systemd-nspawn)
//
// A host can be killed as a power cut does it ([Lab.Kill]: its switch ports go
// down, then its init dies, and all its processes with it), booted again
// ([Lab.Boot]: disk as it was, memory, /run and addresses gone), cut off and
// healed ([Lab.Cut], [Lab.Heal]). A [Lab] is a power switch for
// fencing/hostagent, so fence agents inside the hosts can kill their peers.
//
// An [Observer] looks at every host's kernel from outside, each 10 ms, and a
// [Probe] asks the service address from the client. What they say about
// overlaps and outages comes from the kernel alone, never from a cluster's log;
// all hosts share one clock.
//
// It promises to leave nothing behind, even if the process is killed:
// namespaces and mounts have no names outside (they live in a mount namespace of
// their own and in file descriptors), loop devices detach themselves, and what
// has a name, processes and cgroups, is ended by a guard that outlives us for a
// moment. The machine's own network is never touched.
//
// Usage:
//
//	lab, err := hosts.New(ctx, hosts.Config{Count: 3, WithSystemd: true})
//	defer lab.Close()
//	out, err := lab.Exec(ctx, "n1", "systemctl", "is-system-running")
package hosts
