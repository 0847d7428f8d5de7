package vip

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/agents"
)

// What the metadata advises.
const (
	timeout  = 20 * time.Second
	interval = 10 * time.Second
)

// Agent holds addresses. It works in the network namespace of its process.
type Agent struct {
	log     hclog.Logger
	feed    *feed
	speaker speaker

	life context.Context // ends with Close; bounds the announcements
	end  context.CancelFunc
	busy sync.WaitGroup // announcements under way

	mu     sync.Mutex
	claims map[netip.Addr]*claim
}

var (
	_ agents.Agent   = (*Agent)(nil)
	_ agents.Watcher = (*Agent)(nil)
)

// New makes an agent. The logger may be nil.
func New(log hclog.Logger) *Agent {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	life, end := context.WithCancel(context.Background())
	return &Agent{log: log, feed: newFeed(log), life: life, end: end, claims: map[netip.Addr]*claim{}}
}

// Close ends the announcements that are still under way. Addresses stay.
func (a *Agent) Close() error {
	a.end()
	a.busy.Wait()
	a.speaker.close()
	return nil
}

// Metadata describes the agent.
func (a *Agent) Metadata(context.Context, agents.Spec) (*agents.Metadata, error) {
	return metadata(), nil
}

// Run carries one operation out.
func (a *Agent) Run(ctx context.Context, req agents.Request) agents.Result {
	began := time.Now()
	r := a.run(ctx, req)
	r.Started, r.Finished = began, time.Now()
	return r
}

func (a *Agent) run(ctx context.Context, req agents.Request) agents.Result {
	op, ok := map[agents.Action]func(context.Context, *claim, config) agents.Result{
		agents.Start:       a.start,
		agents.Stop:        a.stop,
		agents.Monitor:     a.monitor,
		agents.ValidateAll: a.validate,
	}[req.Action]
	if !ok {
		return agents.Result{
			Status: agents.NotSupported, Code: agents.ErrUnsupported,
			Reason: fmt.Sprintf("an address has no action %q", req.Action),
		}
	}
	if req.Timeout <= 0 {
		return bad(agents.ErrArgs, "%s of %s: the timeout must be positive, it is %s", req.Action, req.Resource, req.Timeout)
	}
	cfg, err := parse(req.Params)
	if err != nil {
		return bad(agents.ErrConfigured, "%s: %v", req.Resource, err)
	}
	opCtx, cancel := context.WithTimeout(ctx, req.Timeout)
	defer cancel()
	// A netlink call can be stuck behind the kernel's one big lock; it is then
	// left behind, with the claim's lock, which holds off whatever comes next.
	done := make(chan agents.Result, 1)
	go func() { done <- op(opCtx, a.claim(cfg.ip), cfg) }()
	select {
	case r := <-done:
		if opCtx.Err() == nil || r.Code == agents.OK {
			return r
		}
		return a.late(ctx, req, cfg, r.Reason)
	case <-opCtx.Done():
	}
	select { // it mostly ends by itself at once
	case r := <-done:
		return a.late(ctx, req, cfg, r.Reason)
	case <-time.After(500 * time.Millisecond):
		return a.late(ctx, req, cfg, "the kernel has not answered; the call is still pending")
	}
}

// late is the result of an operation that was cut off.
func (a *Agent) late(ctx context.Context, req agents.Request, cfg config, why string) agents.Result {
	r := agents.Result{Status: agents.TimedOut, Code: agents.ErrGeneric, Reason: fmt.Sprintf("%s of %s did not finish", req.Action, cfg.ip)}
	if ctx.Err() != nil {
		r.Status = agents.Cancelled
	}
	if why != "" {
		r.Reason += ": " + why
	}
	return r
}

// good is success.
func good() agents.Result { return agents.Result{Status: agents.Done, Code: agents.OK} }

// bad is an answer that says no.
func bad(code agents.Code, format string, args ...any) agents.Result {
	return agents.Result{Status: agents.Done, Code: code, Reason: fmt.Sprintf(format, args...)}
}

// claim is what this agent has to do with an address; there is one for ever
// per address, so that its lock means something.
func (a *Agent) claim(ip netip.Addr) *claim {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.claims[ip]
	if c == nil {
		c = &claim{agent: a, ip: ip, lock: make(chan struct{}, 1)}
		a.claims[ip] = c
	}
	return c
}

// Announce tells the neighbours again where the addresses are that this agent
// holds, as after a network has healed. It returns after the first of the
// usual five announcements of each, with the errors of those.
func (a *Agent) Announce(ctx context.Context) error {
	a.mu.Lock()
	claims := make([]*claim, 0, len(a.claims))
	for _, c := range a.claims {
		claims = append(claims, c)
	}
	a.mu.Unlock()
	var failed error
	for _, c := range claims {
		if err := c.acquire(ctx); err != nil {
			return err
		}
		if c.wanted {
			if err := c.announce(); err != nil {
				failed = fmt.Errorf("%w (and perhaps others)", err)
			}
		}
		c.release()
	}
	return failed
}
