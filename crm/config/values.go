package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// infinity is the word for a score that no other outweighs.
const infinity = "INFINITY"

// mark is what clings to a value: that it must not be shown, or not be judged.
type mark string

const (
	secretMark    mark = "secret"    // made by secret("name")
	sensitiveMark mark = "sensitive" // of a variable with sensitive = true
	literalMark   mark = "literal"   // made by literal("text")
)

// secretPrefix begins a value that names a secret instead of containing it.
const secretPrefix = "secret:"

// scalar is a value as text, and whether it must be masked.
type scalar struct {
	text    string
	null    bool // explicitly null: as if the argument were not there
	masked  bool
	literal bool // taken as it stands: what does not fit is only a warning
	number  bool // written or computed as a number
	rng     hcl.Range
}

// eval evaluates an expression. It reports what is wrong; ok is false then.
func (d *decoder) eval(e hcl.Expression, ctx *hcl.EvalContext) (cty.Value, bool) {
	if s, ok := infinityOf(e); ok {
		return cty.StringVal(s), true
	}
	v, diags := d.value(e, ctx)
	if diags.HasErrors() {
		d.evalProblems(e, ctx, diags)
		return cty.NilVal, false
	}
	if why := tooBig(v); why != "" {
		d.errorf(e.Range(), "Value too large", "%s", why)
		return cty.NilVal, false
	}
	return v, true
}

// value is e.Value that survives the evaluator's own faults.
func (d *decoder) value(e hcl.Expression, ctx *hcl.EvalContext) (v cty.Value, diags hcl.Diagnostics) {
	defer func() {
		if p := recover(); p != nil {
			rng := e.Range()
			v, diags = cty.DynamicVal, hcl.Diagnostics{{
				Severity: hcl.DiagError, Summary: "Cannot compute",
				Detail: fmt.Sprintf("this expression cannot be computed (%v); write it in a simpler way", p), Subject: &rng,
			}}
		}
	}()
	return e.Value(ctx)
}

// evalProblems reports evaluation errors in our words where those are clearer.
func (d *decoder) evalProblems(e hcl.Expression, ctx *hcl.EvalContext, diags hcl.Diagnostics) {
	reported := false
	for _, t := range e.Variables() {
		reported = d.unknownRoot(t, ctx) || reported
	}
	if !reported {
		d.addHCL(diags)
	}
}

// unknownRoot explains a name that is no value here.
func (d *decoder) unknownRoot(t hcl.Traversal, ctx *hcl.EvalContext) bool {
	root := t.RootName()
	rng := t.SourceRange()
	for c := ctx; c != nil; c = c.Parent() {
		v, ok := c.Variables[root]
		if !ok {
			continue
		}
		if len(t) < 2 || v == cty.DynamicVal || !v.Type().IsObjectType() {
			return false
		}
		step, ok := t[1].(hcl.TraverseAttr)
		if !ok || v.Type().HasAttribute(step.Name) {
			return false
		}
		var known []string
		for name := range v.Type().AttributeTypes() {
			known = append(known, name)
		}
		if d.partial && root != "each" {
			return true
		}
		kind := map[string]string{"var": "variable", "local": "local value", "each": "value of for_each"}[root]
		d.errorf(rng, "Unknown "+kind, "there is no %s %q.%s", kind, step.Name, orKnown(step.Name, known))
		return true
	}
	switch root {
	case "each":
		d.errorf(rng, "No for_each here", "each.key and each.value exist only in a block with for_each")
	case "node", "role", "agent", "site":
		d.errorf(rng, "Unknown value", "%q can be used in the \"when\" of a rule only", traversalText(t))
	default:
		text := traversalText(t)
		d.errorf(rng, "Unknown value", "%q is no value here; text stands in quotes: %q.%s", text, text, didYouMean(text, []string{infinity}))
	}
	return true
}

// scalar evaluates an expression to one piece of text. Numbers and booleans
// keep the text that was written.
func (d *decoder) scalar(e hcl.Expression, ctx *hcl.EvalContext) (scalar, bool) {
	out := scalar{rng: e.Range()}
	v, ok := d.eval(e, ctx)
	if !ok {
		return out, false
	}
	v, marks := v.Unmark()
	out.masked = hasMark(marks, secretMark) || hasMark(marks, sensitiveMark)
	out.literal = hasMark(marks, literalMark)
	if v.IsNull() {
		out.null = true
		return out, true
	}
	if !v.IsKnown() {
		return out, false // its own error was reported where it comes from
	}
	out.number = v.Type() == cty.Number
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		d.errorf(out.rng, "Wrong type", "one value is needed here, not %s; join a list with join(\" \", [...])", v.Type().FriendlyName())
		return out, false
	}
	out.text = s.AsString()
	if lit, ok := e.(*hclsyntax.LiteralValueExpr); ok && out.number {
		out.text = d.source(lit.Range(), out.text)
	}
	if strings.ContainsRune(out.text, 0) {
		d.errorf(out.rng, "Wrong value", "a value cannot contain a NUL character")
		return out, false
	}
	if hasMark(marks, secretMark) {
		if !validName(strings.TrimPrefix(out.text, secretPrefix)) || !strings.HasPrefix(out.text, secretPrefix) {
			d.errorf(out.rng, "Secret inside a text", "secret(\"name\") must be the whole value: the secret itself is put in its place on the node")
			return out, false
		}
	}
	return out, true
}

func hasMark(marks cty.ValueMarks, m mark) bool {
	_, ok := marks[m]
	return ok
}

// source is the written text of a plain number; computed stands in for forms
// such as 1e3.
func (d *decoder) source(rng hcl.Range, computed string) string {
	f := d.files[rng.Filename]
	if f == nil || !rng.CanSliceBytes(f.text) {
		return computed
	}
	s := string(rng.SliceBytes(f.text))
	if s == "" || strings.Trim(s, "0123456789.") != "" {
		return computed
	}
	return s
}

// infinityOf recognises INFINITY and -INFINITY, which stand without quotes.
func infinityOf(e hcl.Expression) (string, bool) {
	if hcl.ExprAsKeyword(e) == infinity {
		return infinity, true
	}
	if n, ok := e.(*hclsyntax.UnaryOpExpr); ok && n.Op == hclsyntax.OpNegate && hcl.ExprAsKeyword(n.Val) == infinity {
		return "-" + infinity, true
	}
	return "", false
}

// traversalText is a.b["c"] written as a.b.c.
func traversalText(t hcl.Traversal) string {
	var parts []string
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			parts = append(parts, s.Name)
		case hcl.TraverseAttr:
			parts = append(parts, s.Name)
		case hcl.TraverseIndex:
			if v, err := convert.Convert(s.Key, cty.String); err == nil && v.IsKnown() && !v.IsNull() {
				parts = append(parts, v.AsString())
			}
		}
	}
	return strings.Join(parts, ".")
}

// parseDuration reads "10", "10s", "500ms", "5min", "1h" and ISO 8601 forms
// such as "PT5M", with years of 365 and months of 30 days.
func parseDuration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "P") {
		return parseISODuration(s)
	}
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no duration", s)
	}
	unit, ok := durationUnits[strings.ToLower(strings.TrimSpace(s[len(digits):]))]
	if !ok || n > int64(math.MaxInt64/unit) {
		return 0, fmt.Errorf("%q is no duration", s)
	}
	return time.Duration(n) * unit, nil
}

var durationUnits = map[string]time.Duration{
	"": time.Second, "s": time.Second, "sec": time.Second,
	"ms": time.Millisecond, "msec": time.Millisecond, "us": time.Microsecond, "usec": time.Microsecond,
	"m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour,
}

// parseISODuration reads P1Y2M3W4DT5H6M7S.
func parseISODuration(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	bad := fmt.Errorf("%q is no duration", s)
	date := map[byte]time.Duration{'Y': 365 * day, 'M': 30 * day, 'W': 7 * day, 'D': day}
	clock := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}
	units, total, number, any := date, time.Duration(0), "", false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			number += string(c)
		case c == 'T' && number == "":
			units = clock
		default:
			n, err := strconv.ParseInt(number, 10, 32)
			if err != nil || units[c] == 0 || n > int64((math.MaxInt64-total)/units[c]) {
				return 0, bad
			}
			total, number, any = total+time.Duration(n)*units[c], "", true
		}
	}
	if number != "" || !any {
		return 0, bad
	}
	return total, nil
}

// validScore says whether a text is a score: a whole number, an infinity, or
// a health colour.
func validScore(s string) bool {
	switch s {
	case infinity, "+" + infinity, "-" + infinity, "red", "yellow", "green":
		return true
	}
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

// parseBool knows the words that Pacemaker's configuration allows.
func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "on", "yes", "y", "1":
		return true, true
	case "false", "off", "no", "n", "0":
		return false, true
	}
	return false, false
}
