package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// What a configuration may cost. The parser and the evaluator are recursive,
// so their depth is bounded before they see a text: a stack that overflows
// cannot be caught. Every limit is far above what a real cluster needs.
const (
	maxDocument   = 4 << 20  // bytes of one document
	maxNesting    = 50       // brackets, blocks and strings inside each other
	maxOperators  = 500      // operators, calls and brackets in one expression
	maxTemplates  = 2000     // ${…} and %{…} in one top-level block
	maxFor        = 2        // for expressions inside each other
	maxInstances  = 1000     // objects that one for_each makes
	maxValue      = 64 << 10 // bytes of one computed value; an element counts for 16
	maxElements   = 4096     // commas in one pair of brackets
	maxObjects    = 20000    // names in one configuration
	maxFindings   = 100      // diagnostics of one reading
	maxPadding    = 1000     // width and precision of format()
	maxIdentifier = 200      // characters of a name
)

// frame is one open bracket, block or string.
type frame struct {
	opener    hclsyntax.TokenType
	operators int
	commas    int
	isFor     bool
}

// depths follows the tokens of a document.
type depths struct {
	stack     []frame
	templates int // in the current top-level block
	fors      int // open ones
}

// checkLimits looks at the tokens only and returns the place and the sentence
// of the first excess.
func checkLimits(text []byte, file string) (hcl.Range, string) {
	if len(text) > maxDocument {
		return hcl.Range{Filename: file, Start: hcl.InitialPos, End: hcl.InitialPos},
			fmt.Sprintf("the document has %d bytes; at most %d are read: split it", len(text), maxDocument)
	}
	tokens, _ := hclsyntax.LexConfig(text, file, hcl.InitialPos)
	d := depths{stack: []frame{{}}}
	for i, tok := range tokens {
		top := &d.stack[len(d.stack)-1]
		if isFor(tokens, i) {
			top.isFor = true
			d.fors++
		}
		d.step(top, tok.Type)
		if why := d.excess(top); why != "" {
			return tok.Range, why
		}
	}
	return hcl.Range{}, ""
}

// step takes one token into account; top is the innermost open frame.
func (d *depths) step(top *frame, t hclsyntax.TokenType) {
	switch {
	case opens(t):
		top.operators++
		if t == hclsyntax.TokenTemplateInterp || t == hclsyntax.TokenTemplateControl {
			d.templates++
		}
		d.stack = append(d.stack, frame{opener: t})
	case closes(t):
		if top.isFor {
			d.fors--
		}
		if len(d.stack) > 1 {
			d.stack = d.stack[:len(d.stack)-1]
		}
		if len(d.stack) == 1 {
			d.templates = 0
		}
	case t == hclsyntax.TokenComma:
		top.operators = 0
		top.commas++
	case t == hclsyntax.TokenNewline && (top.opener == 0 || top.opener == hclsyntax.TokenOBrace):
		top.operators = 0
	case operates(t):
		top.operators++
	}
}

// excess says which limit is passed, or "".
func (d *depths) excess(top *frame) string {
	switch {
	case len(d.stack) > maxNesting:
		return fmt.Sprintf("more than %d brackets, blocks or strings inside each other", maxNesting)
	case top.operators > maxOperators:
		return fmt.Sprintf("more than %d operators in one expression: put parts of it into locals", maxOperators)
	case top.commas > maxElements:
		return fmt.Sprintf("more than %d elements in one list", maxElements)
	case d.templates > maxTemplates:
		return fmt.Sprintf("more than %d ${…} in one block", maxTemplates)
	case d.fors > maxFor:
		return fmt.Sprintf("more than %d \"for\" inside each other: put the inner one into locals", maxFor)
	}
	return ""
}

// isFor spots "[for" and "{for".
func isFor(tokens hclsyntax.Tokens, i int) bool {
	if i == 0 || tokens[i].Type != hclsyntax.TokenIdent || string(tokens[i].Bytes) != "for" {
		return false
	}
	j := i - 1
	for j > 0 && tokens[j].Type == hclsyntax.TokenNewline {
		j--
	}
	return tokens[j].Type == hclsyntax.TokenOBrack || tokens[j].Type == hclsyntax.TokenOBrace
}

func opens(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return true
	}
	return false
}

func closes(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		return true
	}
	return false
}

func operates(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenPercent,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr,
		hclsyntax.TokenBang, hclsyntax.TokenQuestion, hclsyntax.TokenDot:
		return true
	}
	return false
}
