package config

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// source is a set of documents parsed for editing. Edits are made on the text,
// by the positions of the parser, so that comments and layout survive.
type source struct {
	set  Set
	docs []*file
}

// open parses the documents; one that cannot be parsed cannot be edited.
func open(set Set) (*source, error) {
	s := &source{set: NewSet(set.Documents...)}
	for _, doc := range s.set.Documents {
		body, err := parseText(doc.Name, doc.Text)
		if err != nil {
			return nil, err
		}
		s.docs = append(s.docs, &file{name: doc.Name, text: doc.Text, body: body})
	}
	return s, nil
}

func parseText(name string, text []byte) (*hclsyntax.Body, error) {
	if rng, why := checkLimits(text, name); why != "" {
		return nil, fmt.Errorf("%s:%d: %s", name, rng.Start.Line, why)
	}
	f, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	if diags.HasErrors() {
		r := report{files: map[string]*file{}}
		r.addHCL(diags)
		d := r.finish().Errors()[0]
		return nil, fmt.Errorf("%s:%d cannot be read: %s: %s", name, d.Start.Line, d.Title, d.Text)
	}
	return f.Body.(*hclsyntax.Body), nil
}

// place is a block in a document, with the blocks around it.
type place struct {
	doc     *file
	block   *hclsyntax.Block
	outer   []*hclsyntax.Block // outermost first
	wrapper *hclsyntax.Block   // the clone or promotable sub-block, when the name is that of the clone it makes
}

// walk visits every block, outer ones first, until visit returns false.
func (s *source) walk(visit func(place) bool) {
	for _, doc := range s.docs {
		if !walkBody(place{doc: doc}, doc.body, visit) {
			return
		}
	}
}

func walkBody(at place, body *hclsyntax.Body, visit func(place) bool) bool {
	for _, b := range body.Blocks {
		here := place{doc: at.doc, block: b, outer: at.outer}
		if !visit(here) {
			return false
		}
		outer := append(at.outer[:len(at.outer):len(at.outer)], b)
		if !walkBody(place{doc: at.doc, outer: outer}, b.Body, visit) {
			return false
		}
	}
	return true
}

// named says whether a block of this type has a name as its last label.
func named(b *hclsyntax.Block, nested bool) bool {
	if len(b.Labels) == 0 || b.Type == "defaults" || b.Type == "variable" || b.Type == "cluster" || b.Type == "fence_topology" {
		return false
	}
	if nested {
		return b.Type == "resource" || b.Type == "group"
	}
	return shapes[b.Type] != nil
}

// find looks an object up by its name. The error says why it cannot be edited.
func (s *source) find(id string) (place, error) {
	var found *place
	var loop string
	s.walk(func(p place) bool {
		if w := wrapperOf(p.block); w != nil && wrapperName(p.block, w) == id {
			p.wrapper = w
			found = &p
			return false
		}
		if !named(p.block, len(p.outer) > 0) {
			return true
		}
		label := p.block.Labels[len(p.block.Labels)-1]
		if label == id {
			found = &p
			return false
		}
		if p.block.Body.Attributes["for_each"] != nil && strings.HasPrefix(id, label+"-") {
			loop = blockTitle(p.block)
		}
		return true
	})
	switch {
	case found != nil:
		return *found, nil
	case loop != "":
		return place{}, fmt.Errorf("%q is made by the for_each of %s: edit that block", id, loop)
	}
	return place{}, fmt.Errorf("there is no object named %q", id)
}

// wrapperOf is the clone or promotable sub-block of a resource or group.
func wrapperOf(b *hclsyntax.Block) *hclsyntax.Block {
	if b.Type != "resource" && b.Type != "group" || len(b.Labels) == 0 {
		return nil
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type == "clone" || inner.Type == "promotable" {
			return inner
		}
	}
	return nil
}

func wrapperName(b, wrapper *hclsyntax.Block) string {
	if a := wrapper.Body.Attributes["id"]; a != nil {
		return literal(a.Expr)
	}
	return b.Labels[len(b.Labels)-1] + "-clone"
}

// literal is the text of a constant or of a bare name; "" for all else.
func literal(e hcl.Expression) string {
	if t, diags := hcl.AbsTraversalForExpr(e); !diags.HasErrors() {
		return traversalText(t)
	}
	if k, ok := e.(*hclsyntax.ObjectConsKeyExpr); ok {
		return literal(k.Wrapped)
	}
	v, diags := e.Value(nil)
	if diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type().FriendlyName() != "string" {
		return ""
	}
	return v.AsString()
}

// splice replaces text[from:to] of one document.
func (s *source) splice(doc *file, from, to int, with string) Set {
	out := make([]byte, 0, len(doc.text)+len(with))
	out = append(out, doc.text[:from]...)
	out = append(out, with...)
	out = append(out, doc.text[to:]...)
	if bytes.Equal(Format(doc.text), doc.text) { // who keeps it tidy wants it tidy
		out = Format(out)
	}
	return s.set.With(Document{Name: doc.name, Text: out})
}

// wholeLines widens a range to the lines that it stands on, with the comments
// directly above, when nothing else stands on these lines.
func wholeLines(text []byte, rng hcl.Range) (int, int) {
	from, to := rng.Start.Byte, rng.End.Byte
	start := bytes.LastIndexByte(text[:from], '\n') + 1
	end := lineEnd(text, to)
	rest := bytes.TrimSpace(text[to:max(to, end)])
	if len(bytes.TrimSpace(text[start:from])) > 0 || len(rest) > 0 && rest[0] != '#' && !bytes.HasPrefix(rest, []byte("//")) {
		return from, to
	}
	for start > 0 {
		above := bytes.LastIndexByte(text[:start-1], '\n') + 1
		line := bytes.TrimSpace(text[above : start-1])
		if !bytes.HasPrefix(line, []byte("#")) && !bytes.HasPrefix(line, []byte("//")) {
			break
		}
		start = above
	}
	return start, end
}

// lineEnd is where the line of the last byte before to ends, newline included.
// A heredoc ends behind its newline already.
func lineEnd(text []byte, to int) int {
	if to > 0 && text[to-1] == '\n' {
		return to
	}
	if n := bytes.IndexByte(text[to:], '\n'); n >= 0 {
		return to + n + 1
	}
	return len(text)
}

// blockRange is a block from its first label to its closing brace.
func blockRange(b *hclsyntax.Block) hcl.Range {
	return hcl.RangeBetween(b.TypeRange, b.CloseBraceRange)
}

// indentAt is the white space that begins the line of a byte.
func indentAt(text []byte, at int) string {
	start := bytes.LastIndexByte(text[:at], '\n') + 1
	line := text[start:at]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// putInside adds a line of text to the end of a block's body.
func (s *source) putInside(doc *file, b *hclsyntax.Block, line string) Set {
	open, end := b.OpenBraceRange, b.CloseBraceRange
	indent := indentAt(doc.text, b.TypeRange.Start.Byte)
	line = strings.ReplaceAll(line, "\n", "\n"+indent+"  ")
	if open.Start.Line != end.Start.Line {
		at := end.Start.Byte - len(indentAt(doc.text, end.Start.Byte))
		if doc.text[at-1] != '\n' {
			at = end.Start.Byte
		}
		return s.splice(doc, at, at, indent+"  "+line+"\n")
	}
	inner := strings.TrimSpace(string(doc.text[open.End.Byte:end.Start.Byte]))
	if inner != "" {
		inner = indent + "  " + inner + "\n"
	}
	return s.splice(doc, open.End.Byte, end.Start.Byte, "\n"+inner+indent+"  "+line+"\n"+indent)
}
