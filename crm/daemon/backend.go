package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/control"
	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/membership"
	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

var _ api.Backend = (*Daemon)(nil)

// Self is this node's name.
func (d *Daemon) Self() string { return d.name }

// Version is the binary's.
func (d *Daemon) Version() string { return d.cfg.Version }

// State is the state as applied here.
func (d *Daemon) State() *state.State { return d.machine.State() }

// Changed is closed at the next change of the state or the view.
func (d *Daemon) Changed() <-chan struct{} { return d.machine.bell.wait() }

// Decision is the decision on the state as applied here.
func (d *Daemon) Decision(now time.Time) (*control.Decision, error) {
	v := d.member.View()
	s := d.machine.State()
	if last := d.decision.Load(); last != nil && v.Leading && last.Index == s.Index && now.Sub(last.At) < time.Second {
		return last, nil
	}
	return control.Decide(s, now, v.LeaderName, v.Quorum)
}

// Cluster is the membership as seen here.
func (d *Daemon) Cluster() api.Cluster {
	v := d.member.View()
	c := api.Cluster{
		Name: v.ClusterName, ID: v.ClusterID, Self: v.SelfName, Leader: v.LeaderName, Term: v.Term, Quorum: v.Quorum,
		DiskAge: v.DiskAge.Milliseconds(),
	}
	for _, m := range v.Members {
		if m.Voter {
			c.Voters++
		}
		am := api.Member{
			Name: m.Name, Addresses: m.Addresses, Voter: m.Voter, State: m.State.String(), Boot: m.Boot,
			Incarnation: m.Incarnation, LastHeard: m.LastHeard,
		}
		for i, l := range m.Links {
			link := api.Link{Index: i, Up: l.Up, RTT: float64(l.RTT.Microseconds()) / 1000}
			if i < len(m.Addresses) {
				link.Address = m.Addresses[i]
			}
			am.Links = append(am.Links, link)
		}
		c.Members = append(c.Members, am)
	}
	c.Needed = c.Voters/2 + 1
	return c
}

// Heartbeat is when a node was last heard.
func (d *Daemon) Heartbeat(node string) time.Time {
	for _, m := range d.member.View().Members {
		if m.Name == node {
			return m.LastHeard
		}
	}
	return time.Time{}
}

// CreateToken makes a join token.
func (d *Daemon) CreateToken(ctx context.Context, ttl time.Duration) (string, time.Time, error) {
	var addresses []string
	for _, m := range d.member.View().Members {
		addresses = append(addresses, m.Addresses...)
	}
	token, err := d.id.NewToken(addresses)
	if err != nil {
		return "", time.Time{}, err
	}
	expires := time.Now().Add(ttl)
	if err := d.member.AddToken(ctx, token.ID, token.Verifier(), ttl); err != nil {
		return "", time.Time{}, err
	}
	return token.Reveal(), expires, nil
}

// RemoveMember takes a member that is down out of the cluster.
func (d *Daemon) RemoveMember(ctx context.Context, name string) error {
	if n := d.machine.State().Nodes[name]; n != nil {
		out, err := d.Propose(ctx, state.Command{By: d.name, Forget: &state.Forget{Node: name}})
		if err != nil {
			return err
		}
		if out.Refused != nil {
			return out.Refused
		}
	}
	return d.member.RemoveMember(ctx, name)
}

// admit answers a machine that wants to join.
func (d *Daemon) admit(ctx context.Context, r identity.JoinRequest) (identity.JoinAnswer, error) {
	roster, err := d.member.Roster(ctx)
	if err != nil {
		return identity.JoinAnswer{}, err
	}
	token := roster.Token(r.TokenID)
	if token == nil || !r.Verify(token.Hash) {
		return identity.JoinAnswer{}, &identity.Refusal{Code: identity.WrongToken, Reason: "the cluster knows no such token"}
	}
	answer, err := d.member.Admit(ctx, membership.JoinRequest{
		Token: r.TokenID, Hash: token.Hash,
		Peer: core.Peer{Name: r.Name, Addresses: r.Addresses, Key: r.LinkKey, Cert: r.Cert},
	})
	if err != nil {
		return identity.JoinAnswer{}, refusal(err)
	}
	d.log.Info("a machine was admitted", "node", r.Name, "addresses", r.Addresses)
	return identity.JoinAnswer{ID: answer.Self.ID, Peers: append(answer.Members, answer.Self)}, nil
}

// refusal gives the joiner the reason in words that it can act on.
func refusal(err error) error {
	for _, k := range []struct {
		err  error
		code identity.RefusalCode
	}{
		{core.ErrTokenUsed, identity.TokenUsed},
		{core.ErrTokenExpired, identity.TokenExpired},
		{core.ErrTokenUnknown, identity.WrongToken},
		{core.ErrNameTaken, identity.NameTaken},
	} {
		if errors.Is(err, k.err) {
			return &identity.Refusal{Code: k.code, Reason: err.Error()}
		}
	}
	return err
}
