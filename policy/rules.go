package policy

import (
	"strconv"
	"strings"
	"time"
)

// ruleContext is what the conditions of a rule may look at. Missing parts make
// the conditions that need them see missing values.
type ruleContext struct {
	attrs                  map[string]string        // of the node
	params                 func() map[string]string // of the resource on that node
	meta                   map[string]string
	hasAgent               bool
	class, provider, agent string
	hasOp                  bool
	opName                 string
	opInterval             int64
	location               bool     // value-source is understood
	matches                []string // of the constraint's pattern
}

// evalRule tells whether a rule passes. It notes when the answer will change.
func (m *model) evalRule(r *Rule, ctx *ruleContext) bool {
	return m.evalNested(r, ctx, 0)
}

const maxRuleDepth = 100 // rules that refer to themselves end here

func (m *model) evalNested(r *Rule, ctx *ruleContext, depth int) bool {
	if depth > maxRuleDepth {
		return false
	}
	if r.IDRef != "" {
		target := m.refs().rules[r.IDRef]
		if target == nil || target.IDRef != "" {
			return false
		}
		r = target
	}
	or := strings.EqualFold(r.BooleanOp, "or")
	if r.ID == "" || !or && r.BooleanOp != "" && !strings.EqualFold(r.BooleanOp, "and") {
		return false
	}
	for i := range r.Conditions {
		if m.evalCondition(&r.Conditions[i], ctx, depth) == or {
			return or
		}
	}
	return !or || len(r.Conditions) == 0
}

func (m *model) evalCondition(c *Condition, ctx *ruleContext, depth int) bool {
	switch {
	case c.Rule != nil:
		return m.evalNested(c.Rule, ctx, depth+1)
	case c.Attribute != nil:
		return m.evalAttribute(c.Attribute, ctx)
	case c.Date != nil:
		return m.evalDate(c.Date)
	case c.Resource != nil:
		return evalAgent(c.Resource, ctx)
	case c.Op != nil:
		return evalOp(c.Op, ctx)
	}
	return false
}

func (m *model) evalAttribute(t *AttributeTest, ctx *ruleContext) bool {
	if t.ID == "" || t.Attribute == "" {
		return false
	}
	actual, have := ctx.attrs[expandMatches(t.Attribute, ctx.matches)]
	op := strings.ToLower(t.Operation)
	switch op {
	case "defined", "not_defined":
		return !t.HasValue && have == (op == "defined")
	case "eq", "ne", "lt", "lte", "gt", "gte":
	default:
		return false
	}
	if !t.HasValue {
		return false
	}
	wanted, known, ok := t.reference(ctx)
	if !ok {
		return false
	}
	c, ok := compareValues(actual, have, wanted, known, strings.ToLower(t.Type), op)
	if !ok {
		return false
	}
	switch op {
	case "eq":
		return c == 0
	case "ne":
		return c != 0
	}
	if !have || !known {
		return false
	}
	switch op {
	case "lt":
		return c < 0
	case "lte":
		return c <= 0
	case "gt":
		return c > 0
	}
	return c >= 0
}

// reference is the value to compare with.
func (t *AttributeTest) reference(ctx *ruleContext) (value string, known, ok bool) {
	switch strings.ToLower(t.ValueSource) {
	case "", "literal":
		return t.Value, true, true
	case "param":
		if ctx.location && ctx.params != nil {
			value, known = ctx.params()[t.Value]
		}
		return value, known, true
	case "meta":
		if ctx.location {
			value, known = ctx.meta[t.Value]
		}
		return value, known, true
	}
	return "", false, false
}

// compareValues orders two values that may be missing; missing ones are less.
func compareValues(a string, haveA bool, b string, haveB bool, kind, op string) (int, bool) {
	switch kind {
	case "":
		kind = "string"
		if op != "eq" && op != "ne" {
			kind = "integer"
			if strings.Contains(a, ".") || strings.Contains(b, ".") {
				kind = "number"
			}
		}
	case "string", "integer", "number", "version":
	default:
		return 0, false
	}
	if !haveA || !haveB {
		switch {
		case haveA:
			return 1, true
		case haveB:
			return -1, true
		}
		return 0, true
	}
	switch kind {
	case "integer":
		x, okX := parseInt(a)
		y, okY := parseInt(b)
		if okX && okY {
			return sign(x < y, x > y), true
		}
	case "number":
		x, errX := strconv.ParseFloat(strings.TrimSpace(a), 64)
		y, errY := strconv.ParseFloat(strings.TrimSpace(b), 64)
		if errX == nil && errY == nil {
			return sign(x < y, x > y), true
		}
	case "version":
		return compareVersions(a, b), true
	}
	return strings.Compare(strings.ToLower(a), strings.ToLower(b)), true
}

func sign(less, greater bool) int {
	switch {
	case less:
		return -1
	case greater:
		return 1
	}
	return 0
}

// expandMatches replaces %0 … %9 by what the pattern matched.
func expandMatches(s string, matches []string) string {
	if matches == nil || !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+1 == len(s) || !isDigit(s[i+1]) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if n := int(s[i] - '0'); n < len(matches) {
			b.WriteString(matches[n])
		}
	}
	return b.String()
}

// evalDate compares the time, and notes when the result changes.
func (m *model) evalDate(t *DateTest) bool {
	if t.ID == "" {
		return false
	}
	start, okStart := m.parseDate(t.Start)
	end, okEnd := m.parseDate(t.End)
	switch strings.ToLower(t.Operation) {
	case "", "in_range":
		return m.inRange(t, start, okStart, end, okEnd)
	case "gt":
		if !okStart {
			return false
		}
		if m.now.After(start) {
			return true
		}
		m.recheck(start.Unix() + 1)
	case "lt":
		if okEnd && m.now.Before(end) {
			m.recheck(end.Unix())
			return true
		}
	case "date_spec":
		return t.HasSpec && t.SpecID != "" && matchSpec(t.Spec, m.now)
	}
	return false
}

func (m *model) inRange(t *DateTest, start time.Time, okStart bool, end time.Time, okEnd bool) bool {
	if t.Start != "" && !okStart || t.End != "" && !okEnd {
		return false
	}
	if !okEnd && t.HasDuration {
		d, ok := readDuration(t.Duration)
		if !okStart || !ok || t.DurationID == "" {
			return false
		}
		end, okEnd = d.addTo(start), true
	}
	if !okStart && !okEnd {
		return false
	}
	if okStart && m.now.Before(start) {
		m.recheck(start.Unix())
		return false
	}
	if okEnd {
		if m.now.After(end) {
			return false
		}
		m.recheck(end.Unix() + 1)
	}
	return true
}

func (m *model) parseDate(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, false
	}
	return parseDate(s, m.now)
}

func readDuration(pairs []Pair) (d isoDuration, ok bool) {
	fields := map[string]*int64{
		"years": &d.years, "months": &d.months, "weeks": &d.weeks, "days": &d.days,
		"hours": &d.hours, "minutes": &d.minutes, "seconds": &d.seconds,
	}
	for _, p := range pairs {
		f := fields[p.Name]
		if f == nil {
			continue
		}
		v, good := parseInt(p.Value)
		if !good {
			return d, false
		}
		*f = v
	}
	return d, true
}

// matchSpec tells whether a moment is in all the given ranges.
func matchSpec(spec []Pair, t time.Time) bool {
	isoYear, week := t.ISOWeek()
	weekday := (int(t.Weekday())+6)%7 + 1
	for _, p := range spec {
		var v int
		switch p.Name {
		case "years":
			v = t.Year()
		case "months":
			v = int(t.Month())
		case "monthdays":
			v = t.Day()
		case "hours":
			v = t.Hour()
		case "minutes":
			v = t.Minute()
		case "seconds":
			v = t.Second()
		case "yeardays":
			v = t.YearDay()
		case "weekyears":
			v = isoYear
		case "weeks":
			v = week
		case "weekdays":
			v = weekday
		default:
			continue
		}
		if !inSpecRange(p.Value, v) {
			return false
		}
	}
	return true
}

// inSpecRange understands N, N-M, N- and -M.
func inSpecRange(s string, v int) bool {
	var n int
	i := strings.IndexByte(s, '-')
	if i < 0 {
		return digits(s, &n) && n == v
	}
	from, to := s[:i], s[i+1:]
	if from == "" && to == "" {
		return false
	}
	if from != "" && (!digits(from, &n) || v < n) {
		return false
	}
	return to == "" || digits(to, &n) && v <= n
}

func evalAgent(t *ResourceTest, ctx *ruleContext) bool {
	if t.ID == "" || !ctx.hasAgent {
		return false
	}
	same := func(want *string, have string) bool { return want == nil || *want == have }
	return same(t.Class, ctx.class) && same(t.Provider, ctx.provider) && same(t.Type, ctx.agent)
}

func evalOp(t *OpTest, ctx *ruleContext) bool {
	if t.ID == "" || t.Name == "" || !ctx.hasOp || t.Name != ctx.opName {
		return false
	}
	if t.Interval == "" {
		return true
	}
	ms, ok := parseInterval(t.Interval)
	return ok && ms == ctx.opInterval
}
