package hosts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// SampleEvery is how often an [Observer] looks at each host.
const SampleEvery = 10 * time.Millisecond

// Observer looks at the hosts' kernels from outside.
type Observer struct {
	lab      *Lab
	subjects []Subject
	cancel   context.CancelFunc
	done     chan struct{}

	mu      sync.Mutex
	spans   []*Span
	open    map[string]*Span // by host and subject
	changed chan struct{}    // closed when a span begins or ends
	longest time.Duration    // between two samples of one host
	fault   error
}

// Observe begins to look at subjects. It ends with Stop.
func (l *Lab) Observe(subjects ...Subject) *Observer {
	ctx, cancel := context.WithCancel(l.ctx)
	o := &Observer{lab: l, subjects: subjects, cancel: cancel, done: make(chan struct{}), open: map[string]*Span{}, changed: make(chan struct{})}
	go o.run(ctx)
	return o
}

// Stop ends the observation.
func (o *Observer) Stop() {
	o.cancel()
	<-o.done
}

func (o *Observer) run(ctx context.Context) {
	defer close(o.done)
	tick := time.NewTicker(SampleEvery)
	defer tick.Stop()
	last := make([]time.Time, len(o.lab.hosts))
	for {
		for i, h := range o.lab.hosts {
			began := time.Now()
			if !last[i].IsZero() {
				o.mu.Lock()
				o.longest = max(o.longest, began.Sub(last[i]))
				o.mu.Unlock()
			}
			last[i] = began
			seen := o.sample(h)
			o.note(h, began, time.Now(), seen)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// sample is what a host has now, with a value for each.
func (o *Observer) sample(h *host) map[Subject]string {
	l := h.current()
	if l == nil {
		return nil
	}
	seen := map[Subject]string{}
	var addresses map[netip.Addr]bool
	var mounts []string
	var err error
	for _, s := range o.subjects {
		switch {
		case s.Address.IsValid():
			if addresses == nil {
				addresses, err = l.addresses()
			}
			if addresses[s.Address] {
				seen[s] = ""
			}
		case s.Mount != "":
			if mounts == nil {
				mounts, err = l.mounts()
			}
			if slices.Contains(mounts, s.Mount) {
				seen[s] = ""
			}
		default:
			if pid := l.unit(s.Unit); pid != "" {
				seen[s] = pid
			}
		}
		// A host that dies while it is looked at has nothing.
		if h.current() != l {
			return nil
		}
		if err != nil {
			o.mu.Lock()
			o.fault = fmt.Errorf("looking at %s: %w", h.name, err)
			o.mu.Unlock()
		}
	}
	return seen
}

// addresses is the host's address table.
func (l *life) addresses() (map[netip.Addr]bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil
	}
	list, err := l.nl.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, err
	}
	found := make(map[netip.Addr]bool, len(list))
	for _, a := range list {
		if ip, ok := netip.AddrFromSlice(a.IP); ok {
			found[ip.Unmap()] = true
		}
	}
	return found, nil
}

// mounts is the host's mount table. A dead init has none.
func (l *life) mounts() ([]string, error) {
	points, err := mountPoints(fmt.Sprintf("/proc/%d/mountinfo", l.init))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ESRCH) {
		return nil, nil
	}
	return points, err
}

// unit is the first process of a unit, "" if it has none.
func (l *life) unit(name string) string {
	for _, dir := range l.cgroups {
		if base := filepath.Base(filepath.Dir(dir)); base != "systemd" && len(l.cgroups) > 1 {
			continue // with version 1 systemd keeps its units in a hierarchy of its own
		}
		procs, err := os.ReadFile(filepath.Join(dir, "system.slice", name, "cgroup.procs"))
		if err == nil {
			first, _, _ := bytes.Cut(procs, []byte("\n"))
			return string(first)
		}
		// systemd-nspawn may put the host's part one level down.
		if procs, err = os.ReadFile(filepath.Join(dir, "payload", "system.slice", name, "cgroup.procs")); err == nil {
			first, _, _ := bytes.Cut(procs, []byte("\n"))
			return string(first)
		}
	}
	return ""
}

// note enters a sample. What it shows was there at some moment between its begin
// and its end: the later one counts for the first sight, the earlier one for the
// last, so that a span never claims more than was seen.
func (o *Observer) note(h *host, began, ended time.Time, seen map[Subject]string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	news := false
	for _, s := range o.subjects {
		key := h.name + " " + s.String()
		value, has := seen[s]
		span := o.open[key]
		if span != nil && (!has || value != span.Value) {
			span.Open = false
			delete(o.open, key)
			span, news = nil, true
		}
		switch {
		case !has:
		case span == nil:
			span = &Span{Subject: s, Host: h.name, First: ended, Last: ended, Value: value, Open: true}
			o.open[key] = span
			o.spans = append(o.spans, span)
			news = true
		default:
			span.Last = later(began, span.First)
		}
	}
	if news {
		close(o.changed)
		o.changed = make(chan struct{})
	}
}

// Spans is all that was seen, in order of appearance.
func (o *Observer) Spans() []Span {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]Span, len(o.spans))
	for i, s := range o.spans {
		out[i] = *s
	}
	return out
}

// Holders are the hosts that have a subject now.
func (o *Observer) Holders(s Subject) []string {
	names := map[string]bool{}
	for _, span := range o.Spans() {
		if span.Subject == s && span.Open {
			names[span.Host] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Await blocks until what was seen pleases, and returns that.
func (o *Observer) Await(ctx context.Context, pleases func([]Span) bool) ([]Span, error) {
	for {
		o.mu.Lock()
		changed := o.changed
		o.mu.Unlock()
		if spans := o.Spans(); pleases(spans) {
			return spans, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return o.Spans(), fmt.Errorf("hosts: not seen: %w; seen was:\n%s", context.Cause(ctx), o)
		}
	}
}

// Err is why the observation is not to be trusted, or nil. A pause between two
// samples that is longer than the limit is a reason.
func (o *Observer) Err(limit time.Duration) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fault != nil {
		return o.fault
	}
	if o.longest > limit {
		return fmt.Errorf("hosts: the observer did not look for %v", o.longest)
	}
	return nil
}
