package membership

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/storage"
)

// Init describes a new cluster and its first member.
type Init struct {
	ClusterName string
	// ClusterID tells clusters of the same name apart. Empty: a random one.
	ClusterID string
	// Self is the first member; its ID is ignored, it becomes 1.
	Self core.Peer
	// Quorum is the quorum rule; empty means core.QuorumMajority, and this
	// version knows no other.
	Quorum string
}

// JoinRequest is what a node presents to be taken in.
type JoinRequest struct {
	Token string    // id of the join token
	Hash  []byte    // what the cluster remembers of it: whoever calls has checked the joiner's proof against that
	Peer  core.Peer // ID is ignored
}

// JoinAnswer is what a member answers: all that the new node needs to start.
type JoinAnswer struct {
	ClusterID   string
	ClusterName string
	Self        core.Peer   // the new member, with its id
	Members     []core.Peer // all others
}

// identity is the file that makes a folder a member's. It is written last, so
// a folder without it is an interrupted beginning and may be overwritten.
type identity struct {
	ClusterID   string
	ClusterName string
	Self        core.Peer
	Members     []core.Peer `json:",omitempty"` // known when it joined
}

// ErrExists is returned for a folder that holds a member's files already.
var ErrExists = errors.New("this node is a member of a cluster already; `crm cluster leave` first")

// Bootstrap makes the files of a new cluster's first member.
func Bootstrap(dir string, init Init) error {
	if init.Quorum != "" && init.Quorum != core.QuorumMajority {
		return fmt.Errorf("new cluster %q: quorum rule %q: this version knows only %q; two-node, half-split, witness and lease rules come with a later version, use three members", init.ClusterName, init.Quorum, core.QuorumMajority)
	}
	if init.ClusterName == "" {
		return errors.New("new cluster: it needs a name")
	}
	id := identity{ClusterID: init.ClusterID, ClusterName: init.ClusterName, Self: init.Self.Clone()}
	id.Self.ID = 1
	if id.ClusterID == "" {
		id.ClusterID = rand.Text()
	}
	data, err := core.FirstSnapshot(id.ClusterID, id.ClusterName, id.Self)
	if err != nil {
		return fmt.Errorf("new cluster %q: %w", init.ClusterName, err)
	}
	first := &raftpb.Snapshot{Data: data, Metadata: &raftpb.SnapshotMetadata{
		Index: new(uint64(1)), Term: new(uint64(1)), ConfState: &raftpb.ConfState{Voters: []uint64{1}},
	}}
	return begin(dir, id, first)
}

// Prepare makes the files of a node that was admitted. Open then waits for the
// leader to bring it up to date.
func Prepare(dir string, a JoinAnswer) error {
	if err := core.CheckPeer(a.Self); err != nil || a.Self.ID == 0 || a.ClusterID == "" || len(a.Members) == 0 {
		return errors.Join(fmt.Errorf("join: the answer is incomplete (id %d, cluster %q, %d members)", a.Self.ID, a.ClusterID, len(a.Members)), err)
	}
	return begin(dir, identity(a), nil)
}

func begin(dir string, id identity, first *raftpb.Snapshot) error {
	switch _, err := readIdentity(dir); {
	case err == nil:
		return fmt.Errorf("%s: %w", dir, ErrExists)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	for _, sub := range []string{"log", "log.tmp", "snapshots"} {
		if err := os.RemoveAll(filepath.Join(dir, sub)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := storage.Create(dir, first); err != nil {
		return err
	}
	return writeJSON(identityFile(dir), id)
}

func identityFile(dir string) string { return filepath.Join(dir, "cluster.json") }

func readIdentity(dir string) (identity, error) {
	var id identity
	err := readJSON(identityFile(dir), &id)
	return id, err
}

// seed is the roster that a joined node goes by until the log brings one.
func (id identity) seed() *core.Roster {
	r := &core.Roster{ClusterID: id.ClusterID, ClusterName: id.ClusterName}
	for _, p := range id.Members {
		r.Members = append(r.Members, core.Member{Peer: p, Role: core.Voter})
	}
	r.Members = append(r.Members, core.Member{Peer: id.Self, Role: core.Joining})
	slices.SortFunc(r.Members, func(a, b core.Member) int { return int(a.ID) - int(b.ID) })
	return r
}

func readJSON(file string, v any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: damaged: %w; restore it, or remove this node from the cluster and join it again", file, err)
	}
	return nil
}

// writeJSON replaces a file durably: content, then name.
func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(file, append(b, '\n'), 0o600, renameio.WithTempDir(filepath.Dir(file))); err != nil {
		return err
	}
	return storage.SyncDir(filepath.Dir(file))
}
