package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/daemon"
	"github.com/holdfast-ha/holdfast/crm/hosts"
	"github.com/holdfast-ha/holdfast/fencing/hostagent"
	"github.com/holdfast-ha/holdfast/membership/identity"
)

// port is where the daemons listen, each on an address of its own.
const port = 7413

// loopback is the stage without privileges.
type loopback struct {
	cfg     Config
	dir     string
	net     [2]byte // 127.net[0].net[1].n
	nodes   map[string]*process
	watcher *guard
	spawn   *spawner

	ctx    context.Context // ends when close begins
	cancel context.CancelFunc
	served chan error // of the fence device
}

func newLoopback(cfg Config) (*loopback, error) {
	dir, err := os.MkdirTemp("", "holdfast-demo-")
	if err != nil {
		return nil, fmt.Errorf("the demo needs a temporary folder: %w", err)
	}
	l := &loopback{cfg: cfg, dir: dir, nodes: map[string]*process{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	if err := l.prepare(); err != nil {
		return nil, errors.Join(err, l.close(false))
	}
	return l, nil
}

// prepare makes what is there before the first node.
func (l *loopback) prepare() error {
	// A socket's path is at most 107 bytes long.
	if len(l.fenceSocket()) > 100 {
		return fmt.Errorf("the folder for temporary files %q has too long a name for sockets: set TMPDIR to a shorter one", filepath.Dir(l.dir))
	}
	var err error
	if l.watcher, err = newGuard(l.dir); err != nil {
		return err
	}
	if l.net, err = freeNetwork(); err != nil {
		return err
	}
	l.spawn = newSpawner()
	if err := os.Mkdir(l.bin(), 0o755); err != nil {
		return err
	}
	// The program is its own fence agent, by another name.
	if err := os.Symlink(l.cfg.Executable, filepath.Join(l.bin(), "fence_hosts")); err != nil {
		return err
	}
	for _, name := range nodes {
		l.nodes[name] = &process{name: name, dir: filepath.Join(l.dir, name), stage: l}
		if err := os.MkdirAll(l.nodes[name].stateDir(), 0o700); err != nil {
			return err
		}
	}
	listener, err := net.Listen("unix", l.fenceSocket())
	if err != nil {
		return fmt.Errorf("the fence device: %w", err)
	}
	l.served = make(chan error, 1)
	go func() { l.served <- hostagent.Serve(l.ctx, listener, power{l}) }()
	return nil
}

func (l *loopback) bin() string         { return filepath.Join(l.dir, "bin") }
func (l *loopback) fenceSocket() string { return filepath.Join(l.dir, "fence.sock") }

// address of node n, 1 to 3; the service has number 100.
func (l *loopback) address(n byte, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, l.net[0], l.net[1], n}), port)
}

func (l *loopback) service() netip.AddrPort { return l.address(100, 8080) }

// freeNetwork picks a part of the loopback network that nobody uses: every
// address in 127.0.0.0/8 is this machine.
func freeNetwork() ([2]byte, error) {
	var last error
	for range 20 {
		candidate := [2]byte{byte(1 + rand.IntN(250)), byte(rand.IntN(250))}
		l := loopback{net: candidate}
		last = nil
		for _, address := range []netip.AddrPort{l.address(1, port), l.address(2, port), l.address(3, port), l.service()} {
			listener, err := net.Listen("tcp", address.String())
			if err != nil {
				last = err
				break
			}
			_ = listener.Close()
		}
		if last == nil {
			return candidate, nil
		}
	}
	return [2]byte{}, fmt.Errorf("the demo needs addresses of 127.0.0.0/8: %w", last)
}

// open makes the cluster on n1 and has the others join.
func (l *loopback) open(ctx context.Context, tell func(node, text string)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, stepLimit, fmt.Errorf("the nodes were not up within %v", stepLimit))
	defer cancel()
	first := l.nodes[nodes[0]]
	if err := daemon.InitCluster(l.member(0), "demo", time.Now()); err != nil {
		return err
	}
	if err := first.boot(); err != nil {
		return err
	}
	client := l.client(first.name)
	defer client.Close()
	if err := await(ctx, client, up(first.name)); err != nil {
		return err
	}
	tell(first.name, fmt.Sprintf("made the cluster %q at %v", "demo", l.address(1, port)))
	for i, name := range nodes[1:] {
		if err := l.join(ctx, client, i+1); err != nil {
			return fmt.Errorf("%s can not join: %w", name, err)
		}
		if err := l.nodes[name].boot(); err != nil {
			return err
		}
		if err := await(ctx, client, up(name)); err != nil {
			return err
		}
		tell(name, fmt.Sprintf("joined with a token at %v", l.address(byte(i+2), port)))
	}
	return nil
}

// up says that a node is a member that follows orders.
func up(name string) func(*api.Status) bool {
	return func(s *api.Status) bool {
		n := node(s, name)
		return n != nil && n.Phase == "member"
	}
}

func (l *loopback) member(i int) daemon.Place {
	return daemon.Place{
		StateDir: l.nodes[nodes[i]].stateDir(), Node: nodes[i], Addresses: []string{l.address(byte(i+1), port).String()}, Version: l.cfg.Version,
	}
}

func (l *loopback) join(ctx context.Context, client *api.Client, i int) error {
	answer, err := client.Token(ctx, time.Minute)
	if err != nil {
		return err
	}
	token, err := identity.ParseToken(answer.Token)
	if err != nil {
		return err
	}
	_, err = daemon.JoinCluster(ctx, l.member(i), token)
	return err
}

func (l *loopback) client(name string) *api.Client { return api.NewClient(l.nodes[name].socket()) }

func (l *loopback) kill(name string) error { return l.nodes[name].kill() }

func (l *loopback) configuration() string {
	return fmt.Sprintf(`cluster "demo" {}

fence "fence_hosts" "power" { # asks the demo to kill a node, and to start it again
  targets = [n1, n2, n3]
  socket  = %q
  op "monitor" { interval = "10s" }
}

defaults "resource" { resource-stickiness = 100 }

resource "process" "web" {
  command = "'%s' demo-web %v"
  ready   = "tcp:%v"
  op "monitor" { interval = "10s" }
}
`, l.fenceSocket(), l.cfg.Executable, l.service(), l.service())
}

func (l *loopback) probe() *hosts.Probe { return hosts.ProbeFromHere(l.service()) }

func (l *loopback) place() string { return l.dir }

func (l *loopback) hints() []string {
	hints := []string{fmt.Sprintf("curl http://%v", l.service())}
	for _, name := range nodes {
		hints = append(hints, fmt.Sprintf("HOLDFAST_SOCKET=%s %s status    # %s", l.nodes[name].socket(), l.cfg.Executable, name))
	}
	return append(hints,
		fmt.Sprintf("tail -f %s", l.nodes[nodes[0]].log()),
		fmt.Sprintf("%s -o off -n n3 -s %s    # cut n3's power", filepath.Join(l.bin(), "fence_hosts"), l.fenceSocket()))
}

// close ends all nodes and removes the folder.
func (l *loopback) close(failed bool) error {
	l.cancel()
	var errs []error
	if l.served != nil {
		errs = append(errs, <-l.served)
	}
	for _, name := range nodes {
		if n := l.nodes[name]; n != nil {
			errs = append(errs, n.kill())
		}
	}
	if l.spawn != nil {
		l.spawn.end()
	}
	if l.watcher != nil {
		errs = append(errs, l.watcher.end())
	}
	if failed {
		return errors.Join(append(errs, fmt.Errorf("the logs are in %s", l.dir))...)
	}
	return errors.Join(append(errs, os.RemoveAll(l.dir))...)
}

// power is the fence device.
type power struct{ stage *loopback }

func (p power) node(name string) (*process, error) {
	if n := p.stage.nodes[name]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("there is no node %q", name)
}

// Off kills a node.
func (p power) Off(_ context.Context, name string) error {
	n, err := p.node(name)
	if err != nil {
		return err
	}
	return n.kill()
}

// On starts a node's daemon.
func (p power) On(_ context.Context, name string) error {
	n, err := p.node(name)
	if err != nil {
		return err
	}
	return n.boot()
}

// Status says whether any process of a node is there.
func (p power) Status(_ context.Context, name string) (bool, error) {
	n, err := p.node(name)
	if err != nil {
		return false, err
	}
	pids, err := n.processes()
	return len(pids) > 0, err
}

// List is the names of the nodes.
func (p power) List(context.Context) ([]string, error) { return nodes, nil }
