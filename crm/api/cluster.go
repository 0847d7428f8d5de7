package api

import (
	"context"
	"net/http"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
)

// Bounds of a join token's life.
const (
	defaultTokenTTL = time.Hour
	maxTokenTTL     = 30 * 24 * time.Hour
)

// TokenRequest asks for a join token.
type TokenRequest struct {
	TTL int64 `json:"ttl,omitempty"` // seconds; 0: one hour
}

// Token lets one machine join.
type Token struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
	Command string    `json:"command"` // to run on the new machine
}

// RemoveRequest names the member to remove.
type RemoveRequest struct {
	Node string `json:"node"`
}

func (s *Server) getCluster(*http.Request) (any, error) {
	c := s.backend.Cluster()
	return &c, nil
}

func (s *Server) postToken(r *http.Request) (any, error) {
	var req TokenRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	ttl := time.Duration(req.TTL) * time.Second
	if req.TTL == 0 {
		ttl = defaultTokenTTL
	}
	if ttl <= 0 || ttl > maxTokenTTL {
		return nil, errorf(BadRequest, "a token lives between a second and 30 days, not %v", ttl)
	}
	ctx, cancel := context.WithTimeout(r.Context(), changeLimit)
	defer cancel()
	token, expires, err := s.backend.CreateToken(ctx, ttl)
	if err != nil {
		return nil, err
	}
	s.log.Info("a join token was made", "author", author(r.Context()), "expires", expires)
	return &Token{Token: token, Expires: expires.UTC(), Command: "crm cluster join " + token}, nil
}

// postLeave drains this node and takes it out of the cluster. The answer comes
// when it is out; the daemon ends after that.
func (s *Server) postLeave(r *http.Request) (any, error) {
	self := s.backend.Self()
	if err := s.backend.Leave(r.Context()); err != nil {
		return nil, err
	}
	s.log.Info("this node left the cluster", "author", author(r.Context()))
	return &Change{Text: "node " + self + " left the cluster", Object: self}, nil
}

func (s *Server) postRemove(r *http.Request) (any, error) {
	var req RemoveRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if req.Node == s.backend.Self() {
		return nil, errorf(NotApplicable, "this is node %s itself: 'crm cluster leave'", req.Node)
	}
	known := false
	for _, m := range s.backend.Cluster().Members {
		known = known || m.Name == req.Node
	}
	if n := s.backend.State().Nodes[req.Node]; n != nil {
		known = true
		if n.Phase != state.PhaseDown {
			return nil, errorf(NotApplicable, "node %s is not down (%s): run 'crm cluster leave' there, or 'crm node fence %s' if it does not answer", req.Node, n.Phase, req.Node)
		}
	}
	if !known {
		return nil, errorf(NoSuch, "there is no node %s", req.Node)
	}
	ctx, cancel := context.WithTimeout(r.Context(), changeLimit)
	defer cancel()
	if err := s.backend.RemoveMember(ctx, req.Node); err != nil {
		return nil, err
	}
	return &Change{Text: "node " + req.Node + " is no member any more", Object: req.Node}, nil
}
