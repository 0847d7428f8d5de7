package systemd

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// The codes of ExecMainCode, from waitid(2).
const (
	cldExited = 1
	cldKilled = 2
	cldDumped = 3
)

// failure says in words why a unit is down. It is empty for one that ended well.
func (s snapshot) failure() string {
	switch s.Result {
	case "", "success":
		if s.Active == "failed" {
			return "the unit failed"
		}
		return ""
	case "exit-code":
		return s.ending("main process")
	case "signal":
		return s.ending("main process")
	case "core-dump":
		return s.ending("main process")
	case "watchdog":
		return "the service stopped feeding its watchdog"
	case "oom-kill":
		return "killed because memory ran out"
	case "timeout":
		return "systemd's own timeout for the unit passed"
	case "start-limit-hit":
		return "started too often (systemd's start limit)"
	case "protocol":
		return "the service broke its start protocol (wrong Type= or missing notification)"
	case "resources":
		return "systemd lacked the resources to run it"
	}
	return "result " + s.Result
}

// ending says how the main process ended.
func (s snapshot) ending(who string) string {
	switch s.ExitCode {
	case cldExited:
		if s.ExitStatus >= 200 && s.ExitStatus <= 243 {
			// systemd's own codes for what failed before the program ran.
			return fmt.Sprintf("%s could not be run (status %d: see systemd.exec, process exit codes)", who, s.ExitStatus)
		}
		return fmt.Sprintf("%s exited with status %d", who, s.ExitStatus)
	case cldKilled, cldDumped:
		text := fmt.Sprintf("%s killed by signal %d (%s)", who, s.ExitStatus, unix.SignalName(unix.Signal(s.ExitStatus)))
		if s.ExitCode == cldDumped {
			text += ", core dumped"
		}
		return text
	}
	return "a process of the unit failed (" + s.Result + ")"
}

// jobFailure says in words what the result of a job means; "" for "done".
func jobFailure(verb, result string) string {
	switch result {
	case "done", "":
		return ""
	case "failed":
		return verb + " failed"
	case "timeout":
		return "the " + verb + " job timed out in systemd (JobTimeoutSec=), before our own deadline"
	case "dependency":
		return "a unit that it needs could not be started; see systemctl list-dependencies"
	case "canceled":
		return "the " + verb + " job was cancelled by another one; did somebody run systemctl?"
	case "skipped":
		return "systemd skipped the " + verb + " job: it does not apply to the unit's state"
	case "assert":
		return "an Assert…= of the unit is not met"
	case "unsupported":
		return "this unit type is not supported on this node"
	case "collected":
		return "the unit was unloaded before it ran"
	case "once":
		return "the unit is started once only and has been started before"
	}
	return verb + " job ended with " + result
}
