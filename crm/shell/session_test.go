package shell

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// fakeHost has a small tree and remembers what it was told to run.
type fakeHost struct {
	out      *strings.Builder
	draft    bool
	dirty    bool
	refuses  bool // answers every question with no
	failing  string
	noDaemon bool
}

func (h *fakeHost) Tree() *cobra.Command {
	run := func(*cobra.Command, []string) {}
	leaf := func(use string) *cobra.Command { return &cobra.Command{Use: use, Short: "does " + use, Run: run} }
	level := func(use string, children ...*cobra.Command) *cobra.Command {
		c := &cobra.Command{Use: use, Short: "level " + use, Run: run}
		c.AddCommand(children...)
		return c
	}
	return level("crm", leaf("status"), level("resource", leaf("start"), leaf("stop"), leaf("status"), leaf("move")),
		level("node", leaf("standby")), level("configure", leaf("primitive"), leaf("commit"), leaf("show")))
}

func (h *fakeHost) Run(_ context.Context, args []string) int {
	line := strings.Join(args, " ")
	h.out.WriteString("run " + line + "\n")
	switch {
	case h.failing != "" && strings.Contains(line, h.failing):
		return 1
	case strings.HasPrefix(line, "configure primitive"):
		h.dirty = h.draft
	case line == "configure commit":
		h.dirty = false
	}
	return 0
}

func (h *fakeHost) Complete(_ context.Context, args []string) []string {
	h.out.WriteString("complete " + strings.Join(args, "|") + "\n")
	return []string{"start", "status", "stop", "ip="}
}

func (h *fakeHost) Where(context.Context) string { return "live/n1" }

func (h *fakeHost) OpenDraft(context.Context) error {
	if h.noDaemon {
		return errors.New("no daemon")
	}
	h.draft = true
	return nil
}

func (h *fakeHost) Dirty() bool { return h.dirty }
func (h *fakeHost) CloseDraft() { h.draft, h.dirty = false, false }

func (h *fakeHost) Confirm(question string) error {
	h.out.WriteString("ask " + question + "\n")
	if h.refuses {
		return errors.New("no")
	}
	return nil
}

func (h *fakeHost) Fail(message string) { h.out.WriteString("error: " + message + "\n") }

func newSession() (*Session, *fakeHost, *strings.Builder) {
	var out strings.Builder
	h := &fakeHost{out: &out}
	return &Session{Host: h, Out: &out, Err: &out}, h, &out
}

// say carries lines out and gives what happened, with the prompt before each.
func say(t *testing.T, s *Session, out *strings.Builder, lines ...string) string {
	t.Helper()
	for _, line := range lines {
		out.WriteString(s.Prompt(t.Context()) + line + "\n")
		s.Line(t.Context(), line)
	}
	return out.String()
}

func check(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLevels(t *testing.T) {
	s, _, out := newSession()
	check(t, say(t, s, out, "resource", "stop web", "sto web", "st", "node standby n1", "node", "cd ../resource", "up", "up",
		"resource move web", "cd nowhere", "frob", "cd /node", "quit"), `crm(live/n1)# resource
crm(live/n1)resource# stop web
run resource stop web
crm(live/n1)resource# sto web
(resource stop web)
run resource stop web
crm(live/n1)resource# st
error: "st" can be start, status, stop
crm(live/n1)resource# node standby n1
run node standby n1
crm(live/n1)resource# node
crm(live/n1)node# cd ../resource
crm(live/n1)resource# up
crm(live/n1)# up
error: this is the top level; 'quit' leaves the shell
crm(live/n1)# resource move web
run resource move web
crm(live/n1)# cd nowhere
error: there is no level "nowhere" here
crm(live/n1)# frob
error: there is no command "frob" here (see: help)
crm(live/n1)# cd /node
crm(live/n1)node# quit
`)
	if !s.Done() {
		t.Error("quit did not end the session")
	}
}

func TestLeavingWithChangesAsks(t *testing.T) {
	s, h, out := newSession()
	h.refuses = true
	say(t, s, out, "configure", "primitive x", "up")
	h.refuses = false
	check(t, say(t, s, out, "up"), `crm(live/n1)# configure
crm(live/n1)configure# primitive x
run configure primitive x
crm(live/n1)configure*# up
ask There are changes pending. Do you want to commit them?
ask Drop them?
error: the changes are kept: 'commit', or 'refresh' to drop them
crm(live/n1)configure*# up
ask There are changes pending. Do you want to commit them?
run configure commit
`)
	if h.draft {
		t.Error("the working copy outlived its level")
	}
}

func TestAWorkingCopyThatCannotBeHadIsNoLevel(t *testing.T) {
	s, h, out := newSession()
	h.noDaemon = true
	check(t, say(t, s, out, "configure", "status"), `crm(live/n1)# configure
error: no daemon
crm(live/n1)# status
run status
`)
}

func TestBatch(t *testing.T) {
	for _, c := range []struct {
		name, text, failing, want string
		goOn                      bool
		code                      int
	}{
		{"commits at the end", "configure\n# a note\nprimitive a \\\n  b\n", "", "run configure primitive a b\nrun configure commit\n", false, 0},
		{
			"stops at a failure", "configure\nprimitive bad\nprimitive good\n", "bad",
			"run configure primitive bad\nstopped at line 2: primitive bad\n", false, 1,
		},
		{
			"goes on when told", "configure\nprimitive bad\nprimitive good\n", "bad",
			"run configure primitive bad\nrun configure primitive good\n", true, 1,
		},
		{"ends at quit", "status\nquit\nstatus\n", "", "run status\n", false, 0},
		{"half a line", "status \\\n", "", "error: line 1 continues, and there is no next one\n", false, 64},
		{"an open quote", "status \"\n", "", "error: a quote is not closed\nstopped at line 1: status \"\n", false, 64},
	} {
		s, h, out := newSession()
		h.failing = c.failing
		code, err := s.RunBatch(t.Context(), strings.NewReader(c.text), c.goOn)
		if err != nil || code != c.code {
			t.Errorf("%s: code %d, %v", c.name, code, err)
		}
		if diff := cmp.Diff(c.want, out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestCompletion(t *testing.T) {
	s, _, out := newSession()
	s.Line(t.Context(), "resource")
	head, words, tail := s.complete(t.Context(), "st", 2)
	if head != "" || tail != "" || strings.Join(words, ",") != "start ,status ,stop " {
		t.Errorf("got %q, %q, %q", head, words, tail)
	}
	head, words, _ = s.complete(t.Context(), "mov web i", 9)
	if head != "mov web " || strings.Join(words, ",") != "ip=" {
		t.Errorf("got %q, %q", head, words)
	}
	if _, words, _ = s.complete(t.Context(), "", 0); len(words) < 3 {
		t.Errorf("an empty line completes to %q", words)
	}
	if _, words, _ = s.complete(t.Context(), "frob nicate", 99); len(words) != 0 {
		t.Errorf("nonsense completes to %q", words)
	}
	if want := "complete resource|st\ncomplete resource|move|web|i\n"; !strings.HasPrefix(out.String(), want) {
		t.Errorf("asked for %q", out.String())
	}
}

func TestHelpListsTheLevel(t *testing.T) {
	s, _, out := newSession()
	got := say(t, s, out, "help", "help stop", "resource", "help stop", "help cd", "ls")
	for _, want := range []string{
		"resource/   level resource\n", "quit  leave the shell\n", `there is no command "stop" here`, "run resource stop --help\n",
		"cd: go to a level", "stop     does stop\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, line := range []string{"resource", "cd ../..", "help x", `a "b`, "cd /resource/../node", "st -", "quit", "\\"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, _, _ := newSession()
		s.Line(t.Context(), line)
		s.Line(t.Context(), line)
		s.complete(t.Context(), line, len(line)/2)
		s.Prompt(t.Context())
	})
}
