package cli

import (
	"context"
	"errors"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/config"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

// kindCodes are the exit codes of what a daemon answers.
var kindCodes = map[api.Kind]ExitCode{
	api.BadRequest: ExitUsage, api.Privilege: ExitNoPermission, api.NoSuch: ExitNoSuchObject, api.Exists: ExitExists,
	api.Stale: ExitStale, api.Unsafe: ExitUnsafe, api.NotApplicable: ExitNotApplicable, api.Invalid: ExitConfig,
	api.NoQuorum: ExitNoQuorum, api.Unknown: ExitTimeout, api.Timeout: ExitTimeout, api.Unavailable: ExitUnavailable,
	api.NotConnected: ExitNotConnected, api.Internal: ExitSoftware,
}

// codeOf is the exit code of an error that is no ExitError.
func codeOf(err error) ExitCode {
	var e *api.Error
	var refused *identity.Refusal
	switch {
	case errors.As(err, &e):
		if code, ok := kindCodes[e.Kind]; ok {
			return code
		}
	case errors.As(err, &refused):
		switch refused.Code {
		case identity.NameTaken, identity.AddressTaken:
			return ExitExists
		case identity.Unavailable:
			return ExitUnavailable
		}
		return ExitNoPrivilege
	case errors.Is(err, identity.ErrMistyped):
		return ExitData
	case errors.Is(err, identity.ErrNone):
		return ExitNotConnected
	case errors.Is(err, context.Canceled):
		return ExitFailure
	}
	return ExitFailure
}

// diagnosticsOf are the findings that an error carries, for printing.
func diagnosticsOf(err error) config.Diagnostics {
	var e *api.Error
	if errors.As(err, &e) {
		return e.Diagnostics
	}
	var d *diagnosed
	if errors.As(err, &d) {
		return d.found
	}
	return nil
}

// diagnosed is an error about configuration text that was read here.
type diagnosed struct{ found config.Diagnostics }

// Error says how many errors there are; they are printed beside it.
func (d *diagnosed) Error() string { return invalidText(d.found) }

func invalidText(found config.Diagnostics) string {
	switch n := len(found.Errors()); n {
	case 1:
		return "the configuration is invalid: see above"
	default:
		return "the configuration is invalid: " + plural(n, "error") + ", see above"
	}
}
