package ocf

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

const (
	// metadataTimeout bounds the call for it; slow interpreters need seconds.
	metadataTimeout = 30 * time.Second
	// maxMetadata bounds its size; the largest known agent prints 40 kB.
	maxMetadata = 1 << 20
)

// described is metadata that was read, and of which file.
type described struct {
	mtime time.Time
	size  int64
	meta  *agents.Metadata
}

// Metadata asks the agent for its description, once per version of its file.
// The answer is shared: do not change it.
func (a *Agent) Metadata(ctx context.Context, spec agents.Spec) (*agents.Metadata, error) {
	path, r, missing := a.find(spec)
	if missing {
		return nil, fmt.Errorf("metadata of %s: %s", spec, r.Reason)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("metadata of %s: %w", spec, err)
	}
	a.mu.Lock()
	known, ok := a.known[path]
	a.mu.Unlock()
	if ok && known.mtime.Equal(info.ModTime()) && known.size == info.Size() {
		return known.meta, nil
	}
	m, err := a.ask(ctx, path, spec)
	if err != nil {
		return nil, fmt.Errorf("metadata of %s: %w", spec, err)
	}
	a.mu.Lock()
	a.known[path] = described{mtime: info.ModTime(), size: info.Size(), meta: m}
	a.mu.Unlock()
	return m, nil
}

// ask runs the agent's meta-data action.
func (a *Agent) ask(ctx context.Context, path string, spec agents.Spec) (*agents.Metadata, error) {
	req := agents.Request{Resource: spec.Type, Agent: spec, Action: agents.MetaData, Timeout: metadataTimeout}
	env, err := a.environment(req)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	c := a.call(limited, command{path: path, action: string(agents.MetaData), env: env, keepOut: maxMetadata})
	if r := c.result(ctx, req); r.Status != agents.Done || r.Code != agents.OK {
		return nil, fmt.Errorf("%s meta-data: %s", path, r)
	}
	return ParseMetadata(c.output.kept())
}
