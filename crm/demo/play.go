package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/hosts"
	"github.com/holdfast-ha/holdfast/crm/render"
	"github.com/holdfast-ha/holdfast/crm/state"
)

// What may take how long before the demo gives up.
const (
	stepLimit = 30 * time.Second
	lookEvery = 20 * time.Millisecond
)

// play is the story after the nodes are up.
type play struct {
	stage
	tale  *story
	asker *hosts.Probe
}

func (p *play) run(ctx context.Context) error {
	if err := p.commit(ctx); err != nil {
		return err
	}
	p.asker = p.probe()
	defer p.asker.Stop()
	active, err := p.awaitService(ctx)
	if err != nil {
		return err
	}
	if err := p.show(ctx, active); err != nil {
		return err
	}
	next, err := p.failover(ctx, active)
	if err != nil {
		return err
	}
	return p.comeBack(ctx, active, next)
}

// commit gives the cluster its configuration.
func (p *play) commit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	change, err := p.client(nodes[0]).Commit(ctx, api.Candidate{
		Documents: []state.Document{{Name: "demo.hcl", Text: p.configuration()}}, Comment: "the demo",
	})
	if err != nil {
		return fmt.Errorf("the demo's configuration: %w", err)
	}
	p.tale.tell(event{Event: "configured", Text: fmt.Sprintf("configuration: a fence device and the service, %s", change.Text)})
	return nil
}

// awaitService waits for the first answer, and says who serves.
func (p *play) awaitService(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, stepLimit, fmt.Errorf("the service did not start within %v", stepLimit))
	defer cancel()
	answer, err := p.asker.AwaitAnswer(ctx, time.Time{})
	if err != nil {
		return "", err
	}
	node := servedBy(answer)
	p.tale.tellAt(answer.At, event{Event: "serving", Node: node, Text: fmt.Sprintf("serves: http://%v answers", p.service())})
	// The fence device must be up as well: nothing is worth showing without it.
	return node, p.await(ctx, nodes[0], func(s *api.Status) bool { return running(s, "power") != "" && running(s, "web") == node })
}

// servedBy reads the node's name from a page of [Serve].
func servedBy(a hosts.Answer) string {
	name, _, _ := strings.Cut(a.Text, " ")
	return name
}

// show prints the status.
func (p *play) show(ctx context.Context, from string) error {
	status, err := p.client(from).Status(ctx)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := render.Status(&text, status.View(), render.Options{}); err != nil {
		return err
	}
	p.tale.heading("        $ crm status")
	p.tale.block(text.String())
	p.tale.line("")
	return nil
}

// failover kills the active node and watches what the others do.
func (p *play) failover(ctx context.Context, active string) (string, error) {
	witness := other(active)
	before := p.asker.Answers()
	killed := time.Now()
	if err := p.kill(active); err != nil {
		return "", fmt.Errorf("kill %s: %w", active, err)
	}
	gone := time.Now()
	p.tale.failed = killed.Add(-time.Microsecond)
	p.tale.tellAt(killed, event{Event: "killed", Node: active, Text: "is killed: its daemon and the service end at once, as by a power cut"})
	if err := p.recovery(ctx, active, witness); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, stepLimit, fmt.Errorf("the service did not answer again within %v", stepLimit))
	defer cancel()
	answer, err := p.asker.AwaitAnswer(ctx, gone)
	if err != nil {
		return "", err
	}
	next := servedBy(answer)
	if next == active {
		return "", fmt.Errorf("%s answers, but it was killed", active)
	}
	last := before[len(before)-1].Asked
	p.tale.tellAt(answer.At, event{Event: "answering", Node: next, Text: fmt.Sprintf("serves: the client waited %.2f s", answer.At.Sub(last).Seconds())})
	return next, p.await(ctx, witness, func(s *api.Status) bool { return running(s, "web") == next })
}

// other is a node that is not the one.
func other(node string) string {
	for _, n := range nodes {
		if n != node {
			return n
		}
	}
	return ""
}

// recovery tells each step on the way, as a survivor sees it.
func (p *play) recovery(ctx context.Context, dead, witness string) error {
	steps := []struct {
		name  string
		node  string
		holds func(*api.Status) string // what to tell, "" while it has not happened
	}{
		{"suspect", dead, func(s *api.Status) string {
			if n := node(s, dead); n != nil && n.Membership != "up" {
				return "is silent: suspect"
			}
			return ""
		}},
		{"lost", dead, func(s *api.Status) string {
			if n := node(s, dead); n != nil && (n.Phase == "lost" || n.Phase == "down") || len(s.FenceLog) > 0 {
				return "is lost: nothing that it ran may start elsewhere before it is off for certain"
			}
			return ""
		}},
		{"fenced", dead, func(s *api.Status) string {
			for _, f := range s.FenceLog {
				if f.Target == dead && f.OK {
					return fmt.Sprintf("is fenced: %s confirmed by %s with the device %q in %.2f s", f.Action, f.Executor, "power", f.Ended.Sub(f.Begun).Seconds())
				}
			}
			return ""
		}},
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, step := range steps {
		text := ""
		wait, stop := context.WithTimeoutCause(ctx, stepLimit, fmt.Errorf("%s was not %s within %v", step.node, step.name, stepLimit))
		err := p.await(wait, witness, func(s *api.Status) bool { text = step.holds(s); return text != "" })
		stop()
		if err != nil {
			return err
		}
		p.tale.tell(event{Event: step.name, Node: step.node, Text: text})
	}
	return nil
}

// comeBack waits until the killed node is a member again, and sees that nothing
// moves back.
func (p *play) comeBack(ctx context.Context, back, active string) error {
	answers := p.asker.Answers()
	page := answers[len(answers)-1].Text
	wait, cancel := context.WithTimeoutCause(ctx, stepLimit, fmt.Errorf("%s did not come back within %v", back, stepLimit))
	defer cancel()
	err := p.await(wait, active, func(s *api.Status) bool {
		n := node(s, back)
		return n != nil && n.Phase == "member" && n.Membership == "up" && len(s.Pending) == 0 && len(s.Next) == 0
	})
	if err != nil {
		return err
	}
	p.tale.tell(event{Event: "rejoined", Node: back, Text: "was started again by the fence device and is a member; nothing moves back"})
	answer, err := p.asker.AwaitAnswer(wait, time.Now().Add(500*time.Millisecond))
	if err != nil {
		return err
	}
	if answer.Text != page { // it says who serves, and since when
		return fmt.Errorf("the service did not stay as it was: %q, and before %s came back %q", answer.Text, back, page)
	}
	if err := p.show(ctx, active); err != nil {
		return err
	}
	p.tale.tellAt(answer.At, event{Event: "done", Node: active, Text: "still serves, without a pause"})
	return nil
}

// await asks a node's daemon until its status pleases.
func (p *play) await(ctx context.Context, at string, pleases func(*api.Status) bool) error {
	client := p.client(at)
	defer client.Close()
	return await(ctx, client, pleases)
}

func await(ctx context.Context, client *api.Client, pleases func(*api.Status) bool) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last error
	for {
		status, err := client.Status(ctx)
		if err == nil && pleases(status) {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if last != nil {
				return fmt.Errorf("%w: %w", context.Cause(ctx), last)
			}
			return context.Cause(ctx)
		}
	}
}

func node(s *api.Status, name string) *api.Node {
	for i := range s.Nodes {
		if s.Nodes[i].Name == name {
			return &s.Nodes[i]
		}
	}
	return nil
}

// running says on which node a resource runs, "" for none.
func running(s *api.Status, resource string) string {
	for _, p := range s.Placement {
		if p.Resource == resource && p.Node != "" {
			return p.Node
		}
	}
	return ""
}
