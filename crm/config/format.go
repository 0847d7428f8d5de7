package config

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format lays a document out in its canonical form: two blanks of indent,
// equal signs in line, one blank line at most between blocks, no blanks at line
// ends, and one newline at the end. A text that cannot be parsed is laid out as
// far as its tokens tell. Formatting twice changes nothing.
func Format(text []byte) []byte {
	out := text
	for range 4 { // the layouter needs a second look at a few odd texts
		next := tidy(hclwrite.Format(out))
		if bytes.Equal(next, out) {
			break
		}
		out = next
	}
	return out
}

// tidy removes blanks at line ends, runs of blank lines, and blank lines at
// either end. Lines inside heredocs and long comments stay as they are.
func tidy(text []byte) []byte {
	kept := protected(text)
	var out [][]byte
	blank := true // no blank line at the beginning
	for i, line := range bytes.Split(text, []byte("\n")) {
		if kept[i+1] {
			out, blank = append(out, line), false
			continue
		}
		line = bytes.TrimRight(line, " \t\r")
		if len(line) == 0 && blank {
			continue
		}
		if n := len(out); blank && n > 0 && len(out[n-1]) == 0 && !kept[i] && closesBlock(line) {
			out = out[:n-1]
		}
		blank = len(line) == 0 || opensBlock(line)
		out = append(out, line)
	}
	for len(out) > 0 && len(out[len(out)-1]) == 0 && !kept[len(out)] {
		out = out[:len(out)-1]
	}
	if len(out) == 0 {
		return nil
	}
	return append(bytes.Join(out, []byte("\n")), '\n')
}

// No blank line stands behind an opening brace or before a closing one.
func opensBlock(line []byte) bool {
	return len(line) > 0 && bytes.IndexByte([]byte("{[("), line[len(line)-1]) >= 0
}

func closesBlock(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return len(line) > 0 && bytes.IndexByte([]byte("}])"), line[0]) >= 0
}

// protected are the numbers of the lines whose blanks mean something.
func protected(text []byte) map[int]bool {
	lines := map[int]bool{}
	tokens, _ := hclsyntax.LexConfig(text, "", hcl.InitialPos)
	open, from := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOHeredoc:
			if open == 0 {
				from = t.Range.Start.Line
			}
			open++
		case hclsyntax.TokenCHeredoc:
			if open--; open == 0 {
				for l := from; l <= t.Range.End.Line; l++ {
					lines[l] = true
				}
			}
		case hclsyntax.TokenComment:
			for l := t.Range.Start.Line; l < t.Range.End.Line && bytes.HasPrefix(t.Bytes, []byte("/*")); l++ {
				lines[l] = true
			}
		}
	}
	if open > 0 { // never closed: leave everything behind it alone
		for l := from; l <= bytes.Count(text, []byte("\n"))+1; l++ {
			lines[l] = true
		}
	}
	return lines
}
