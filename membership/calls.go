package membership

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// Outcome is where a proposal landed in the log and what applying it returned.
type Outcome struct {
	Index, Term uint64
	Value       any
}

// ErrClosed is returned by calls on a member that has stopped.
var ErrClosed = errors.New("membership has stopped on this node")

// call runs a request in the loop and waits for its end. sent says whether it
// had any effect when ctx ended.
func (m *Member) call(ctx context.Context, input func(key uint64) core.Input) (Outcome, bool, error) {
	replies, keys := make(chan reply, 1), make(chan uint64, 1)
	select {
	case m.requests <- request{input: input, key: keys, reply: replies}:
	case <-ctx.Done():
		return Outcome{}, false, ctx.Err()
	case <-m.done:
		return Outcome{}, false, m.closed()
	}
	select {
	case r := <-replies:
		return r.Outcome, true, r.err
	case <-ctx.Done():
		m.gone.put(<-keys)
		return Outcome{}, true, ctx.Err()
	case <-m.done:
		select {
		case r := <-replies: // answered with its last breath
			return r.Outcome, true, r.err
		default:
			return Outcome{}, true, m.closed()
		}
	}
}

func (m *Member) closed() error {
	if err := m.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return ErrClosed
}

// inspect runs f in the loop.
func (m *Member) inspect(ctx context.Context, f func(*core.Node)) error {
	end := make(chan reply)
	select {
	case m.requests <- request{do: f, reply: end}:
		<-end // the loop serves it at once
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-m.done:
		return m.closed()
	}
}

func (m *Member) propose(ctx context.Context, p core.Propose) (Outcome, error) {
	out, sent, err := m.call(ctx, func(key uint64) core.Input {
		p.Key = key
		return p
	})
	if sent && err != nil && (ctx.Err() != nil && errors.Is(err, ctx.Err()) || errors.Is(err, ErrClosed)) {
		err = fmt.Errorf("%w (%w)", core.ErrOutcomeUnknown, err)
	}
	return out, err
}

// Propose puts data into the log and waits until it was applied here. It may
// be called on any member. Each proposal is applied at most once.
//
// core.ErrNoQuorum: it was not proposed, for want of a leader.
// core.ErrOutcomeUnknown: ctx or the member ended first; it may still be
// applied. Any other error: it is not and never will be applied.
func (m *Member) Propose(ctx context.Context, data []byte) (Outcome, error) {
	return m.propose(ctx, core.Propose{Data: data})
}

// ProposeAsLeader is Propose for a leader that acts on what it believes: it is
// refused with core.ErrNotLeader unless this member leads in exactly this
// term, and is never forwarded. ErrNotLeader is certain: the proposal is not
// and never will be applied.
func (m *Member) ProposeAsLeader(ctx context.Context, term uint64, data []byte) (Outcome, error) {
	if term == 0 {
		return Outcome{}, fmt.Errorf("term 0: %w", core.ErrNotLeader)
	}
	return m.propose(ctx, core.Propose{Data: data, LeaderTerm: term})
}

func (m *Member) command(ctx context.Context, c core.Command) (any, error) {
	out, err := m.propose(ctx, core.Propose{Command: &c})
	return out.Value, err
}

// Barrier returns when everything that was committed anywhere before the call
// is applied here.
func (m *Member) Barrier(ctx context.Context) error {
	_, _, err := m.call(ctx, func(key uint64) core.Input { return core.Read{Key: key} })
	return err
}

// TransferLeadership asks the best other voter to lead. It works only on the
// leader, and returns once the change is under way.
func (m *Member) TransferLeadership(ctx context.Context) error {
	_, _, err := m.call(ctx, func(key uint64) core.Input { return core.Transfer{Key: key} })
	return err
}

// Roster returns the replicated membership as of the last applied entry.
func (m *Member) Roster(ctx context.Context) (*core.Roster, error) {
	var r *core.Roster
	err := m.inspect(ctx, func(n *core.Node) { r = n.Roster() })
	return r, err
}

// RevokeToken withdraws a join token.
func (m *Member) RevokeToken(ctx context.Context, id string) error {
	_, err := m.command(ctx, core.Command{RevokeToken: &core.RevokeToken{ID: id}})
	return err
}

// Admit takes a node in, if its token is good, and returns what it needs to
// start. It becomes a learner, and a voter once it has caught up. Asked again
// for the same node and token, it gives the same answer.
func (m *Member) Admit(ctx context.Context, r JoinRequest) (JoinAnswer, error) {
	v, err := m.command(ctx, core.Command{Admit: &core.Admit{Now: time.Now().UTC(), Token: r.Token, Hash: r.Hash, Peer: r.Peer}})
	if err != nil {
		return JoinAnswer{}, err
	}
	member, ok := v.(core.Member)
	if !ok {
		return JoinAnswer{}, fmt.Errorf("admit %q: %w", r.Peer.Name, core.ErrOutcomeUnknown)
	}
	roster, err := m.Roster(ctx)
	if err != nil {
		return JoinAnswer{}, err
	}
	return JoinAnswer{
		ClusterID: roster.ClusterID, ClusterName: roster.ClusterName,
		Self: member.Peer, Members: roster.Peers(member.ID),
	}, nil
}

// UpdateMember replaces a member's addresses, key and certificate; p.ID and
// p.Name say whose.
func (m *Member) UpdateMember(ctx context.Context, p core.Peer) error {
	_, err := m.command(ctx, core.Command{Update: &core.Update{Peer: p}})
	return err
}

// RemoveMember takes a member out of the cluster, bars its certificate, and
// returns when that is done. It is refused when the voters that would remain
// could not form a majority.
func (m *Member) RemoveMember(ctx context.Context, name string) error {
	var refused error
	if err := m.inspect(ctx, func(n *core.Node) { refused = n.CheckRemoval(name) }); err != nil || refused != nil {
		return errors.Join(err, refused)
	}
	views, cancel := m.Watch()
	defer cancel()
	if _, err := m.command(ctx, core.Command{Remove: &core.Remove{Name: name}}); err != nil {
		return err
	}
	for {
		roster, err := m.Roster(ctx)
		if err != nil {
			return err
		}
		if roster.Named(name) == nil {
			return nil
		}
		select {
		case <-views:
		case <-ctx.Done():
			return fmt.Errorf("remove %q: it is on its way, but not done: %w", name, ctx.Err())
		case <-m.done:
			return m.closed()
		}
	}
}

// Leave takes this node itself out of the cluster; then the member stops and
// Err says core.ErrRemoved.
func (m *Member) Leave(ctx context.Context) error {
	err := m.RemoveMember(ctx, m.View().SelfName)
	if errors.Is(err, core.ErrRemoved) {
		return nil
	}
	if err != nil {
		return err
	}
	select {
	case <-m.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
