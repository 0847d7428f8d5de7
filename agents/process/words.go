package process

import (
	"errors"
	"strings"
)

// words splits a command line as a shell would, without anything that a shell
// would do with the words afterwards; see the package's documentation.
func words(line string) ([]string, error) {
	var out []string
	var word strings.Builder
	inWord := false
	quote := rune(0)
	escaped := false
	for _, r := range line {
		switch {
		case r == 0:
			return nil, errors.New("it contains a NUL character")
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				word.WriteRune('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			if inWord {
				out = append(out, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	switch {
	case escaped:
		return nil, errors.New("it ends with a backslash that quotes nothing")
	case quote != 0:
		return nil, errors.New("a quote " + string(quote) + " is not closed")
	}
	if inWord {
		out = append(out, word.String())
	}
	return out, nil
}
