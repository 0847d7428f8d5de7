package config

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// text reads an argument of one value; "" when it is not there.
func (b *block) text(name string) string {
	s, _ := b.scalarOf(name)
	return s.text
}

// scalarOf reads an argument of one value. ok is false when it is absent, null
// or wrong. What must stay secret is refused: only parameters may hold it.
func (b *block) scalarOf(name string) (scalar, bool) {
	a := b.attr(name)
	if a == nil {
		return scalar{}, false
	}
	s, ok := b.d.scalar(a.Expr, b.ctx)
	if !ok || s.null {
		return scalar{}, false
	}
	if s.masked {
		b.d.errorf(a.Expr.Range(), "Secret in the open", "%q is no place for a secret: it is shown in plans and in the history", name)
		return scalar{}, false
	}
	return s, true
}

// required is text that must be there and not be empty.
func (b *block) required(name, example string) string {
	if a := b.attr(name); a == nil {
		b.d.errorf(b.head(), "Missing argument", "%s needs %s, for example %s = %s", article(b.Type), name, name, example)
		return ""
	}
	s, ok := b.scalarOf(name)
	if ok && s.text == "" {
		b.d.unfit(s, s.rng, "Empty value", "%s cannot be empty", name)
	}
	return s.text
}

// duration reads an argument that is a length of time and keeps its text. With
// iso false, the ISO 8601 form is refused: timeouts do not take it.
func (b *block) duration(name string, iso bool) (string, time.Duration) {
	s, ok := b.scalarOf(name)
	if !ok {
		return "", 0
	}
	return s.text, b.d.checkDuration(s, name, iso)
}

func (d *decoder) checkDuration(s scalar, name string, iso bool) time.Duration {
	v, err := parseDuration(s.text)
	switch {
	case err != nil:
		d.unfit(s, s.rng, "Wrong duration", "%s = %q is no length of time; write for example \"30s\", \"500ms\", \"5min\" or \"1h\"", name, s.text)
	case !iso && len(s.text) > 0 && s.text[0] == 'P':
		d.unfit(s, s.rng, "Wrong duration", "%s takes no ISO 8601 form; write %q", name, strconv.FormatInt(int64(v/time.Second), 10)+"s")
	}
	return v
}

// score reads an argument that is a score.
func (b *block) score(name string) string {
	s, ok := b.scalarOf(name)
	if !ok {
		return ""
	}
	b.d.checkScore(s, name)
	return s.text
}

func (d *decoder) checkScore(s scalar, name string) {
	if !validScore(s.text) {
		d.unfit(s, s.rng, "Wrong score", "%s = %q is no score; write a whole number, INFINITY or -INFINITY", name, s.text)
	}
}

// boolean reads true or false and keeps its text.
func (b *block) boolean(name string) string {
	s, ok := b.scalarOf(name)
	if !ok {
		return ""
	}
	if _, ok := parseBool(s.text); !ok {
		b.d.unfit(s, s.rng, "Wrong value", "%s = %q: write true or false", name, s.text)
	}
	return s.text
}

// isTrue reads true or false as a bool; absent is false.
func (b *block) isTrue(name string) bool {
	v, _ := parseBool(b.boolean(name))
	return v
}

// integer reads a whole number between low and high; absent gives def.
func (b *block) integer(name string, def, low, high int) int {
	s, ok := b.scalarOf(name)
	if !ok {
		return def
	}
	n, err := strconv.Atoi(s.text)
	switch {
	case err != nil:
		b.d.errorf(s.rng, "Wrong number", "%s = %q is no whole number", name, s.text)
		return def
	case n < low || n > high:
		limit := "at most " + strconv.Itoa(high)
		if n < low {
			limit = "at least " + strconv.Itoa(low)
		}
		if low != math.MinInt && high != math.MaxInt {
			limit = "between " + strconv.Itoa(low) + " and " + strconv.Itoa(high)
		}
		b.d.errorf(s.rng, "Wrong number", "%s = %d must be %s", name, n, limit)
		return def
	}
	return n
}

// word reads one of a few words.
func (b *block) word(name string, words ...string) string {
	s, ok := b.scalarOf(name)
	if !ok {
		return ""
	}
	if !slices.Contains(words, s.text) {
		b.d.notOneOf(s, name, words)
	}
	return s.text
}

// roles maps every accepted name of a role to the one that is printed.
var roles = map[string]string{
	"Started": "Started", "Stopped": "Stopped", "Promoted": "Promoted", "Unpromoted": "Unpromoted",
	"Master": "Promoted", "Slave": "Unpromoted",
}

var roleWords = []string{"Promoted", "Unpromoted", "Started", "Stopped"}

// roleNamed finds a role in any case of letters, as the engine does.
func roleNamed(text string) (string, bool) {
	for _, name := range sortedKeys(roles) {
		if strings.EqualFold(name, text) {
			return roles[name], true
		}
	}
	return "", false
}

// role reads a role; Master and Slave are taken for their new names.
func (b *block) role(name string) string {
	s, ok := b.scalarOf(name)
	if !ok {
		return ""
	}
	r, ok := roleNamed(s.text)
	if !ok {
		r = s.text
		b.d.unfit(s, s.rng, "Unknown role", "there is no role %q.%s", s.text, orKnown(s.text, roleWords))
	}
	return r
}

// texts reads an argument that is a list of texts, or one text.
func (b *block) texts(name string) []string {
	a := b.attr(name)
	if a == nil {
		return nil
	}
	var out []string
	for _, e := range b.d.elements(a.Expr, b.ctx) {
		if s, ok := b.d.scalar(e, b.ctx); ok && !s.null {
			out = append(out, s.text)
		}
	}
	return out
}

// elements are the parts of a list expression: those written in brackets, or
// those of a computed list, or the expression alone.
func (d *decoder) elements(e hcl.Expression, ctx *hcl.EvalContext) []hcl.Expression {
	if list, diags := hcl.ExprList(e); !diags.HasErrors() {
		return list
	}
	if !computed(e, ctx) {
		return []hcl.Expression{e}
	}
	v, ok := d.eval(e, ctx)
	if !ok || v.IsNull() || !v.IsKnown() {
		return nil
	}
	v, marks := v.Unmark()
	if !v.CanIterateElements() || v.Type().IsObjectType() || v.Type().IsMapType() {
		return []hcl.Expression{e}
	}
	var out []hcl.Expression
	for it := v.ElementIterator(); it.Next(); {
		_, el := it.Element()
		out = append(out, &hclsyntax.LiteralValueExpr{Val: el.WithMarks(marks), SrcRange: e.Range()})
	}
	return out
}

// computed says whether an expression is to be evaluated, rather than being
// the bare name of an object.
func computed(e hcl.Expression, ctx *hcl.EvalContext) bool {
	t, diags := hcl.AbsTraversalForExpr(e)
	if diags.HasErrors() {
		return true
	}
	root := t.RootName()
	for c := ctx; c != nil; c = c.Parent() {
		if _, ok := c.Variables[root]; ok {
			return true
		}
	}
	return false
}
