package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/policy"
)

// changed prints an accepted change and follows it until it has had its effect,
// unless --no-wait.
func (a *App) changed(ctx context.Context, c *api.Change) error { return a.follow(ctx, c, false) }

// follow is changed; with tolerant it is no failure that something can not
// happen now.
func (a *App) follow(ctx context.Context, c *api.Change, tolerant bool) error {
	if a.NoWait || c.Index == 0 {
		return a.show(c, func() string { return sentence(c.Text) })
	}
	if a.Output == Text {
		if err := a.print("%s", sentence(c.Text)); err != nil {
			return err
		}
	}
	begun := time.Now()
	var events []*api.Event
	final, err := a.API().Wait(ctx, c, time.Duration(a.Wait), func(e *api.Event) {
		events = append(events, e)
		if line := eventLine(e); line != "" && a.Output == Text {
			_ = a.print("%s", line) // the verdict matters more than a lost line
		}
	})
	if ctx.Err() != nil {
		return exitf(ExitFailure, "interrupted: the change is accepted and goes on; see 'crm status'")
	}
	if err != nil {
		return err
	}
	if a.Output == JSON {
		if err := a.printJSON(struct {
			*api.Change
			Events []*api.Event `json:"events"`
		}{c, events}); err != nil {
			return err
		}
	}
	if tolerant && final.Result == api.HeldBack {
		a.note("note: %s", blockedText(final.Blocked))
		return nil
	}
	return a.verdict(final, len(events) > 1, time.Since(begun))
}

// sentence is a line of its own; names keep their case.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return text + "\n"
}

// eventLine is one line about an event that people care for: recurring monitors
// and probes only when they fail.
func eventLine(e *api.Event) string {
	switch {
	case e.Fence != nil:
		return "  " + e.Fence.Text + "\n"
	case e.Ended != nil:
		x := e.Ended
		if x.OK && x.Task == policy.TaskMonitor || x.Task == policy.TaskNotify && x.OK {
			return ""
		}
		line := fmt.Sprintf("  %s %s on %s", x.Task, x.Resource, x.Node)
		if !x.OK {
			line += "  FAILED: " + x.Result
			if x.Reason != "" {
				line += " (" + x.Reason + ")"
			}
			return line + "\n"
		}
		return line + "  ok  " + seconds(x.ExecMS) + "\n"
	}
	return ""
}

// verdict prints the end of a wait; anything but success is an error.
func (a *App) verdict(f *api.Final, busy bool, took time.Duration) error {
	switch f.Result {
	case api.Done:
		if busy && a.Output == Text {
			return a.print("done in %s\n", seconds(took.Milliseconds()))
		}
		return nil
	case api.HeldBack:
		return exitf(ExitFailure, "accepted, but not all of it can happen now: %s", blockedText(f.Blocked))
	case api.StillWorking:
		return exitf(ExitTimeout, "not done after %s: %s; it goes on, see 'crm status'", time.Duration(a.Wait), orNothing(f.Waiting))
	}
	var what []string
	for _, x := range f.Failed {
		text := fmt.Sprintf("%s of %s on %s: %s", x.Task, x.Resource, x.Node, x.Result)
		if x.Reason != "" {
			text += " (" + x.Reason + ")"
		}
		what = append(what, text)
	}
	return exitf(ExitFailure, "accepted, but %s failed: %s", plural(len(what), "operation"), strings.Join(what, "; "))
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "waiting for the next decision"
	}
	return strings.Join(list, ", ")
}

func blockedText(list []policy.Blocked) string {
	var what []string
	for _, b := range list {
		text := strings.TrimSpace(b.Task + " " + b.Resource)
		if b.Node != "" {
			text += " on " + b.Node
		}
		for i, r := range b.Reasons {
			text += map[bool]string{true: ": ", false: "; "}[i == 0] + r.Text
		}
		what = append(what, text)
	}
	return strings.Join(what, "; ")
}
