package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/crm/cli"
	"github.com/holdfast-ha/holdfast/crm/demo"
	"github.com/holdfast-ha/holdfast/crm/hosts"
)

// TestMain makes this test binary the program that the demo runs: daemon, web
// server, fence agent and commands.
func TestMain(m *testing.M) {
	own := len(os.Args) > 1 && slices.Contains([]string{"agent", "cluster", "demo-web"}, os.Args[1])
	if own || filepath.Base(os.Args[0]) == "fence_hosts" {
		os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// lines are the events of a demo that was told as JSON.
func lines(t *testing.T, out []byte) (events []map[string]any) {
	t.Helper()
	for line := range bytes.Lines(out) {
		e := map[string]any{}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		events = append(events, e)
	}
	return events
}

func TestDemo(t *testing.T) { tellsItsStory(t, demo.Config{}) }

func TestDemoOnHosts(t *testing.T) {
	if missing := hosts.Missing(false); len(missing) > 0 {
		t.Skipf("left out: %s", strings.Join(missing, "; "))
	}
	tellsItsStory(t, demo.Config{Hosts: true})
}

// tellsItsStory runs a demo and looks at what it tells.
func tellsItsStory(t *testing.T, cfg demo.Config) {
	t.Setenv("TMPDIR", shortTemp(t))
	var out bytes.Buffer
	cfg.Out, cfg.JSON = &out, true
	err := demo.Run(t.Context(), cfg)
	t.Logf("%s", out.Bytes())
	if err != nil {
		dumpLogs(t)
		t.Fatal(err)
	}
	var order []string
	at := map[string]float64{}
	var dead, next string
	for _, e := range lines(t, out.Bytes()) {
		name := e["event"].(string)
		order = append(order, name)
		at[name], _ = e["after-failure"].(float64)
		switch name {
		case "killed":
			dead = e["node"].(string)
		case "answering":
			next = e["node"].(string)
		}
	}
	want := "began node node node configured serving killed suspect lost fenced answering rejoined done ended"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("the story was:\n%s\nand should be:\n%s", got, want)
	}
	if dead == "" || next == "" || dead == next {
		t.Errorf("killed %q, and %q serves", dead, next)
	}
	if at["answering"] > 6 {
		t.Errorf("the service answered %v s after the failure", at["answering"])
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestInterruptedDemo: an interrupt ends everything at once, whatever is under
// way.
func TestInterruptedDemo(t *testing.T) {
	t.Setenv("TMPDIR", shortTemp(t))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &trigger{word: `"event":"node"`, pull: cancel}
	began := time.Now()
	err := demo.Run(ctx, demo.Config{Out: out, JSON: true})
	if err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("the interrupted demo said %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v to end", took)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// trigger calls pull when a word is written.
type trigger struct {
	word string
	pull func()
}

func (w *trigger) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(w.word)) {
		w.pull()
	}
	return len(b), nil
}

// shortTemp is a temporary folder whose name is short enough for sockets.
func shortTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "hf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	return dir
}

// dumpLogs prints the daemons' logs of a demo that failed.
func dumpLogs(t *testing.T) {
	t.Helper()
	inHosts, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "holdfast-demo-*", "n*.log"))
	logs, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "holdfast-demo-*", "n*", "log"))
	for _, l := range append(logs, inHosts...) {
		text, _ := os.ReadFile(l)
		t.Logf("%s:\n%s", l, text[max(0, len(text)-20000):])
	}
}
