package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
)

// FixVariables writes values into the documents, as the defaults of their
// variable blocks. A set that is stored must read the same for everyone later,
// so whoever commits with values commits the result of this.
func FixVariables(set Set, values map[string]string) (Set, error) {
	for _, name := range sortedKeys(values) {
		s, err := open(set)
		if err != nil {
			return set, err
		}
		var at place
		s.walk(func(p place) bool {
			if len(p.outer) == 0 && p.block.Type == "variable" && len(p.block.Labels) == 1 && p.block.Labels[0] == name {
				at = p
			}
			return at.block == nil
		})
		if at.block == nil {
			return set, fmt.Errorf("a value was given for the variable %q, but no document has: variable %q {}", name, name)
		}
		expr := quoted(values[name])
		if a := at.block.Body.Attributes["type"]; a != nil {
			typ, diags := typeexpr.TypeConstraint(a.Expr)
			if !diags.HasErrors() && !isText(typ) {
				expr = values[name]
			}
		}
		if _, err := parseText("value", []byte("x = "+expr+"\n")); err != nil {
			return set, fmt.Errorf("the value of the variable %q: %w", name, err)
		}
		set = s.setAttribute(at.doc, at.block, "default", expr)
	}
	return set, nil
}

// isText says whether a given value is taken as it is.
func isText(t cty.Type) bool { return t == cty.String || t == cty.DynamicPseudoType }
