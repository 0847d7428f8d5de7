package registry_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/fake"
	"github.com/holdfast-ha/holdfast/agents/registry"
)

// class is a class of agents with a list.
type class struct {
	*fake.Agent
	specs []agents.Spec
}

func (c *class) List() []agents.Spec { return c.specs }

func set() registry.Set {
	return registry.Set{
		VIP: fake.New(), Process: fake.New(), Filesystem: fake.New(), Systemd: fake.New(),
		OCF: &class{fake.New(), []agents.Spec{
			{Class: "ocf", Provider: "heartbeat", Type: "pgsql"}, {Class: "ocf", Provider: "heartbeat", Type: "IPaddr2"},
		}},
	}
}

func TestLookup(t *testing.T) {
	s := set()
	for text, want := range map[string]agents.Agent{
		"vip": s.VIP, "holdfast:process": s.Process, "filesystem": s.Filesystem,
		"systemd:nginx": s.Systemd, "ocf:heartbeat:IPaddr2": s.OCF, "ocf:linbit:drbd": s.OCF,
	} {
		spec, err := agents.ParseSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Lookup(spec); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestLookupSaysWhatToDo(t *testing.T) {
	s := set()
	lacking := set()
	lacking.VIP, lacking.Systemd = nil, nil
	for _, c := range []struct {
		set  registry.Set
		spec agents.Spec
		want string
	}{
		{s, agents.Spec{Class: "holdfast", Type: "filesytem"}, `there is no agent "filesytem"; did you mean "filesystem"?`},
		{s, agents.Spec{Class: "holdfast", Type: "ipaddr2"}, `there is no built-in agent "ipaddr2"; did you mean "ocf:heartbeat:IPaddr2"?`},
		{s, agents.Spec{Class: "holdfast", Type: "nginx"}, `there is no built-in agent "nginx"; built in are filesystem, process, vip, others are written ocf:PROVIDER:TYPE or systemd:UNIT`},
		{s, agents.Spec{Class: "holdfast", Provider: "x", Type: "vip"}, `did you mean "vip"?`},
		{s, agents.Spec{Class: "sytemd", Type: "nginx"}, `agent "sytemd:nginx": there is no class "sytemd"; did you mean "systemd"?`},
		{s, agents.Spec{Class: "upstart", Type: "nginx"}, `the classes are holdfast, ocf, systemd`},
		{s, agents.Spec{Class: "ocf"}, `it lacks a type, as in ocf:heartbeat:IPaddr2`},
		{lacking, agents.Spec{Class: "holdfast", Type: "vip"}, `built without it`},
		{lacking, agents.Spec{Class: "systemd", Type: "nginx"}, `built without the class "systemd"`},
		{registry.Set{}, agents.Spec{}, `there is no class ""`},
	} {
		got, err := c.set.Lookup(c.spec)
		if err == nil || got != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want %q in it", c.spec, err, c.want)
		}
	}
}

func TestListsAreSorted(t *testing.T) {
	s := set()
	if d := cmp.Diff([]string{"filesystem", "ocf:heartbeat:IPaddr2", "ocf:heartbeat:pgsql", "process", "vip"}, s.Complete("")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"ocf:heartbeat:pgsql"}, s.Complete("ocf:heartbeat:p")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"holdfast", "ocf", "systemd"}, s.Classes()); d != "" {
		t.Error(d)
	}
	if got := (registry.Set{}).List(); got != nil {
		t.Errorf("an empty set lists %v", got)
	}
	if m, err := s.Metadata(context.Background(), agents.Spec{Class: "holdfast", Type: "vip"}); err != nil || m.Name != "vip" {
		t.Errorf("%+v, %v", m, err)
	}
}
