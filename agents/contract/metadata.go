package contract

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/agents"
)

func metadataIsConsistent(t *testing.T, s Subject) {
	spec := s.fresh(t).Agent
	m, err := s.Agent.Metadata(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Agent.Metadata(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m, again); d != "" {
		t.Errorf("metadata differs when asked twice:\n%s", d)
	}
	if m.Name == "" || m.Short == "" {
		t.Errorf("metadata has no name or no short description: %q, %q", m.Name, m.Short)
	}
	for _, a := range []agents.Action{agents.Start, agents.Stop, agents.Monitor} {
		i := slices.IndexFunc(m.Actions, func(d agents.ActionDef) bool { return d.Name == string(a) })
		if i < 0 {
			t.Errorf("the agent does not offer %s", a)
		} else if m.Actions[i].Timeout <= 0 {
			t.Errorf("the agent advises no timeout for %s", a)
		}
	}
	seen := map[string]bool{}
	for _, p := range m.Parameters {
		checkParameter(t, p)
		if seen[p.Name] {
			t.Errorf("parameter %q appears twice", p.Name)
		}
		seen[p.Name] = true
	}
}

func checkParameter(t *testing.T, p agents.Parameter) {
	t.Helper()
	if p.Name == "" || p.Type == "" || (p.Short == "" && p.Long == "") {
		t.Errorf("a parameter lacks its name, its type or its description: %+v", p)
	}
	if p.Type == "select" {
		if len(p.Options) == 0 {
			t.Errorf("parameter %q is a select without options", p.Name)
		}
		if p.Default != "" && !slices.Contains(p.Options, p.Default) {
			t.Errorf("parameter %q: default %q is not among its options %q", p.Name, p.Default, p.Options)
		}
	}
}
