package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/membership/core"
)

// Propose brings a command to the log and waits until it is applied here.
func (d *Daemon) Propose(ctx context.Context, cmd state.Command) (state.Outcome, error) {
	cmd.At = time.Now().UnixMilli()
	data, err := cmd.Encode()
	if err != nil {
		return state.Outcome{}, err
	}
	out, err := d.member.Propose(ctx, data)
	if err != nil {
		return state.Outcome{}, err
	}
	answer, ok := out.Value.(state.Outcome)
	if !ok {
		return state.Outcome{}, core.ErrOutcomeUnknown
	}
	return answer, nil
}

// insist proposes a command until the log has it or refuses it. It is for
// commands whose repetition changes nothing.
func (d *Daemon) insist(ctx context.Context, cmd state.Command) error {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		wait, cancel := context.WithTimeout(ctx, proposalLimit)
		out, err := d.Propose(wait, cmd)
		cancel()
		if err == nil {
			if out.Refused != nil {
				return out.Refused
			}
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// report brings an executor's result to the log. A refusal is an answer: the
// result is void, and asking again would not change that.
func (d *Daemon) report(ctx context.Context, r state.Result) (uint64, error) {
	wait, cancel := context.WithTimeout(ctx, proposalLimit)
	defer cancel()
	out, err := d.Propose(wait, state.Command{By: d.name, Result: &r})
	if err != nil {
		return 0, err
	}
	if out.Refused != nil {
		d.log.Debug("a result came too late", "resource", r.Resource, "reason", out.Refused.Text)
	}
	return out.Index, nil
}
