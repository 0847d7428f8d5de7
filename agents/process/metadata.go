package process

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// Metadata describes the parameters.
func (a *Agent) Metadata(_ context.Context, spec agents.Spec) (*agents.Metadata, error) {
	if spec.Type != "process" {
		return nil, fmt.Errorf("metadata of %s: this is the agent holdfast:process", spec)
	}
	return &agents.Metadata{
		Name: "process", Version: "1",
		Short: "runs a command as a supervised daemon",
		Long:  "Starts a command in a session of its own, watches it without polling, and stops it with all its children. The command must stay in the foreground.",
		Parameters: []agents.Parameter{
			{Name: "command", Type: "string", Required: true, Short: "the program and its arguments, in words as in a shell; no shell runs"},
			{Name: "directory", Type: "string", Default: "/", Short: "working directory"},
			{Name: "environment", Type: "string", Short: "variables, NAME=value, in words as in a shell"},
			{Name: "pidfile", Type: "string", Unique: true, Short: "where the process is remembered; default: in the daemon's run directory"},
			{Name: "stop-signal", Type: "string", Default: "TERM", Short: "the signal that asks the process group to end"},
			{Name: "kill-after", Type: "time", Default: "10s", Short: "how long after it KILL is sent; at most three quarters of the operation's timeout"},
			{Name: "ready", Type: "string", Short: "tcp:HOST:PORT, http://URL or a path: start is done when that answers; monitors ask it from depth 10 on"},
			{Name: "user", Type: "string", Short: "USER or USER:GROUP to run as; default: the daemon's own"},
		},
		Actions: []agents.ActionDef{
			{Name: string(agents.Start), Timeout: 20 * time.Second},
			{Name: string(agents.Stop), Timeout: 20 * time.Second},
			{Name: string(agents.Monitor), Timeout: 20 * time.Second, Interval: time.Minute, Depth: "0"},
			{Name: string(agents.Monitor), Timeout: 20 * time.Second, Interval: 10 * time.Second, Depth: "10"},
			{Name: string(agents.ValidateAll), Timeout: 5 * time.Second},
		},
	}, nil
}
