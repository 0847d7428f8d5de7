package cli

import (
	"errors"
	"fmt"
)

// ExitCode is what the process ends with. The numbers are those that scripts
// around Pacemaker know.
type ExitCode int

// The exit codes.
const (
	ExitOK            ExitCode = 0
	ExitFailure       ExitCode = 1   // anything without a code of its own
	ExitChanges       ExitCode = 2   // with --detailed-exitcode: there is something to do
	ExitNoPrivilege   ExitCode = 4   // the cluster does not let this user do that
	ExitUsage         ExitCode = 64  // wrong flags or arguments
	ExitData          ExitCode = 65  // the input is malformed
	ExitNoInput       ExitCode = 66  // the input cannot be read
	ExitUnavailable   ExitCode = 69  // a service that is needed does not answer
	ExitSoftware      ExitCode = 70  // a bug of ours
	ExitCannotCreate  ExitCode = 73  // the output cannot be written
	ExitNoPermission  ExitCode = 77  // the operating system does not let this user do that
	ExitConfig        ExitCode = 78  // the configuration is invalid
	ExitNotConnected  ExitCode = 102 // no cluster is running here
	ExitStale         ExitCode = 103 // someone else changed it first
	ExitNoSuchObject  ExitCode = 105
	ExitNoQuorum      ExitCode = 106
	ExitUnsafe        ExitCode = 107 // refused: it could harm, and was not forced
	ExitExists        ExitCode = 108 // the object exists already
	ExitMultiple      ExitCode = 109 // more than one object matches
	ExitNotApplicable ExitCode = 113
	ExitTimeout       ExitCode = 124
)

// ExitError is an error that decides the exit code. Err may be nil for codes
// that say it all, such as ExitChanges: then nothing is printed.
type ExitError struct {
	Code ExitCode
	Err  error
}

// Error implements error.
func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *ExitError) Unwrap() error { return e.Err }

// exitf builds an ExitError from a message.
func exitf(code ExitCode, format string, args ...any) error {
	return &ExitError{Code: code, Err: fmt.Errorf(format, args...)}
}

// outcome splits an error into the exit code and the message to print, which
// is "" if there is none.
func outcome(err error) (ExitCode, string) {
	if err == nil {
		return ExitOK, ""
	}
	var exit *ExitError
	if !errors.As(err, &exit) {
		if found := diagnosticsOf(err); found.HasErrors() {
			return ExitConfig, invalidText(found)
		}
		return codeOf(err), err.Error()
	}
	if exit.Err == nil {
		return exit.Code, ""
	}
	return exit.Code, err.Error()
}
