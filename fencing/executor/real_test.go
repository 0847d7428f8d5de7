package executor

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/fencing"
	"github.com/holdfast-ha/holdfast/fencing/agent"
	"github.com/holdfast-ha/holdfast/fencing/hostagent"
)

// plant is real agents, real processes and a daemon that owns the hosts.
type plant struct {
	t       *testing.T
	hosts   *hostagent.Memory
	moods   map[string]*hostagent.Moody // by device
	devices []fencing.Device
	ex      *Executor
}

// newPlant makes one device for each name, in this order of levels, all over
// the same hosts.
func newPlant(t *testing.T, names ...string) *plant {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "fence_hosts")); err != nil {
		t.Fatal(err)
	}
	p := &plant{t: t, hosts: hostagent.NewMemory("n1", "n2"), moods: map[string]*hostagent.Moody{}}
	runner := agent.DefaultRunner()
	runner.Path = []string{dir}
	for _, name := range names {
		p.moods[name] = &hostagent.Moody{Power: p.hosts}
		p.serve(filepath.Join(dir, name), p.moods[name])
		p.devices = append(p.devices, fencing.Device{
			Name: name, Agent: "fence_hosts", Targets: []string{"n1", "n2"},
			Params: map[string]string{"socket": filepath.Join(dir, name), "pcmk_off_timeout": "20s", "pcmk_off_retries": "0"},
		})
	}
	p.ex = New(Config{
		Agents: runner, Clock: SystemClock{}, Log: hclog.NewNullLogger(),
		Devices: func(name string) (fencing.Device, bool) {
			for _, d := range p.devices {
				if d.Name == name {
					return d, true
				}
			}
			return fencing.Device{}, false
		},
	})
	for i, d := range p.devices {
		var problems []fencing.Problem
		if p.devices[i], problems = p.ex.Learn(t.Context(), d); len(problems) > 0 {
			t.Fatal(problems)
		}
	}
	return p
}

func (p *plant) serve(socket string, power hostagent.Power) {
	l, err := net.Listen("unix", socket)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- hostagent.Serve(ctx, l, power) }()
	p.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			p.t.Error(err)
		}
	})
}

func (p *plant) spec(target string, action fencing.Action) fencing.Spec {
	levels, problems := fencing.Plan(target, p.devices, nil, nil, action)
	if len(problems) > 0 {
		p.t.Fatal(problems)
	}
	return fencing.Spec{ID: "f-real", Target: target, Boot: 3, Action: action, Levels: levels}
}

func TestRealReboot(t *testing.T) {
	p := newPlant(t, "a")
	receipt, err := p.ex.Run(t.Context(), p.spec("n1", fencing.Reboot), nil, Hooks{
		Record: func(ctx context.Context, _ fencing.Receipt) error {
			if on, _ := p.hosts.Status(ctx, "n1"); on {
				t.Error("n1 is on while its receipt is recorded")
			}
			return nil
		},
	})
	on, _ := p.hosts.Status(t.Context(), "n1")
	if err != nil || !on || p.hosts.Offs("n1") != 1 || p.hosts.Offs("n2") != 0 || receipt.Proof != "a said off, status off" {
		t.Error(receipt, err, on)
	}
}

func TestRealHangAndRefusal(t *testing.T) {
	p := newPlant(t, "a", "b", "c")
	p.moods["a"].SetMood("n1", hostagent.Mood{Hang: true})
	p.devices[0].Params["pcmk_off_timeout"] = "500ms"
	p.moods["b"].SetMood("n1", hostagent.Mood{Refuse: true})
	var reports []string
	receipt, err := p.ex.Run(t.Context(), p.spec("n1", fencing.Off), nil, Hooks{
		Progress: func(e fencing.Effect) {
			if r, ok := e.(fencing.Report); ok {
				reports = append(reports, r.Text)
			}
		},
	})
	if err != nil || receipt.Proof != "c said off, status off" || p.hosts.Offs("n1") != 1 {
		t.Error(receipt, err)
	}
	want := "level 1 a: off timed out: fence_hosts off: no answer within 500ms\n" +
		"level 2 b: off failed: fence_hosts off: exit code 1: off n1: the device refuses to touch n1"
	if got := strings.Join(reports, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestRealLie: a device that lies while the host beats on is found out, and
// with no other level nobody gets a receipt.
func TestRealLie(t *testing.T) {
	p := newPlant(t, "a")
	p.moods["a"].SetMood("n1", hostagent.Mood{Lie: true})
	beats := make(chan fencing.TargetBeat, 1)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				select {
				case beats <- fencing.TargetBeat{Boot: 3, At: now}:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
	spec := p.spec("n1", fencing.Off)
	spec.LastBeat = time.Now()
	_, err := p.ex.Run(t.Context(), spec, beats, Hooks{})
	stop()
	all.Wait()
	if err == nil || !strings.Contains(err.Error(), "said off, but a heartbeat came") {
		t.Error(err)
	}
}

func TestRealTest(t *testing.T) {
	p := newPlant(t, "a")
	if err := p.hosts.Off(t.Context(), "n2"); err != nil {
		t.Fatal(err)
	}
	findings := p.ex.Test(t.Context(), p.devices[0], "n1", "n2")
	for i, want := range []fencing.Outcome{fencing.Succeeded, fencing.IsOn, fencing.IsOff} {
		if f := findings[i]; f.Outcome != want || !f.OK() {
			t.Error(f)
		}
	}
}
