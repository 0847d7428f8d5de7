package ocf

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/agents"
)

const odd = `Warning: "ksh" <not> found
<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="odd">
<version>2.5</version>
<longdesc>It's odd &amp; old.&nbsp;Really.</longdesc>
<shortdesc lang="fr">bizarre</shortdesc><shortdesc lang="en">odd
   agent</shortdesc>
<parameters>
 <parameter name="mode" unique="0" required="TRUE">
  <shortdesc lang="en">mode</shortdesc>
  <content type="select" default="b"><option value="a"/><option value="b"/></content>
 </parameter>
 <parameter name="login_password" unique="1"><content/></parameter>
 <parameter name="old"><deprecated><desc lang="en">use mode</desc></deprecated><content type="Integer" default="1"/></parameter>
 <parameter name="mode"><content type="string"/></parameter>
 <parameter><content type="string"/></parameter>
</parameters>
<actions>
 <action name="start" timeout="20"/>
 <action name="monitor" timeout="1.5min" interval="10s" depth="10" role="Promoted"/>
 <action name="stop" timeout="long"/>
</actions>
</resource-agent>
and that was all </resource-agent>`

func TestParseMetadata(t *testing.T) {
	got, err := ParseMetadata([]byte(odd))
	if err != nil {
		t.Fatal(err)
	}
	want := &agents.Metadata{
		Name: "odd", Version: "2.5", Short: "odd agent", Long: "It's odd & old.\u00a0Really.",
		Parameters: []agents.Parameter{
			{Name: "mode", Short: "mode", Type: "select", Default: "b", Options: []string{"a", "b"}, Required: true},
			{Name: "login_password", Type: "string", Unique: true, Secret: true},
			{Name: "old", Type: "integer", Default: "1", Deprecated: true},
		},
		Actions: []agents.ActionDef{
			{Name: "start", Timeout: 20 * time.Second},
			{Name: "monitor", Timeout: 90 * time.Second, Interval: 10 * time.Second, Depth: "10", Role: "Promoted"},
			{Name: "stop"},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"", "no xml", "<resource-agent", "<resource-agent></resource-agent>", "<resource-agents/>"} {
		if m, err := ParseMetadata([]byte(bad)); err == nil {
			t.Errorf("%q gave %+v", bad, m)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"20": 20 * time.Second, "20s": 20 * time.Second, " 20 s ": 20 * time.Second, "1500ms": 1500 * time.Millisecond,
		"2m": 2 * time.Minute, "2min": 2 * time.Minute, "1h": time.Hour, "0": 0, "": 0, "-5": 0, "x": 0, "5 parsecs": 0,
		"9999999999999": 0, "NaN": 0, "1e9h": 0,
	} {
		if got := duration(text); got != want {
			t.Errorf("duration(%q) = %s, want %s", text, got, want)
		}
	}
}

func FuzzParseMetadata(f *testing.F) {
	f.Add([]byte(odd))
	f.Add([]byte("<resource-agent name='x'><actions><action name='start' timeout='1e300'/></actions></resource-agent>"))
	f.Fuzz(func(t *testing.T, printed []byte) {
		m, err := ParseMetadata(printed)
		if err != nil {
			return
		}
		if m.Name == "" {
			t.Error("metadata without a name was accepted")
		}
		for _, a := range m.Actions {
			if a.Timeout < 0 || a.Interval < 0 {
				t.Errorf("negative time: %+v", a)
			}
		}
	})
}

func TestReason(t *testing.T) {
	for _, c := range []struct {
		name   string
		code   agents.Code
		stderr string
		want   string
	}{
		{"success needs no reason", agents.OK, "ERROR: x", ""},
		{"the last exit reason wins", agents.ErrGeneric, "ocf-exit-reason:one\nocf-exit-reason: two\nERROR: later\n", "two"},
		{"an error in the log beats the last line", agents.ErrGeneric, "Nov 1 ERROR: bad disk\nINFO: done\n", "bad disk"},
		{"else the last line", agents.ErrGeneric, "cat: no such file\n\n", "cat: no such file"},
		{"else the code", agents.ErrArgs, "", "the agent ended with exit code 2 and said nothing"},
		{"not running is explained if the agent did", agents.NotRunning, "ERROR: x\nocf-exit-reason:pid file is stale\n", "pid file is stale"},
		{"not running is no failure", agents.NotRunning, "ERROR: x\n", ""},
		{"colours and control characters go", agents.ErrGeneric, "\x1b[31mERROR: red\x07 alert\x1b[0m\n", "red  alert"},
	} {
		if got := reason(c.code, c.stderr, c.stderr); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if long := reason(agents.ErrGeneric, strings.Repeat("é", 1000), ""); len(long) > maxReason+3 {
		t.Errorf("a reason of %d bytes", len(long))
	}
}

// The agent is asked once per version of its file.
func TestMetadataIsCached(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "resource.d", "test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path, count := filepath.Join(dir, "counted"), filepath.Join(root, "count")
	script := "#!/bin/sh\necho x >>" + count + "\necho '<resource-agent name=\"counted\"/>'\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Root, cfg.RunDir = root, root
	a, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec := agents.Spec{Class: "ocf", Provider: "test", Type: "counted"}
	for range 3 {
		if _, err := a.Metadata(context.Background(), spec); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Metadata(context.Background(), spec); err != nil {
		t.Fatal(err)
	}
	if runs, _ := os.ReadFile(count); string(runs) != "x\nx\n" {
		t.Errorf("the agent was asked %d times, want 2", len(runs)/2)
	}
}
