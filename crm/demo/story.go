package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// event is something that happened.
type event struct {
	At    float64 `json:"at"` // seconds since the demo began
	Event string  `json:"event"`
	Node  string  `json:"node,omitempty"`
	Text  string  `json:"text"`
	After float64 `json:"after-failure,omitempty"` // seconds since the node was killed
}

// story tells what happens, to people or to programs.
type story struct {
	out    io.Writer
	json   bool
	began  time.Time
	failed time.Time // when the node was killed
}

func (s *story) tell(e event) { s.tellAt(time.Now(), e) }

// tellAt tells an event that happened at a time.
func (s *story) tellAt(at time.Time, e event) {
	e.At = seconds(at.Sub(s.began))
	if !s.failed.IsZero() && at.After(s.failed) {
		e.After = seconds(at.Sub(s.failed))
	}
	if s.json {
		line, err := json.Marshal(e)
		if err == nil {
			fmt.Fprintf(s.out, "%s\n", line)
		}
		return
	}
	text := e.Text
	if e.Node != "" {
		text = fmt.Sprintf("%-3s %s", e.Node, text)
	}
	after := strings.Repeat(" ", 9)
	if e.After > 0 {
		after = fmt.Sprintf("  +%5.2fs", e.After)
	}
	fmt.Fprintf(s.out, "%7.2fs%s  %s\n", e.At, after, text)
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond)) / float64(time.Second)
}

// heading and line are for people only.
func (s *story) heading(text string) { s.line(""); s.line(text) }

func (s *story) line(text string) {
	if !s.json {
		fmt.Fprintln(s.out, text)
	}
}

// block prints indented text.
func (s *story) block(text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		s.line(strings.TrimRight("        "+line, "\n "))
	}
}
