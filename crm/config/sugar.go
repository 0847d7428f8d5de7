package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/policy"
)

// sugar expands prefers, avoids, with and after into constraints with names
// that anyone can predict: NAME-prefers-NODE, NAME-avoids-NODE, NAME-with-X,
// NAME-after-X.
func (d *decoder) sugar(b *block, name string) {
	self := name
	if e, ok := d.names.entries[name]; ok {
		self = e.means
	}
	d.nodeSugar(b, name, self, "prefers")
	d.nodeSugar(b, name, self, "avoids")
	if a := b.attr("with"); a != nil {
		for _, item := range d.scored(a.Expr, b.ctx) {
			d.withSugar(item, name, self)
		}
	}
	if a := b.attr("after"); a != nil {
		for _, e := range d.elements(a.Expr, b.ctx) {
			d.afterSugar(e, b.ctx, name, self)
		}
	}
}

// scoredItem is one element of a list, or one key of a map with its score.
type scoredItem struct {
	name  hcl.Expression
	score string // "" in a list
	ctx   *hcl.EvalContext
}

// scored reads [a, b] or { a = 100, b = 50 }.
func (d *decoder) scored(e hcl.Expression, ctx *hcl.EvalContext) []scoredItem {
	var out []scoredItem
	if pairs, diags := hcl.ExprMap(e); !diags.HasErrors() {
		for _, p := range pairs {
			s, ok := d.scalar(p.Value, ctx)
			if !ok {
				continue
			}
			d.checkScore(s, "the score")
			key := p.Key
			if k, ok := key.(*hclsyntax.ObjectConsKeyExpr); ok {
				key = k.Wrapped
			}
			out = append(out, scoredItem{name: key, score: s.text, ctx: ctx})
		}
		return out
	}
	for _, el := range d.elements(e, ctx) {
		out = append(out, scoredItem{name: el, ctx: ctx})
	}
	return out
}

// nodeSugar reads prefers and avoids. A list means always (INFINITY), and
// never (-INFINITY); a map gives the scores.
func (d *decoder) nodeSugar(b *block, name, self, word string) {
	a := b.attr(word)
	if a == nil {
		return
	}
	for _, item := range d.scored(a.Expr, b.ctx) {
		node, ok := d.node(item.name, item.ctx)
		if !ok {
			continue
		}
		score := orElse(item.score, infinity)
		if word == "avoids" {
			score = negated(score)
		}
		id := name + "-" + word + "-" + node
		if d.declare(id, "location", id, item.name.Range()) {
			d.addLocation(policy.Location{ID: id, Resource: self, Node: node, Score: score, Pos: posOf(item.name.Range())})
		}
	}
}

func negated(score string) string {
	switch {
	case score == "" || score == "0":
		return score
	case score[0] == '-':
		return score[1:]
	case score[0] == '+':
		return "-" + score[1:]
	}
	return "-" + score
}

func (d *decoder) withSugar(item scoredItem, name, self string) {
	t, ok := d.resolve(item.name, item.ctx, placeable, "resource")
	if !ok || !d.noAction(t) || !d.notSelf(t, name, self) {
		return
	}
	id := name + "-with-" + t.text
	if d.declare(id, "colocation", id, t.rng) {
		d.addColocation(policy.Colocation{
			ID: id, Resource: self, With: t.means, WithRole: t.role, Score: orElse(item.score, infinity), Pos: posOf(t.rng),
		})
	}
}

func (d *decoder) afterSugar(e hcl.Expression, ctx *hcl.EvalContext, name, self string) {
	t, ok := d.resolve(e, ctx, placeable, "resource")
	if !ok || !d.noRole(t) || !d.notSelf(t, name, self) {
		return
	}
	id := name + "-after-" + t.text
	if !d.declare(id, "order", id, t.rng) {
		return
	}
	o := policy.Order{ID: id, First: t.means, Then: self, Kind: "Mandatory", Pos: posOf(t.rng)}
	if t.action != "" {
		o.FirstAction, o.ThenAction = t.action, "start"
	}
	d.addOrder(o)
}

// notSelf refuses a resource that depends on itself.
func (d *decoder) notSelf(t target, name, self string) bool {
	if t.means == self && !t.literal {
		d.errorf(t.rng, "Depends on itself", "%q cannot depend on %q: that is the same object", name, t.text)
		return false
	}
	return true
}

// noAction refuses pg.promote where only a role makes sense.
func (d *decoder) noAction(t target) bool {
	if t.action != "" {
		d.errorf(t.rng, "Wrong reference", "a role fits here, not the action %q; write %s.Promoted, for example", t.action, t.text)
		return false
	}
	return true
}

// noRole refuses pg.Promoted where only an action makes sense.
func (d *decoder) noRole(t target) bool {
	if t.role != "" {
		d.errorf(t.rng, "Wrong reference", "an action fits here, not the role %q; write %s.promote, for example", t.role, t.text)
		return false
	}
	return true
}

func (d *decoder) addLocation(l policy.Location) {
	d.out.Policy.Constraints = append(d.out.Policy.Constraints, policy.Constraint{Location: &l})
}

func (d *decoder) addColocation(c policy.Colocation) {
	d.out.Policy.Constraints = append(d.out.Policy.Constraints, policy.Constraint{Colocation: &c})
}

func (d *decoder) addOrder(o policy.Order) {
	d.out.Policy.Constraints = append(d.out.Policy.Constraints, policy.Constraint{Order: &o})
}
