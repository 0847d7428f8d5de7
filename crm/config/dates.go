package config

import (
	"regexp"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/holdfast-ha/holdfast/policy"
)

// specRanges are the parts of date_spec and the numbers that fit them; a high
// bound of 0 is open.
var specRanges = map[string][2]int{
	"years": {1, 0}, "months": {1, 12}, "monthdays": {1, 31}, "hours": {0, 23}, "minutes": {0, 59}, "seconds": {0, 59},
	"yeardays": {1, 366}, "weekyears": {1, 0}, "weeks": {1, 53}, "weekdays": {1, 7}, "moon": {0, 7},
}

var specNames = []string{"years", "months", "monthdays", "hours", "minutes", "seconds", "yeardays", "weekyears", "weeks", "weekdays", "moon"}

var lengthNames = []string{"years", "months", "weeks", "days", "hours", "minutes", "seconds"}

// dateForms are the calls as they should look.
var dateForms = map[string]string{
	"date_after": `date_after("2026-07-01")`, "date_before": `date_before("2026-07-01")`,
	"date_between": `date_between("2026-07-01", "2026-07-31")`, "date_for": `date_for("2026-07-01 20:00", { hours = 4 })`,
	"date_spec": `date_spec({ hours = "9-16", weekdays = "1-5" })`,
}

// date reads one of the date functions.
func (w *whenReader) date(x *hclsyntax.FunctionCallExpr) (policy.Condition, bool) {
	want := 1
	if x.Name == "date_between" || x.Name == "date_for" {
		want = 2
	}
	if len(x.Args) != want {
		return policy.Condition{}, w.errorf(x.Range(), "Wrong call", "write it as %s", dateForms[x.Name])
	}
	test := &policy.DateTest{ID: w.nextID()}
	ok := true
	switch x.Name {
	case "date_after":
		test.Operation = "gt"
		test.Start, ok = w.moment(x.Args[0])
	case "date_before":
		test.Operation = "lt"
		test.End, ok = w.moment(x.Args[0])
	case "date_between":
		test.Operation = "in_range"
		var okEnd bool
		test.Start, ok = w.momentOrOpen(x.Args[0])
		test.End, okEnd = w.momentOrOpen(x.Args[1])
		ok = ok && okEnd
		if ok && test.Start == "" && test.End == "" {
			ok = w.errorf(x.Range(), "Wrong date", "date_between needs a beginning or an end")
		}
	case "date_for":
		test.Operation = "in_range"
		var okLength bool
		test.Start, ok = w.moment(x.Args[0])
		test.Duration, okLength = w.object(x.Args[1], "date_for", lengthNames)
		test.HasDuration, test.DurationID = true, test.ID+"-duration"
		ok = ok && okLength && w.lengths(x.Args[1], test.Duration)
	case "date_spec":
		test.Operation = "date_spec"
		test.Spec, ok = w.object(x.Args[0], "date_spec", specNames)
		test.HasSpec, test.SpecID = true, test.ID+"-spec"
		ok = ok && w.spec(x.Args[0], test.Spec)
	}
	return policy.Condition{Date: test}, ok
}

// momentForm is a date, optionally with a time and a zone.
var momentForm = regexp.MustCompile(`^(epoch|\d{4}-?\d{2}-?\d{2}|\d{4}-\d{3}|\d{4}-W\d{2}-\d)` +
	`([ T]\d{2}(:?\d{2}(:?\d{2})?)?\s*(Z|[+-]\s*\d{2}(:?\d{2})?)?)?$`)

func (w *whenReader) moment(e hcl.Expression) (string, bool) {
	s, ok := w.value(e)
	if ok && !momentForm.MatchString(s.text) {
		ok = w.errorf(e.Range(), "Wrong date", "%q is no date; write for example \"2026-07-01\" or \"2026-07-01 20:00:00Z\"", s.text)
	}
	return s.text, ok
}

// momentOrOpen is a date, or "" for an end that is open.
func (w *whenReader) momentOrOpen(e hcl.Expression) (string, bool) {
	if v, diags := e.Value(nil); !diags.HasErrors() && v.RawEquals(cty.StringVal("")) {
		return "", true
	}
	return w.moment(e)
}

func (w *whenReader) lengths(e hcl.Expression, pairs []policy.Pair) bool {
	for _, p := range pairs {
		if _, err := strconv.Atoi(p.Value); err != nil {
			return w.errorf(e.Range(), "Wrong number", "%s = %q is no whole number", p.Name, p.Value)
		}
	}
	return true
}

// specRange is "9", "9-16", "9-" or "-16".
var specRange = regexp.MustCompile(`^(\d+)$|^(\d*)-(\d*)$`)

func (w *whenReader) spec(e hcl.Expression, pairs []policy.Pair) bool {
	for _, p := range pairs {
		m := specRange.FindStringSubmatch(p.Value)
		limits := specRanges[p.Name]
		good := m != nil && p.Value != "-"
		for i := 1; good && i < len(m); i++ {
			if n, err := strconv.Atoi(m[i]); m[i] != "" && (err != nil || n < limits[0] || limits[1] > 0 && n > limits[1]) {
				good = false
			}
		}
		if !good {
			high := "…"
			if limits[1] > 0 {
				high = strconv.Itoa(limits[1])
			}
			return w.errorf(e.Range(), "Wrong date", "%s = %q: write a number or a range such as %q, within %d and %s", p.Name, p.Value,
				strconv.Itoa(limits[0])+"-"+strconv.Itoa(limits[0]+2), limits[0], high)
		}
	}
	return true
}
