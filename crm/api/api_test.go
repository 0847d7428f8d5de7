package api

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os/user"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-ha/holdfast/crm/state"
	"github.com/holdfast-ha/holdfast/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

func TestCommitIsRefusedOnAMovedBase(t *testing.T) {
	f, c := withLab(t, "n1")
	_, err := c.Commit(t.Context(), document("options {}"))
	if kindOf(err) != Stale || !strings.Contains(err.Error(), "version 1 by") {
		t.Errorf("got %v", err)
	}
	if v := f.State().Config.Version; v != 1 {
		t.Errorf("version %d is in force", v)
	}
}

func TestInvalidConfigurationsComeBackWithDiagnostics(t *testing.T) {
	c := serve(t, newFakeDaemon(t, "n1"))
	_, err := c.Commit(t.Context(), document(`resource "process" "web" { comand = "x" }`))
	var e *Error
	if !errors.As(err, &e) || e.Kind != Invalid || len(e.Diagnostics.Errors()) != 2 {
		t.Fatalf("got %+v", err)
	}
	v, err := c.Validate(t.Context(), document(`resource "proces" "web" { }`))
	if err != nil || v.OK || !strings.Contains(v.Diagnostics.String(), `Did you mean "process"?`) {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestTheAuthorIsWhoeverOpenedTheSocket(t *testing.T) {
	f, _ := withLab(t, "n1")
	me, err := user.Current()
	if err != nil {
		t.Skip("left out: needs to know its own user")
	}
	if got, want := f.State().Config.Author, me.Username+"@n1"; got != want {
		t.Errorf("author %q, want %q", got, want)
	}
}

func TestStatusTellsWhatIsAndWhy(t *testing.T) {
	_, c := withLab(t, "n1", "n2")
	st, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.Health != Warning || !strings.Contains(st.Simple(), "fencing is switched off") {
		t.Errorf("health %s: %s", st.Health, st.Simple())
	}
	web := st.Resources[0]
	if web.ID != "web" || web.Role != policy.RoleStarted || len(web.Instances) != 1 {
		t.Errorf("got %+v", web)
	}
	if len(st.Nodes) != 2 || !st.Nodes[0].Online || !st.Nodes[0].DC || len(st.Next) != 0 || len(st.Blocked) != 0 {
		t.Errorf("got %+v", st)
	}
	for _, r := range st.Shape.Resources {
		if len(r.Params) > 0 {
			t.Errorf("the status shows parameters: %+v", r.Params)
		}
	}
}

func TestUnprotectedResourcesAreHeldBackWithTheReason(t *testing.T) {
	c := serve(t, newFakeDaemon(t, "n1"))
	change, err := c.Commit(t.Context(), document(`resource "process" "web" { command = "x" }`))
	if err != nil {
		t.Fatal(err)
	}
	final, err := c.Wait(t.Context(), change, time.Minute, func(*Event) {})
	if err != nil || final.Result != HeldBack || !strings.Contains(final.Blocked[0].Reasons[0].Text, "no fence device can fence n1") {
		t.Errorf("got %+v, %v", final, err)
	}
	st, err := c.Status(t.Context())
	if err != nil || st.Health != Failed || len(st.Resources[0].Blocked) == 0 {
		t.Errorf("got %+v, %v", st, err)
	}
}

func TestADryRunChangesNothingAndNamesWhatElseStops(t *testing.T) {
	f, c := withLab(t, "n1", "n2")
	before := f.State().Index
	change, err := c.Resource(t.Context(), "db", "stop", ResourceRequest{}, true)
	if err != nil {
		t.Fatal(err)
	}
	var stops []string
	for _, m := range change.Plan.Moves {
		if m.Stops() {
			stops = append(stops, m.Resource)
		}
	}
	if strings.Join(stops, " ") != "db web" || f.State().Index != before || !change.DryRun {
		t.Errorf("stops %v, state moved from %d to %d", stops, before, f.State().Index)
	}
	for _, a := range change.Plan.Actions {
		if a.Kind == policy.PseudoAction || a.Params != nil {
			t.Errorf("the plan shows %+v", a)
		}
	}
}

func TestPlansOfImaginedEvents(t *testing.T) {
	_, c := withLab(t, "n1", "n2")
	for _, x := range []struct {
		suppose string
		kind    Kind
	}{
		{"node-fail=n1", ""},
		{"node-standby=n1", ""},
		{"resource-stop=web", ""},
		{"quorum-lost", ""},
		{"node-fail=n9", NoSuch},
		{"resource-stop=wob", NoSuch},
		{"rain", BadRequest},
	} {
		p, err := c.Plan(t.Context(), Candidate{Unchanged: true, If: []string{x.suppose}})
		if kindOf(err) != x.kind {
			t.Errorf("%s: %v", x.suppose, err)
		}
		if err == nil && len(p.Actions) == 0 {
			t.Errorf("%s would do nothing", x.suppose)
		}
	}
}

func TestAWaitTellsWhatFailed(t *testing.T) {
	f := newFakeDaemon(t, "n1")
	f.broken["web"] = true
	c := serve(t, f)
	change, err := c.Commit(t.Context(), document(lab))
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	final, err := c.Wait(t.Context(), change, time.Minute, func(e *Event) {
		if e.Ended != nil && !e.Ended.OK {
			failed = append(failed, e.Ended.Task+" "+e.Ended.Resource+": "+e.Ended.Reason)
		}
	})
	if err != nil || final.Result != SomeFailed || len(failed) == 0 || failed[0] != "start web: no licence" {
		t.Errorf("got %+v, %v, %v", final, failed, err)
	}
}

func TestAWaitEndsByItsLimit(t *testing.T) {
	f, c := withLab(t, "n1")
	f.frozen = true
	change, err := c.Resource(t.Context(), "web", "stop", ResourceRequest{}, false)
	if err != nil {
		t.Fatal(err)
	}
	final, err := c.Wait(t.Context(), change, 50*time.Millisecond, func(*Event) {})
	if err != nil || final.Result != StillWorking {
		t.Errorf("got %+v, %v", final, err)
	}
}

func TestMove(t *testing.T) {
	f, c := withLab(t, "n1", "n2")
	from := f.mustPlace(t, "db")
	to := map[string]string{"n1": "n2", "n2": "n1"}[from]
	if _, err := c.Resource(t.Context(), "db", "move", ResourceRequest{Node: from}, false); kindOf(err) != NotApplicable {
		t.Errorf("move to where it is: %v", err)
	}
	if _, err := c.Resource(t.Context(), "db", "move", ResourceRequest{}, false); err != nil {
		t.Fatal(err)
	}
	if got := f.mustPlace(t, "db"); got != to {
		t.Errorf("db is on %s, want %s", got, to)
	}
	if _, err := c.Resource(t.Context(), "db", "clear", ResourceRequest{}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Node(t.Context(), from, "standby", NodeRequest{}, false); err != nil {
		t.Fatal(err)
	}
	_, err := c.Resource(t.Context(), "db", "move", ResourceRequest{Node: from}, false)
	if kindOf(err) != NotApplicable || !strings.Contains(err.Error(), "is in standby") {
		t.Errorf("move to a node in standby: %v", err)
	}
}

func (f *fakeDaemon) mustPlace(t *testing.T, name string) string {
	t.Helper()
	d, err := f.Decision(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	nodes := activeNodes(f.State(), d.Plan.Current, name)
	if len(nodes) != 1 {
		t.Fatalf("%s is on %v", name, nodes)
	}
	return nodes[0]
}

func TestConfirmingByHand(t *testing.T) {
	f, c := withLab(t, "n1", "n2")
	if _, err := c.Node(t.Context(), "n2", "confirm-off", NodeRequest{Typed: "n2"}, false); kindOf(err) != NotApplicable {
		t.Errorf("a member: %v", err)
	}
	f.frozen = true
	f.must(t, state.Command{Lost: &state.Lost{Node: "n2", Boot: 2}})
	if _, err := c.Node(t.Context(), "n2", "confirm-off", NodeRequest{Typed: "n1"}, false); kindOf(err) != Unsafe {
		t.Errorf("a wrong name: %v", err)
	}
	f.heard = time.Now()
	if _, err := c.Node(t.Context(), "n2", "confirm-off", NodeRequest{Typed: "n2"}, false); kindOf(err) != Unsafe {
		t.Errorf("a node that was just heard: %v", err)
	}
	f.heard = time.Time{}
	if _, err := c.Node(t.Context(), "n2", "confirm-off", NodeRequest{Typed: "n2"}, false); err != nil {
		t.Fatal(err)
	}
	if p := f.State().Nodes["n2"].Phase; p != state.PhaseDown {
		t.Errorf("n2 is %s", p)
	}
}

func TestWithoutQuorumNothingChanges(t *testing.T) {
	f, c := withLab(t, "n1")
	f.quorum = false
	if _, err := c.Resource(t.Context(), "web", "stop", ResourceRequest{}, false); kindOf(err) != NoQuorum {
		t.Errorf("got %v", err)
	}
	st, err := c.Status(t.Context())
	if err != nil || st.Health != Failed || !strings.Contains(st.Simple(), "no quorum") {
		t.Errorf("got %v, %v", st.Simple(), err)
	}
}

func TestAWatchSendsEachChangeAndResumes(t *testing.T) {
	f, c := withLab(t, "n1")
	enough := errors.New("enough")
	start := f.State().Index
	var seen []uint64
	err := c.Watch(t.Context(), 0, func(st *Status) error {
		seen = append(seen, st.Index)
		if len(seen) == 2 {
			return enough
		}
		_, err := c.Resource(t.Context(), "web", "stop", ResourceRequest{}, false)
		return err
	})
	if !errors.Is(err, enough) || seen[0] != start || seen[1] <= start {
		t.Fatalf("got %v, %v; began at %d", seen, err, start)
	}
	now, later := f.State().Index, make(chan uint64, 1)
	go func() {
		_ = c.Watch(t.Context(), now, func(st *Status) error {
			later <- st.Index
			return enough
		})
	}()
	if _, err := c.Resource(t.Context(), "web", "start", ResourceRequest{}, false); err != nil {
		t.Fatal(err)
	}
	if got := <-later; got <= now {
		t.Errorf("resumed with %d, which was seen (%d)", got, now)
	}
}

func TestRoutes(t *testing.T) {
	_, c := withLab(t, "n1")
	for _, x := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "status", "", 200},
		{"GET", "state", "", 200},
		{"GET", "config", "", 200},
		{"GET", "config/versions", "", 200},
		{"GET", "config/versions/1", "", 200},
		{"GET", "config/versions/9", "", 404},
		{"GET", "config/versions/x", "", 400},
		{"GET", "cluster", "", 200},
		{"GET", "agents", "", 200},
		{"GET", "agents/process", "", 200},
		{"GET", "agents/fence_test", "", 200},
		{"GET", "agents/stonith:fence_test", "", 200},
		{"GET", "agents/ocf:heartbeat:Dumy", "", 404},
		{"GET", "names", "", 200},
		{"GET", "explain?resource=web", "", 200},
		{"GET", "explain?resource=wob", "", 404},
		{"GET", "explain?resource=web&node=n9", "", 404},
		{"GET", "wait", "", 400},
		{"GET", "wait?index=1&timeout=soon", "", 400},
		{"GET", "nothing", "", 404},
		{"DELETE", "config", "", 404},
		{"POST", "config", "{", 400},
		{"POST", "config", `{"unknown":1}`, 400},
		{"POST", "config", `{} {}`, 400},
		{"POST", "cluster/token", `{"ttl":-1}`, 400},
		{"POST", "cluster/token", "", 200},
		{"POST", "cluster/remove", `{"node":"n1"}`, 409},
		{"POST", "cluster/remove", `{"node":"n9"}`, 404},
		{"POST", "nodes/n1/dance", "", 404},
		{"POST", "resources/web/dance", "", 404},
		{"POST", "nodes/n1/fence", "", 409},
		{"POST", "resources/-/cleanup", "", 200},
		{"POST", "config", `"` + strings.Repeat("x", maxBody) + `"`, 400},
	} {
		code, body := raw(t, c, x.method, x.path, x.body)
		if code != x.status {
			t.Errorf("%s %s: %d, want %d: %s", x.method, x.path, code, x.status, body[:min(len(body), 200)])
		}
		if code != 200 && !strings.Contains(body, `"kind"`) {
			t.Errorf("%s %s: no kind in %s", x.method, x.path, body)
		}
	}
}

func raw(t *testing.T, c *Client, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://crm/v1/"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestAnUnreachableDaemonIsExplained(t *testing.T) {
	c := NewClient(t.TempDir() + "/none")
	if _, err := c.Status(t.Context()); kindOf(err) != NotConnected || !strings.Contains(err.Error(), "crm cluster init") {
		t.Errorf("got %v", err)
	}
	l, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	socket := l.Addr().String()
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := NewClient(socket).Status(t.Context()); kindOf(err) != NotConnected {
		t.Errorf("a socket without a daemon: %v", err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"web", "database", "n1"}
	for given, want := range map[string]string{"wob": "web", "databse": "database", "zebra": "", "": ""} {
		if got := Nearest(given, known); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}
