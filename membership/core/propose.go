package core

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
)

// proposal is one that this member waits for.
type proposal struct {
	key   uint64
	kind  entryKind
	data  []byte
	since time.Time
	tried time.Time // when it was last handed to raft; zero: never
	bound uint64    // the only term in which it may be made, 0 for any
}

func (n *Node) propose(in Propose) {
	p := &proposal{key: in.Key, kind: kindApp, data: in.Data, since: n.now, bound: in.LeaderTerm}
	if in.Command != nil {
		b, err := json.Marshal(in.Command)
		if err != nil {
			n.emit(Resolved{Key: in.Key, Err: fmt.Errorf("%w: %v", ErrBadCommand, err)})
			return
		}
		p.kind, p.data = kindCommand, b
	}
	switch {
	case len(p.data) > MaxData:
		n.emit(Resolved{Key: in.Key, Err: fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(p.data), MaxData)})
		return
	case len(n.proposals) >= maxPending:
		n.emit(Resolved{Key: in.Key, Err: ErrBusy})
		return
	case p.bound != 0 && !n.Leads(p.bound):
		n.emit(Resolved{Key: in.Key, Err: fmt.Errorf("term %d: %w", p.bound, ErrNotLeader)})
		return
	}
	i, _ := n.findProposal(p.key)
	n.proposals = slices.Insert(n.proposals, i, p)
	n.try(p)
}

// Leads says whether this member leads in exactly this term.
func (n *Node) Leads(term uint64) bool {
	s := n.rn.BasicStatus()
	return s.SoftState.RaftState == raft.StateLeader && s.HardState.GetTerm() == term
}

func (n *Node) findProposal(key uint64) (int, bool) {
	return slices.BinarySearchFunc(n.proposals, key, func(p *proposal, k uint64) int { return cmp.Compare(p.key, k) })
}

// try hands a proposal to raft, which appends or forwards it, or drops it when
// there is no leader.
func (n *Node) try(p *proposal) {
	env := envelope{kind: p.kind, proposer: n.self.ID, incarnation: n.inc, seq: p.key, low: n.proposals[0].key, data: p.data}
	err := n.rn.Propose(env.encode())
	switch {
	case err == nil:
		p.tried = n.now
	case p.bound != 0:
		n.fail(p, fmt.Errorf("term %d: %w", p.bound, ErrNotLeader))
	}
}

func (n *Node) fail(p *proposal, err error) {
	n.forgetProposal(p.key)
	n.emit(Resolved{Key: p.key, Err: err})
}

// forgetProposal ends the wait; it says whether there was one.
func (n *Node) forgetProposal(key uint64) bool {
	i, found := n.findProposal(key)
	if found {
		n.proposals = slices.Delete(n.proposals, i, i+1)
	}
	return found
}

func (n *Node) abandon(key uint64) {
	n.forgetProposal(key)
	n.reads = slices.DeleteFunc(n.reads, func(r *read) bool { return r.key == key })
}

// retryProposals sends again what was not answered, and gives up on what
// never found a leader.
func (n *Node) retryProposals() {
	for _, p := range slices.Clone(n.proposals) {
		switch {
		case p.bound != 0:
		case p.tried.IsZero() && n.now.Sub(p.since) >= n.cfg.NoQuorumWait:
			n.fail(p, ErrNoQuorum)
		case p.tried.IsZero() || n.now.Sub(p.tried) >= n.cfg.ProposalRetry:
			n.try(p)
		}
	}
}

// retryAtOnce is called when the leader changed: what the old one had may be gone.
func (n *Node) retryAtOnce() {
	if n.leader == 0 {
		return
	}
	for _, p := range slices.Clone(n.proposals) {
		if p.bound == 0 && p.tried.Before(n.now) {
			n.try(p)
		}
	}
	for _, r := range n.reads {
		n.tryRead(r)
	}
}

// failOlderTerms ends the wait for proposals bound to a term before the one
// whose first entry was just applied: terms in a log never fall, so they can
// never be applied any more.
func (n *Node) failOlderTerms() {
	for _, p := range slices.Clone(n.proposals) {
		if p.bound != 0 && p.bound < n.appliedTerm {
			n.fail(p, fmt.Errorf("term %d: %w", p.bound, ErrNotLeader))
		}
	}
}

// settleProposals looks, after a snapshot was installed, for proposals that
// were applied in the part of the log that we never saw.
func (n *Node) settleProposals() {
	for _, p := range slices.Clone(n.proposals) {
		if n.once.applied(n.self.ID, n.inc, p.key) {
			n.fail(p, fmt.Errorf("%w (it took effect, but its answer was lost: this node caught up by snapshot)", ErrOutcomeUnknown))
		}
	}
	n.failOlderTerms()
}

// read is a wait for a linearizable read point.
type read struct {
	key   uint64
	since time.Time
	tried time.Time
	index uint64 // to be applied here; 0: not known yet
}

func (n *Node) read(key uint64) {
	if len(n.reads) >= maxPending {
		n.emit(Resolved{Key: key, Err: ErrBusy})
		return
	}
	r := &read{key: key, since: n.now}
	n.reads = append(n.reads, r)
	n.tryRead(r)
}

// tryRead asks the leader for its commit index. The context names the wait
// uniquely in the cluster.
func (n *Node) tryRead(r *read) {
	if r.index != 0 || n.leader == 0 {
		return
	}
	r.tried = n.now
	n.rn.ReadIndex(n.readContext(r.key))
}

func (n *Node) readContext(key uint64) []byte {
	var b []byte
	for _, v := range []uint64{uint64(n.self.ID), n.inc, key} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return b
}

// retryReads asks again twice per retry interval: a read costs nothing.
func (n *Node) retryReads() {
	for _, r := range slices.Clone(n.reads) {
		switch {
		case r.index == 0 && n.now.Sub(r.since) >= n.cfg.NoQuorumWait:
			n.endRead(r, ErrNoQuorum)
		case r.tried.IsZero() || n.now.Sub(r.tried) >= n.cfg.ProposalRetry/2:
			n.tryRead(r)
		}
	}
}

func (n *Node) readStates(states []raft.ReadState) {
	for _, s := range states {
		for _, r := range n.reads {
			if r.index == 0 && bytes.Equal(s.RequestCtx, n.readContext(r.key)) {
				r.index = max(s.Index, 1)
			}
		}
	}
	n.serveReads()
}

func (n *Node) serveReads() {
	for _, r := range slices.Clone(n.reads) {
		if r.index != 0 && r.index <= n.applied {
			n.endRead(r, nil)
		}
	}
}

func (n *Node) endRead(r *read, err error) {
	n.abandon(r.key)
	n.emit(Resolved{Key: r.key, Index: n.applied, Term: n.appliedTerm, Err: err})
}
