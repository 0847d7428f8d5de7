package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/crm/state"
)

// Client asks the daemon behind a control socket. Every error that it returns
// is an *Error.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient makes a client for a socket. It does not connect yet.
func NewClient(socket string) *Client {
	return &Client{socket: socket, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", socket)
		},
		DisableCompression: true,
	}}}
}

// Close gives the connections back.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status is the whole status.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return call[Status](ctx, c, http.MethodGet, "status", nil)
}

// State is the replicated state as it is.
func (c *Client) State(ctx context.Context) (*state.State, error) {
	return call[state.State](ctx, c, http.MethodGet, "state", nil)
}

// Config is the configuration in force.
func (c *Client) Config(ctx context.Context) (*Configuration, error) {
	return call[Configuration](ctx, c, http.MethodGet, "config", nil)
}

// Versions lists the configurations that are kept, newest first.
func (c *Client) Versions(ctx context.Context) ([]ConfigInfo, error) {
	list, err := call[[]ConfigInfo](ctx, c, http.MethodGet, "config/versions", nil)
	if err != nil {
		return nil, err
	}
	return *list, nil
}

// Version is an earlier configuration.
func (c *Client) Version(ctx context.Context, n int64) (*Configuration, error) {
	return call[Configuration](ctx, c, http.MethodGet, "config/versions/"+strconv.FormatInt(n, 10), nil)
}

// Validate says what is wrong with a candidate. A wrong one is no error.
func (c *Client) Validate(ctx context.Context, cand Candidate) (*Verdict, error) {
	return call[Verdict](ctx, c, http.MethodPost, "validate", cand)
}

// Plan says what a candidate would change and do.
func (c *Client) Plan(ctx context.Context, cand Candidate) (*Plan, error) {
	return call[Plan](ctx, c, http.MethodPost, "plan", cand)
}

// Commit puts a candidate into force.
func (c *Client) Commit(ctx context.Context, cand Candidate) (*Change, error) {
	return call[Change](ctx, c, http.MethodPost, "config", cand)
}

// Node changes what is wanted of a node; with dry only the plan is made.
func (c *Client) Node(ctx context.Context, node, verb string, req NodeRequest, dry bool) (*Change, error) {
	return call[Change](ctx, c, http.MethodPost, "nodes/"+url.PathEscape(node)+"/"+verb+dryQuery(dry), req)
}

// Resource changes what is wanted of a resource; with dry only the plan is made.
func (c *Client) Resource(ctx context.Context, name, verb string, req ResourceRequest, dry bool) (*Change, error) {
	return call[Change](ctx, c, http.MethodPost, "resources/"+url.PathEscape(name)+"/"+verb+dryQuery(dry), req)
}

func dryQuery(dry bool) string {
	if dry {
		return "?dry-run=1"
	}
	return ""
}

// Cluster is the membership as the daemon sees it.
func (c *Client) Cluster(ctx context.Context) (*Cluster, error) {
	return call[Cluster](ctx, c, http.MethodGet, "cluster", nil)
}

// Token makes a join token.
func (c *Client) Token(ctx context.Context, ttl time.Duration) (*Token, error) {
	return call[Token](ctx, c, http.MethodPost, "cluster/token", TokenRequest{TTL: int64(ttl / time.Second)})
}

// Leave takes the daemon's node out of its cluster.
func (c *Client) Leave(ctx context.Context) (*Change, error) {
	return call[Change](ctx, c, http.MethodPost, "cluster/leave", struct{}{})
}

// Remove takes a member that is down out of the cluster.
func (c *Client) Remove(ctx context.Context, node string) (*Change, error) {
	return call[Change](ctx, c, http.MethodPost, "cluster/remove", RemoveRequest{Node: node})
}

// Explain says why a resource is where it is. Without a node it is about all.
func (c *Client) Explain(ctx context.Context, resource, node string) (*Explanation, error) {
	q := url.Values{"resource": {resource}, "node": {node}}
	return call[Explanation](ctx, c, http.MethodGet, "explain?"+q.Encode(), nil)
}

// Agents lists the agents of the daemon's node.
func (c *Client) Agents(ctx context.Context) ([]string, error) {
	list, err := call[[]string](ctx, c, http.MethodGet, "agents", nil)
	if err != nil {
		return nil, err
	}
	return *list, nil
}

// Agent describes one agent.
func (c *Client) Agent(ctx context.Context, name string) (*agents.Metadata, error) {
	return call[agents.Metadata](ctx, c, http.MethodGet, "agents/"+url.PathEscape(name), nil)
}

// Names are the words for completion.
func (c *Client) Names(ctx context.Context) (*Names, error) {
	return call[Names](ctx, c, http.MethodGet, "names", nil)
}

// Watch calls tell with the status on each change, until ctx or the daemon ends
// or tell returns an error. index is what the caller has seen; 0: nothing.
func (c *Client) Watch(ctx context.Context, index uint64, tell func(*Status) error) error {
	return each(ctx, c, "watch?index="+strconv.FormatUint(index, 10), tell)
}

// Wait calls tell with what becomes of a change, and returns the verdict.
func (c *Client) Wait(ctx context.Context, change *Change, limit time.Duration, tell func(*Event)) (*Final, error) {
	q := url.Values{"index": {strconv.FormatUint(change.Index, 10)}, "object": {change.Object}}
	if limit > 0 {
		q.Set("timeout", limit.String())
	}
	var final *Final
	err := each(ctx, c, "wait?"+q.Encode(), func(e *Event) error {
		if e.Final != nil {
			final = e.Final
		}
		tell(e)
		return nil
	})
	if err == nil && final == nil {
		err = errorf(Unavailable, "the daemon ended while the change was under way: see 'crm status'")
	}
	return final, err
}

// call asks one question.
func call[T any](ctx context.Context, c *Client, method, path string, body any) (*T, error) {
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out := new(T)
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return nil, errorf(Unavailable, "the daemon's answer to %s can not be read: %v", path, err)
	}
	return out, nil
}

// each reads a stream of answers.
func each[T any](ctx context.Context, c *Client, path string, tell func(*T) error) error {
	resp, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	for {
		item := new(T)
		if err := d.Decode(item); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || ctx.Err() != nil {
				return nil
			}
			return errorf(Unavailable, "the daemon's stream broke: %v", err)
		}
		if err := tell(item); err != nil {
			return err
		}
	}
}

func (c *Client) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, errorf(Internal, "%v", err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://crm/v1/"+path, in)
	if err != nil {
		return nil, errorf(BadRequest, "%v", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	e := &Error{}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if json.Unmarshal(text, e) != nil || e.Kind == "" {
		e = errorf(Internal, "the daemon answered %s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return nil, e
}

// unreachable says why nobody answered, and what to do.
func (c *Client) unreachable(ctx context.Context, err error) *Error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return errorf(Privilege, "the control socket %s is for its owner: run this as root", c.socket)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return errorf(NotConnected, "no cluster runs on this machine (nobody answers at %s): 'systemctl start holdfast', or make one with 'crm cluster init' or 'crm cluster join TOKEN'", c.socket)
	case ctx.Err() != nil:
		return errorf(Timeout, "%v", ctx.Err())
	}
	return errorf(NotConnected, "%v", fmt.Errorf("the daemon at %s: %w", c.socket, err))
}
