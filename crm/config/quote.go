package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// quoted writes a text as an HCL string, templates escaped.
func quoted(s string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(strings.ToValidUTF8(s, "\ufffd"))).Bytes())
}

// valueText writes a value as HCL: numbers and booleans bare when they mean
// just that text, a reference to a secret as secret("…"), all else quoted.
func valueText(s string) string {
	if name, ok := strings.CutPrefix(s, secretPrefix); ok && validName(name) {
		return "secret(" + quoted(name) + ")"
	}
	return plainText(s)
}

// plainText is valueText where no secret can stand.
func plainText(s string) string {
	switch {
	case s == "true" || s == "false" || s == infinity || s == "-"+infinity || plainNumber(s):
		return s
	}
	return quoted(s)
}

// plainNumber says whether a text is a number that reading and writing keeps:
// no leading zeros or sign "+", no exponent.
func plainNumber(s string) bool {
	body := strings.TrimPrefix(s, "-")
	if body == "" || len(body) > 15 || len(s)-len(body) > 1 || strings.Trim(body, "0123456789") != "" {
		return false
	}
	return body == "0" && s == "0" || body[0] != '0'
}

// nameText writes a reference: bare when it is a word of the language, or two of
// them with a dot between.
func nameText(s string) string {
	first, second, dotted := strings.Cut(s, ".")
	if bareWord(first) && (!dotted || hclsyntax.ValidIdentifier(second)) {
		return s
	}
	return quoted(s)
}

// bareWord says whether a word can begin a reference without quotes.
func bareWord(s string) bool {
	switch s {
	case "null", "true", "false", "for":
		return false
	}
	return hclsyntax.ValidIdentifier(s) && !slices.Contains(reserved, s)
}

// listText writes references as a list.
func listText(names []string) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = nameText(n)
	}
	return listOf(parts)
}
