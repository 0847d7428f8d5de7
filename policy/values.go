package policy

import (
	"math"
	"strconv"
	"strings"
)

// The texts of a configuration become values here, with the leniency that
// administrators are used to: trailing garbage after a number is ignored, and
// what cannot be read falls back to a default.

const (
	infinity       = 1000000 // a score that always wins, except over -infinity
	defaultTimeout = 20000   // ms, of an operation that names none
	maxInt32       = math.MaxInt32
	maxUint32      = math.MaxUint32
)

// parseBool reads a boolean; ok is false if the text is none.
func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "on", "yes", "y", "1":
		return true, true
	case "false", "off", "no", "n", "0":
		return false, true
	}
	return false, false
}

// isTrue tells whether the text is a boolean and true.
func isTrue(s string) bool {
	v, ok := parseBool(s)
	return v && ok
}

// scanInt reads an integer at the start of s and returns the rest. Out of
// range values are clipped.
func scanInt(s string) (v int64, rest string, ok bool) {
	i := 0
	for i < len(s) && (s[i] == ' ' || s[i] >= '\t' && s[i] <= '\r') {
		i++
	}
	negative := false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		negative = s[i] == '-'
		i++
	}
	start := i
	for i < len(s) && isDigit(s[i]) {
		d := int64(s[i] - '0')
		if v > (math.MaxInt64-d)/10 {
			v = math.MaxInt64
		} else {
			v = v*10 + d
		}
		i++
	}
	if i == start {
		return 0, s, false
	}
	if negative {
		v = -v
	}
	return v, s[i:], true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseInt reads an integer, ignoring what follows it.
func parseInt(s string) (int64, bool) {
	v, _, ok := scanInt(s)
	return v, ok
}

// intAtLeast reads an integer between low and 2^31-1; low if it is none.
func intAtLeast(s string, low int64) int {
	v, ok := parseInt(s)
	if !ok {
		return int(low)
	}
	return int(min(max(v, low), maxInt32))
}

// parseMS reads a span such as "10", "1.9s", "5 min" as milliseconds. Fractions
// are cut; a bare number is seconds.
func parseMS(s string) (int64, bool) {
	v, rest, ok := scanInt(s)
	if !ok {
		return 0, false
	}
	rest = strings.TrimLeft(rest, "0123456789.")
	rest = strings.ToLower(strings.TrimLeft(rest, " \t\r\n"))
	factor := int64(0)
	switch {
	case rest == "", strings.HasPrefix(rest, "s"):
		factor = 1000
	case strings.HasPrefix(rest, "ms"):
		factor = 1
	case strings.HasPrefix(rest, "us"):
		return v / 1000, true
	case strings.HasPrefix(rest, "m"):
		factor = 60000
	case strings.HasPrefix(rest, "h"):
		factor = 3600000
	default:
		return 0, false
	}
	if v > math.MaxInt64/factor {
		return math.MaxInt64, true
	}
	if v < math.MinInt64/factor {
		return math.MinInt64, true
	}
	return v * factor, true
}

// parseInterval reads an interval: absent is 0, ISO 8601 durations are allowed.
func parseInterval(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	var ms int64
	var ok bool
	if s[0] == 'P' {
		var d isoDuration
		if d, ok = parseISODuration(s); ok {
			ms = d.approxSeconds() * 1000
		}
	} else {
		ms, ok = parseMS(s)
	}
	if !ok || ms < 0 {
		return 0, false
	}
	return min(ms, maxUint32), true
}

// parseTimeout reads a timeout in ms, with the default for what is none.
func parseTimeout(s string) int64 {
	ms, ok := parseMS(s)
	if !ok || ms <= 0 {
		return defaultTimeout
	}
	return min(ms, maxInt32)
}

// roundedSeconds turns milliseconds into seconds, never to 0 unless they are.
func roundedSeconds(ms int64) int64 {
	if ms > 0 && ms < 1000 {
		return 1
	}
	return (ms + 500) / 1000
}

// addScores adds two scores: -infinity wins over +infinity, which wins over
// the rest.
func addScores(a, b int) int {
	switch {
	case a <= -infinity || b <= -infinity:
		return -infinity
	case a >= infinity || b >= infinity:
		return infinity
	}
	return clampScore(int64(a) + int64(b))
}

func clampScore(v int64) int {
	return int(min(max(v, -infinity), infinity))
}

// scoreText is how a score is written.
func scoreText(s int) string {
	switch {
	case s >= infinity:
		return "INFINITY"
	case s <= -infinity:
		return "-INFINITY"
	}
	return strconv.Itoa(s)
}

// healthColours are what the words red, yellow and green mean in scores.
type healthColours struct{ red, yellow, green int }

// parseScore reads a score; def (and false) if the text is none.
func (h healthColours) parseScore(s string, def int) (int, bool) {
	switch s {
	case "":
		return def, false
	case "INFINITY", "+INFINITY":
		return infinity, true
	case "-INFINITY":
		return -infinity, true
	}
	switch strings.ToLower(s) {
	case "red":
		return h.red, true
	case "yellow":
		return h.yellow, true
	case "green":
		return h.green, true
	}
	v, ok := parseInt(s)
	if !ok {
		return def, false
	}
	return clampScore(v), true
}

// role is what a resource does somewhere; the order matters.
type role uint8

const (
	unknown role = iota
	stopped
	started
	unpromoted
	promoted
)

// parseRole reads a role; unknown if the text is none.
func parseRole(s string) role {
	switch strings.ToLower(s) {
	case "stopped":
		return stopped
	case "started":
		return started
	case "unpromoted", "slave":
		return unpromoted
	case "promoted", "master":
		return promoted
	}
	return unknown
}

// public is the exported name of the role.
func (r role) public() Role {
	switch r {
	case started:
		return RoleStarted
	case unpromoted:
		return RoleUnpromoted
	case promoted:
		return RolePromoted
	}
	return RoleStopped
}

// lessName orders node names for people: digits count as numbers, case does
// not matter.
func lessName(a, b string) bool {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		if isDigit(a[i]) && isDigit(b[j]) {
			si, sj := i, j
			for i < len(a) && isDigit(a[i]) {
				i++
			}
			for j < len(b) && isDigit(b[j]) {
				j++
			}
			if c := compareDigits(a[si:i], b[sj:j]); c != 0 {
				return c < 0
			}
			continue
		}
		ca, cb := lower(a[i]), lower(b[j])
		if ca != cb {
			return ca < cb
		}
		i++
		j++
	}
	return len(a)-i < len(b)-j
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func compareDigits(a, b string) int {
	ta, tb := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(ta) != len(tb) {
		return len(ta) - len(tb)
	}
	if c := strings.Compare(ta, tb); c != 0 {
		return c
	}
	return len(a) - len(b)
}

// compareVersions compares the dotted numbers at the start of two texts.
func compareVersions(a, b string) int {
	pa, pb := versionParts(a), versionParts(b)
	for i := 0; i < len(pa) || i < len(pb); i++ {
		var x, y int64
		if i < len(pa) {
			x = pa[i]
		}
		if i < len(pb) {
			y = pb[i]
		}
		if x != y {
			if x < y {
				return -1
			}
			return 1
		}
	}
	return 0
}

func versionParts(s string) (parts []int64) {
	s = strings.TrimLeft(s, " \t")
	for len(s) > 0 && isDigit(s[0]) {
		v, rest, _ := scanInt(s)
		parts = append(parts, v)
		if len(rest) < 2 || rest[0] != '.' || !isDigit(rest[1]) {
			break
		}
		s = rest[1:]
	}
	return parts
}

// baseName is a resource id without its instance number.
func baseName(id string) string {
	i := strings.LastIndexByte(id, ':')
	if i < 0 || i == len(id)-1 {
		return id
	}
	for _, c := range []byte(id[i+1:]) {
		if !isDigit(c) {
			return id
		}
	}
	return id[:i]
}
