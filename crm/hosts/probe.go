package hosts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ProbeEvery is how often a [Probe] asks.
const ProbeEvery = 10 * time.Millisecond

// answerLimit is how long one question may wait for its answer. It is below the
// kernel's first retransmission, so each answer tells of its own question.
const answerLimit = 900 * time.Millisecond

// Answer is one answer to a probe.
type Answer struct {
	Asked time.Time
	At    time.Time
	Text  string // what an HTTP server said, its first 64 bytes of body
}

// Probe asks a service from the client's namespace, and keeps the answers.
type Probe struct {
	target netip.AddrPort
	http   bool
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	answers []Answer
	bell    chan struct{} // closed at the next answer
	fault   error
}

// ProbeTCP opens a connection to the address each 10 ms, from the client.
func (l *Lab) ProbeTCP(target netip.AddrPort) *Probe {
	return newProbe(l.ctx, target, false, int(l.net.client))
}

// ProbeHTTP asks for / at the address each 10 ms, from the client, and keeps the
// body.
func (l *Lab) ProbeHTTP(target netip.AddrPort) *Probe {
	return newProbe(l.ctx, target, true, int(l.net.client))
}

// ProbeFromHere is ProbeHTTP without hosts: it asks from this machine.
func ProbeFromHere(target netip.AddrPort) *Probe {
	return newProbe(context.Background(), target, true, -1)
}

// newProbe asks from a network namespace, or from where we are.
func newProbe(ctx context.Context, target netip.AddrPort, http bool, space int) *Probe {
	ctx, cancel := context.WithCancel(ctx)
	p := &Probe{target: target, http: http, cancel: cancel, done: make(chan struct{}), bell: make(chan struct{})}
	go func() {
		defer close(p.done)
		if space >= 0 {
			runtime.LockOSThread() // the thread ends with this goroutine
			if err := unix.Setns(space, unix.CLONE_NEWNET); err != nil {
				p.fail(err)
				return
			}
		}
		p.run(ctx)
	}()
	return p
}

// Stop ends the probing.
func (p *Probe) Stop() {
	p.cancel()
	<-p.done
}

func (p *Probe) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fmt.Errorf("hosts: probe of %v: %w", p.target, err)
}

// question is one connection under way.
type question struct {
	fd    int
	asked time.Time
	said  bool // the request was sent
	text  []byte
}

// run asks on time, whatever became of earlier questions.
func (p *Probe) run(ctx context.Context) {
	var open []*question
	defer func() {
		for _, q := range open {
			_ = unix.Close(q.fd)
		}
	}()
	next := time.Now()
	for ctx.Err() == nil {
		if now := time.Now(); !now.Before(next) {
			next = now.Add(ProbeEvery)
			q, err := p.ask(now)
			if err != nil {
				p.fail(err)
				return
			}
			if q != nil {
				open = append(open, q)
			}
		}
		polls := make([]unix.PollFd, len(open))
		for i, q := range open {
			polls[i] = unix.PollFd{Fd: int32(q.fd), Events: unix.POLLIN}
			if !q.said {
				polls[i].Events = unix.POLLOUT
			}
		}
		wait := max(1, int(time.Until(next).Milliseconds()))
		if _, err := unix.Poll(polls, wait); err != nil && !errors.Is(err, unix.EINTR) {
			p.fail(err)
			return
		}
		now := time.Now()
		kept := open[:0]
		for i, q := range open {
			if p.goOn(q, polls[i].Revents, now) && now.Sub(q.asked) < answerLimit {
				kept = append(kept, q)
			} else {
				_ = unix.Close(q.fd)
			}
		}
		open = kept
	}
}

// ask begins a connection; nil if the network refused it at once.
func (p *Probe) ask(now time.Time) (*question, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	// A closed connection must not keep its port for a minute.
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(p.target.Port()), Addr: p.target.Addr().As4()})
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return nil, nil
	}
	return &question{fd: fd, asked: now}, nil
}

// goOn takes a question further and says whether it is still open.
func (p *Probe) goOn(q *question, events int16, now time.Time) bool {
	if events == 0 {
		return true
	}
	if !q.said {
		code, err := unix.GetsockoptInt(q.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil || code != 0 {
			return false
		}
		if !p.http {
			p.keep(Answer{Asked: q.asked, At: now})
			return false
		}
		q.said = true
		_, err = unix.Write(q.fd, []byte("GET / HTTP/1.0\r\n\r\n"))
		return err == nil
	}
	buf := make([]byte, 4096)
	n, err := unix.Read(q.fd, buf)
	if err != nil {
		return errors.Is(err, unix.EAGAIN)
	}
	q.text = append(q.text, buf[:n]...)
	if n > 0 && len(q.text) < 64<<10 {
		return true
	}
	head, body, ok := strings.Cut(string(q.text), "\r\n\r\n")
	if status := strings.Fields(head); ok && len(status) > 1 && strings.HasPrefix(status[1], "2") {
		body = strings.TrimSpace(body)
		p.keep(Answer{Asked: q.asked, At: now, Text: body[:min(64, len(body))]})
	}
	return false
}

func (p *Probe) keep(a Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = append(p.answers, a)
	close(p.bell)
	p.bell = make(chan struct{})
}

// Answers is what was answered, in order of the asking.
func (p *Probe) Answers() []Answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := slices.Clone(p.answers)
	slices.SortStableFunc(out, func(a, b Answer) int { return a.Asked.Compare(b.Asked) })
	return out
}

// Err is why the probe does not ask any more, or nil.
func (p *Probe) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// AwaitAnswer blocks until a question that was asked after a time is answered.
func (p *Probe) AwaitAnswer(ctx context.Context, after time.Time) (Answer, error) {
	for {
		p.mu.Lock()
		bell := p.bell
		p.mu.Unlock()
		for _, a := range p.Answers() {
			if a.Asked.After(after) {
				return a, nil
			}
		}
		select {
		case <-bell:
		case <-p.done:
			return Answer{}, cmp.Or(p.Err(), errors.New("hosts: the probe has ended"))
		case <-ctx.Done():
			return Answer{}, fmt.Errorf("hosts: %v does not answer: %w", p.target, context.Cause(ctx))
		}
	}
}

// Outage is a time without answers.
type Outage struct {
	From time.Time // the last question before it that was answered
	To   time.Time // the first one after it
}

// For is the outage's length.
func (o Outage) For() time.Duration { return o.To.Sub(o.From) }

// Outages are all pauses between two answered questions after a time, longer
// than a limit, longest first.
func (p *Probe) Outages(after time.Time, limit time.Duration) []Outage {
	var found []Outage
	var last time.Time
	for _, a := range p.Answers() {
		if a.Asked.Before(after) {
			last = a.Asked
			continue
		}
		if !last.IsZero() && a.Asked.Sub(last) > limit {
			found = append(found, Outage{last, a.Asked})
		}
		last = a.Asked
	}
	slices.SortStableFunc(found, func(a, b Outage) int { return cmp.Compare(b.For(), a.For()) })
	return found
}
