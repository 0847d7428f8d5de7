// Package systemd runs systemd units as resources, over D-Bus and by events.
//
// The resource "systemd:nginx" is the unit nginx.service; other unit types and
// template instances are named in full ("data.mount", "web@1.service"). The
// class "holdfast", type "systemd" is the same with the unit as a parameter.
//
//	start, stop ──▶ StartUnit/StopUnit ──▶ job ──▶ JobRemoved(result) ──▶ look at the unit
//	monitor     ──▶ look at the unit; a unit on its way is awaited, by the deadline
//	watch       ──▶ PropertiesChanged of that unit + pidfd of its main process ──▶ Event
//
// What it promises beyond the contract of all agents:
//
//   - a job is never missed: its end is recorded also when the signal overtakes
//     the reply that names the job;
//   - a manager that is away for a moment (daemon-reexec, a restarted message
//     bus) is not a failed resource: the connection is made again, subscriptions
//     too, and the question is asked again until the operation's own deadline;
//   - a stop works also while systemd stops our own daemon (see stopMode).
//
// The drop-ins of managed units (no restart behind the cluster's back, our
// daemon stops first at shutdown) change with the configuration and not with
// each start: see [Agent.Sync].
//
// It never parses the output of systemctl, never polls a unit that is quiet,
// and never enables or disables a unit.
package systemd
