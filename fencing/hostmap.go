package fencing

import (
	"fmt"
	"strings"
)

// splitNames splits a list of node names at blanks, commas and semicolons.
func splitNames(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return r == ' ' || r == ',' || r == ';' || r == '\t' || r == '\n'
	})
}

// parseHostMap reads "n1:1;n2:2,3": pairs parted by semicolons or blanks, node
// and value by a colon. A backslash takes the next character as it is, so that
// a plug may hold a blank ("n1:my\ vm"). The value "2,3" stays one value: the
// agent splits it.
func parseHostMap(text string) (map[string]string, error) {
	result := map[string]string{}
	var key, word strings.Builder
	inValue, escaped := false, false
	flush := func() error {
		defer func() { key.Reset(); word.Reset(); inValue = false }()
		if !inValue && word.Len() == 0 {
			return nil
		}
		if !inValue || key.Len() == 0 || word.Len() == 0 {
			return fmt.Errorf("%q is not of the form node:plug", key.String()+word.String())
		}
		if old, twice := result[key.String()]; twice && old != word.String() {
			return fmt.Errorf("%s is given two values, %s and %s", key.String(), old, word.String())
		}
		result[key.String()] = word.String()
		return nil
	}
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == ';' || r == ' ' || r == '\t' || r == '\n':
			if err := flush(); err != nil {
				return nil, err
			}
		case r == ':' && !inValue:
			key.WriteString(word.String())
			word.Reset()
			inValue = true
		default:
			word.WriteRune(r)
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	return result, nil
}
