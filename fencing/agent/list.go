package agent

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/holdfast-ha/holdfast/fencing"
)

// List asks a device for its plugs.
func (r Runner) List(ctx context.Context, d fencing.Device, action fencing.Action, timeout time.Duration) ([]fencing.Port, error) {
	r.MaxOutput = max(r.MaxOutput, 1<<20) // a hypervisor may have thousands of machines
	res := r.Run(ctx, Request{Agent: d.Agent, Action: action, Params: d.AgentParams(), Timeout: timeout})
	if err := res.Err(); err != nil {
		return nil, err
	}
	ports, err := ParseList(res.raw)
	if err != nil {
		return nil, fmt.Errorf("%s list: %w", d.Agent, err)
	}
	return ports, nil
}

// ParseList reads "plug,alias" lines; more columns (list-status) are ignored,
// and so are empty lines. Output that is not text is an error.
func ParseList(text string) ([]fencing.Port, error) {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, fmt.Errorf("the output is not text")
	}
	var ports []fencing.Port
	for line := range strings.Lines(text) {
		columns := strings.Split(strings.TrimSpace(line), ",")
		plug := strings.TrimSpace(columns[0])
		if plug == "" {
			continue
		}
		port := fencing.Port{Plug: plug}
		if len(columns) > 1 {
			port.Alias = strings.TrimSpace(columns[1])
		}
		ports = append(ports, port)
	}
	return ports, nil
}
