package cib

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// newElement makes an element; attributes come as name and value in turn, and
// those with an empty value are left out.
func newElement(name string, attrs ...string) *element {
	e := &element{name: name}
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			e.set(attrs[i], attrs[i+1])
		}
	}
	return e
}

// set adds an attribute, an empty one too.
func (e *element) set(name, value string) {
	e.attrs = append(e.attrs, xml.Attr{Name: xml.Name{Local: name}, Value: value})
}

func (e *element) add(children ...*element) {
	e.children = append(e.children, children...)
}

// write prints the tree with two blanks for each level. An element named "!" is
// a comment.
func (e *element) write(w io.Writer) error {
	if err := e.printable(); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, `<?xml version="1.0" encoding="UTF-8"?>`)
	e.print(out, 0)
	return out.Flush()
}

func (e *element) print(out *bufio.Writer, depth int) {
	indent := strings.Repeat("  ", depth)
	out.WriteString(indent)
	if e.name == "!" {
		fmt.Fprintf(out, "<!-- %s -->\n", strings.ReplaceAll(e.attr("text"), "--", "- -"))
		return
	}
	out.WriteString("<" + e.name)
	for _, a := range e.attrs {
		fmt.Fprintf(out, ` %s="`, a.Name.Local)
		_ = xml.EscapeText(out, []byte(a.Value)) // out remembers errors
		out.WriteByte('"')
	}
	if len(e.children) == 0 {
		out.WriteString("/>\n")
		return
	}
	out.WriteString(">\n")
	for _, c := range e.children {
		c.print(out, depth+1)
	}
	fmt.Fprintf(out, "%s</%s>\n", indent, e.name)
}

// printable reports a value that XML cannot hold: XML has no form at all for
// most control characters.
func (e *element) printable() error {
	for _, a := range e.attrs {
		if i := strings.IndexFunc(a.Value, notXML); i >= 0 || !utf8.ValidString(a.Value) {
			return fmt.Errorf("<%s id=%q>: the value of %s holds a character that XML cannot hold: %q", e.name, e.attr("id"), a.Name.Local, a.Value)
		}
		if !isXMLName(a.Name.Local) {
			return fmt.Errorf("<%s id=%q>: %q cannot be the name of an attribute in XML", e.name, e.attr("id"), a.Name.Local)
		}
	}
	if e.name != "!" && !isXMLName(e.name) {
		return fmt.Errorf("%q cannot be the name of an element in XML", e.name)
	}
	for _, c := range e.children {
		if err := c.printable(); err != nil {
			return err
		}
	}
	return nil
}

func notXML(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r >= 0xd800 && r <= 0xdfff || r == 0xfffe || r == 0xffff || r > 0x10ffff
}

// isXMLName says whether a text can be an id, or the name of an element.
func isXMLName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0xc0 && r != 0xd7 && r != 0xf7 && r < 0x2000
		other := r >= '0' && r <= '9' || r == '-' || r == '.'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return s != ""
}
