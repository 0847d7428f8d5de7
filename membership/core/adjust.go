package core

import "time"

// SetFailureTimeout changes the silence after which a leader declares a member
// lost. The caller has validated it.
func (n *Node) SetFailureTimeout(d time.Duration) {
	n.cfg.FailureTimeout = d
	n.det.cfg.FailureTimeout = d
}

// Token finds a join token that the cluster remembers, or nil.
func (r *Roster) Token(id string) *Token {
	if i, found := r.searchToken(id); found {
		return &r.Tokens[i]
	}
	return nil
}
