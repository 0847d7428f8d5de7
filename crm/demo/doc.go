// Package demo shows a cluster of three nodes, a failure and a failover on one
// machine, in one command and without privileges.
//
//	crm demo ─┬─ n1: crm agent  127.x.y.1 ─┐
//	          ├─ n2: crm agent  127.x.y.2 ─┼─ real sockets, logs, certificates
//	          ├─ n3: crm agent  127.x.y.3 ─┘
//	          ├─ fence device: kills a node's processes, starts them again
//	          └─ client: asks the service each 10 ms
//
// The nodes are processes of the same program in a temporary folder. The
// service is a tiny web server ([Serve]) at one loopback address, run by the
// agent "process". The fence device is the fence agent fence_hosts, which is
// the program itself by another name, and which asks the demo to kill a node:
// its daemon and all that it started. A killed node that is started again has
// lost its run-time folder, as a rebooted machine has.
//
// With Hosts the nodes are hosts of package hosts, and the service has a real
// address; that needs root.
//
// Run succeeds only if all of the story happened. Nothing is left behind: a
// guard ends what runs even if the demo itself is killed. Only after a failure
// the folder with the logs is kept, and named.
package demo
