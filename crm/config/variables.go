package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// declared is one local value while values are worked out.
type declared struct {
	expr  hcl.Expression
	rng   hcl.Range
	state int // 0 new, 1 in work, 2 done
}

// readValues works out the variables and locals of all documents and leaves
// them, with the functions, in d.base.
func (d *decoder) readValues(blocks []*hclsyntax.Block) {
	d.base = &hcl.EvalContext{
		Functions: functions(),
		Variables: map[string]cty.Value{infinity: cty.StringVal(infinity), "var": cty.EmptyObjectVal, "local": cty.EmptyObjectVal},
	}
	d.readVariables(blocks)
	locals := map[string]*declared{}
	for _, raw := range blocks {
		if raw.Type != "locals" {
			continue
		}
		b := d.block(raw, d.base)
		b.labels()
		for _, a := range b.takeRest() {
			if old := locals[a.Name]; old != nil {
				d.duplicate(a.NameRange, a.Name, old.rng)
				continue
			}
			locals[a.Name] = &declared{expr: a.Expr, rng: a.NameRange}
		}
		b.done()
	}
	values := map[string]cty.Value{}
	for _, name := range slices.Sorted(maps.Keys(locals)) {
		d.workOut(name, locals, values, 0)
	}
	d.base.Variables["local"] = cty.ObjectVal(values)
}

// workOut computes one local value after those that it needs.
func (d *decoder) workOut(name string, locals map[string]*declared, values map[string]cty.Value, depth int) {
	l := locals[name]
	if l == nil || l.state == 2 {
		return
	}
	if l.state == 1 || depth > 1000 {
		d.errorf(l.rng, "Circle of locals", "local.%s needs its own value to be computed", name)
		values[name] = cty.DynamicVal
		return
	}
	l.state = 1
	ctx := d.base.NewChild()
	needed := map[string]cty.Value{}
	for _, t := range l.expr.Variables() {
		if t.RootName() != "local" || len(t) < 2 {
			continue
		}
		if step, ok := t[1].(hcl.TraverseAttr); ok && locals[step.Name] != nil {
			d.workOut(step.Name, locals, values, depth+1)
			needed[step.Name] = values[step.Name]
		}
	}
	ctx.Variables = map[string]cty.Value{"local": d.localsFor(locals, needed)}
	l.state = 2
	if v, ok := d.eval(l.expr, ctx); ok {
		values[name] = v
	} else {
		values[name] = cty.DynamicVal
	}
}

// localsFor is the object "local" for one expression. All names are in it, so
// that a misspelt one is told from one that is not computed yet.
func (d *decoder) localsFor(locals map[string]*declared, needed map[string]cty.Value) cty.Value {
	all := make(map[string]cty.Value, len(locals))
	for name := range locals {
		all[name] = cty.DynamicVal
	}
	maps.Copy(all, needed)
	return cty.ObjectVal(all)
}

// readVariables reads the variable blocks and the values given from outside.
func (d *decoder) readVariables(blocks []*hclsyntax.Block) {
	values, at := map[string]cty.Value{}, map[string]hcl.Range{}
	for _, raw := range blocks {
		if raw.Type != "variable" {
			continue
		}
		b := d.block(raw, d.base)
		if !b.labels("NAME") {
			continue
		}
		name := b.label(0)
		if !hclsyntax.ValidIdentifier(name) {
			d.errorf(b.LabelRanges[0], "Wrong name", "%q is no name for a variable; use letters, digits, _ and -", name)
			continue
		}
		if first, ok := at[name]; ok {
			d.duplicate(b.LabelRanges[0], name, first)
			continue
		}
		at[name] = b.LabelRanges[0]
		values[name] = d.variable(b, name)
		d.out.Names.Variables = append(d.out.Names.Variables, name)
	}
	for _, name := range slices.Sorted(maps.Keys(d.opt.Variables)) {
		if _, ok := at[name]; !ok && !d.partial {
			d.errorf(hcl.Range{}, "Unknown variable", "a value was given for the variable %q, but no document has: variable %q {}.%s",
				name, name, didYouMean(name, slices.Collect(maps.Keys(at))))
		}
	}
	d.base.Variables["var"] = cty.ObjectVal(values)
}

// variable is the value of one variable: the one given, or the default.
func (d *decoder) variable(b *block, name string) cty.Value {
	typ := cty.DynamicPseudoType
	if a := b.attr("type"); a != nil {
		t, diags := typeexpr.TypeConstraint(a.Expr)
		if d.addHCL(diags); !diags.HasErrors() {
			typ = t
		}
	}
	b.text("description")
	sensitive := b.isTrue("sensitive")
	fallback := b.attr("default")
	value, ok := cty.DynamicVal, true
	given, isGiven := d.opt.Variables[name]
	switch {
	case isGiven:
		value, ok = d.givenValue(b, name, given, typ)
	case fallback != nil:
		value, ok = d.eval(fallback.Expr, &hcl.EvalContext{Functions: d.base.Functions})
	default:
		d.errorf(b.head(), "Missing value", "the variable %q has no default, so a value must be given", name)
		ok = false
	}
	if ok && typ != cty.DynamicPseudoType {
		v, err := convert.Convert(value, typ)
		if err != nil {
			d.errorf(b.head(), "Wrong type", "the value of %q is no %s: %s", name, typ.FriendlyName(), err)
			ok = false
		}
		value = v
	}
	if !ok {
		value = cty.DynamicVal
	}
	for _, v := range b.blocks("validation") {
		d.validation(v, name, value)
	}
	b.done()
	if sensitive && ok {
		value = value.Mark(sensitiveMark)
	}
	return value
}

// givenValue reads a value from outside: text for a text, and an HCL
// expression for lists and maps.
func (d *decoder) givenValue(b *block, name, given string, typ cty.Type) (cty.Value, bool) {
	if typ.IsPrimitiveType() || typ == cty.DynamicPseudoType {
		return cty.StringVal(given), true
	}
	if _, why := checkLimits([]byte(given), "given"); why != "" {
		d.errorf(b.head(), "Value too large", "the value given for %q: %s", name, why)
		return cty.NilVal, false
	}
	e, diags := hclsyntax.ParseExpression([]byte(given), "value of "+name, hcl.InitialPos)
	if diags.HasErrors() {
		d.errorf(b.head(), "Wrong value", "the value given for %q cannot be read: %s", name, diags[0].Detail)
		return cty.NilVal, false
	}
	v, diags := d.value(e, &hcl.EvalContext{})
	if diags.HasErrors() {
		d.errorf(b.head(), "Wrong value", "the value given for %q cannot be read: %s", name, diags[0].Detail)
		return cty.NilVal, false
	}
	return v, true
}

// validation checks one rule that a variable's author wrote.
func (d *decoder) validation(b *block, name string, value cty.Value) {
	cond := b.attr("condition")
	ctx := d.base.NewChild()
	ctx.Variables = map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{name: value})}
	b.ctx = ctx
	message := b.required("error_message", `"must be …"`)
	b.done()
	if cond == nil {
		d.errorf(b.head(), "Missing argument", "a validation needs condition, for example condition = var.%s != \"\"", name)
		return
	}
	v, ok := d.eval(cond.Expr, ctx)
	if !ok || !v.IsKnown() {
		return
	}
	v, _ = v.Unmark()
	v, err := convert.Convert(v, cty.Bool)
	switch {
	case err != nil || v.IsNull():
		d.errorf(cond.Expr.Range(), "Wrong type", "a condition must be true or false")
	case v.False():
		d.errorf(cond.Expr.Range(), "Value refused", "the value of %q is not allowed: %s", name, message)
	}
}

// each is one instance of a block: one, or as many as for_each says.
type each struct {
	suffix string // "" or "-KEY"
	ctx    *hcl.EvalContext
}

// expand evaluates for_each. A block without it has one instance.
func (b *block) expand() []each {
	a := b.attr("for_each")
	if a == nil {
		return []each{{ctx: b.ctx}}
	}
	v, ok := b.d.eval(a.Expr, b.ctx)
	if !ok {
		return nil
	}
	v, marks := v.Unmark()
	if why := unfitForEach(v, marks); why != "" {
		b.d.errorf(a.Expr.Range(), "Wrong for_each", "%s", why)
		return nil
	}
	if !v.IsKnown() {
		return nil
	}
	var out []each
	for it := v.ElementIterator(); it.Next(); {
		k, el := it.Element()
		key := el
		if !v.Type().IsSetType() {
			key = k
		}
		key, _ = key.Unmark()
		if key.IsNull() || !key.IsKnown() || !validName("x"+key.AsString()) {
			b.d.errorf(a.Expr.Range(), "Wrong for_each", "every key becomes part of a name, so it can have letters, digits, _ - and . only")
			return nil
		}
		ctx := b.ctx.NewChild()
		ctx.Variables = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": el})}
		out = append(out, each{suffix: "-" + key.AsString(), ctx: ctx})
	}
	return out
}

// unfitForEach says why a value cannot be walked, or "".
func unfitForEach(v cty.Value, marks cty.ValueMarks) string {
	t := v.Type()
	switch {
	case len(marks) > 0:
		return "a secret cannot say how many objects there are"
	case v.IsNull():
		return "for_each needs a map or a set, not null"
	case !v.IsKnown():
		return ""
	case t.IsMapType() || t.IsObjectType() || (t.IsSetType() && t.ElementType() == cty.String):
	case t.IsTupleType() || t.IsListType():
		return "a list has no keys to make names of; write toset([...]), or a map { key = value }"
	default:
		return fmt.Sprintf("for_each needs a map or a set of texts, not %s", t.FriendlyName())
	}
	if n := v.LengthInt(); n > maxInstances {
		return fmt.Sprintf("%d objects from one block; at most %d are made", n, maxInstances)
	}
	return ""
}
