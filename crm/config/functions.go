package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions are the functions of the language: pure ones only. Nothing reads a
// file, the network, the clock or a source of chance, so one text always means
// one configuration.
func functions() map[string]function.Function {
	all := map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc,
		"upper": stdlib.UpperFunc, "lower": stdlib.LowerFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
		"trimprefix": stdlib.TrimPrefixFunc, "trimsuffix": stdlib.TrimSuffixFunc, "trimspace": stdlib.TrimSpaceFunc,
		"substr": stdlib.SubstrFunc, "strlen": stdlib.StrlenFunc, "replace": stdlib.ReplaceFunc,
		"join": stdlib.JoinFunc, "split": stdlib.SplitFunc, "concat": stdlib.ConcatFunc, "length": stdlib.LengthFunc,
		"lookup": stdlib.LookupFunc, "merge": stdlib.MergeFunc, "keys": stdlib.KeysFunc, "values": stdlib.ValuesFunc,
		"zipmap": stdlib.ZipmapFunc, "element": stdlib.ElementFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
		"flatten": stdlib.FlattenFunc, "reverse": stdlib.ReverseListFunc, "sort": stdlib.SortFunc, "slice": stdlib.SliceFunc,
		"compact": stdlib.CompactFunc, "coalesce": stdlib.CoalesceFunc, "range": stdlib.RangeFunc,
		"setunion": stdlib.SetUnionFunc, "setintersection": stdlib.SetIntersectionFunc, "setsubtract": stdlib.SetSubtractFunc,
		"tostring": stdlib.MakeToFunc(cty.String), "tonumber": stdlib.MakeToFunc(cty.Number), "tobool": stdlib.MakeToFunc(cty.Bool),
		"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), "tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
		"tomap":  stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"format": modestFormat(),
		"secret": secretFunc, "literal": literalFunc,
	}
	for name, f := range all {
		all[name] = bounded(f)
	}
	return all
}

// secretFunc makes a reference to a secret: the value itself stays on the
// nodes and is put in when an agent runs.
var secretFunc = function.New(&function.Spec{
	Description: "A reference to a secret that the nodes keep.",
	Params:      []function.Parameter{{Name: "name", Type: cty.String}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		name := args[0].AsString()
		if !validName(name) {
			return cty.NilVal, function.NewArgErrorf(0, "%q is no name of a secret; use letters, digits, _ - and .", name)
		}
		return cty.StringVal(secretPrefix + name).Mark(secretMark), nil
	},
})

// padding finds widths and precisions in a format text.
var padding = regexp.MustCompile(`%[^a-zA-Z%]*`)

var digits = regexp.MustCompile(`[0-9]+`)

// modestFormat is format without widths that would fill the memory.
func modestFormat() function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "format", Type: cty.String}},
		VarParam: &function.Parameter{Name: "args", Type: cty.DynamicPseudoType, AllowNull: true},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for _, verb := range padding.FindAllString(args[0].AsString(), -1) {
				for _, n := range digits.FindAllString(verb, -1) {
					if v, err := strconv.Atoi(n); err != nil || v > maxPadding {
						return cty.NilVal, function.NewArgErrorf(0, "a width of %s is more than the %d allowed", n, maxPadding)
					}
				}
			}
			return stdlib.Format(args[0], args[1:]...)
		},
	})
}

// bounded refuses results that are larger than any configuration needs.
func bounded(f function.Function) function.Function {
	spec := function.Spec{Params: f.Params(), VarParam: f.VarParam(), Description: f.Description()}
	for i := range spec.Params {
		spec.Params[i].AllowDynamicType = true
	}
	spec.Type = func(args []cty.Value) (cty.Type, error) { return f.ReturnTypeForValues(args) }
	spec.Impl = func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, err := f.Call(args)
		if err != nil {
			return v, err
		}
		if why := tooBig(v); why != "" {
			return cty.NilVal, errors.New(why)
		}
		return v, nil
	}
	return function.New(&spec)
}

// tooBig says why a value is larger than the language allows, or "".
func tooBig(v cty.Value) string {
	size := 0
	if measure(v, &size, 0); size > maxValue {
		return fmt.Sprintf("a value of more than %d characters or %d elements", maxValue, maxValue/16)
	}
	return ""
}

// measure adds up elements and bytes, and stops early.
func measure(v cty.Value, size *int, depth int) {
	*size += 16
	if *size > maxValue {
		return
	}
	if depth > 2*maxNesting {
		*size = maxValue + 1
		return
	}
	v, _ = v.Unmark()
	switch {
	case v.IsNull() || !v.IsKnown():
	case v.Type() == cty.String:
		*size += len(v.AsString())
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next() && *size <= maxValue; {
			k, el := it.Element()
			measure(k, size, depth+1)
			measure(el, size, depth+1)
		}
	}
}
