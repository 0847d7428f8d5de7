// Package api is how everyone but the daemon itself talks to a cluster: the
// command line, the shell, the dashboard, other nodes.
//
// It is HTTP with JSON. The same routes are served on the control socket, where
// whoever may open it is known by the kernel, and on the nodes' own port, where
// a certificate says which node asks.
//
//	crm ──▶ Client ──▶ unix socket ──▶ Server ──▶ Backend (the daemon) ──▶ log
//	                                     │
//	                  GET  /v1/status    what is, and why something is not
//	                  POST /v1/plan      what would happen
//	                  POST /v1/…         a change: accepted once the log has it
//	                  GET  /v1/wait      what a change came to, as it happens
//
// Any member answers every question and takes every change. A change that was
// answered with success is in the log and applied on the node that answered.
//
// Promises:
//
//   - Status and plans are made by the function that also acts (control.Decide).
//   - Every error is an [Error]: a kind that a program can branch on, a sentence
//     that says what to do, and for configurations the diagnostics.
//   - Whatever a client sends is bounded in size and time, and never panics.
//
// What it never does: decide, keep state of its own, or show a secret that is
// written as secret("NAME").
package api
