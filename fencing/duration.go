package fencing

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxDuration bounds every configured time: a longer one is a typing error.
const maxDuration = 10 * 365 * 24 * time.Hour

// units are those of the CIB; a bare number counts seconds.
var units = map[string]time.Duration{
	"": time.Second, "s": time.Second, "sec": time.Second,
	"us": time.Microsecond, "usec": time.Microsecond, "ms": time.Millisecond, "msec": time.Millisecond,
	"m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour,
}

// ParseDuration reads a time as the configuration writes it: "60" (seconds),
// "60s", "500ms", "2min", "1h", "1m30s" or "PT1M30S". Negative times are
// refused.
func ParseDuration(text string) (time.Duration, error) {
	t := strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(strings.ToUpper(t), "PT"); ok && rest != "" {
		t = strings.ToLower(rest)
	}
	var total float64
	for rest := t; ; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		n, err := strconv.ParseFloat(rest[:digits], 64)
		rest = strings.TrimSpace(rest[digits:])
		letters := len(rest) - len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		unit, known := units[strings.ToLower(rest[:letters])]
		if err != nil || !known {
			return 0, fmt.Errorf("%q is not a time: write for example 60s, 500ms or 2min", text)
		}
		total += n * float64(unit)
		if rest = rest[letters:]; rest == "" {
			break
		}
	}
	if math.IsNaN(total) || total > float64(maxDuration) {
		return 0, fmt.Errorf("%q is longer than ten years", text)
	}
	return time.Duration(total), nil
}
