package membership

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// Self returns this node's own record as its files have it, for those who need
// it before Open: a transport binds these addresses.
func Self(dir string) (core.Peer, error) {
	id, err := readIdentity(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return core.Peer{}, fmt.Errorf("membership in %s: this node belongs to no cluster; run `crm cluster init` or `crm cluster join` first", dir)
	}
	return id.Self, err
}

// AddToken makes the cluster remember a join token that admits one node within
// ttl. hash is what a joiner's proof is checked against; the secret itself stays
// with whoever made the token.
func (m *Member) AddToken(ctx context.Context, id string, hash []byte, ttl time.Duration) error {
	if ttl <= 0 {
		return fmt.Errorf("join token: lifetime %v must be above 0", ttl)
	}
	now := time.Now().UTC()
	t := core.Token{ID: id, Hash: hash, Expires: now.Add(ttl), UsesLeft: 1}
	_, err := m.command(ctx, core.Command{CreateToken: &core.CreateToken{Now: now, Token: t}})
	return err
}

// SetFailureTimeout changes the silence after which this member, when it leads,
// declares another one lost. It takes effect at once.
func (m *Member) SetFailureTimeout(d time.Duration) error {
	cfg := m.cfg.timing()
	cfg.FailureTimeout = d
	if err := cfg.Validate(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	return m.inspect(ctx, func(n *core.Node) { n.SetFailureTimeout(d) })
}
