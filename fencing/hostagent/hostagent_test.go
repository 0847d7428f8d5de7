package hostagent

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-ha/holdfast/fencing/agent"
)

func TestMain(m *testing.M) {
	// Run under the agent's name, the test program is the agent.
	if filepath.Base(os.Args[0]) == "fence_hosts" {
		os.Exit(Main(os.Stdin, os.Stdout, os.Stderr, os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// serve starts a daemon for one test and returns its socket.
func serve(t *testing.T, p Power) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, p) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return socket
}

// ask runs the agent in this process.
func ask(socket string, lines ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	in := strings.NewReader("# a comment\nnonsense\nsocket=" + socket + "\n" + strings.Join(lines, "\n") + "\n")
	code = Main(in, &stdout, &stderr, nil)
	return code, stdout.String(), stderr.String()
}

func TestAgent(t *testing.T) {
	hosts := &Moody{Power: NewMemory("n1", "n2")}
	socket := serve(t, hosts)
	hosts.SetMood("n2", Mood{Refuse: true})
	for _, c := range []struct {
		lines string
		code  int
		out   string // a part of stdout or stderr
	}{
		{"action=list", 0, "n1,\nn2,\n"},
		{"action=monitor", 0, ""},
		{"action=validate-all", 0, ""},
		{"action=status\nplug=n1", 0, "ON"},
		{"action=off\nplug=n1", 0, ""},
		{"action=off\nplug=n1", 0, ""},
		{"action=status\nport=n1", 2, "OFF"},
		{"action=on\nplug=n1", 0, ""},
		{"action=REBOOT\nplug=n1\nnodename=n1", 0, ""},
		{"action=status\nplug=n1", 0, "ON"},
		{"action=off\nplug=n2", 1, "off n2: the device refuses to touch n2"},
		{"action=off\nplug=n9", 1, `there is no host "n9"`},
		{"action=off", 1, "off needs the parameter plug"},
		{"action=dance\nplug=n1", 1, `unknown action "dance"`},
		{"action=off\nplug=n1\ntimeout=soon", 1, "timeout=soon is not a number of seconds"},
		{"action=off\nplug=n1\nsocket=/nonexistent", 1, "no daemon answers at /nonexistent"},
	} {
		code, out, errs := ask(socket, c.lines)
		if code != c.code || !strings.Contains(out+errs, c.out) || strings.Count(errs, "\n") > 1 {
			t.Errorf("%q: %d %q %q, want %d %q", c.lines, code, out, errs, c.code, c.out)
		}
	}
}

func TestMetadataIsGood(t *testing.T) {
	code, out, _ := ask("", "action=metadata")
	m, err := agent.ParseMetadata([]byte(out))
	if code != 0 || err != nil {
		t.Fatal(code, err)
	}
	a := m.Abilities()
	if a.PlugArg != "plug" || !a.Can("off") || !a.Can("list") || a.AutomaticOn {
		t.Errorf("%+v", a)
	}
}

func TestByHand(t *testing.T) {
	socket := serve(t, NewMemory("n1"))
	var out, errs bytes.Buffer
	if code := Main(nil, &out, &errs, []string{"-o", "status", "-n", "n1", "--socket", socket}); code != 0 || out.String() != "Status: ON\n" {
		t.Error(code, out.String(), errs.String())
	}
	if code := Main(nil, &out, &errs, []string{"--nonsense"}); code != 1 || !strings.Contains(errs.String(), "nonsense") {
		t.Error(code, errs.String())
	}
}

func TestMoodsOverTheSocket(t *testing.T) {
	hosts := NewMemory("n1", "n2")
	socket := serve(t, &Moody{Power: hosts})
	c := Client{Socket: socket}
	mood := func(host string, m Mood) {
		t.Helper()
		if err := c.SetMood(t.Context(), host, m); err != nil {
			t.Fatal(err)
		}
	}
	mood(AllHosts, Mood{Lie: true})
	if code, _, errs := ask(socket, "action=off", "plug=n1"); code != 0 {
		t.Error("the liar did not say ok:", errs)
	}
	if on, _ := hosts.Status(t.Context(), "n1"); !on {
		t.Error("the liar switched n1 off")
	}
	if on, _ := c.Status(t.Context(), "n1"); on {
		t.Error("the liar's status tells the truth")
	}
	mood("n1", Mood{})
	if on, _ := c.Status(t.Context(), "n1"); !on {
		t.Error("the lie outlives the mood")
	}

	mood("n1", Mood{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Off(ctx, "n1"); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Error("a hanging device answered:", err)
	}
	mood("n1", Mood{Late: Span(time.Millisecond), Slow: Span(time.Millisecond)})
	if err := c.Off(t.Context(), "n1"); err != nil || hosts.Offs("n1") != 1 {
		t.Error(err, hosts.Offs("n1"))
	}
}

// TestSlowAndLate: slow is before the deed, late after it.
func TestSlowAndLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := NewMemory("n1")
		m := &Moody{Power: hosts}
		m.SetMood("n1", Mood{Slow: Span(2 * time.Second), Late: Span(3 * time.Second)})
		began := time.Now()
		go func() {
			if err := m.Off(t.Context(), "n1"); err != nil || time.Since(began) != 5*time.Second {
				t.Error(err, time.Since(began))
			}
		}()
		for _, at := range []struct {
			wait time.Duration
			offs int
		}{{time.Second, 0}, {2 * time.Second, 1}, {3 * time.Second, 1}} {
			<-time.After(at.wait)
			synctest.Wait()
			if got := hosts.Offs("n1"); got != at.offs {
				t.Errorf("after %v: %d", time.Since(began), got)
			}
		}
	})
}

func TestBadRequests(t *testing.T) {
	socket := serve(t, NewMemory("n1"))
	for line, want := range map[string]string{
		"garbage":                      "invalid character",
		`{"op":"explode","host":"n1"}`: `unknown request`,
		`{"op":"off"}`:                 "off needs a host",
		`{"op":"mood","host":"n1"}`:    "no moods",
		`{"op":"mood","host":"n1","mood":{"slow":"soon"}}`: "invalid duration",
		`{"op":"off","host":["n1"]}`:                       "cannot unmarshal",
	} {
		c, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1000)
		n, _ := c.Read(buf)
		if !strings.Contains(string(buf[:n]), want) || !strings.Contains(string(buf[:n]), `"ok":false`) {
			t.Errorf("%s: %s, want %s", line, buf[:n], want)
		}
		c.Close()
	}
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() { _, _ = c.Write(bytes.Repeat([]byte("x"), 2*maxLine)) }()
	if n, err := c.Read(make([]byte, 10)); err == nil {
		t.Errorf("a line without end got an answer of %d bytes", n)
	}
}

// TestAsAProgram: the whole way, as the cluster goes it.
func TestAsAProgram(t *testing.T) {
	hosts := NewMemory("n1")
	socket := serve(t, hosts)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "fence_hosts")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	r := agent.DefaultRunner()
	if _, err := r.Metadata(t.Context(), program); err != nil {
		t.Fatal(err)
	}
	res := r.Run(t.Context(), agent.Request{
		Agent: program, Action: "off", Params: map[string]string{"socket": socket, "plug": "n1"}, Timeout: 20 * time.Second,
	})
	if res.Err() != nil || hosts.Offs("n1") != 1 {
		t.Errorf("%+v, %d", res, hosts.Offs("n1"))
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add("off", "n1", "1s")
	f.Fuzz(func(t *testing.T, op, host, line string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = answer(ctx, &Moody{Power: NewMemory("n1")}, request{Op: op, Host: host})
		var out, errs bytes.Buffer
		Main(strings.NewReader("socket=/nonexistent\naction="+op+"\n"+line), &out, &errs, nil)
	})
}
