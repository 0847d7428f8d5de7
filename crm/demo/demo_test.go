package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/crm/daemon"
	"github.com/holdfast-ha/holdfast/crm/demo"
	"github.com/holdfast-ha/holdfast/fencing/hostagent"
)

// TestMain makes this test binary the program that the demo runs: daemon, web
// server and fence agent.
func TestMain(m *testing.M) {
	switch {
	case filepath.Base(os.Args[0]) == "fence_hosts":
		os.Exit(hostagent.Main(os.Stdin, os.Stdout, os.Stderr, os.Args[1:]))
	case len(os.Args) > 2 && os.Args[1] == "demo-web":
		exit(demo.Serve(context.Background(), os.Args[2]))
	case len(os.Args) > 2 && os.Args[1] == "agent":
		exit(agent(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func agent(args []string) error {
	cfg := daemon.DefaultConfig()
	var agents string
	flags := flag.NewFlagSet("agent", flag.ContinueOnError)
	flags.StringVar(&cfg.StateDir, "state-dir", "", "")
	flags.StringVar(&cfg.RunDir, "run-dir", "", "")
	flags.StringVar(&agents, "fence-agent-path", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg.FenceAgentPath = []string{agents}
	cfg.Logger = hclog.New(&hclog.LoggerOptions{Name: "crm", Level: hclog.Debug, TimeFormat: "15:04:05.000"})
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	return daemon.Run(ctx, cfg, func() {})
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

func TestDemo(t *testing.T) {
	t.Setenv("TMPDIR", shortTemp(t))
	var out bytes.Buffer
	err := demo.Run(t.Context(), demo.Config{Out: &out, JSON: true})
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
	logs, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "holdfast-demo-*", "n*", "log"))
	for _, l := range logs {
		text, _ := os.ReadFile(l)
		t.Logf("%s:\n%s", l, text[max(0, len(text)-20000):])
	}
}
