package core

import (
	"errors"
	"fmt"
	"time"
)

// Limits of this version.
const (
	MaxLinks   = 8       // links between two members
	MaxVoters  = 7       // every further voter makes each commit slower and adds little
	MaxMembers = 7       // plain members beside the voters come with a later version
	MaxData    = 8 << 20 // bytes in one proposal; keeps one entry far below the transport's frame limit
	maxPending = 4096    // proposals that one member may have under way
)

// QuorumMajority is the only quorum rule of this version: more than half of
// the voters. Rules for two nodes, half splits, a witness and leases are
// refused by Validate, because half of such a rule would be worse than none.
const QuorumMajority = "majority"

// Config holds the timing of detector and agreement. Take DefaultConfig and
// change what must differ.
type Config struct {
	// Heartbeat is the pause between two heartbeats on one link. 100 ms costs
	// about 1 % of a core at 2000 packets a second and allows eight misses
	// within a second.
	Heartbeat time.Duration
	// LinkMisses is how many heartbeats in a row may be missing before a link
	// is down. Five: at 20 % loss that is one false alarm in 3000 heartbeats,
	// and a link that is down costs nothing while another one is up.
	LinkMisses int
	// LinkPongs is how many answered heartbeats bring a link up. Two: a single
	// stray packet proves nothing.
	LinkPongs int
	// SuspectTimeout is the silence on all links after which a member is
	// suspect: nothing new is placed there and plans are prepared. 0.8 s is
	// eight heartbeats: 0.078 false suspicions per pair and hour at 20 % loss
	// on one link, practically none with two.
	SuspectTimeout time.Duration
	// FailureTimeout is the silence after which the leader declares a member
	// lost. The default of 3 s rides out a paused virtual machine or a
	// restarted daemon; 1 s is the least that leaves time for the members'
	// observations to reach the leader.
	FailureTimeout time.Duration
	// PauseLimit is the gap between two of our own ticks that makes us
	// distrust our own observations. 300 ms is six ticks: no healthy scheduler
	// does that, and it is below the suspect timeout.
	PauseLimit time.Duration
	// Tick drives raft and the detector. It equals Heartbeat, so that a beat on
	// the links and raft's own leave in one burst: an idle daemon is woken by
	// bursts, not by bytes.
	Tick time.Duration
	// ElectionTicks and HeartbeatTicks count in Tick. A follower stands for
	// election after 0.5 to 0.9 s of silence, so a new leader exists about 0.7 s
	// (p50) to 1.3 s after the old one died; one tick between raft's heartbeats
	// leaves five of them per shortest election.
	ElectionTicks, HeartbeatTicks int
	// ProposalRetry is after how long an unanswered proposal is handed to the
	// leader again; duplicates are applied once. One second is longer than a
	// commit on a slow disk and shorter than an operator's patience.
	ProposalRetry time.Duration
	// NoQuorumWait is how long a proposal waits for a leader before it fails
	// with ErrNoQuorum. 3 s covers two election rounds.
	NoQuorumWait time.Duration
	// DiskTransfer is the age of an unfinished write at which a leader hands
	// leadership over, and a follower stops standing for election. 1 s is a
	// hundred times a slow disk's p99.
	DiskTransfer time.Duration
	// DiskSilence is the age at which a leader stops its raft heartbeats, so
	// that the others elect without it if the hand-over failed.
	DiskSilence time.Duration
	// SnapshotEntries and SnapshotBytes: a snapshot is taken when so much was
	// applied since the last one. 10000 entries replay in well under a second.
	SnapshotEntries uint64
	SnapshotBytes   uint64
	// KeepEntries is how many applied entries stay in memory behind a snapshot
	// so that a member which lags a little needs no snapshot.
	KeepEntries uint64
	// SnapshotChunk is the size in bytes of the pieces in which a snapshot
	// travels, and SnapshotWait how long one piece may stay unanswered.
	SnapshotChunk int
	SnapshotWait  time.Duration
	// Quorum names the quorum rule; only QuorumMajority is accepted.
	Quorum string
}

// DefaultConfig returns the values that the comments of Config explain.
func DefaultConfig() Config {
	return Config{
		Heartbeat: 100 * time.Millisecond, LinkMisses: 5, LinkPongs: 2,
		SuspectTimeout: 800 * time.Millisecond, FailureTimeout: 3 * time.Second, PauseLimit: 300 * time.Millisecond,
		Tick: 100 * time.Millisecond, ElectionTicks: 5, HeartbeatTicks: 1,
		ProposalRetry: time.Second, NoQuorumWait: 3 * time.Second,
		DiskTransfer: time.Second, DiskSilence: 2 * time.Second,
		SnapshotEntries: 10000, SnapshotBytes: 64 << 20, KeepEntries: 2000,
		SnapshotChunk: 1 << 20, SnapshotWait: 2 * time.Second,
		Quorum: QuorumMajority,
	}
}

// Validate reports everything that is wrong with c, not only the first thing.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Heartbeat >= 10*time.Millisecond, "heartbeat %v: must be at least 10ms", c.Heartbeat)
	check(c.LinkMisses >= 2, "link misses %d: must be at least 2", c.LinkMisses)
	check(c.LinkPongs >= 1, "link pongs %d: must be at least 1", c.LinkPongs)
	check(c.SuspectTimeout >= 3*c.Heartbeat, "suspect timeout %v: must be at least three heartbeats (%v)", c.SuspectTimeout, 3*c.Heartbeat)
	check(c.FailureTimeout >= time.Second, "failure timeout %v: must be at least 1s", c.FailureTimeout)
	check(c.FailureTimeout >= c.SuspectTimeout+2*c.Heartbeat, "failure timeout %v: must exceed the suspect timeout by two heartbeats (%v)", c.FailureTimeout, c.SuspectTimeout+2*c.Heartbeat)
	check(c.PauseLimit > c.Heartbeat && c.PauseLimit < c.SuspectTimeout, "pause limit %v: must lie between the heartbeat (%v) and the suspect timeout (%v)", c.PauseLimit, c.Heartbeat, c.SuspectTimeout)
	check(c.Tick > 0 && c.Tick <= c.Heartbeat, "tick %v: must be above 0 and at most a heartbeat (%v)", c.Tick, c.Heartbeat)
	check(c.HeartbeatTicks >= 1 && c.ElectionTicks >= 3*c.HeartbeatTicks, "election ticks %d: must be at least three times the heartbeat ticks (%d)", c.ElectionTicks, c.HeartbeatTicks)
	check(c.ProposalRetry > 0 && c.NoQuorumWait > 0, "proposal retry %v and no-quorum wait %v: must be above 0", c.ProposalRetry, c.NoQuorumWait)
	check(c.DiskTransfer > 0 && c.DiskSilence > c.DiskTransfer, "disk silence %v: must be above disk transfer (%v), which must be above 0", c.DiskSilence, c.DiskTransfer)
	check(c.SnapshotEntries >= 1 && c.SnapshotBytes >= 1, "snapshot entries %d and bytes %d: must be at least 1", c.SnapshotEntries, c.SnapshotBytes)
	check(c.SnapshotChunk >= 1024 && c.SnapshotChunk <= 32<<20, "snapshot chunk %d: must lie between 1 KiB and 32 MiB", c.SnapshotChunk)
	check(c.SnapshotWait > 0, "snapshot wait %v: must be above 0", c.SnapshotWait)
	check(c.Quorum == QuorumMajority, "quorum rule %q: this version knows only %q; two-node, half-split, witness and lease rules come with a later version, use three members", c.Quorum, QuorumMajority)
	return errors.Join(errs...)
}
