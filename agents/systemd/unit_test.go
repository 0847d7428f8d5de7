package systemd

import (
	"strings"
	"testing"
)

func TestUnitNames(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"nginx", "nginx.service"},
		{"nginx.service", "nginx.service"},
		{"web@1", "web@1.service"},
		{"postgresql@15.main", "postgresql@15.main.service"},
		{"data.mount", "data.mount"},
		{"app.socket", "app.socket"},
		{"all.target", "all.target"},
		{"night.timer", "night.timer"},
		{"in.path", "in.path"},
		{`a\x2db.mount`, `a\x2db.mount`},
		{"", "error: missing"},
		{"web@", "error: template"},
		{"web@.service", "error: template"},
		{"a b", "error: cannot be in"},
		{"../x", "error: cannot be in"},
		{"ünit", "error: cannot be in"},
		{strings.Repeat("x", 300), "error: longer"},
	} {
		got, err := UnitName(c.name)
		if want, isErr := strings.CutPrefix(c.want, "error: "); isErr {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("UnitName(%.20q) = %q, %v; want an error with %q", c.name, got, err, want)
			}
		} else if got != c.want || err != nil {
			t.Errorf("UnitName(%q) = %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

func FuzzUnitName(f *testing.F) {
	f.Add("nginx")
	f.Add("web@.service")
	f.Fuzz(func(t *testing.T, name string) {
		full, err := UnitName(name)
		if err != nil {
			return
		}
		if again, err := UnitName(full); err != nil || again != full {
			t.Errorf("UnitName(%q) = %q, but of that it is %q, %v", name, full, again, err)
		}
		if strings.ContainsAny(full, "/\n ") {
			t.Errorf("UnitName(%q) = %q is not safe in a path", name, full)
		}
	})
}

func TestFailuresInWords(t *testing.T) {
	for _, c := range []struct {
		s    snapshot
		want string
	}{
		{snapshot{Active: "inactive", Result: "success"}, ""},
		{snapshot{Active: "failed", Result: "signal", ExitCode: cldKilled, ExitStatus: 9}, "main process killed by signal 9 (SIGKILL)"},
		{snapshot{Active: "failed", Result: "core-dump", ExitCode: cldDumped, ExitStatus: 11}, "main process killed by signal 11 (SIGSEGV), core dumped"},
		{snapshot{Active: "failed", Result: "exit-code", ExitCode: cldExited, ExitStatus: 3}, "main process exited with status 3"},
		{snapshot{Active: "failed", Result: "exit-code", ExitCode: cldExited, ExitStatus: 203}, "main process could not be run (status 203: see systemd.exec, process exit codes)"},
		{snapshot{Active: "failed", Result: "oom-kill"}, "killed because memory ran out"},
		{snapshot{Active: "failed"}, "the unit failed"},
		{snapshot{Active: "failed", Result: "new-thing"}, "result new-thing"},
	} {
		if got := c.s.failure(); got != c.want {
			t.Errorf("%+v\n got %q\nwant %q", c.s, got, c.want)
		}
	}
}

// The signal that a job has ended can be read before the reply that names it.
func TestJobThatEndsBeforeItsNameIsKnown(t *testing.T) {
	l := newLink()
	l.calls = 2
	l.jobEnded("/job/1", "done")
	if got := <-l.listen("/job/1"); got != "done" {
		t.Errorf("result %q", got)
	}
	waiting := l.listen("/job/2")
	l.jobEnded("/job/2", "failed")
	if got := <-waiting; got != "failed" {
		t.Errorf("result %q", got)
	}
	l.calls = 0
	l.jobEnded("/job/3", "done")
	if len(l.jobs) != 0 || len(l.early) != 1 {
		t.Errorf("jobs that nobody asked for are kept: %v, %v", l.jobs, l.early)
	}
}
