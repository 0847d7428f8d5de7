package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-ha/holdfast/crm/api"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"crm": func() { os.Exit(Main(os.Args, os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs whole sessions: real daemons on loopback in a folder of
// their own, and the commands that people type.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: scriptSetup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":   awaitNodes,
			"pass":    passTime,
			"rc":      checkCode,
			"capture": capture,
			"json":    checkJSON,
		},
	})
}

// scriptSetup gives each script free ports and short paths: PORT1, PORT2, and
// for node n1 what the environment of a session says.
func scriptSetup(env *testscript.Env) error {
	for _, name := range []string{"PORT1", "PORT2"} {
		port, err := freePort()
		if err != nil {
			return err
		}
		env.Setenv(name, strconv.Itoa(port))
	}
	dir, err := os.MkdirTemp("", "crm")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = os.RemoveAll(dir) })
	env.Setenv("D", dir)
	env.Setenv("HOLDFAST_STATE", filepath.Join(dir, "n1"))
	env.Setenv("HOLDFAST_RUN", filepath.Join(dir, "r1"))
	env.Setenv("HOLDFAST_SOCKET", filepath.Join(dir, "r1", "crm.sock"))
	env.Setenv("TZ", "UTC")
	return nil
}

// freePort is free for UDP and TCP at this moment.
func freePort() (int, error) {
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenPacket("udp", l.Addr().String())
		if cerr := l.Close(); cerr != nil {
			return 0, cerr
		}
		if err != nil {
			continue
		}
		return port, u.Close()
	}
	return 0, errors.New("no port is free for both UDP and TCP")
}

// awaitNodes waits until the daemon at $HOLDFAST_SOCKET sees a number of nodes
// online: "await 2".
func awaitNodes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await NODES")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := api.NewClient(ts.Getenv("HOLDFAST_SOCKET"))
	defer client.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if st, err := client.Status(ctx); err == nil && online(st) == want && st.Cluster.Quorum {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("%d nodes are not online after 20 s", want)
		}
	}
}

func online(st *api.Status) int {
	n := 0
	for _, node := range st.Nodes {
		if node.Online {
			n++
		}
	}
	return n
}

// passTime lets the clock go on, for what expires: "pass 1100ms".
func passTime(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	<-time.After(d)
}

// checkCode runs crm and compares its exit code: "rc 105 resource start nope".
func checkCode(ts *testscript.TestScript, _ bool, args []string) {
	want := args[0]
	err := ts.Exec("crm", args[1:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != want {
		ts.Fatalf("exit code %s, want %s", got, want)
	}
}

// checkJSON runs a crm command with -o json and reads what it prints: one value.
func checkJSON(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("crm", append([]string{"-o", "json"}, args...)...))
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var value any
	if err := d.Decode(&value); err != nil {
		ts.Fatalf("crm %s: %v", strings.Join(args, " "), err)
	}
	if d.More() {
		ts.Fatalf("crm %s printed more than one value", strings.Join(args, " "))
	}
}

// capture puts the output of a crm command into a variable: "capture TOKEN
// cluster token".
func capture(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("crm", args[1:]...))
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}
