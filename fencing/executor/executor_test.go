package executor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/fencing/agent"
	"github.com/holdfast-ha/holdfast/fencing/hostagent"
)

func TestMain(m *testing.M) {
	// Run under the agent's name, the test program is the agent.
	if filepath.Base(os.Args[0]) == "fence_hosts" {
		os.Exit(hostagent.Main(os.Stdin, os.Stdout, os.Stderr, os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// rack is a set of fake agents over one set of outlets. An agent's name says
// how it behaves: "good", "hang", "fail", "lie".
type rack struct {
	mu     sync.Mutex
	off    map[string]bool // by plug
	log    []string
	inside map[string]int // by device parameter "id"
	most   map[string]int
	took   time.Duration // of each run
}

func newRack() *rack {
	return &rack{off: map[string]bool{}, inside: map[string]int{}, most: map[string]int{}, took: time.Second}
}

func (k *rack) Run(ctx context.Context, req agent.Request) agent.Result {
	id := req.Params["id"]
	k.mu.Lock()
	k.log = append(k.log, fmt.Sprintf("%s %s %s", id, req.Action, req.Params["plug"]))
	k.inside[id]++
	k.most[id] = max(k.most[id], k.inside[id])
	k.mu.Unlock()
	defer func() { k.mu.Lock(); k.inside[id]--; k.mu.Unlock() }()
	wait := k.took
	if req.Agent == "hang" {
		wait = req.Timeout + time.Hour
	}
	select {
	case <-time.After(min(wait, req.Timeout)):
	case <-ctx.Done():
		return agent.Result{Outcome: fencing.Stopped, Reason: "stopped"}
	}
	if wait > req.Timeout {
		return agent.Result{Outcome: fencing.TimedOut, Reason: "no answer"}
	}
	res := k.do(req)
	res.Took = wait
	return res
}

func (k *rack) do(req agent.Request) agent.Result {
	k.mu.Lock()
	defer k.mu.Unlock()
	plug := req.Params["plug"]
	switch {
	case req.Agent == "fail":
		return agent.Result{Outcome: fencing.Failure, Code: 1, Reason: "bad password"}
	case req.Action == fencing.Status && (k.off[plug] || req.Agent == "lie"):
		return agent.Result{Outcome: fencing.IsOff, Code: 2}
	case req.Action == fencing.Status:
		return agent.Result{Outcome: fencing.IsOn}
	case req.Action == fencing.Off && req.Agent != "lie":
		k.off[plug] = true
	case req.Action == fencing.On:
		k.off[plug] = false
	}
	return agent.Result{Outcome: fencing.Succeeded}
}

func (k *rack) Metadata(_ context.Context, name string) (agent.Metadata, error) {
	if name == "fail" {
		return agent.Metadata{}, errors.New("fail metadata: garbage")
	}
	return agent.ParseMetadata([]byte(`<resource-agent name="x"><parameters><parameter name="plug"/><parameter name="id"/></parameters>` +
		`<actions><action name="off"/><action name="on"/><action name="status"/><action name="list"/></actions></resource-agent>`))
}

func (k *rack) List(context.Context, fencing.Device, fencing.Action, time.Duration) ([]fencing.Port, error) {
	return []fencing.Port{{Plug: "n1"}, {Plug: "2", Alias: "n2"}}, nil
}

func (k *rack) lines() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.log, "; ")
}

// device makes a device whose name is "AGENT-SOMETHING".
func device(name string, params ...string) fencing.Device {
	behaviour, _, _ := strings.Cut(name, "-")
	d := fencing.Device{Name: name, Agent: behaviour, Targets: []string{"n1", "n2"}, Params: map[string]string{"id": name}}
	for _, p := range params {
		k, v, _ := strings.Cut(p, "=")
		d.Params[k] = v
	}
	return d
}

func newExecutor(k *rack, devices ...fencing.Device) *Executor {
	return New(Config{
		Agents: k, Clock: SystemClock{}, Log: hclog.NewNullLogger(),
		Devices: func(name string) (fencing.Device, bool) {
			for _, d := range devices {
				if d.Name == name {
					return d, true
				}
			}
			return fencing.Device{}, false
		},
	})
}

func spec(id, target string, action fencing.Action, devices ...fencing.Device) fencing.Spec {
	levels, _ := fencing.Plan(target, devices, nil, nil, action)
	return fencing.Spec{ID: fencing.OpID(id), Target: target, Boot: 7, Action: action, Levels: levels}
}

func TestHangThenNextLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack()
		a, b := device("hang-a", "pcmk_off_timeout=20s"), device("zgood")
		b.Agent = "good"
		ex := newExecutor(k, a, b)
		began := time.Now()
		var order []string
		receipt, err := ex.Run(t.Context(), spec("f1", "n1", fencing.Reboot, a, b), nil, Hooks{
			Record: func(context.Context, fencing.Receipt) error {
				order = append(order, "recorded after: "+k.lines())
				return nil
			},
			Progress: func(e fencing.Effect) { order = append(order, fmt.Sprintf("%T", e)) },
		})
		if err != nil || !receipt.Covers(7) || receipt.Proof != "zgood said off, status off" {
			t.Fatal(receipt, err)
		}
		if took := time.Since(began); took != 23*time.Second {
			t.Errorf("took %v", took)
		}
		want := "hang-a off n1; zgood off n1; zgood status n1; zgood on n1"
		if got := k.lines(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := strings.Join(order, " "); !strings.Contains(got, "recorded after: hang-a off n1; zgood off n1; zgood status n1 fencing.RunDevice") {
			t.Error(got)
		}
	})
}

// TestAgainIsNoShot: an operation that is finished here is not shot again; an
// executor that does not know it shoots a target that is off, and makes the
// same receipt.
func TestAgainIsNoShot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, d := newRack(), device("good-a")
		s := spec("f1", "n1", fencing.Off, d)
		ex := newExecutor(k, d)
		hooks := Hooks{Record: func(context.Context, fencing.Receipt) error { return nil }}
		first, err := ex.Run(t.Context(), s, nil, hooks)
		if err != nil {
			t.Fatal(err)
		}
		shots := k.lines()
		again, err := ex.Run(t.Context(), s, nil, hooks)
		if err != nil || again.String() != first.String() || k.lines() != shots {
			t.Error(again, err, k.lines())
		}
		if known, ok := ex.Lookup("f1"); !ok || known.String() != first.String() {
			t.Error("not remembered:", known)
		}
		other, err := newExecutor(k, d).Run(t.Context(), s, nil, hooks)
		other.At = first.At
		if err != nil || other.String() != first.String() {
			t.Errorf("elsewhere: %s, %v, want %s", other, err, first)
		}
	})
}

func TestOneAtATimeForADevice(t *testing.T) {
	for _, c := range []struct {
		limit string
		most  int
		took  time.Duration
	}{{"1", 1, 4 * time.Second}, {"2", 2, 2 * time.Second}, {"-1", 2, 2 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			k, d := newRack(), device("good-a", "pcmk_action_limit="+c.limit)
			ex := newExecutor(k, d)
			began := time.Now()
			var all sync.WaitGroup
			for _, target := range []string{"n1", "n2"} {
				all.Go(func() {
					if _, err := ex.Run(t.Context(), spec("f-"+target, target, fencing.Off, d), nil, Hooks{}); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if k.most["good-a"] != c.most || time.Since(began) != c.took {
				t.Errorf("limit %s: %d at a time, %v", c.limit, k.most["good-a"], time.Since(began))
			}
		})
	}
}

// TestBusyDevice: a device that hangs with one target keeps another target
// waiting no longer than the attempt's own time.
func TestBusyDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack()
		slow, short := device("hang-a", "pcmk_off_timeout=100s"), device("hang-a", "pcmk_off_timeout=10s")
		ex := newExecutor(k, slow)
		var all sync.WaitGroup
		all.Go(func() { _, _ = ex.Run(t.Context(), spec("f1", "n1", fencing.Off, slow), nil, Hooks{}) })
		synctest.Wait()
		_, err := ex.Run(t.Context(), spec("f2", "n2", fencing.Off, short), nil, Hooks{})
		var failed fencing.Failed
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), "hang-a was busy with other targets for 10s") {
			t.Error(err)
		}
		all.Wait()
	})
}

func TestTheTargetStillBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack()
		a, b := device("lie-a"), device("zgood")
		b.Agent = "good"
		ex := newExecutor(k, a, b)
		beats := make(chan fencing.TargetBeat)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { // the target, until its power is really gone
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case now := <-tick.C:
					k.mu.Lock()
					dead := k.off["n1"]
					k.mu.Unlock()
					if dead {
						continue
					}
					select {
					case beats <- fencing.TargetBeat{Boot: 7, At: now}:
					case <-ctx.Done():
						return
					}
				case <-ctx.Done():
					return
				}
			}
		})
		var alarms []string
		receipt, err := ex.Run(t.Context(), spec("f1", "n1", fencing.Off, a, b), beats, Hooks{
			Progress: func(e fencing.Effect) {
				if alarm, ok := e.(fencing.Alarm); ok {
					alarms = append(alarms, alarm.Text)
				}
			},
		})
		stop()
		all.Wait()
		if err != nil || receipt.Proof != "zgood said off, status off" {
			t.Error(receipt, err)
		}
		if len(alarms) != 1 || !strings.Contains(alarms[0], "lie-a said that n1 is off, but") {
			t.Error(alarms)
		}
	})
}

func TestCancelStopsTheAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, d := newRack(), device("hang-a")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(errors.New("no longer the controller")) })
		began := time.Now()
		_, err := newExecutor(k, d).Run(ctx, spec("f1", "n1", fencing.Off, d), nil, Hooks{})
		if err == nil || !strings.Contains(err.Error(), "no longer the controller") || time.Since(began) != 5*time.Second {
			t.Error(err, time.Since(began))
		}
		if k.inside["hang-a"] != 0 {
			t.Error("the agent is still there")
		}
	})
}

func TestUnrecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, d := newRack(), device("good-a")
		ex := newExecutor(k, d)
		receipt, err := ex.Run(t.Context(), spec("f1", "n1", fencing.Reboot, d), nil, Hooks{
			Record: func(context.Context, fencing.Receipt) error { return errors.New("no leader") },
		})
		if !errors.Is(err, ErrUnrecorded) || !receipt.Covers(7) || strings.Contains(k.lines(), " on ") {
			t.Error(receipt, err, k.lines())
		}
		if _, ok := ex.Lookup("f1"); ok {
			t.Error("an unrecorded operation is remembered as finished")
		}
	})
}

// TestCancelWhileRecording: what Record answers in the end is what counts.
func TestCancelWhileRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, d := newRack(), device("good-a")
		ctx, cancel := context.WithCancel(t.Context())
		_, err := newExecutor(k, d).Run(ctx, spec("f1", "n1", fencing.Reboot, d), nil, Hooks{
			Record: func(ctx context.Context, _ fencing.Receipt) error { cancel(); <-ctx.Done(); return nil },
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newRack()
		d := fencing.Device{Name: "person", Agent: fencing.ManualAgent, Targets: []string{"n1"}}
		ex := newExecutor(k, d)
		var all sync.WaitGroup
		all.Go(func() {
			receipt, err := ex.Run(t.Context(), spec("f1", "n1", fencing.Off, d), nil, Hooks{})
			if err != nil || receipt.Class != fencing.Manual || receipt.Proof != "manual by root@n2" {
				t.Error(receipt, err)
			}
		})
		synctest.Wait()
		if _, err := ex.Run(t.Context(), spec("f1", "n1", fencing.Off, d), nil, Hooks{}); !errors.Is(err, ErrUnderWay) {
			t.Error(err)
		}
		if err := ex.Confirm(t.Context(), "f1", fencing.ManualConfirm{Who: "root@n2", Typed: "n2"}); err == nil {
			t.Error("the wrong name was taken")
		}
		if err := ex.Confirm(t.Context(), "f1", fencing.ManualConfirm{Who: "root@n2", Typed: "n1"}); err != nil {
			t.Error(err)
		}
		all.Wait()
		if err := ex.Confirm(t.Context(), "f1", fencing.ManualConfirm{Who: "root@n2", Typed: "n1"}); !errors.Is(err, ErrNoSuchOp) {
			t.Error(err)
		}
	})
}

func TestDeviceTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := device("good-a", "pcmk_off_retries=0")
		_, err := newExecutor(newRack()).Run(t.Context(), spec("f1", "n1", fencing.Off, d), nil, Hooks{})
		if err == nil || !strings.Contains(err.Error(), "device good-a is no longer in the configuration") {
			t.Error(err)
		}
	})
}

func TestLearnAndTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := device("good-a")
		d.Targets = nil
		ex := newExecutor(newRack(), d)
		d, problems := ex.Learn(t.Context(), d)
		if len(problems) != 0 || !d.Abilities.Can(fencing.List) || len(d.Seen.Ports) != 2 {
			t.Errorf("%+v %v", d, problems)
		}
		var got []string
		for _, f := range ex.Test(t.Context(), d, "n2", "n9") {
			got = append(got, f.String())
		}
		want := "good-a monitor: ok (1.0 s); good-a status of n2: on (1.0 s)"
		if strings.Join(got, "; ") != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if _, problems := ex.Learn(t.Context(), device("fail-a")); len(problems) != 1 || problems[0].String() != "fail-a: fail metadata: garbage" {
			t.Error(problems)
		}
	})
}
