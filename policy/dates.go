package policy

import (
	"strconv"
	"strings"
	"time"
)

// isoDuration is an ISO 8601 duration, or the parts of a "duration" element.
type isoDuration struct {
	years, months, weeks, days, hours, minutes, seconds int64
}

// approxSeconds counts years as 365 days and months as 30.
func (d isoDuration) approxSeconds() int64 {
	days := d.years*365 + d.months*30 + d.weeks*7 + d.days
	return days*86400 + d.hours*3600 + d.minutes*60 + d.seconds
}

// parseISODuration reads PnYnMnWnDTnHnMnS; an empty one is invalid.
func parseISODuration(s string) (isoDuration, bool) {
	var d isoDuration
	if !strings.HasPrefix(s, "P") {
		return d, false
	}
	inTime := false
	for s = s[1:]; s != ""; {
		if s[0] == 'T' {
			inTime, s = true, s[1:]
			continue
		}
		if s[0] == ' ' || s[0] == '\t' || s[0] == '/' {
			break
		}
		v, rest, ok := scanInt(s)
		if !ok || rest == "" || v > 1<<40 || v < -1<<40 {
			return isoDuration{}, false
		}
		switch rest[0] {
		case 'Y':
			d.years = v
		case 'M':
			if inTime {
				d.minutes = v
			} else {
				d.months = v
			}
		case 'W':
			d.weeks = v
		case 'D':
			d.days = v
		case 'H':
			d.hours = v
		case 'S':
			d.seconds = v
		default:
			return isoDuration{}, false
		}
		s = rest[1:]
	}
	return d, d != isoDuration{}
}

// addTo adds the duration in the order of its units; months clip to the end of
// the month instead of running over.
func (d isoDuration) addTo(t time.Time) time.Time {
	const limit = 1 << 30 // keeps nonsense within what time can represent
	clip := func(v int64) int { return int(min(max(v, -limit), limit)) }
	if y := clip(d.years); y != 0 && y > -10000 && y < 10000 {
		t = addMonths(t, 12*y)
	}
	if mo := clip(d.months); mo != 0 && mo > -120000 && mo < 120000 {
		t = addMonths(t, mo)
	}
	t = t.AddDate(0, 0, clip(d.weeks*7+d.days))
	return t.Add(time.Duration(clip(d.hours))*time.Hour +
		time.Duration(clip(d.minutes))*time.Minute + time.Duration(clip(d.seconds))*time.Second)
}

func addMonths(t time.Time, n int) time.Time {
	year, month, day := t.Date()
	first := time.Date(year, month+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), 0, t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(day, last)-1)
}

// parseDate reads an ISO 8601 date with an optional time and zone. A time
// without zone is in that of now.
func parseDate(s string, now time.Time) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if s == "epoch" {
		return time.Unix(0, 0).UTC(), true
	}
	var year, month, day int
	date, clock, hasClock := s, "", false
	if strings.HasPrefix(s, "T") || len(s) > 2 && s[2] == ':' {
		clock, hasClock = strings.TrimPrefix(s, "T"), true
		y, m, d := now.Date()
		year, month, day = y, int(m), d
	} else {
		if i := strings.IndexAny(s, " T"); i >= 0 {
			date, clock, hasClock = s[:i], strings.TrimSpace(s[i+1:]), true
		}
		var ok bool
		if year, month, day, ok = parseCalendar(date); !ok {
			return time.Time{}, false
		}
	}
	zone := time.UTC
	seconds := 0
	if hasClock && clock != "" {
		_, offset := now.Zone()
		zone = time.FixedZone("", offset)
		var ok bool
		if clock, zone, ok = cutZone(clock, zone); !ok {
			return time.Time{}, false
		}
		if seconds, ok = parseClock(clock); !ok {
			return time.Time{}, false
		}
	}
	return time.Date(year, time.Month(month), day, 0, 0, seconds, 0, zone), true
}

// parseCalendar reads the four forms of a date.
func parseCalendar(s string) (year, month, day int, ok bool) {
	var n [3]int
	switch {
	case len(s) == 10 && s[4] == '-' && s[5] == 'W':
		if !digits(s[:4], &n[0]) || !digits(s[6:8], &n[1]) || s[8] != '-' || !digits(s[9:], &n[2]) {
			return
		}
		return isoWeekDate(n[0], n[1], n[2])
	case len(s) == 10 && s[4] == '-' && s[7] == '-':
		ok = digits(s[:4], &n[0]) && digits(s[5:7], &n[1]) && digits(s[8:], &n[2])
	case len(s) == 8 && s[4] == '-':
		if !digits(s[:4], &n[0]) || !digits(s[5:], &n[1]) || n[1] < 1 {
			return
		}
		t := time.Date(n[0], 1, n[1], 0, 0, 0, 0, time.UTC)
		return n[0], int(t.Month()), t.Day(), t.Year() == n[0]
	case len(s) == 8:
		ok = digits(s[:4], &n[0]) && digits(s[4:6], &n[1]) && digits(s[6:], &n[2])
	}
	if !ok || n[1] < 1 || n[1] > 12 || n[2] < 1 {
		return 0, 0, 0, false
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC)
	return n[0], n[1], n[2], t.Day() == n[2]
}

func isoWeekDate(year, week, weekday int) (y, m, d int, ok bool) {
	if weekday < 1 || weekday > 7 || week < 1 {
		return
	}
	jan4 := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC)
	monday := jan4.AddDate(0, 0, -(int(jan4.Weekday())+6)%7)
	t := monday.AddDate(0, 0, (week-1)*7+weekday-1)
	if gotYear, gotWeek := monday.AddDate(0, 0, (week-1)*7).ISOWeek(); gotYear != year || gotWeek != week {
		return
	}
	return t.Year(), int(t.Month()), t.Day(), true
}

// parseClock reads HH[:MM[:SS]] or HHMMSS as seconds of the day.
func parseClock(s string) (int, bool) {
	s = strings.TrimSpace(s)
	var h, m, sec int
	ok := false
	switch {
	case len(s) == 6:
		ok = digits(s[:2], &h) && digits(s[2:4], &m) && digits(s[4:], &sec)
	case len(s) == 2:
		ok = digits(s, &h)
	case len(s) == 5 && s[2] == ':':
		ok = digits(s[:2], &h) && digits(s[3:], &m)
	case len(s) == 8 && s[2] == ':' && s[5] == ':':
		ok = digits(s[:2], &h) && digits(s[3:5], &m) && digits(s[6:], &sec)
	}
	if !ok || m > 59 || sec > 59 || h > 24 || h == 24 && (m > 0 || sec > 0) {
		return 0, false
	}
	return h*3600 + m*60 + sec, true
}

// cutZone splits a zone off a time of day.
func cutZone(s string, local *time.Location) (string, *time.Location, bool) {
	if rest, ok := strings.CutSuffix(s, "Z"); ok {
		return rest, time.UTC, true
	}
	i := strings.LastIndexAny(s, "+-")
	if i < 0 {
		return s, local, true
	}
	var h, m int
	switch z := s[i+1:]; {
	case len(z) == 2 && digits(z, &h):
	case len(z) == 5 && z[2] == ':' && digits(z[:2], &h) && digits(z[3:], &m):
	case len(z) == 4 && digits(z[:2], &h) && digits(z[2:], &m):
	default:
		return s, local, false
	}
	offset := h*3600 + m*60
	if s[i] == '-' {
		offset = -offset
	}
	return strings.TrimSpace(s[:i]), time.FixedZone("", offset), true
}

// digits reads a text of digits only.
func digits(s string, v *int) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	n, err := strconv.Atoi(s)
	*v = n
	return err == nil
}
