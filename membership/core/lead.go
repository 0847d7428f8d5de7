package core

import (
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

const (
	confRetry     = time.Second      // an unapplied configuration change is proposed again
	handoverPause = 10 * time.Second // between two offers of the leadership
	farewellTime  = time.Second      // how long a removed member is still written to
	promotionLag  = 100              // entries that a learner may lag to become a voter
)

// lead does a leader's duties: fit the raft configuration to the roster, and
// give the leadership away when another member can do better.
func (n *Node) lead() {
	if n.role != raft.StateLeader {
		return
	}
	switch {
	case n.DiskAge() > n.cfg.DiskTransfer:
		n.offer(n.bestVoter(0))
	case n.det.Hub(n.now) != 0:
		n.offer(n.bestVoter(n.det.Hub(n.now)))
	}
	n.reconcile()
}

// offer hands the leadership over, but not again and again.
func (n *Node) offer(to ID) {
	if to == 0 || (!n.handover.IsZero() && n.now.Sub(n.handover) < handoverPause) {
		return
	}
	n.handover = n.now
	n.rn.TransferLeader(uint64(to))
}

// bestVoter returns the voter that may take over: up, its disk well, and of
// those the one with the longest log. If want is not zero, only that one.
func (n *Node) bestVoter(want ID) ID {
	best, most := ID(0), uint64(0)
	for _, s := range n.det.Sightings(0) {
		voter, _ := inConf(n.conf, s.ID)
		m := n.roster.Member(s.ID)
		if !voter || m == nil || m.Role == Leaving || s.State != Up || s.DiskAge > n.cfg.DiskTransfer || (want != 0 && s.ID != want) {
			continue
		}
		pr := n.progress(s.ID)
		if pr.State == tracker.StateReplicate && pr.RecentActive && pr.Match >= most {
			best, most = s.ID, pr.Match
		}
	}
	return best
}

func (n *Node) progress(id ID) tracker.Progress {
	var out tracker.Progress
	n.rn.WithProgress(func(i uint64, _ raft.ProgressType, pr tracker.Progress) {
		if i == uint64(id) {
			out = pr
		}
	})
	return out
}

func (n *Node) transfer(in Transfer) {
	if n.role != raft.StateLeader {
		n.emit(Resolved{Key: in.Key, Err: ErrNotLeader})
		return
	}
	to := n.bestVoter(in.To)
	if to == 0 {
		n.emit(Resolved{Key: in.Key, Err: ErrNoTarget})
		return
	}
	n.rn.TransferLeader(uint64(to))
	n.emit(Resolved{Key: in.Key, Value: to})
}

// reconcile proposes the next change that brings the raft configuration
// closer to the roster: first removals, then additions, then promotions.
func (n *Node) reconcile() {
	if n.now.Sub(n.confAt) < confRetry || len(n.conf.GetVotersOutgoing()) > 0 {
		return
	}
	typ, id := n.nextChange()
	if id == 0 {
		return
	}
	if typ == raftpb.ConfChangeRemoveNode && id == n.self.ID && !n.soleVoter() {
		n.offer(n.bestVoter(0)) // the next leader removes us
		return
	}
	n.confAt = n.now
	cc := &raftpb.ConfChangeV2{Changes: []*raftpb.ConfChangeSingle{{Type: typ.Enum(), NodeId: new(uint64(id))}}}
	_ = n.rn.ProposeConfChange(cc) // dropped while another one is pending: tried again
}

func (n *Node) nextChange() (raftpb.ConfChangeType, ID) {
	members := slices.Concat(n.conf.GetVoters(), n.conf.GetLearners())
	slices.Sort(members)
	for _, u := range members {
		if m := n.roster.Member(ID(u)); m == nil || m.Role == Leaving {
			return raftpb.ConfChangeRemoveNode, ID(u)
		}
	}
	for _, m := range n.roster.Members {
		if m.Role == Joining {
			return raftpb.ConfChangeAddLearnerNode, m.ID
		}
	}
	for _, m := range n.roster.Members {
		if m.Role == Learner && len(n.conf.GetVoters()) < MaxVoters && n.caughtUp(m.ID) {
			return raftpb.ConfChangeAddNode, m.ID
		}
	}
	return 0, 0
}

// caughtUp says whether a learner may vote: it is heard and its log is close
// to ours.
func (n *Node) caughtUp(id ID) bool {
	pr := n.progress(id)
	return n.det.Sees(id) == Up && pr.State == tracker.StateReplicate && pr.Match+promotionLag >= n.applied
}

// parting is a member that was removed and may still be written to.
type parting struct {
	peer  Peer
	until time.Time
}

// sayFarewell tells a removed member that it is out. Its packets are refused
// from now on; ours still reach it for a moment.
func (n *Node) sayFarewell(p Peer) {
	if n.role != raft.StateLeader {
		return
	}
	n.parting = append(n.parting, parting{peer: p.Clone(), until: n.now.Add(farewellTime)})
	n.emit(SendMessage{To: p.ID, Payload: []byte{msgFarewell}})
}

// endFarewells cuts off those whose moment is over.
func (n *Node) endFarewells() {
	before := len(n.parting)
	n.parting = slices.DeleteFunc(n.parting, func(p parting) bool { return !n.now.Before(p.until) })
	if len(n.parting) != before {
		n.peersChanged()
	}
}

// CheckRemoval refuses a removal after which the remaining voters that are up
// would be no majority: it would stop the cluster.
func (n *Node) CheckRemoval(name string) error {
	m := n.roster.Named(name)
	if m == nil {
		return fmt.Errorf("remove %q: %w", name, ErrNoMember)
	}
	rest, up := 0, 0
	for _, o := range n.roster.Members {
		if o.Role != Voter || o.ID == m.ID {
			continue
		}
		rest++
		if o.ID == n.self.ID || n.det.Sees(o.ID) == Up {
			up++
		}
	}
	if m.Role == Voter && 2*up <= rest {
		return fmt.Errorf("remove %q: only %d of the %d voters that would remain are up; bring them back first", name, up, rest)
	}
	return nil
}
