package cib

import (
	"math"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// integer reads a number leniently: blanks, a sign, digits; whatever follows is
// ignored. Values beyond 64 bits are clipped. Without digits ok is false.
func integer(text string) (n int64, ok bool) {
	s := strings.TrimLeft(text, " \t\n\v\f\r")
	end := 0
	if end < len(s) && (s[end] == '-' || s[end] == '+') {
		end++
	}
	first := end
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if end == first {
		return 0, false
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	if err != nil && s[0] == '-' {
		return math.MinInt64, true
	} else if err != nil {
		return math.MaxInt64, true
	}
	return n, true
}

// number is the value of a numeric attribute, or policy.Unset.
func number(e *element, name string) int64 {
	if n, ok := integer(e.attr(name)); ok {
		return n
	}
	return policy.Unset
}

// whole is the value of a numeric attribute, or 0.
func whole(e *element, name string) int64 {
	n, _ := integer(e.attr(name))
	return n
}

// isTrue says whether a text is one of the words for true.
func isTrue(text string) bool {
	switch strings.ToLower(text) {
	case "true", "on", "yes", "y", "1":
		return true
	}
	return false
}

// transitionKey is ACTION:TRANSITION:EXPECTED-RC:DECIDER.
type transitionKey struct {
	transition int64
	expected   int64
	decider    string
}

func parseTransitionKey(text string) (transitionKey, bool) {
	parts := strings.SplitN(text, ":", 4)
	if len(parts) != 4 || parts[3] == "" {
		return transitionKey{}, false
	}
	var numbers [3]int64
	for i := range numbers {
		n, err := strconv.ParseInt(parts[i], 10, 64)
		if err != nil {
			return transitionKey{}, false
		}
		numbers[i] = n
	}
	return transitionKey{transition: numbers[1], expected: numbers[2], decider: parts[3]}, true
}

// parseTransitionMagic reads STATUS:RC;KEY and returns the key.
func parseTransitionMagic(text string) (transitionKey, bool) {
	result, key, found := strings.Cut(text, ";")
	if !found {
		return transitionKey{}, false
	}
	status, rc, found := strings.Cut(result, ":")
	if !found {
		return transitionKey{}, false
	}
	for _, n := range []string{status, rc} {
		if _, err := strconv.ParseInt(n, 10, 64); err != nil {
			return transitionKey{}, false
		}
	}
	return parseTransitionKey(key)
}
