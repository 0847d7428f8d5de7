package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-ha/holdfast/crm/api"
	"github.com/holdfast-ha/holdfast/crm/hosts"
)

// Config says how to show the demo.
type Config struct {
	Executable string    // the program; empty: the running one
	Out        io.Writer // the story
	JSON       bool      // the story as JSON, one event a line
	Keep       bool      // leave it running at the end, until ctx ends
	Hosts      bool      // network namespaces instead of loopback; needs root
	Version    string    // of the program
	Logger     hclog.Logger
}

// stage is where the story plays.
type stage interface {
	// open makes the nodes and has them form a cluster; what happens is told.
	open(ctx context.Context, tell func(node, text string)) error
	// client asks a node's daemon.
	client(node string) *api.Client
	// kill ends all of a node at once.
	kill(node string) error
	// configuration is what the cluster is to run.
	configuration() string
	// service is where the client finds it.
	service() netip.AddrPort
	// probe asks the service until it is stopped.
	probe() *hosts.Probe
	// place says where it plays; hints how to look into it by hand, once open.
	place() string
	hints() []string
	// close ends and removes everything; failed says that somebody will want
	// to read the logs.
	close(failed bool) error
}

var nodes = []string{"n1", "n2", "n3"}

// Run shows the demo.
func Run(ctx context.Context, cfg Config) (err error) {
	if cfg.Executable == "" {
		if cfg.Executable, err = os.Executable(); err != nil {
			return fmt.Errorf("the demo runs this very program, which can not be found: %w", err)
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	began := time.Now()
	tale := &story{out: cfg.Out, json: cfg.JSON, began: began}
	s, err := newStage(cfg)
	if err != nil {
		return err
	}
	defer func() {
		failed := err != nil && ctx.Err() == nil
		if err != nil && !failed {
			err = errors.New("interrupted") // whatever was under way then
		}
		err = errors.Join(err, s.close(failed))
		if err == nil {
			tale.tell(event{Event: "ended", Text: "all ended and removed"})
		}
	}()
	tale.tell(event{Event: "began", Text: "three nodes on this machine, in " + s.place()})
	if err := s.open(ctx, func(node, text string) { tale.tell(event{Event: "node", Node: node, Text: text}) }); err != nil {
		return err
	}
	if err := (&play{stage: s, tale: tale}).run(ctx); err != nil {
		return err
	}
	if cfg.Keep {
		tale.heading("It stays up until you press Ctrl-C. To look around, in another terminal:")
		for _, h := range s.hints() {
			tale.line("  " + h)
		}
		<-ctx.Done()
	}
	return nil
}

func newStage(cfg Config) (stage, error) {
	if cfg.Hosts {
		return newNamespaces(cfg)
	}
	return newLoopback(cfg)
}
