package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/policy"
)

// whenReader turns the expression of a "when" into the conditions of a rule.
// The expression is read, not computed: it is about nodes and times to come.
type whenReader struct {
	d     *decoder
	b     *block
	id    string
	scope ruleScope
	count int // conditions so far, for their ids
}

// knownSubjects is what the left side of a comparison can be.
const knownSubjects = "node.attr.NAME, node.name, node.id, node.kind, node.is_dc, cluster.name, site.name, role, agent.version"

var subjects = map[string]string{
	"node.name": "#uname", "node.id": "#id", "node.kind": "#kind", "node.is_dc": "#is_dc",
	"cluster.name": "#cluster-name", "site.name": "#site-name", "role": "#role", "agent.version": "#ra-version",
}

var comparisons = map[*hclsyntax.Operation]string{
	hclsyntax.OpEqual: "eq", hclsyntax.OpNotEqual: "ne", hclsyntax.OpLessThan: "lt", hclsyntax.OpLessThanOrEqual: "lte",
	hclsyntax.OpGreaterThan: "gt", hclsyntax.OpGreaterThanOrEqual: "gte",
}

// mirrored are the comparisons with their sides swapped.
var mirrored = map[string]string{"eq": "eq", "ne": "ne", "lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}

func (w *whenReader) errorf(rng hcl.Range, title, format string, args ...any) bool {
	w.d.errorf(rng, title, format, args...)
	return false
}

// nextID names the next condition.
func (w *whenReader) nextID() string {
	w.count++
	return numbered(w.id+"-expr", w.count-1)
}

// top reads the whole expression as a rule.
func (w *whenReader) top(e hcl.Expression) (policy.Rule, bool) {
	c, ok := w.condition(unwrap(e))
	if !ok {
		return policy.Rule{}, false
	}
	if c.Rule != nil {
		return *c.Rule, true
	}
	return policy.Rule{Conditions: []policy.Condition{c}}, true
}

// unwrap takes parentheses away.
func unwrap(e hcl.Expression) hcl.Expression {
	for {
		p, ok := e.(*hclsyntax.ParenthesesExpr)
		if !ok {
			return e
		}
		e = p.Expression
	}
}

// condition reads one part. A chain of one operator makes one rule; parentheses
// make a rule of their own.
func (w *whenReader) condition(e hcl.Expression) (policy.Condition, bool) {
	switch x := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return w.condition(unwrap(x))
	case *hclsyntax.BinaryOpExpr:
		switch x.Op {
		case hclsyntax.OpLogicalAnd:
			return w.chain(x, "and")
		case hclsyntax.OpLogicalOr:
			return w.chain(x, "or")
		}
		if op := comparisons[x.Op]; op != "" {
			return w.compare(x, op)
		}
	case *hclsyntax.UnaryOpExpr:
		return w.not(x)
	case *hclsyntax.FunctionCallExpr:
		return w.call(x)
	}
	return policy.Condition{}, w.errorf(e.Range(), "Unknown condition",
		"a condition compares, as in node.attr.rack == \"r1\", or asks defined(), rsc(), op() or one of the date functions")
}

// chain reads a && b && c.
func (w *whenReader) chain(x *hclsyntax.BinaryOpExpr, op string) (policy.Condition, bool) {
	var parts []hcl.Expression
	var left hcl.Expression = x
	for {
		bin, ok := left.(*hclsyntax.BinaryOpExpr)
		if !ok || bin.Op != x.Op {
			parts = append(parts, left)
			break
		}
		parts = append(parts, bin.RHS)
		left = bin.LHS
	}
	rule := &policy.Rule{BooleanOp: op, Pos: posOf(x.Range())}
	w.count++
	rule.ID = numbered(w.id+"-part", w.count-1)
	good := true
	for i := len(parts) - 1; i >= 0; i-- {
		c, ok := w.condition(parts[i])
		good = good && ok
		rule.Conditions = append(rule.Conditions, c)
	}
	return policy.Condition{Rule: rule}, good
}

// not reads !defined(a), and refuses every other negation.
func (w *whenReader) not(x *hclsyntax.UnaryOpExpr) (policy.Condition, bool) {
	call, ok := unwrap(x.Val).(*hclsyntax.FunctionCallExpr)
	if x.Op == hclsyntax.OpLogicalNot && ok && call.Name == "defined" {
		c, ok := w.defined(call)
		if ok {
			c.Attribute.Operation = "not_defined"
		}
		return c, ok
	}
	return policy.Condition{}, w.errorf(x.Range(), "Wrong negation",
		"\"!\" stands before defined() only; turn the comparison round instead, and say what an undefined attribute means: not (x < 5) is not x >= 5 when x is undefined")
}

// subject reads the left side of a comparison.
func (w *whenReader) subject(e hcl.Expression) (string, bool) {
	if a, ok := nodeAttr(e); ok {
		return a, true
	}
	t, diags := hcl.AbsTraversalForExpr(e)
	if diags.HasErrors() {
		return "", false
	}
	s, ok := subjects[traversalText(t)]
	return s, ok
}

func (w *whenReader) unknownSubject(e hcl.Expression) bool {
	text := w.written(e)
	return w.errorf(e.Range(), "Unknown name in condition", "%q; known: %s", text, knownSubjects)
}

// written is the text of an expression as its author wrote it.
func (w *whenReader) written(e hcl.Expression) string {
	rng := e.Range()
	if f := w.d.files[rng.Filename]; f != nil && rng.CanSliceBytes(f.text) {
		return string(rng.SliceBytes(f.text))
	}
	return "?"
}

// compare reads one comparison; the subject may stand on either side.
func (w *whenReader) compare(x *hclsyntax.BinaryOpExpr, op string) (policy.Condition, bool) {
	left, right := unwrap(x.LHS), unwrap(x.RHS)
	attr, ok := w.subject(left)
	if !ok {
		if attr, ok = w.subject(right); !ok {
			return policy.Condition{}, w.unknownSubject(left)
		}
		right, op = left, mirrored[op]
	}
	test := &policy.AttributeTest{ID: w.nextID(), Attribute: attr, Operation: op, HasValue: true}
	return policy.Condition{Attribute: test}, w.reference(right, test)
}

// typed are the functions that say how to compare.
var typed = map[string]string{"number": "number", "integer": "integer", "version": "version", "string": "string"}

// reference reads the right side of a comparison.
func (w *whenReader) reference(e hcl.Expression, test *policy.AttributeTest) bool {
	if call, ok := e.(*hclsyntax.FunctionCallExpr); ok && typed[call.Name] != "" {
		if len(call.Args) != 1 {
			return w.errorf(call.Range(), "Wrong call", "%s() takes one value", call.Name)
		}
		ok := w.reference(unwrap(call.Args[0]), test)
		test.Type = typed[call.Name]
		return ok
	}
	if t, diags := hcl.AbsTraversalForExpr(e); !diags.HasErrors() && len(t) > 1 {
		switch root := t.RootName(); root {
		case "param", "meta":
			if !w.scope.location {
				return w.errorf(e.Range(), "Unknown name in condition", "%s.NAME exists in the rule of a location only", root)
			}
			test.ValueSource = root
			test.Value = strings.TrimPrefix(traversalText(t), root+".")
			return true
		case "node", "cluster", "site", "agent":
			return w.errorf(e.Range(), "Wrong comparison", "an attribute is compared with a value, not with another attribute")
		}
	}
	s, ok := w.value(e)
	if !ok {
		return false
	}
	test.Value = s.text
	if s.number {
		test.Type = "number"
	}
	return true
}

// value evaluates a piece of text inside a condition.
func (w *whenReader) value(e hcl.Expression) (scalar, bool) {
	s, ok := w.d.scalar(e, w.b.ctx)
	switch {
	case !ok:
		return s, false
	case s.masked:
		return s, w.errorf(e.Range(), "Secret in the open", "a condition is no place for a secret")
	case s.null:
		return s, w.errorf(e.Range(), "Wrong value", "nothing compares with null; ask !defined(…)")
	}
	return s, true
}
