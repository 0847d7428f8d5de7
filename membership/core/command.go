package core

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Command is one membership command; exactly one field is set. It travels
// through the log as JSON. Now, where a command has it, was read from the
// proposer's clock: applying a command reads no clock.
type Command struct {
	CreateToken *CreateToken `json:",omitempty"`
	RevokeToken *RevokeToken `json:",omitempty"`
	Admit       *Admit       `json:",omitempty"`
	Remove      *Remove      `json:",omitempty"`
	Update      *Update      `json:",omitempty"`
}

// CreateToken adds a join token, and drops those that expired a day ago.
type CreateToken struct {
	Now   time.Time
	Token Token
}

// RevokeToken withdraws a join token.
type RevokeToken struct{ ID string }

// Admit takes a new member in as a learner. Peer.ID is zero: the roster gives
// out the id, and the answer carries it.
type Admit struct {
	Now   time.Time
	Token string
	Hash  []byte // SHA-256 of the presented secret
	Peer  Peer
}

// Remove takes a member out of the cluster and bars its id and certificate.
type Remove struct{ Name string }

// Update replaces a member's addresses, key and certificate. The old
// certificate is not revoked: it ends with its own lifetime.
type Update struct{ Peer Peer }

// Errors of membership commands. Callers branch on them.
var (
	ErrTokenUnknown = errors.New("join token is unknown; create a new one")
	ErrTokenExpired = errors.New("join token has expired; create a new one")
	ErrTokenUsed    = errors.New("join token was already used; create a new one")
	ErrTokenSecret  = errors.New("join token has a wrong secret; copy the whole token")
	ErrNameTaken    = errors.New("a member with this name exists; remove it first or choose another name")
	ErrCertTaken    = errors.New("this certificate belongs to another member; make a new key")
	ErrRevoked      = errors.New("this certificate was revoked when its member was removed; join again with a new key")
	ErrFull         = fmt.Errorf("the cluster is full: this version supports %d members", MaxMembers)
	ErrNoMember     = errors.New("no such member")
	ErrLastVoter    = errors.New("the last voter cannot be removed")
	ErrBadCommand   = errors.New("membership command is malformed")
)

// tokenGrace is how long an expired token is remembered, so that its user is
// told that it expired and not that it is unknown.
const tokenGrace = 24 * time.Hour

func decodeCommand(b []byte) (Command, error) {
	var c Command
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("%w: %v", ErrBadCommand, err)
	}
	return c, nil
}

// apply carries out one command at a log index. It returns the admitted
// member's record for Admit, nil otherwise.
func (r *Roster) apply(c Command, index uint64) (any, error) {
	switch {
	case c.CreateToken != nil:
		return nil, r.createToken(*c.CreateToken)
	case c.RevokeToken != nil:
		return nil, r.revokeToken(*c.RevokeToken)
	case c.Admit != nil:
		return r.admit(*c.Admit, index)
	case c.Remove != nil:
		return nil, r.remove(*c.Remove)
	case c.Update != nil:
		return nil, r.update(*c.Update)
	}
	return nil, ErrBadCommand
}

func (r *Roster) createToken(c CreateToken) error {
	if c.Token.ID == "" || len(c.Token.Hash) != 32 || c.Token.UsesLeft < 1 {
		return fmt.Errorf("create token: %w", ErrBadCommand)
	}
	r.Tokens = slices.DeleteFunc(r.Tokens, func(t Token) bool { return c.Now.Sub(t.Expires) > tokenGrace })
	i, found := r.searchToken(c.Token.ID)
	if found {
		return fmt.Errorf("create token %q: it exists", c.Token.ID)
	}
	r.Tokens = slices.Insert(r.Tokens, i, c.Token)
	return nil
}

func (r *Roster) searchToken(id string) (int, bool) {
	return slices.BinarySearchFunc(r.Tokens, id, func(t Token, id string) int { return strings.Compare(t.ID, id) })
}

func (r *Roster) revokeToken(c RevokeToken) error {
	i, found := r.searchToken(c.ID)
	if !found {
		return fmt.Errorf("revoke token %q: %w", c.ID, ErrTokenUnknown)
	}
	r.Tokens = slices.Delete(r.Tokens, i, i+1)
	return nil
}

func (r *Roster) admit(c Admit, index uint64) (any, error) {
	if err := CheckPeer(c.Peer); err != nil {
		return nil, fmt.Errorf("admit: %w", err)
	}
	fail := func(err error) (any, error) { return nil, fmt.Errorf("admit %q: %w", c.Peer.Name, err) }
	i, found := r.searchToken(c.Token)
	if !found {
		return fail(ErrTokenUnknown)
	}
	t := &r.Tokens[i]
	if subtle.ConstantTimeCompare(t.Hash, c.Hash) != 1 {
		return fail(ErrTokenSecret)
	}
	// A joiner that lost the answer asks again and gets the same one.
	if m := r.Named(c.Peer.Name); m != nil && m.Token == c.Token && bytes.Equal(m.Cert, c.Peer.Cert) && m.Role != Leaving {
		return *m, nil
	}
	if err := r.admissible(c, t); err != nil {
		return fail(err)
	}
	t.UsesLeft--
	t.UsedBy = append(t.UsedBy, c.Peer.Name)
	m := Member{Peer: c.Peer.Clone(), Role: Joining, Joined: index, Token: c.Token}
	m.ID = r.NextID
	r.NextID++
	r.Members = append(r.Members, m)
	return m, nil
}

func (r *Roster) admissible(c Admit, t *Token) error {
	switch {
	case t.UsesLeft < 1:
		return ErrTokenUsed
	case c.Now.After(t.Expires):
		return ErrTokenExpired
	case r.IsRevoked(c.Peer.Cert):
		return ErrRevoked
	case r.Named(c.Peer.Name) != nil:
		return ErrNameTaken
	case r.certTaken(c.Peer.Cert, 0):
		return ErrCertTaken
	case len(r.Members) >= MaxMembers:
		return ErrFull
	}
	return nil
}

func (r *Roster) certTaken(cert []byte, except ID) bool {
	return slices.ContainsFunc(r.Members, func(m Member) bool { return m.ID != except && bytes.Equal(m.Cert, cert) })
}

// remove marks a member as leaving; the leader then takes it out of the raft
// configuration, and only then it is revoked, because until then its vote may
// be needed. One that is not yet in the configuration goes at once.
func (r *Roster) remove(c Remove) error {
	m := r.Named(c.Name)
	if m == nil {
		return fmt.Errorf("remove %q: %w", c.Name, ErrNoMember)
	}
	if m.Role == Voter && r.Voters() == 1 {
		return fmt.Errorf("remove %q: %w", c.Name, ErrLastVoter)
	}
	m.Role = Leaving
	return nil
}

func (r *Roster) update(c Update) error {
	if err := CheckPeer(c.Peer); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	m := r.Member(c.Peer.ID)
	switch {
	case m == nil || m.Name != c.Peer.Name:
		return fmt.Errorf("update %q: %w", c.Peer.Name, ErrNoMember)
	case r.IsRevoked(c.Peer.Cert):
		return fmt.Errorf("update %q: %w", c.Peer.Name, ErrRevoked)
	case r.certTaken(c.Peer.Cert, m.ID):
		return fmt.Errorf("update %q: %w", c.Peer.Name, ErrCertTaken)
	}
	m.Peer = c.Peer.Clone()
	return nil
}

// CheckPeer reports everything that is wrong with a peer record.
func CheckPeer(p Peer) error {
	var errs []error
	if p.Name == "" || len(p.Name) > 63 || strings.ContainsFunc(p.Name, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '/' }) {
		errs = append(errs, fmt.Errorf("node name %q: must be 1 to 63 characters without spaces or slashes", p.Name))
	}
	if len(p.Addresses) < 1 || len(p.Addresses) > MaxLinks {
		errs = append(errs, fmt.Errorf("node %q: has %d addresses, needs 1 to %d", p.Name, len(p.Addresses), MaxLinks))
	}
	if slices.Contains(p.Addresses, "") {
		errs = append(errs, fmt.Errorf("node %q: has an empty address", p.Name))
	}
	if len(p.Key) != 32 || len(p.Cert) != 32 {
		errs = append(errs, fmt.Errorf("node %q: key and certificate fingerprint must have 32 bytes, have %d and %d", p.Name, len(p.Key), len(p.Cert)))
	}
	return errors.Join(errs...)
}
