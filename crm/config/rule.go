package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/policy"
)

// ruleScope says what a rule may ask about, by where it stands.
type ruleScope struct {
	name     string // for errors
	location bool   // score and role belong to it; param.x and meta.x exist
	agent    bool   // rsc() can be asked
	op       bool   // op() can be asked
}

var (
	inLocation         = ruleScope{name: "a location", location: true}
	inOptions          = ruleScope{name: "options"}
	inNodeSet          = ruleScope{name: "a node"}
	inResourceSet      = ruleScope{name: "a resource", agent: true}
	inResourceDefaults = ruleScope{name: "defaults", agent: true}
	inOpSet            = ruleScope{name: "an operation", agent: true, op: true}
	inOpDefaults       = ruleScope{name: "defaults", agent: true, op: true}
)

// rules reads the rule blocks of a set or a location.
func (d *decoder) rules(b *block, owner string, scope ruleScope) []policy.Rule {
	var out []policy.Rule
	for i, r := range b.blocks("rule") {
		r.labels()
		if i > 0 && !scope.location {
			d.errorf(r.head(), "Duplicate block", "only the first rule of a set counts; join them with && or ||")
		}
		if rule, ok := d.rule(r, numbered(owner+"-rule", i), scope); ok {
			out = append(out, rule)
		}
	}
	return out
}

// rule reads one rule block.
func (d *decoder) rule(b *block, id string, scope ruleScope) (policy.Rule, bool) {
	rule := policy.Rule{Pos: posOf(b.head())}
	if ref := b.text("id-ref"); ref != "" {
		rule.IDRef = ref
		b.done()
		return rule, true
	}
	if s := b.text("id"); s != "" {
		id = s
	}
	when := b.attr("when")
	if when == nil && isTree(b) {
		rule = d.treeRule(b, id)
		treeScore(b, &rule)
		b.done()
		return rule, true
	}
	if when == nil {
		d.errorf(b.head(), "Missing argument", "a rule needs when, for example when = node.attr.rack == \"r1\"")
		b.attr("score")
		b.attr("role")
		b.done()
		return rule, false
	}
	reader := &whenReader{d: d, b: b, id: id, scope: scope}
	parsed, ok := reader.top(when.Expr)
	parsed.Pos, parsed.ID = rule.Pos, id
	d.ruleScore(b, &parsed, scope)
	b.done()
	return parsed, ok
}

// ruleScore reads what a location's rule gives to the nodes that it fits.
func (d *decoder) ruleScore(b *block, rule *policy.Rule, scope ruleScope) {
	a := b.attr("score")
	rule.Role = b.role("role")
	switch {
	case !scope.location:
		if s, ok := b.scalarOf("score"); ok && s.literal {
			rule.Score = s.text // the older schemas demand one
			a = nil
		}
		for _, x := range []*hclsyntax.Attribute{a, b.Body.Attributes["role"]} {
			if x != nil {
				d.errorf(x.NameRange, "Unknown argument", "only the rule of a location has a %s; the score of a set stands beside the rule", x.Name)
			}
		}
	case a == nil:
		d.errorf(b.head(), "Missing score", "the rule of a location needs a score, for example score = -INFINITY or score = node.attr.pingd")
	default:
		if attr, ok := nodeAttr(a.Expr); ok {
			rule.ScoreAttribute = attr
			return
		}
		rule.Score = b.score("score")
	}
}

// nodeAttr recognises node.attr.NAME and node.attr["NAME"].
func nodeAttr(e hcl.Expression) (string, bool) {
	t, diags := hcl.AbsTraversalForExpr(e)
	if diags.HasErrors() || len(t) < 3 || t.RootName() != "node" {
		return "", false
	}
	if step, ok := t[1].(hcl.TraverseAttr); !ok || step.Name != "attr" {
		return "", false
	}
	return strings.TrimPrefix(traversalText(t), "node.attr."), true
}
