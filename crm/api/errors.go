package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/holdfast-ha/holdfast/crm/config"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/membership/core"
)

// Kind tells errors apart where a caller acts differently.
type Kind string

// The kinds of errors.
const (
	BadRequest    Kind = "bad-request"    // the request makes no sense
	Privilege     Kind = "privilege"      // this user may not do that
	NoSuch        Kind = "no-such"        // the object does not exist
	Exists        Kind = "exists"         // the object exists already
	Stale         Kind = "stale"          // someone else changed it first: read again
	Unsafe        Kind = "unsafe"         // it could harm, and was not forced
	NotApplicable Kind = "not-applicable" // it can not be done to this object now
	Invalid       Kind = "configuration"  // the configuration is invalid: see Diagnostics
	NoQuorum      Kind = "no-quorum"      // there is no leader: nothing can be changed
	Unknown       Kind = "unknown"        // nobody can say whether the change got through
	Timeout       Kind = "timeout"        // it was not over in time; it goes on
	Unavailable   Kind = "unavailable"    // this node can not answer now
	NotConnected  Kind = "not-connected"  // no daemon answers here; only clients make it
	Internal      Kind = "internal"       // a bug of ours
)

// status is the HTTP status of each kind.
func (k Kind) status() int {
	switch k {
	case BadRequest:
		return http.StatusBadRequest
	case Privilege:
		return http.StatusForbidden
	case NoSuch:
		return http.StatusNotFound
	case Exists, Stale, NotApplicable:
		return http.StatusConflict
	case Unsafe:
		return http.StatusPreconditionFailed
	case Invalid:
		return http.StatusUnprocessableEntity
	case NoQuorum, Unavailable:
		return http.StatusServiceUnavailable
	case Unknown, Timeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// Error is the answer to what can not be done.
type Error struct {
	Kind        Kind               `json:"kind"`
	Message     string             `json:"message"`
	Diagnostics config.Diagnostics `json:"diagnostics,omitempty"`
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

func errorf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// asError finds the kind of an error that came from below.
func asError(err error) *Error {
	var known *Error
	var refused *state.Refusal
	var tooLarge *http.MaxBytesError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &refused):
		return refusal(refused)
	case errors.As(err, &tooLarge):
		return errorf(BadRequest, "the request is larger than %d bytes", tooLarge.Limit)
	case errors.As(err, &syntax):
		return errorf(BadRequest, "the request is no JSON: %v", err)
	case errors.Is(err, core.ErrNoQuorum):
		return errorf(NoQuorum, "%v", err)
	case errors.Is(err, core.ErrOutcomeUnknown), errors.Is(err, context.Canceled):
		return errorf(Unknown, "%v", err)
	case errors.Is(err, context.DeadlineExceeded):
		return errorf(Timeout, "no answer in time: the change may still take effect; look at 'crm status' before trying again")
	case errors.Is(err, core.ErrBusy):
		return errorf(Unavailable, "%v", err)
	case errors.Is(err, core.ErrNoMember):
		return errorf(NoSuch, "%v", err)
	case errors.Is(err, core.ErrLastVoter):
		return errorf(Unsafe, "%v", err)
	case errors.Is(err, core.ErrTooLarge):
		return errorf(BadRequest, "%v: make it smaller, or split the configuration", err)
	}
	return errorf(Internal, "%v", err)
}

func refusal(r *state.Refusal) *Error {
	k := map[state.Kind]Kind{state.Stale: Stale, state.NoSuch: NoSuch, state.Conflict: NotApplicable, state.Invalid: BadRequest}[r.Kind]
	if k == "" {
		k = Internal
	}
	return errorf(k, "%s", r.Text)
}
