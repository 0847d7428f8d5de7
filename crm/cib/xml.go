package cib

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// Limits of what is read, far above any real cluster's document.
const (
	// MaxSize is the largest accepted document in bytes: 256 MiB.
	MaxSize = 256 << 20

	// MaxDepth is the deepest accepted nesting of elements. A CIB needs about
	// ten; only nested rules go deeper.
	MaxDepth = 100
)

// element is one XML element. Text is dropped: a CIB keeps everything in
// attributes.
type element struct {
	name     string
	attrs    []xml.Attr
	children []*element
	line     int
}

// attr is the value of an attribute, or "".
func (e *element) attr(name string) string {
	value, _ := e.lookup(name)
	return value
}

// lookup is the value of an attribute and whether it exists.
func (e *element) lookup(name string) (string, bool) {
	for i := range e.attrs {
		if e.attrs[i].Name.Local == name {
			return e.attrs[i].Value, true
		}
	}
	return "", false
}

// optional is nil for an absent attribute.
func (e *element) optional(name string) *string {
	if value, ok := e.lookup(name); ok {
		return &value
	}
	return nil
}

// pairs are the attributes in document order, without those named.
func (e *element) pairs(without ...string) []policy.Pair {
	var out []policy.Pair
next:
	for _, a := range e.attrs {
		for _, name := range without {
			if a.Name.Local == name {
				continue next
			}
		}
		out = append(out, policy.Pair{Name: a.Name.Local, Value: a.Value})
	}
	return out
}

// child is the first child of that name, or nil.
func (e *element) child(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// parse reads one document of at most limit bytes, not counting compression, and returns its root element.
func parse(r io.Reader, file string, limit int64) (*element, error) {
	r, err := plain(r, file)
	if err != nil {
		return nil, err
	}
	limited := &cappedReader{r: r, left: limit}
	d := xml.NewDecoder(limited)
	d.CharsetReader = charset
	p := parser{decoder: d, file: file}
	root, err := p.document()
	if limited.exceeded {
		return nil, fmt.Errorf("%s: larger than %d MiB: this is not a cluster's CIB", file, limit>>20)
	}
	return root, err
}

// parser builds the tree.
type parser struct {
	decoder *xml.Decoder
	file    string
	open    []*element
	root    *element
}

func (p *parser) document() (*element, error) {
	for {
		line, _ := p.decoder.InputPos()
		token, err := p.decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = p.token(token, line)
		}
		if err != nil {
			return nil, p.explain(err)
		}
	}
	if p.root == nil {
		return nil, fmt.Errorf("%s: empty: expected a <cib> element", p.file)
	}
	return p.root, nil
}

// explain adds file and line to an error of the decoder.
func (p *parser) explain(err error) error {
	line, _ := p.decoder.InputPos()
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%s:%d: malformed XML: %s", p.file, syntax.Line, syntax.Msg)
	}
	return fmt.Errorf("%s:%d: %w", p.file, line, err)
}

func (p *parser) token(token xml.Token, line int) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t, line)
	case xml.EndElement:
		p.open = p.open[:len(p.open)-1]
	case xml.CharData:
		if len(p.open) == 0 && strings.TrimSpace(string(t)) != "" {
			return errors.New("malformed XML: text outside of the root element")
		}
	case xml.Directive:
		// A document type with declarations of its own could change what
		// the document says; nobody writes a CIB like that.
		if strings.Contains(string(t), "[") {
			return errors.New("declarations in a document type are not accepted: remove the <!DOCTYPE>")
		}
	}
	return nil
}

func (p *parser) start(t xml.StartElement, line int) error {
	if len(p.open) == MaxDepth {
		return fmt.Errorf("more than %d elements inside each other", MaxDepth)
	}
	attrs, err := attributes(t)
	if err != nil {
		return err
	}
	e := &element{name: t.Name.Local, attrs: attrs, line: line}
	switch {
	case len(p.open) > 0:
		parent := p.open[len(p.open)-1]
		parent.children = append(parent.children, e)
	case p.root != nil:
		return fmt.Errorf("malformed XML: a second root element <%s>", e.name)
	default:
		p.root = e
	}
	p.open = append(p.open, e)
	return nil
}

// attributes drops declarations of name spaces and refuses duplicates.
func attributes(t xml.StartElement) ([]xml.Attr, error) {
	kept := make([]xml.Attr, 0, len(t.Attr))
	seen := make(map[xml.Name]bool, len(t.Attr))
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
			continue
		}
		if seen[a.Name] {
			return nil, fmt.Errorf("malformed XML: attribute %q twice in <%s>", a.Name.Local, t.Name.Local)
		}
		seen[a.Name] = true
		kept = append(kept, a)
	}
	return kept, nil
}

// charset accepts the encodings that are subsets of, or trivially map to,
// Unicode. UTF-8 never comes here.
func charset(label string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "us-ascii", "ascii":
		return input, nil
	case "iso-8859-1", "latin1":
		return &latin1{r: input}, nil
	}
	return nil, fmt.Errorf("encoding %q is not supported: convert the file to UTF-8", label)
}

// latin1 turns ISO 8859-1 into UTF-8.
type latin1 struct {
	r       io.Reader
	pending []byte
}

// Read implements io.Reader.
func (l *latin1) Read(p []byte) (int, error) {
	if len(l.pending) == 0 {
		var raw [4096]byte
		n, err := l.r.Read(raw[:])
		for _, b := range raw[:n] {
			l.pending = append(l.pending, string(rune(b))...)
		}
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, l.pending)
	l.pending = l.pending[n:]
	return n, nil
}

// cappedReader fails after left bytes and remembers that it did.
type cappedReader struct {
	r        io.Reader
	left     int64
	exceeded bool
}

// Read implements io.Reader.
func (c *cappedReader) Read(p []byte) (int, error) {
	if c.left <= 0 {
		var one [1]byte
		n, err := c.r.Read(one[:])
		if n > 0 {
			c.exceeded = true
			return 0, errors.New("too large")
		}
		return 0, err
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	return n, err
}
