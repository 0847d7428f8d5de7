package config

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-ha/holdfast/agents"
)

var rewrite = flag.Bool("rewrite", false, "write what the tests produce into testdata; then read the diff")

// TestStories reads testdata/*.txt. Each tells in prose what it shows, then
// has documents (NAME.hcl) and what comes of them (want). Lines of the prose
// that begin with "@" set options:
//
//	@ nodes n1 n2      nodes that the cluster knows without node blocks
//	@ agents           check parameters against the catalogue of the tests
//	@ lints            also show advice
//	@ var NAME=VALUE   a value for a variable
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories in testdata", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { story(t, path) })
	}
}

func story(t *testing.T, path string) {
	ar, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opt := storyOptions(t, string(ar.Comment))
	var docs []Document
	var want []byte
	for _, f := range ar.Files {
		if f.Name == "want" {
			want = f.Data
			continue
		}
		docs = append(docs, Document{Name: f.Name, Text: f.Data})
	}
	d, diags := Decode(NewSet(docs...), opt)
	got := diags.String()
	if !diags.HasErrors() {
		if got != "" {
			got += "\n"
		}
		got += dump(d)
	}
	if *rewrite {
		rewriteStory(t, path, ar, got)
		return
	}
	if diff := cmp.Diff(strings.TrimRight(string(want), "\n"), strings.TrimRight(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got; -rewrite accepts):\n%s", path, diff)
	}
}

func storyOptions(t *testing.T, prose string) Options {
	opt := Options{NoLints: true, AlertsWork: true, ACLsWork: true, Variables: map[string]string{}}
	for line := range strings.Lines(prose) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "@" {
			continue
		}
		switch words[1] {
		case "nodes":
			opt.KnownNodes = words[2:]
		case "agents":
			opt.Agents = catalogue{}
		case "lints":
			opt.NoLints, opt.AlertsWork, opt.ACLsWork = false, false, false
		case "var":
			name, value, _ := strings.Cut(strings.Join(words[2:], " "), "=")
			opt.Variables[name] = value
		default:
			t.Fatalf("unknown option %q", line)
		}
	}
	return opt
}

func rewriteStory(t *testing.T, path string, ar *txtar.Archive, got string) {
	files := ar.Files[:0]
	for _, f := range ar.Files {
		if f.Name != "want" {
			files = append(files, f)
		}
	}
	ar.Files = append(files, txtar.File{Name: "want", Data: []byte(got)})
	if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

// dump is a configuration as one line per object and argument.
func dump(d *Decoded) string {
	var b bytes.Buffer
	for _, o := range d.objects() {
		fmt.Fprintf(&b, "%s %s  (%s)\n", o.kind, o.id, o.pos)
		for _, a := range o.args {
			fmt.Fprintf(&b, "    %s = %s", a.name, shownText(a.value))
			if a.masked {
				b.WriteString("  (masked)")
			}
			b.WriteByte('\n')
		}
	}
	for _, f := range d.Fences {
		fmt.Fprintf(&b, "device %s agent=%s targets=%v secrets=%v params=%d\n", f.Name, f.Agent, f.Targets, f.Secrets, len(f.Params))
	}
	return b.String()
}

// catalogue is a small set of agents with the metadata that tests need.
type catalogue struct{}

func (catalogue) Lookup(spec agents.Spec) (*agents.Metadata, error) {
	switch spec.String() {
	case "holdfast:vip":
		return &agents.Metadata{Parameters: []agents.Parameter{
			{Name: "ip", Required: true, Short: "the address", Type: "string"},
			{Name: "prefix", Type: "integer"},
			{Name: "interface"},
		}}, nil
	case "ocf:heartbeat:IPaddr2":
		return &agents.Metadata{Parameters: []agents.Parameter{
			{Name: "ip", Required: true, Type: "string"},
			{Name: "cidr_netmask", Type: "string"},
			{Name: "nic"},
			{Name: "lvs_support", Type: "boolean"},
		}, Actions: []agents.ActionDef{{Name: "start", Timeout: 20 * time.Second}, {Name: "stop", Timeout: 20 * time.Second}}}, nil
	case "ocf:heartbeat:pgsql":
		return &agents.Metadata{Parameters: []agents.Parameter{
			{Name: "pgdata"},
			{Name: "rep_mode", Type: "select", Options: []string{"none", "async", "sync"}},
			{Name: "repuser"},
			{Name: "check_passwd", Secret: true},
		}, Actions: []agents.ActionDef{{Name: "start", Timeout: 120 * time.Second}, {Name: "stop", Timeout: 120 * time.Second}}}, nil
	case "systemd:nginx.service":
		return &agents.Metadata{}, nil
	case "ocf:heartbeat:mute":
		return nil, fmt.Errorf("meta-data: exit status 5")
	}
	return nil, ErrUnknownAgent
}

func (catalogue) FenceMetadata(agent string) (*agents.Metadata, error) {
	if agent != "fence_ipmilan" {
		return nil, ErrUnknownAgent
	}
	return &agents.Metadata{Parameters: []agents.Parameter{
		{Name: "ip", Required: true}, {Name: "username"}, {Name: "password", Secret: true}, {Name: "lanplus", Type: "boolean"}, {Name: "delay", Type: "second"},
	}}, nil
}

func (catalogue) Agents() []string {
	return []string{"ocf:heartbeat:IPaddr2", "ocf:heartbeat:pgsql", "fence_ipmilan"}
}
