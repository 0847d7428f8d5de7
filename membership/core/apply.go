package core

import (
	"fmt"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// applyEntry carries out one committed entry whose commit index is on disk.
func (n *Node) applyEntry(e *raftpb.Entry) error {
	if e.GetIndex() <= n.applied {
		return nil
	}
	n.applied = e.GetIndex()
	newTerm := e.GetTerm() > n.appliedTerm
	n.appliedTerm = e.GetTerm()
	n.snap.bytes += uint64(len(e.GetData()))
	var err error
	switch {
	case e.GetType() != raftpb.EntryNormal:
		err = n.applyConf(e)
	case len(e.GetData()) > 0:
		err = n.applyProposal(e)
	}
	if newTerm {
		n.failOlderTerms()
	}
	n.serveReads()
	return err
}

func (n *Node) applyProposal(e *raftpb.Entry) error {
	env, err := decodeEnvelope(e.GetData())
	if err != nil {
		return fmt.Errorf("log index %d: %w; this node may run an older version than the leader", e.GetIndex(), err)
	}
	if n.roster.Member(env.proposer) == nil || !n.once.first(env) {
		return nil
	}
	key := uint64(0)
	if env.proposer == n.self.ID && env.incarnation == n.inc && n.forgetProposal(env.seq) {
		key = env.seq
	}
	switch env.kind {
	case kindApp:
		n.hasApp = true
		n.emit(Apply{Entry: Entry{Index: e.GetIndex(), Term: e.GetTerm(), Data: env.data}, Key: key})
	case kindCommand:
		n.applyCommand(e, env, key)
	default:
		return fmt.Errorf("log index %d: entry of unknown kind %d; install the newer version on this node", e.GetIndex(), env.kind)
	}
	return nil
}

func (n *Node) applyCommand(e *raftpb.Entry, env envelope, key uint64) {
	c, err := decodeCommand(env.data)
	var value any
	if err == nil {
		value, err = n.roster.apply(c, e.GetIndex())
	}
	if err == nil && (c.Admit != nil || c.Remove != nil || c.Update != nil) {
		n.rosterIndex = e.GetIndex()
		n.peersChanged()
	}
	if key != 0 {
		n.emit(Resolved{Key: key, Index: e.GetIndex(), Term: e.GetTerm(), Value: value, Err: err})
	}
}

// applyConf carries out a change of the raft configuration.
func (n *Node) applyConf(e *raftpb.Entry) error {
	var cc raftpb.ConfChangeI
	var err error
	switch e.GetType() {
	case raftpb.EntryConfChange:
		v1 := &raftpb.ConfChange{}
		err, cc = proto.Unmarshal(e.GetData(), v1), v1
	default:
		v2 := &raftpb.ConfChangeV2{}
		err, cc = proto.Unmarshal(e.GetData(), v2), v2
	}
	if err != nil {
		return fmt.Errorf("log index %d: configuration change: %w", e.GetIndex(), err)
	}
	n.conf = n.rn.ApplyConfChange(cc)
	n.log.confIndex, n.rosterIndex = e.GetIndex(), e.GetIndex()
	n.confAt = time.Time{} // the next change may follow at once
	gone := n.roster.setConf(n.conf, e.GetIndex())
	for _, m := range gone {
		n.once.forget(m.ID)
		n.notify([]Event{{Kind: Removed, Peer: m.ID}})
		if m.ID == n.self.ID {
			return fmt.Errorf("member %d (%s): %w", m.ID, m.Name, ErrRemoved)
		}
		n.sayFarewell(m.Peer)
	}
	n.peersChanged()
	return nil
}
