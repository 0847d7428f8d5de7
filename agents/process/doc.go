// Package process runs a command as a supervised daemon: "holdfast:process".
//
// It is for machines without systemd, for the demo, and for anything that runs
// in the foreground and needs no more than to be started, watched and stopped.
//
//	agent "process" {
//	  command = "/usr/sbin/nginx -g 'daemon off;'"
//	  ready   = "tcp:127.0.0.1:80"
//	}
//
// The command gets a session and process group of its own, and survives the
// daemon that started it: nothing but files connects the two. Whoever starts
// again finds it by its pid file, which names the pid, the moment at which the
// kernel made the process, and the boot. A pid that was used again is thus
// never mistaken for it. If the file is lost, the process is found by the mark
// in its environment (HOLDFAST_PIDFILE).
//
//	start   gate (sh, waiting on a pipe) ─▶ pid file written ─▶ gate opens ─▶ exec command ─▶ ready?
//	stop    stop-signal to the group ─▶ kill-after ─▶ KILL ─▶ nothing of the session is left
//	watch   pidfd: an event within milliseconds of the end
//
// The gate closes the gap between the birth of the process and the record of
// it: if the daemon dies in between, the pipe closes, and the gate goes away
// without having run the command.
//
// Promises beyond the contract:
//
//   - two are never started for one resource: a main process, or children that
//     it left behind, are found first, by the kernel's own records;
//   - stop succeeds only when nothing of the session is left;
//   - a process of someone else is never signalled;
//   - the daemon's children are reaped.
//
// A start that times out, or is given up, leaves the process running, and names
// it: a database that recovers for an hour must not be killed because someone
// was impatient. The stop that follows ends it in order.
//
// # Parameters
//
// command is split into words as a shell would, but no shell runs: blanks
// separate words, '...' takes everything literally, "..." takes everything but
// \" and \\ literally, a backslash outside of quotes takes the next character
// literally. There are no variables, globs, pipes, redirections or comments.
// The first word is looked up in PATH unless it has a slash.
//
// environment is words of the same kind, NAME=value each, added to PATH, LANG=C,
// HOME, USER, LOGNAME, SHELL, HOLDFAST_RESOURCE, HOLDFAST_NODE and
// HOLDFAST_PIDFILE. Nothing else is inherited.
//
// ready says when the service serves: "tcp:HOST:PORT" accepts a connection,
// "http://..." answers with 2xx or 3xx, a path exists and is newer than the
// start (a socket: accepts). Without it, start waits for [Settle] and expects
// the process to live. Monitors look at it from OCF_CHECK_LEVEL 10 on.
//
// The output goes to NAME.log in the run directory. A start first moves a log
// of more than [MaxLog] bytes aside to NAME.log.1; between starts it is not
// bounded, so a talkative program should log for itself.
//
// A command that puts itself into the background in a session of its own is
// lost to this agent: it must stay in the foreground.
package process
