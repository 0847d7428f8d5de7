package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/holdfast-ha/holdfast/membership"
	"github.com/holdfast-ha/holdfast/membership/core"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

// Place says where a new member's files go and where it can be reached.
type Place struct {
	StateDir  string
	Node      string
	Addresses []string // host:port, one per link
	Version   string
}

func (p Place) membership() string { return filepath.Join(p.StateDir, "membership") }

// InitCluster makes the files of a new cluster's first member. The daemon that
// is started on them leads at once.
func InitCluster(p Place, cluster string, now time.Time) error {
	if _, err := identity.Load(p.StateDir); !errors.Is(err, identity.ErrNone) {
		if err != nil {
			return err
		}
		return fmt.Errorf("%s: %w", p.StateDir, membership.ErrExists)
	}
	id, err := identity.Create(cluster, p.Node, now)
	if err != nil {
		return err
	}
	self := core.Peer{Name: p.Node, Addresses: p.Addresses, Key: id.LinkKey(), Cert: id.CertHash()}
	if err := membership.Bootstrap(p.membership(), membership.Init{ClusterName: cluster, ClusterID: id.ClusterID(), Self: self}); err != nil {
		return err
	}
	return id.Save(p.StateDir) // last: without an identity the rest counts for nothing
}

// JoinCluster has this machine admitted to a cluster and makes its files. After
// an error it may be called again with the same token.
func JoinCluster(ctx context.Context, p Place, token identity.Token) (*identity.Identity, error) {
	if id, err := identity.Load(p.StateDir); err == nil {
		return nil, fmt.Errorf("%s holds node %s of cluster %s: %w", p.StateDir, id.Node(), id.ClusterName(), membership.ErrExists)
	} else if !errors.Is(err, identity.ErrNone) {
		return nil, err
	}
	me, err := identity.NewApplicant(p.StateDir, p.Node, p.Addresses, p.Version)
	if err != nil {
		return nil, err
	}
	answer, err := identity.Join(ctx, token, me)
	if err != nil {
		return nil, err
	}
	prepared := membership.JoinAnswer{ClusterID: answer.Identity.ClusterID(), ClusterName: answer.Identity.ClusterName()}
	for _, peer := range answer.Peers {
		if peer.ID == answer.ID {
			prepared.Self = peer
		} else {
			prepared.Members = append(prepared.Members, peer)
		}
	}
	if err := membership.Prepare(p.membership(), prepared); err != nil {
		return nil, err
	}
	return answer.Identity, answer.Identity.Save(p.StateDir)
}
