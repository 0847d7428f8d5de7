package crmsh

import (
	"errors"
	"strings"
)

// Split divides a line into words. Quotes and backslashes group characters, also
// in the middle of a word: node_list="n1 n2". A "#" at the beginning of a word
// starts a comment, unless it is followed by a letter and an "=", as in rules
// (#uname).
func Split(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	open, quote, escaped := false, rune(0), false
	end := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	runes := []rune(text)
	for i, c := range runes {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, open = true, true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				word.WriteRune(c)
			}
		case c == '"' || c == '\'':
			quote, open = c, true
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			end()
		case c == '#' && !open && (i+1 == len(runes) || runes[i+1] < 'a' || runes[i+1] > 'z'):
			return words, nil
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if escaped {
		return nil, errors.New("a backslash at the end of the line quotes nothing")
	}
	end()
	return words, nil
}
