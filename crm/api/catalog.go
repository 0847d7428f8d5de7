package api

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/crm/config"
)

// How long an agent may take to describe itself, and how long the answer holds.
const (
	metadataLimit = 20 * time.Second
	metadataAge   = 5 * time.Minute
)

// catalog knows the agents of this node, as config wants to be told of them. It
// remembers what agents say of themselves, because most are slow programs.
type catalog struct {
	backend Backend

	mu    sync.Mutex
	known map[string]described
	names []string
	read  time.Time
}

type described struct {
	meta *agents.Metadata
	at   time.Time
}

func newCatalog(b Backend) *catalog {
	return &catalog{backend: b, known: map[string]described{}}
}

// Lookup describes a resource agent.
func (c *catalog) Lookup(spec agents.Spec) (*agents.Metadata, error) {
	switch spec.Class {
	case agents.BuiltIn, "ocf":
		if !slices.Contains(c.all(), spec.String()) {
			return nil, config.ErrUnknownAgent
		}
	}
	return c.describe(spec.String(), func(ctx context.Context) (*agents.Metadata, error) {
		return c.backend.AgentMetadata(ctx, spec)
	})
}

// FenceMetadata describes a fence agent.
func (c *catalog) FenceMetadata(agent string) (*agents.Metadata, error) {
	if !slices.Contains(c.all(), "stonith:"+agent) {
		return nil, config.ErrUnknownAgent
	}
	return c.describe("stonith:"+agent, func(ctx context.Context) (*agents.Metadata, error) {
		return c.backend.FenceMetadata(ctx, agent)
	})
}

// Agents lists what can be written as an agent.
func (c *catalog) Agents() []string {
	var out []string
	for _, name := range c.all() {
		out = append(out, strings.TrimPrefix(written(name), "stonith:"))
	}
	return out
}

// written is an agent's name as a configuration has it: built-in ones go
// without their class.
func written(name string) string { return strings.TrimPrefix(name, agents.BuiltIn+":") }

// all lists the agents by their full names. It looks again after a while,
// because packages get installed.
func (c *catalog) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.names == nil || time.Since(c.read) > 10*time.Second {
		ctx, cancel := context.WithTimeout(context.Background(), metadataLimit)
		defer cancel()
		c.names, c.read = c.backend.AgentNames(ctx), time.Now()
	}
	return c.names
}

func (c *catalog) describe(name string, ask func(context.Context) (*agents.Metadata, error)) (*agents.Metadata, error) {
	c.mu.Lock()
	known, ok := c.known[name]
	c.mu.Unlock()
	if ok && time.Since(known.at) < metadataAge {
		return known.meta, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), metadataLimit)
	defer cancel()
	meta, err := ask(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.known[name] = described{meta: meta, at: time.Now()}
	c.mu.Unlock()
	return meta, nil
}
