package hostagent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// DefaultSocket is where the daemon listens if nothing else is said.
const DefaultSocket = "/run/holdfast/fence_hosts.sock"

// maxLine bounds a request and a reply.
const maxLine = 64 << 10

// request is one line to the daemon: {"op":"off","host":"n3"}.
type request struct {
	Op   string `json:"op"` // off, on, status, list, mood
	Host string `json:"host,omitempty"`
	Mood *Mood  `json:"mood,omitempty"`
}

// reply is one line back.
type reply struct {
	OK    bool     `json:"ok"`
	On    bool     `json:"on,omitempty"`
	Hosts []string `json:"hosts,omitempty"`
	Error string   `json:"error,omitempty"`
}

// Serve answers requests on l until ctx ends or l is closed; then it closes l
// and all connections and waits for the requests under way. The error is why
// it could not go on; nil after ctx ended.
func Serve(ctx context.Context, l net.Listener, p Power) error {
	ctx, stop := context.WithCancel(ctx)
	var conns sync.WaitGroup
	defer conns.Wait()
	defer stop()
	closed := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer closed()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("fence device for hosts: %w", err)
		}
		conns.Go(func() { serveConn(ctx, c, p) })
	}
}

func serveConn(ctx context.Context, c net.Conn, p Power) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer c.Close()
	lines := bufio.NewScanner(c)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var req request
		var rep reply
		err := json.Unmarshal(lines.Bytes(), &req)
		if err == nil {
			rep, err = answer(ctx, p, req)
		}
		rep.OK = err == nil
		if err != nil {
			rep.Error = err.Error()
		}
		// A client that is gone has no use for the answer.
		if writeLine(c, rep) != nil {
			return
		}
	}
}

func answer(ctx context.Context, p Power, req request) (rep reply, err error) {
	if req.Host == "" && req.Op != "list" {
		return rep, fmt.Errorf("%s needs a host", req.Op)
	}
	switch req.Op {
	case "off":
		err = p.Off(ctx, req.Host)
	case "on":
		err = p.On(ctx, req.Host)
	case "status":
		rep.On, err = p.Status(ctx, req.Host)
	case "list":
		rep.Hosts, err = p.List(ctx)
	case "mood":
		moody, ok := p.(interface{ SetMood(string, Mood) })
		switch {
		case !ok:
			err = errors.New("this device has no moods")
		case req.Mood == nil:
			err = errors.New("mood needs a mood")
		default:
			moody.SetMood(req.Host, *req.Mood)
		}
	default:
		err = fmt.Errorf("unknown request %q", req.Op)
	}
	return rep, err
}

func writeLine(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// Client asks a daemon at a socket. It is a [Power].
type Client struct{ Socket string }

var _ Power = Client{}

func (c Client) ask(ctx context.Context, req request) (reply, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", c.Socket)
	if err != nil {
		return reply{}, fmt.Errorf("no daemon answers at %s: %w", c.Socket, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := writeLine(conn, req); err != nil {
		return reply{}, fmt.Errorf("%s %s at %s: %w", req.Op, req.Host, c.Socket, err)
	}
	line, err := bufio.NewReader(io.LimitReader(conn, maxLine)).ReadBytes('\n')
	if ctx.Err() != nil {
		return reply{}, fmt.Errorf("%s %s: no answer: %w", req.Op, req.Host, ctx.Err())
	}
	if err != nil {
		return reply{}, fmt.Errorf("%s %s: the daemon at %s went away: %w", req.Op, req.Host, c.Socket, err)
	}
	var rep reply
	if err := json.Unmarshal(line, &rep); err != nil {
		return reply{}, fmt.Errorf("%s %s: the daemon at %s speaks something else: %w", req.Op, req.Host, c.Socket, err)
	}
	if !rep.OK {
		return rep, fmt.Errorf("%s %s: %s", req.Op, req.Host, rep.Error)
	}
	return rep, nil
}

// Off switches a host off.
func (c Client) Off(ctx context.Context, host string) error {
	_, err := c.ask(ctx, request{Op: "off", Host: host})
	return err
}

// On switches a host on.
func (c Client) On(ctx context.Context, host string) error {
	_, err := c.ask(ctx, request{Op: "on", Host: host})
	return err
}

// Status tells whether a host is on.
func (c Client) Status(ctx context.Context, host string) (bool, error) {
	rep, err := c.ask(ctx, request{Op: "status", Host: host})
	return rep.On, err
}

// List returns the hosts.
func (c Client) List(ctx context.Context) ([]string, error) {
	rep, err := c.ask(ctx, request{Op: "list"})
	return rep.Hosts, err
}

// SetMood sets the device's mood towards a host or [AllHosts].
func (c Client) SetMood(ctx context.Context, host string, mood Mood) error {
	_, err := c.ask(ctx, request{Op: "mood", Host: host, Mood: &mood})
	return err
}
