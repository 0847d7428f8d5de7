package crmsh

import (
	"fmt"
	"slices"
	"strings"
)

// comparisons are the operators of crmsh and of HCL.
var comparisons = map[string]string{
	"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=",
	"==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}

// expression reads "not_defined ping or ping lte 0" up to the next rule.
func (l *line) expression() (string, error) {
	var parts []string
	joint := ""
	for {
		part, err := l.condition()
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
		if len(l.words) == 0 || l.words[0] == "rule" {
			break
		}
		word, _ := l.next()
		word = strings.ToLower(word)
		if word != "and" && word != "or" || joint != "" && joint != word {
			return "", fmt.Errorf("%q is not understood: conditions are joined by one of and, or", word)
		}
		joint = word
	}
	sign := map[string]string{"": "", "and": " && ", "or": " || "}[joint]
	return strings.Join(parts, sign), nil
}

func (l *line) condition() (string, error) {
	word, ok := l.next()
	if !ok {
		return "", l.usage()
	}
	switch strings.ToLower(word) {
	case "defined", "not_defined":
		name, ok := l.next()
		if !ok {
			return "", l.usage()
		}
		text := "defined(" + attributeText(name) + ")"
		if strings.EqualFold(word, "not_defined") {
			text = "!" + text
		}
		return text, nil
	case "date":
		return "", fmt.Errorf("conditions of time are written in HCL: 'edit' the location and use date_before, date_after, date_between or date_spec")
	}
	op, ok := l.next()
	value, ok2 := l.next()
	kind, bare, typed := strings.Cut(op, ":")
	if typed {
		op = bare
	}
	sign := comparisons[strings.ToLower(op)]
	if !ok || !ok2 || sign == "" {
		return "", fmt.Errorf("%q is no condition: write ATTRIBUTE eq VALUE (or ne, lt, lte, gt, gte), defined ATTRIBUTE or not_defined ATTRIBUTE", strings.TrimSpace(word+" "+op+" "+value))
	}
	return attributeText(word) + " " + sign + " " + comparedValue(kind, typed, value), nil
}

func comparedValue(kind string, typed bool, value string) string {
	if !typed {
		return literal(value)
	}
	switch strings.ToLower(kind) {
	case "number", "integer", "version", "string":
		return strings.ToLower(kind) + "(" + quote(value) + ")"
	}
	return literal(value)
}

// attributeText is the subject of a condition.
func attributeText(name string) string {
	known := []string{"#uname", "node.name", "#id", "node.id", "#kind", "node.kind", "#is_dc", "node.is_dc", "#cluster-name", "cluster.name", "#site-name", "site.name", "#role", "role", "#ra-version", "agent.version"}
	if i := slices.Index(known, name); i >= 0 && i%2 == 0 {
		return known[i+1]
	}
	if isIdentifier(name) {
		return "node.attr." + name
	}
	return "node.attr[" + quote(name) + "]"
}
