package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/holdfast-ha/holdfast/policy"
)

// call reads defined(), rsc(), op() and the date functions.
func (w *whenReader) call(x *hclsyntax.FunctionCallExpr) (policy.Condition, bool) {
	switch x.Name {
	case "defined":
		return w.defined(x)
	case "rsc":
		return w.rsc(x)
	case "op":
		return w.op(x)
	case "date_after", "date_before", "date_between", "date_for", "date_spec":
		return w.date(x)
	}
	known := []string{"defined", "rsc", "op", "date_after", "date_before", "date_between", "date_for", "date_spec"}
	return policy.Condition{}, w.errorf(x.NameRange, "Unknown condition", "there is no condition %s().%s", x.Name, orKnown(x.Name, known))
}

func (w *whenReader) defined(x *hclsyntax.FunctionCallExpr) (policy.Condition, bool) {
	if len(x.Args) != 1 {
		return policy.Condition{}, w.errorf(x.Range(), "Wrong call", "defined() takes one attribute, for example defined(node.attr.pingd)")
	}
	attr, ok := w.subject(unwrap(x.Args[0]))
	if !ok {
		return policy.Condition{}, w.unknownSubject(x.Args[0])
	}
	return policy.Condition{Attribute: &policy.AttributeTest{ID: w.nextID(), Attribute: attr, Operation: "defined"}}, true
}

// rsc reads rsc({ class = "ocf", provider = "heartbeat", type = "pgsql" }).
func (w *whenReader) rsc(x *hclsyntax.FunctionCallExpr) (policy.Condition, bool) {
	if !w.scope.agent {
		return policy.Condition{}, w.errorf(x.Range(), "Wrong condition", "rsc() can be asked in defaults and resources, not in %s", w.scope.name)
	}
	fields, ok := w.fields(x, "class", "provider", "type")
	test := &policy.ResourceTest{ID: w.nextID()}
	for _, p := range fields {
		switch p.Name {
		case "class":
			test.Class = &p.Value
		case "provider":
			test.Provider = &p.Value
		case "type":
			test.Type = &p.Value
		}
	}
	return policy.Condition{Resource: test}, ok
}

// op reads op({ name = "monitor", interval = "10s" }).
func (w *whenReader) op(x *hclsyntax.FunctionCallExpr) (policy.Condition, bool) {
	if !w.scope.op {
		return policy.Condition{}, w.errorf(x.Range(), "Wrong condition", "op() can be asked in defaults \"op\" and in operations, not in %s", w.scope.name)
	}
	fields, ok := w.fields(x, "name", "interval")
	test := &policy.OpTest{ID: w.nextID()}
	for _, p := range fields {
		if p.Name == "name" {
			test.Name = p.Value
		} else {
			test.Interval = p.Value
		}
	}
	if ok && test.Name == "" {
		return policy.Condition{}, w.errorf(x.Range(), "Wrong call", "op() needs a name, for example op({ name = \"monitor\" })")
	}
	return policy.Condition{Op: test}, ok
}

// fields reads the one argument of a call: an object with some of the names.
func (w *whenReader) fields(x *hclsyntax.FunctionCallExpr, names ...string) ([]policy.Pair, bool) {
	if len(x.Args) != 1 {
		return nil, w.errorf(x.Range(), "Wrong call", "%s() takes one { … } with %s", x.Name, strings.Join(names, ", "))
	}
	return w.object(x.Args[0], x.Name, names)
}

// object reads { name = value, … }, checking the names.
func (w *whenReader) object(e hcl.Expression, call string, names []string) ([]policy.Pair, bool) {
	obj, ok := unwrap(e).(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil, w.errorf(e.Range(), "Wrong call", "%s() takes a { … } with %s", call, strings.Join(names, ", "))
	}
	var out []policy.Pair
	good := true
	for _, item := range obj.Items {
		key, diags := item.KeyExpr.Value(w.b.ctx)
		if diags.HasErrors() || key.IsMarked() || key.IsNull() || !key.IsKnown() || key.Type() != cty.String {
			good = w.errorf(item.KeyExpr.Range(), "Wrong call", "a plain name is needed here")
			continue
		}
		name := key.AsString()
		if !slices.Contains(names, name) {
			good = w.errorf(item.KeyExpr.Range(), "Unknown argument", "%s() has no %q.%s", call, name, orKnown(name, names))
			continue
		}
		s, ok := w.value(item.ValueExpr)
		good = good && ok
		out = append(out, policy.Pair{Name: name, Value: s.text})
	}
	if len(obj.Items) == 0 {
		good = w.errorf(e.Range(), "Wrong call", "%s", fmt.Sprintf("%s() needs at least one of %s", call, strings.Join(names, ", ")))
	}
	return out, good
}
