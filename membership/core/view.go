package core

import (
	"fmt"
	"strings"
	"time"

	"go.etcd.io/raft/v3"
)

// View is what a member knows about the cluster at one moment.
type View struct {
	ClusterID   string
	ClusterName string
	Self        ID
	SelfName    string
	Boot        uint64
	Incarnation uint64
	Term        uint64
	Leader      ID     // 0 for nobody
	LeaderName  string // "" for nobody
	Leading     bool   // this member leads
	// Quorum says that this member is part of a majority as far as it can
	// tell: it leads (and heard a majority within an election timeout), or it
	// hears a leader.
	Quorum  bool
	DiskAge time.Duration // of the oldest unfinished write here, 0 for none
	Applied uint64        // index of the last applied log entry
	Members []MemberView  // sorted by id, this member included
	Change  uint64        // grows whenever something but times and ages changed
}

// MemberView is one member in a View.
type MemberView struct {
	ID          ID
	Name        string
	Role        Role
	Voter       bool
	State       State
	Partial     bool // the leader cannot reach it, others can
	Boot        uint64
	Incarnation uint64
	Links       []LinkView
	LastHeard   time.Time // zero for never, and for this member itself
	DiskAge     time.Duration
	Addresses   []string
}

// View returns what this member knows now.
func (n *Node) View() View {
	v := View{
		ClusterID: n.roster.ClusterID, ClusterName: n.roster.ClusterName, Self: n.self.ID, SelfName: n.self.Name,
		Boot: n.boot, Incarnation: n.inc, Term: n.term, Leader: n.leader, Leading: n.role == raft.StateLeader,
		Quorum: n.leader != 0, DiskAge: n.DiskAge(), Applied: n.applied, Change: n.changes,
	}
	seen := map[ID]Sighting{}
	for _, s := range n.det.Sightings(n.leader) {
		seen[s.ID] = s
	}
	for _, m := range n.roster.Members {
		voter, _ := inConf(n.conf, m.ID)
		mv := MemberView{ID: m.ID, Name: m.Name, Role: m.Role, Voter: voter, Addresses: append([]string(nil), m.Addresses...)}
		if m.ID == n.self.ID {
			mv.State, mv.Boot, mv.Incarnation, mv.DiskAge = Up, n.boot, n.inc, v.DiskAge
		} else {
			s := seen[m.ID]
			mv.State, mv.Partial, mv.Boot, mv.Incarnation = s.State, s.Partial, s.Boot, s.Incarnation
			mv.Links, mv.LastHeard, mv.DiskAge = s.Links, s.LastHeard, s.DiskAge
		}
		if m.ID == n.leader {
			v.LeaderName = m.Name
		}
		v.Members = append(v.Members, mv)
	}
	return v
}

// Changes is the View's Change, without making a View.
func (n *Node) Changes() uint64 { return n.changes }

// Roster returns a copy of the replicated membership as of the last applied entry.
func (n *Node) Roster() *Roster { return n.roster.Clone() }

// String prints the view, one line per member, without times.
func (v View) String() string {
	var b strings.Builder
	leader := v.LeaderName
	if leader == "" {
		leader = "nobody"
	}
	fmt.Fprintf(&b, "cluster %s term %d leader %s quorum %v\n", v.ClusterName, v.Term, leader, v.Quorum)
	for _, m := range v.Members {
		fmt.Fprintf(&b, "%s %s %s boot %d incarnation %d links", m.Name, m.State, m.Role, m.Boot, m.Incarnation)
		for _, l := range m.Links {
			if l.Up {
				b.WriteString(" up")
			} else {
				b.WriteString(" down")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
