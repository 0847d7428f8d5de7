package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// run is one command line with what it printed.
func run(args ...string) (code ExitCode, out, errs string) {
	var stdout, stderr strings.Builder
	status := Main(append([]string{"crm"}, args...), strings.NewReader(""), &stdout, &stderr)
	return ExitCode(status), stdout.String(), stderr.String()
}

func TestErrorsAreOneLineAndACode(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.xml")
	if err := os.WriteFile(broken, []byte("<cib>\n<status></cib>"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code ExitCode
		want string
	}{
		{"simulat", ExitUsage, `error: crm has no command "simulat" (did you mean simulate?)`},
		{"xyzzy", ExitUsage, `error: crm has no command "xyzzy" (see: crm --help)`},
		{"--nonsense", ExitUsage, `error: unknown flag: --nonsense (see: crm --help)`},
		{"simulate", ExitUsage, `error: which cluster? name a CIB file with --cib FILE`},
		{"simulate more", ExitUsage, `error: crm simulate takes no arguments, but got "more"`},
		{"simulate --format xml", ExitUsage, `error: invalid argument "xml" for "--format" flag: expected text or json, not "xml" (see: crm simulate --help)`},
		{"simulate --cib /nonexistent/cib.xml", ExitNoInput, `error: open /nonexistent/cib.xml: no such file or directory`},
		{"simulate --cib " + broken, ExitData, `error: ` + broken + `:2: malformed XML: element <status> closed by </cib>`},
		{"simulate --cib testdata/web.xml --now yesterday", ExitUsage, `error: --now "yesterday" is not an RFC 3339 time such as 2026-07-01T00:00:00Z`},
	} {
		code, out, errs := run(strings.Fields(c.args)...)
		if code != c.code || errs != c.want+"\n" || out != "" {
			t.Errorf("crm %s: code %d, printed %q and %q\nwant code %d and %q", c.args, code, out, errs, c.code, c.want)
		}
	}
}

func TestHelpIsNoError(t *testing.T) {
	for _, args := range []string{"", "--help", "help", "simulate --help"} {
		code, out, errs := run(strings.Fields(args)...)
		if code != ExitOK || errs != "" || !strings.Contains(out, "Usage:") {
			t.Errorf("crm %s: code %d, out %q, errors %q", args, code, out, errs)
		}
	}
}

func TestOutcome(t *testing.T) {
	for _, c := range []struct {
		err     error
		code    ExitCode
		message string
	}{
		{nil, ExitOK, ""},
		{os.ErrNotExist, ExitFailure, "file does not exist"},
		{exitf(ExitNoQuorum, "no quorum"), ExitNoQuorum, "no quorum"},
		{&ExitError{Code: ExitChanges}, ExitChanges, ""},
	} {
		if code, message := outcome(c.err); code != c.code || message != c.message {
			t.Errorf("%v: got %d, %q", c.err, code, message)
		}
	}
}

func TestSimulateJSON(t *testing.T) {
	code, out, errs := run("simulate", "--cib", "testdata/web.xml", "--format", "json", "--now", "2026-07-01T00:00:00Z")
	if code != ExitOK || errs != "" {
		t.Fatalf("code %d, errors %q", code, errs)
	}
	var answer struct {
		Actions []struct {
			ID, Kind, Task, Resource, Node string
			After                          []string
		}
		Placement []struct{ Resource, Node, Role string }
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Placement) == 0 || len(answer.Actions) == 0 {
		t.Errorf("got %s", out)
	}
	other, again, _ := run("-o", "json", "simulate", "--cib", "testdata/web.xml", "--now", "2026-07-01T02:00:00+02:00")
	if other != ExitOK || again != out {
		t.Error("-o json and another way to write the time must give the same answer")
	}
}

// TestSimulateText compares what people read, apart from the reasons, whose
// wording is the policy's.
func TestSimulateText(t *testing.T) {
	code, out, errs := run("simulate", "--cib", "testdata/web.xml")
	if code != ExitOK || errs != "" {
		t.Fatalf("code %d, errors %q", code, errs)
	}
	got := regexp.MustCompile(` +why: .*`).ReplaceAllString(out, "")
	want, err := os.ReadFile("testdata/web.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSimulateReadsStandardInput(t *testing.T) {
	text, err := os.ReadFile("testdata/web.xml")
	if err != nil {
		t.Fatal(err)
	}
	var fromInput, errs strings.Builder
	status := Main([]string{"crm", "simulate", "--cib", "-", "-o", "json"}, bytes.NewReader(text), &fromInput, &errs)
	_, fromFile, _ := run("simulate", "--cib", "testdata/web.xml", "-o", "json")
	if status != 0 || errs.String() != "" || strings.ReplaceAll(fromInput.String(), "standard input", "testdata/web.xml") != fromFile {
		t.Errorf("status %d, errors %q, got %s", status, errs.String(), fromInput.String())
	}
}
