// Package agent runs fence agents: programs that speak the fence-agents API.
//
// An agent is asked by lines "name=value" on its standard input, one of them
// "action=off", and answers by its exit code, for some actions by its output:
//
//	off, on, reboot, monitor, validate-all   0: done; anything else: not done
//	status                                   0: on; 2: off; else: unknown
//	list                                     0: lines "plug,alias"
//	metadata                                 0: XML that says what it can
//
// Promises: an agent gets its parameters on standard input only, never in its
// argument list or environment; no result, error or log line of this package
// holds the value of a secret parameter; of its output the first 64 KiB are
// kept; it runs in a process group of its own, which is ended at the deadline
// (SIGTERM, then SIGKILL) and swept after its answer, and a process that holds
// its output open does not delay the answer. What goes wrong is one clear
// error in the [Result]; there is no other error path.
//
// It never decides anything and knows nothing of nodes and levels.
//
// Usage:
//
//	runner := agent.DefaultRunner()
//	r := runner.Run(ctx, agent.Request{Agent: "fence_ipmilan", Action: fencing.Off,
//		Params: map[string]string{"ip": "10.0.9.13"}, Timeout: time.Minute})
package agent
