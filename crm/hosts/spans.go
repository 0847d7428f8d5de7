package hosts

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Subject is something that at most one host may have: one of the fields is set.
type Subject struct {
	Address netip.Addr // in the host's address table
	Mount   string     // a mount point in its mount table
	Unit    string     // a unit whose cgroup has processes
}

// String is the subject's name in reports.
func (s Subject) String() string {
	switch {
	case s.Address.IsValid():
		return "address " + s.Address.String()
	case s.Mount != "":
		return "mount " + s.Mount
	}
	return "unit " + s.Unit
}

// Span is a time during which a host had a subject, as far as it was seen: from
// the first sample that shows it to the last one.
type Span struct {
	Subject Subject
	Host    string
	First   time.Time
	Last    time.Time
	Value   string // the main process of a unit
	Open    bool   // seen in the latest sample
}

// Overlap is a time at which two hosts had the same subject.
type Overlap struct {
	Subject Subject
	A, B    Span
	For     time.Duration // at least
}

// String is one line for a report.
func (v Overlap) String() string {
	return fmt.Sprintf("%s was on %s and on %s for at least %v", v.Subject, v.A.Host, v.B.Host, v.For)
}

// Overlaps are all times at which two hosts had the same subject for certain:
// each was seen with it both before and after the other one, or at least once in
// between.
func (o *Observer) Overlaps() []Overlap {
	spans := o.Spans()
	var found []Overlap
	for i, a := range spans {
		for _, b := range spans[i+1:] {
			if a.Subject != b.Subject || a.Host == b.Host {
				continue
			}
			first, last := later(a.First, b.First), earlier(a.Last, b.Last)
			if !last.Before(first) {
				found = append(found, Overlap{a.Subject, a, b, last.Sub(first)})
			}
		}
	}
	return found
}

// String tells all spans, one a line, with times since the first one.
func (o *Observer) String() string {
	var b strings.Builder
	spans := o.Spans()
	for _, s := range spans {
		start := spans[0].First
		until := fmt.Sprintf("%8.3f", s.Last.Sub(start).Seconds())
		if s.Open {
			until = "     now"
		}
		fmt.Fprintf(&b, "%8.3f to %s  %s  %s  %s\n", s.First.Sub(start).Seconds(), until, s.Host, s.Subject, s.Value)
	}
	return b.String()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
