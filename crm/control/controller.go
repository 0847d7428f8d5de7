package control

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

// Config tunes a controller.
type Config struct {
	// Self is this node's name.
	Self string
	// AnswerGrace is how long after an operation's own timeout its executor may
	// take to answer before the operation counts as timed out. It covers the way
	// there and back and the agent's own clean-up.
	AnswerGrace time.Duration
	// NodeLimit is how many operations a node may have in flight, unless the
	// option node-action-limit says otherwise. High, because a slot that a slow
	// start holds must not delay another resource's recovery.
	NodeLimit int
	// FenceHangLimit is how long one fencing attempt may run before another
	// executor takes over.
	FenceHangLimit time.Duration
	// StaleLimit is how long the detector's word may lag behind the log: a node that
	// has just joined is heard every 100 ms, and five seconds are patience.
	StaleLimit time.Duration
	// JoinLimit is how long a rebooted node that is heard may take to join before
	// its earlier boot counts as lost, so that what ran there is recovered.
	JoinLimit time.Duration
}

// DefaultConfig is what a daemon uses.
func DefaultConfig(self string) Config {
	return Config{
		Self: self, AnswerGrace: 15 * time.Second, NodeLimit: 32, FenceHangLimit: 10 * time.Minute,
		StaleLimit: 5 * time.Second, JoinLimit: 30 * time.Second,
	}
}

// Presence is what the membership layer makes of a node right now.
type Presence struct {
	Boot uint64 // of its last heartbeat; 0: never heard
	Lost bool   // silent on all links for the failure timeout
}

// Event is something that happened. The types are Lead, Follow, Changed,
// Members, Answered and Tick.
type Event interface{ event() }

// Lead says that this node leads in a term and has applied everything that
// earlier terms committed.
type Lead struct{ Term uint64 }

// Follow says that this node does not lead (any more).
type Follow struct{}

// Changed brings the state after one or more entries were applied.
type Changed struct{ State *state.State }

// Members brings who is here. It is the whole picture each time, so a missed
// one does no harm.
type Members struct{ Nodes map[string]Presence }

// Answered says what became of a proposal. Err is set when it did not get
// through (or nobody knows).
type Answered struct {
	Tag     string
	Outcome state.Outcome
	Err     string
}

// Tick says that time has passed.
type Tick struct{}

func (Lead) event()     {}
func (Follow) event()   {}
func (Changed) event()  {}
func (Members) event()  {}
func (Answered) event() {}
func (Tick) event()     {}

// Effect is something to be done. The types are Propose, WakeAt, Decided and
// Note.
type Effect interface{ effect() }

// Propose asks that a command be proposed as leader of Term, and that the
// outcome come back as Answered with the same Tag.
type Propose struct {
	Tag     string
	Term    uint64
	Command state.Command
}

// WakeAt asks for a Tick at a time, at the latest.
type WakeAt struct{ At time.Time }

// Decided shows the decision that is in force from now on.
type Decided struct{ Decision *Decision }

// Note is a line for the log: a real event, in words.
type Note struct{ Text string }

func (Propose) effect() {}
func (WakeAt) effect()  {}
func (Decided) effect() {}
func (Note) effect()    {}

// Controller is the designated controller of one node. Only the leader's acts.
type Controller struct {
	cfg      Config
	state    *state.State
	members  map[string]Presence
	leading  bool
	term     uint64
	proposed map[string]bool    // tags without an answer: not proposed twice
	refused  map[string]refusal // by matter: not again before its time
	related  relations

	// awaits is the index of the last answered proposal: on a state before it
	// nothing is decided, because what was just done is missing there.
	awaits uint64
	// since says since when, by this node's own clock, something is as it is.
	since patience
}

// New makes a controller that follows.
func New(cfg Config) *Controller {
	return &Controller{cfg: cfg, state: state.New(), proposed: map[string]bool{}, refused: map[string]refusal{}, since: patience{}}
}

// Step takes one event and says what to do.
func (c *Controller) Step(now time.Time, ev Event) []Effect {
	switch ev := ev.(type) {
	case Lead:
		if c.leading && c.term == ev.Term {
			return nil
		}
		c.leading, c.term = true, ev.Term
		c.forgetProposals()
	case Follow:
		c.leading = false
		c.forgetProposals()
	case Changed:
		c.state = ev.State
		c.since.observe(now, ev.State)
		c.since.noteUp(now, c.state, c.members)
	case Members:
		c.members = ev.Nodes
		c.since.noteUp(now, c.state, c.members)
	case Answered:
		delete(c.proposed, ev.Tag)
		c.awaits = max(c.awaits, ev.Outcome.Index)
		c.answered(now, ev)
	}
	if !c.leading || c.state.Index < c.awaits {
		return nil
	}
	return c.act(now)
}

func (c *Controller) forgetProposals() {
	c.proposed, c.refused = map[string]bool{}, map[string]refusal{}
}

// act looks at everything anew. Each part proposes what is missing and is
// silent about what is in flight, so acting twice on one state does nothing.
func (c *Controller) act(now time.Time) []Effect {
	t := &turn{c: c, now: now}
	t.markLost()
	t.expireOperations()
	d, err := Decide(c.state, now, c.cfg.Self, true)
	if err != nil {
		t.note("no decision: %v", err)
		t.wake(now.Add(10 * time.Second))
		return append(t.effects, WakeAt{At: t.next})
	}
	t.effects = append(t.effects, Decided{Decision: d})
	t.fence(d)
	t.order(d)
	t.dismiss(d)
	t.endMoves(d)
	t.wake(d.Plan.RecheckAt)
	t.wake(c.state.NextExpiry(now))
	if !t.next.IsZero() {
		t.effects = append(t.effects, WakeAt{At: t.next})
	}
	return t.effects
}

// turn is one look at everything.
type turn struct {
	c       *Controller
	now     time.Time
	next    time.Time
	effects []Effect
}

func (t *turn) wake(at time.Time) {
	if at.IsZero() {
		return
	}
	if !at.After(t.now) {
		at = t.now.Add(time.Second) // whole seconds count in policy: the change comes with the next one
	}
	if t.next.IsZero() || at.Before(t.next) {
		t.next = at
	}
}

func (t *turn) note(format string, args ...any) {
	t.effects = append(t.effects, Note{Text: fmt.Sprintf(format, args...)})
}

// dismiss lets nodes go that are drained.
func (t *turn) dismiss(d *Decision) {
	for _, a := range d.Ready {
		if a.Kind != policy.NodeAction || a.Task != policy.TaskShutdown {
			continue
		}
		n := t.c.state.Nodes[a.Node]
		if n == nil || !n.Leaving || t.inFlightOn(a.Node) > 0 || d.looksAt(a.Node) {
			continue
		}
		left := &state.Left{Node: a.Node, Boot: n.Boot, Seen: t.c.state.Index, Kept: kept(d.Plan, t.c.state.Config.Policy, a.Node)}
		if t.propose(fmt.Sprintf("left %s %d", a.Node, n.Boot), state.Command{Left: left}) {
			t.note("node %s is drained and may go", a.Node)
		}
	}
}

// looksAt says whether there is anything left to find out about a node: what is
// not known there may run there.
func (d *Decision) looksAt(node string) bool {
	return slices.ContainsFunc(d.Plan.Actions, func(a policy.Action) bool {
		return a.Kind == policy.ResourceAction && a.Task == policy.TaskMonitor && a.IntervalMS == 0 && a.Node == node
	})
}

// endMoves ends moves that have arrived or run out.
func (t *turn) endMoves(d *Decision) {
	for _, name := range sortedKeys(t.c.state.Settings.Moves) {
		m := t.c.state.Settings.Moves[name]
		if m.Until > t.now.Unix() && !d.arrived(t.c.state, m) {
			continue
		}
		t.propose(fmt.Sprintf("move-end %s %d", name, m.At), state.Command{EndMove: &state.EndMove{Resource: name, At: m.At}})
	}
}
