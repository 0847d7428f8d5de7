package ocf_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/agents"
	"github.com/holdfast-ha/holdfast/agents/contract"
	"github.com/holdfast-ha/holdfast/agents/ocf"
)

// toyClass is the class with one provider, "test", whose agent is testdata/toy.
func toyClass(t *testing.T, change func(*ocf.Config)) (*ocf.Agent, string) {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "resource.d", "test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/toy")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(script, filepath.Join(dir, "toy")); err != nil {
		t.Fatal(err)
	}
	cfg := ocf.DefaultConfig()
	cfg.Root, cfg.RunDir = root, filepath.Join(root, "run")
	if change != nil {
		change(&cfg)
	}
	a, err := ocf.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a, root
}

func toy(t *testing.T, action agents.Action, params map[string]string) agents.Request {
	t.Helper()
	all := map[string]string{"state": filepath.Join(t.TempDir(), "state")}
	for k, v := range params {
		all[k] = v
	}
	return agents.Request{
		Resource: "toy1", Agent: agents.Spec{Class: "ocf", Provider: "test", Type: "toy"},
		Action: action, Timeout: 10 * time.Second, Params: all, Node: "n1",
	}
}

func TestContract(t *testing.T) {
	a, _ := toyClass(t, nil)
	contract.Test(t, contract.Subject{
		Agent: a,
		New:   func(t *testing.T) agents.Request { return toy(t, "", nil) },
		Hang:  func(t *testing.T) agents.Request { return toy(t, "", map[string]string{"wait": "70"}) },
		Break: func(t *testing.T, req agents.Request) {
			if err := os.Remove(req.Params["state"]); err != nil {
				t.Fatal(err)
			}
		},
		Bad: []contract.Bad{{Names: "wait", Params: map[string]string{"wait": "soon"}}},
	})
}

// How the ways in which an agent can end are told.
func TestResults(t *testing.T) {
	a, _ := toyClass(t, nil)
	for action, want := range map[agents.Action]string{
		"log":     "Done=complete code=1: error: the disk is on fire",
		"die":     "Done=Error code=1: Error: agent ocf:test:toy was ended by signal 9 (killed) during die",
		"noise":   "Done=complete code=1: error: the end",
		"reload":  "Done=complete code=0: ok",
		"../../x": `Done=Not supported code=3: Not supported: "../../x" is not an action's name`,
		"unknown": "Done=complete code=3: unimplemented feature: the agent ended with exit code 3 and said nothing",
	} {
		r := a.Run(context.Background(), toy(t, action, nil))
		if got := fmt.Sprintf("Done=%s code=%d: %s", r.Status, r.Code, r); got != want {
			t.Errorf("%s:\n got %s\nwant %s", action, got, want)
		}
		if action == "reload" && r.Output != "reloads as reload-agent\n" {
			t.Errorf("reload printed %q", r.Output)
		}
		if action == "noise" && (len(r.Output) > 64<<10 || !strings.HasSuffix(r.Output, "the end\n") || !strings.Contains(r.Output, "bytes left out")) {
			t.Errorf("noise: %d bytes of output kept", len(r.Output))
		}
	}
}

func TestMissingAgent(t *testing.T) {
	a, root := toyClass(t, nil)
	for spec, want := range map[string]string{
		"ocf:test:tpy":        "did you mean ocf:test:toy?",
		"ocf:heartbeat:Other": "install the package",
		"ocf:..:toy":          "is not an agent's name",
		"ocf:test:../toy":     "is not an agent's name",
	} {
		req := toy(t, agents.Monitor, nil)
		req.Agent, _ = agents.ParseSpec(spec)
		r := a.Run(context.Background(), req)
		if r.Status != agents.NotInstalled || r.Code != agents.ErrInstalled || !strings.Contains(r.Reason, want) {
			t.Errorf("%s: %s; want %q in it", spec, r, want)
		}
		if _, err := a.Metadata(context.Background(), req.Agent); err == nil {
			t.Errorf("%s has metadata", spec)
		}
	}
	broken := filepath.Join(root, "resource.d", "test", "broken")
	if err := os.WriteFile(broken, []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	req := toy(t, agents.Start, nil)
	req.Agent.Type = "broken"
	if r := a.Run(context.Background(), req); r.Status != agents.NotInstalled || !strings.Contains(r.Reason, "interpreter") {
		t.Errorf("an agent without its interpreter: %s", r)
	}
	if d := cmp.Diff([]agents.Spec{{Class: "ocf", Provider: "test", Type: "broken"}, {Class: "ocf", Provider: "test", Type: "toy"}}, a.List()); d != "" {
		t.Error(d)
	}
}

func TestEnvironment(t *testing.T) {
	a, root := toyClass(t, func(c *ocf.Config) {
		c.ShimDir, c.Home, c.User, c.Debug, c.Env = "/opt/shims", "/root", "root", true, []string{"SITE=here"}
	})
	req := toy(t, "environment", map[string]string{"state": "/s", "my_param": "a b", "OCF_CHECK_LEVEL": "10"})
	req.Interval = 15 * time.Second
	req.Meta = map[string]string{"clone-max": "2", "globally-unique": "false", "timeout": "overridden", "on_node_uuid": "7"}
	got := strings.NewReplacer(root, "ROOT").Replace(a.Run(context.Background(), req).Output)
	want := `HA_LOGFACILITY=none
HA_RSCTMP=ROOT/run
HA_SBIN_DIR=/opt/shims
HA_VARRUN=/run
HA_cluster_type=corosync
HA_debug=1
HOLDFAST_AGENT=ROOT/run n1
HOME=/root
LC_ALL=C
LOGNAME=root
OCF_CHECK_LEVEL=10
OCF_EXIT_REASON_PREFIX=ocf-exit-reason:
OCF_RA_VERSION_MAJOR=1
OCF_RA_VERSION_MINOR=1
OCF_RESKEY_CRM_meta_clone_max=2
OCF_RESKEY_CRM_meta_globally_unique=false
OCF_RESKEY_CRM_meta_interval=15000
OCF_RESKEY_CRM_meta_name=environment
OCF_RESKEY_CRM_meta_on_node=n1
OCF_RESKEY_CRM_meta_on_node_uuid=7
OCF_RESKEY_CRM_meta_timeout=10000
OCF_RESKEY_crm_feature_set=3.16.2
OCF_RESKEY_my_param=a b
OCF_RESKEY_state=/s
OCF_RESOURCE_INSTANCE=toy1
OCF_RESOURCE_PROVIDER=test
OCF_RESOURCE_TYPE=toy
OCF_ROOT=ROOT
PATH=/opt/shims:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
PCMK_cluster_type=corosync
PCMK_debug=1
PCMK_logfacility=none
PCMK_service=holdfast
SHELL=/bin/sh
SITE=here
USER=root
/
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, bad := range []map[string]string{{"a=b": "x"}, {"nul": "a\x00b"}, {"new\nline": "x"}} {
		r := a.Run(context.Background(), toy(t, agents.Start, bad))
		if r.Code != agents.ErrArgs {
			t.Errorf("parameters %q: %s", bad, r)
		}
	}
}

// An agent and its child that ignore TERM are gone when the answer comes.
func TestStubbornAgentIsKilled(t *testing.T) {
	a, _ := toyClass(t, func(c *ocf.Config) { c.Grace = 200 * time.Millisecond })
	req := toy(t, "stubborn", nil)
	req.Timeout = 100 * time.Millisecond
	r := a.Run(context.Background(), req)
	if r.Status != agents.TimedOut || r.Finished.Sub(r.Started) > 2*time.Second {
		t.Fatalf("%s after %s", r, r.Finished.Sub(r.Started))
	}
}

// What an agent started stays: after success all of it, after a timeout what
// went into a session of its own. An open stdout delays the answer only a little.
func TestDaemonsSurvive(t *testing.T) {
	a, _ := toyClass(t, nil)
	for _, then := range []string{"succeed", "hang"} {
		req := toy(t, "daemon", map[string]string{"then": then})
		req.Timeout = time.Second
		r := a.Run(context.Background(), req)
		daemon, background := pid(t, req.Params["state"]+".pid"), pid(t, req.Params["state"]+".background")
		t.Cleanup(func() {
			_ = syscall.Kill(daemon, syscall.SIGKILL)
			if then == "succeed" {
				_ = syscall.Kill(background, syscall.SIGKILL)
			}
		})
		if !alive(daemon) {
			t.Errorf("%s: the daemon did not survive", then)
		}
		if then == "succeed" && (r.Code != agents.OK || r.Status != agents.Done || !alive(background)) {
			t.Errorf("%s: %s, background process alive: %t", then, r, alive(background))
		}
		if then == "hang" && (r.Status != agents.TimedOut || alive(background)) {
			t.Errorf("%s: %s, background process alive: %t", then, r, alive(background))
		}
	}
}

// TestMain is also the daemon of TestEndOrphans: it calls an agent that hangs.
func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == "daemon" {
		cfg := ocf.DefaultConfig()
		cfg.Root, cfg.RunDir = os.Args[2], filepath.Join(os.Args[2], "run")
		a, err := ocf.New(cfg, nil)
		if err != nil {
			panic(err)
		}
		a.Run(context.Background(), agents.Request{
			Resource: "toy1", Agent: agents.Spec{Class: "ocf", Provider: "test", Type: "toy"}, Action: "daemon",
			Timeout: time.Minute, Params: map[string]string{"state": os.Args[3], "then": "hang"}, Node: os.Args[4],
		})
	}
	os.Exit(m.Run())
}

// A daemon is killed while an agent works for it. Its successor ends the call,
// and only that: neither what the call started, nor another node's call.
func TestEndOrphans(t *testing.T) {
	a, root := toyClass(t, nil)
	state := filepath.Join(t.TempDir(), "state")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command(self, "daemon", root, state, "n1")
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(5 * time.Second); ; <-tick.C {
		if text, _ := os.ReadFile(state + ".pid"); len(text) > 0 {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("the agent does not come up")
		}
	}
	_ = daemon.Process.Kill()
	_ = daemon.Wait()
	survivor, background := pid(t, state+".pid"), pid(t, state+".background")
	t.Cleanup(func() { _ = syscall.Kill(survivor, syscall.SIGKILL) })
	for node, want := range map[string][]string{"n2": nil, "n1": {"daemon of toy1 (ocf:test:toy)"}} {
		got, err := a.EndOrphans(context.Background(), node)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", node, err, d)
		}
	}
	if again, _ := a.EndOrphans(context.Background(), "n1"); again != nil || alive(background) {
		t.Errorf("still there: %v, background process alive: %t", again, alive(background))
	}
	if !alive(survivor) {
		t.Error("what the call had started did not survive")
	}
}

func pid(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// alive looks at the kernel's record, where a process that nobody reaped yet is dead.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z") && !strings.HasPrefix(after, "X")
}

func TestConfigValidate(t *testing.T) {
	if err := ocf.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	err := ocf.Config{Root: "ocf", RunDir: "", ShimDir: "x", Grace: time.Minute}.Validate()
	for _, word := range []string{"Root", "RunDir", "ShimDir", "Grace"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not mention %s", err, word)
		}
	}
}
