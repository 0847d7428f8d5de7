package ocf

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/holdfast-ha/holdfast/agents"
)

// exitReasonPrefix marks the line by which an agent says why it fails.
const exitReasonPrefix = "ocf-exit-reason:"

// maxReason bounds a reason in bytes: one line that people read.
const maxReason = 400

// complaint finds the message of a log line of some gravity.
var complaint = regexp.MustCompile(`(?:^|[\s\[(])(?:ERROR|CRIT|CRITICAL|FATAL)[\])]?:?\s+(\S.*)`)

// escape is a terminal's control sequence.
var escape = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// reason is why an operation ended with this code, or "" when there is nothing
// to explain. Not running, and degraded, are explained if the agent did so.
func reason(code agents.Code, stderr, output string) string {
	explicit := exitReason(stderr)
	if explicit == "" {
		explicit = exitReason(output)
	}
	switch code {
	case agents.OK, agents.RunningMaster:
		return ""
	case agents.NotRunning, agents.Degraded, agents.DegradedMaster:
		return explicit
	}
	if explicit != "" {
		return explicit
	}
	if said := lastWords(stderr); said != "" {
		return said
	}
	if said := lastWords(output); said != "" {
		return said
	}
	return fmt.Sprintf("the agent ended with exit code %d and said nothing", int(code))
}

// exitReason is the last reason that the agent gave in the API's own way.
func exitReason(text string) string {
	var last string
	for line := range strings.Lines(text) {
		if _, after, ok := strings.Cut(line, exitReasonPrefix); ok {
			if after = clean(after); after != "" {
				last = after
			}
		}
	}
	return last
}

// lastWords is the last exit reason, else the last error in the log, else its last line.
func lastWords(text string) string {
	if r := exitReason(text); r != "" {
		return r
	}
	var graveLine, line string
	for l := range strings.Lines(text) {
		if l = clean(l); l == "" {
			continue
		}
		line = l
		if m := complaint.FindStringSubmatch(l); m != nil {
			graveLine = m[1]
		}
	}
	if graveLine != "" {
		return graveLine
	}
	return line
}

// clean makes one printable line of bounded length.
func clean(s string) string {
	s = escape.ReplaceAllString(strings.ToValidUTF8(s, "?"), "")
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s))
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}
