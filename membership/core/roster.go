package core

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/raft/v3/raftpb"
)

// Role is a member's part in agreement.
type Role string

// The roles of a member.
const (
	Joining Role = "joining" // admitted, not yet part of the raft configuration
	Learner Role = "learner" // receives the log, has no vote yet
	Voter   Role = "voter"
	Leaving Role = "leaving" // to be taken out of the raft configuration
)

// Member is one entry of the roster.
type Member struct {
	Peer
	Role   Role
	Joined uint64 // log index of its admission
	Token  string `json:",omitempty"` // join token that admitted it
}

// Revocation bars a removed member's id and certificate for ever.
type Revocation struct {
	ID    ID
	Name  string
	Cert  []byte
	Index uint64 // log index of the removal
}

// Token is a join token as the cluster remembers it; the secret itself is
// known only to whoever was given it.
type Token struct {
	ID       string
	Hash     []byte // SHA-256 of the secret
	Expires  time.Time
	UsesLeft int
	UsedBy   []string `json:",omitempty"` // names of the members it admitted
}

// Roster is the replicated membership: equal logs give equal rosters.
type Roster struct {
	ClusterID   string
	ClusterName string
	NextID      ID
	Members     []Member // sorted by ID
	Revoked     []Revocation
	Tokens      []Token // sorted by ID
}

// Clone returns a copy that shares no memory with r.
func (r *Roster) Clone() *Roster {
	c := *r
	c.Members = slices.Clone(r.Members)
	for i := range c.Members {
		c.Members[i].Peer = c.Members[i].Peer.Clone()
	}
	c.Revoked = slices.Clone(r.Revoked)
	for i := range c.Revoked {
		c.Revoked[i].Cert = bytes.Clone(c.Revoked[i].Cert)
	}
	c.Tokens = slices.Clone(r.Tokens)
	for i := range c.Tokens {
		c.Tokens[i].Hash = bytes.Clone(c.Tokens[i].Hash)
		c.Tokens[i].UsedBy = slices.Clone(c.Tokens[i].UsedBy)
	}
	return &c
}

// Member returns the member with this id, or nil.
func (r *Roster) Member(id ID) *Member {
	for i := range r.Members {
		if r.Members[i].ID == id {
			return &r.Members[i]
		}
	}
	return nil
}

// Named returns the member with this name, or nil.
func (r *Roster) Named(name string) *Member {
	for i := range r.Members {
		if r.Members[i].Name == name {
			return &r.Members[i]
		}
	}
	return nil
}

// IsRevoked says whether this certificate belonged to a member that was removed.
func (r *Roster) IsRevoked(cert []byte) bool {
	return slices.ContainsFunc(r.Revoked, func(v Revocation) bool { return bytes.Equal(v.Cert, cert) })
}

// Peers returns the peer records of all members but self, sorted by id.
func (r *Roster) Peers(self ID) []Peer {
	var ps []Peer
	for _, m := range r.Members {
		if m.ID != self {
			ps = append(ps, m.Peer.Clone())
		}
	}
	return ps
}

// setConf brings the roles in line with the raft configuration that took
// effect at index. It returns the members that are gone with it.
func (r *Roster) setConf(conf *raftpb.ConfState, index uint64) []Member {
	var gone []Member
	keep := r.Members[:0:0]
	for _, m := range r.Members {
		voter, learner := inConf(conf, m.ID)
		switch {
		case m.Role == Leaving && !voter && !learner:
			gone = append(gone, m)
			r.Revoked = append(r.Revoked, Revocation{ID: m.ID, Name: m.Name, Cert: bytes.Clone(m.Cert), Index: index})
			continue
		case m.Role == Leaving:
		case voter:
			m.Role = Voter
		case learner:
			m.Role = Learner
		default:
			m.Role = Joining
		}
		keep = append(keep, m)
	}
	r.Members = keep
	return gone
}

func inConf(conf *raftpb.ConfState, id ID) (voter, learner bool) {
	u := uint64(id)
	voter = slices.Contains(conf.GetVoters(), u) || slices.Contains(conf.GetVotersOutgoing(), u)
	learner = slices.Contains(conf.GetLearners(), u) || slices.Contains(conf.GetLearnersNext(), u)
	return voter, learner
}

// Voters counts the members that vote now or are about to leave but still vote.
func (r *Roster) Voters() int {
	n := 0
	for _, m := range r.Members {
		if m.Role == Voter {
			n++
		}
	}
	return n
}

// String lists the members, one per line.
func (r *Roster) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster %s %s\n", r.ClusterName, r.ClusterID)
	for _, m := range r.Members {
		fmt.Fprintf(&b, "member %d %s %s %s\n", m.ID, m.Name, m.Role, strings.Join(m.Addresses, ","))
	}
	for _, v := range r.Revoked {
		fmt.Fprintf(&b, "revoked %d %s\n", v.ID, v.Name)
	}
	for _, t := range r.Tokens {
		fmt.Fprintf(&b, "token %s uses left %d\n", t.ID, t.UsesLeft)
	}
	return b.String()
}
