package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// defaultDocument takes a block when the set has no document yet.
const defaultDocument = "cluster.hcl"

// AddBlock adds one or several top-level blocks, given as HCL text, to the end
// of a document. With an empty name it chooses: the document that already has
// blocks of that type, else the last one, else a new "cluster.hcl".
func AddBlock(set Set, document, text string) (Set, error) {
	body, err := parseText("new block", []byte(text))
	if err != nil {
		return set, err
	}
	if len(body.Blocks) == 0 || len(body.Attributes) > 0 {
		return set, fmt.Errorf("a block is needed, such as resource \"vip\" \"web_ip\" { … }")
	}
	s, err := open(set)
	if err != nil {
		return set, err
	}
	if document == "" {
		document = s.documentFor(body.Blocks[0].Type)
	}
	old, _ := set.Document(document)
	out := bytes.TrimRight(old.Text, " \t\r\n")
	if len(out) > 0 {
		out = append(slices.Clone(out), "\n\n"...)
	}
	tidyText := bytes.TrimRight(Format([]byte(text)), "\n")
	return set.With(Document{Name: document, Text: append(append(out, tidyText...), '\n')}), nil
}

func (s *source) documentFor(typ string) string {
	if len(s.docs) == 0 {
		return defaultDocument
	}
	name := s.docs[len(s.docs)-1].name
	for _, doc := range s.docs {
		for _, b := range doc.body.Blocks {
			if b.Type == typ {
				name = doc.name
			}
		}
	}
	return name
}

// Source is the text of the block that defines an object, as it stands in the
// document of that name. For the clone that a sub-block makes, it is the
// resource's block.
func Source(set Set, id string) (document, text string, err error) {
	s, err := open(set)
	if err != nil {
		return "", "", err
	}
	at, err := s.find(id)
	if err != nil {
		return "", "", err
	}
	from, to := wholeLines(at.doc.text, blockRange(at.block))
	return at.doc.name, string(at.doc.text[from:to]), nil
}

// ReplaceBlock puts a new text in place of the block that defines an object.
func ReplaceBlock(set Set, id, text string) (Set, error) {
	body, err := parseText("new block", []byte(text))
	if err != nil {
		return set, err
	}
	if len(body.Blocks) != 1 || len(body.Attributes) > 0 {
		return set, fmt.Errorf("exactly one block is needed in place of %q", id)
	}
	s, err := open(set)
	if err != nil {
		return set, err
	}
	at, err := s.find(id)
	if err != nil {
		return set, err
	}
	from, to := wholeLines(at.doc.text, blockRange(at.block))
	if !bytes.ContainsAny(at.doc.text[from:to], "\n") && to < len(at.doc.text) {
		return s.splice(at.doc, from, to, strings.TrimSpace(text)), nil
	}
	indent := indentAt(at.doc.text, at.block.TypeRange.Start.Byte)
	lines := strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+indent)
	return s.splice(at.doc, from, to, indent+lines+"\n"), nil
}

// Group makes a group of resources that stand by themselves so far, moving
// their blocks into it, in the given order.
func Group(set Set, id string, members []string) (Set, error) {
	if len(members) == 0 {
		return set, fmt.Errorf("the group %q needs at least one resource", id)
	}
	var inner strings.Builder
	document := ""
	for _, m := range members {
		s, err := open(set)
		if err != nil {
			return set, err
		}
		at, err := s.find(m)
		if err != nil {
			return set, err
		}
		switch {
		case at.block.Type != "resource" || at.wrapper != nil:
			return set, fmt.Errorf("%q is %s; a group is made of resources", m, article(at.block.Type))
		case len(at.outer) > 0:
			return set, fmt.Errorf("%q is already inside %s", m, blockTitle(at.outer[len(at.outer)-1]))
		case wrapperOf(at.block) != nil:
			return set, fmt.Errorf("%q is a clone; clone the group instead", m)
		}
		if document == "" {
			document = at.doc.name
		}
		from, to := wholeLines(at.doc.text, blockRange(at.block))
		inner.Write(at.doc.text[from:to])
		inner.WriteByte('\n')
		set = s.splice(at.doc, from, to, "")
	}
	return AddBlock(set, document, fmt.Sprintf("group %s {\n%s}\n", quoted(id), inner.String()))
}

// DeleteObject deletes an object and what cannot be without it: constraints
// about it, its places in lists and tags. It lists what else was touched, in
// sentences.
func DeleteObject(set Set, id string) (Set, []string, error) {
	s, err := open(set)
	if err != nil {
		return set, nil, err
	}
	at, err := s.find(id)
	if err != nil {
		if sugar, ok := s.sugarOf(id); ok {
			out, err := sugar()
			return out, nil, err
		}
		return set, nil, err
	}
	if len(at.outer) > 0 && countResources(at.outer[len(at.outer)-1]) == 1 {
		return set, nil, fmt.Errorf("%q is all there is in %s: delete that", id, blockTitle(at.outer[len(at.outer)-1]))
	}
	gone := declaredBy(at.block)
	from, to := wholeLines(at.doc.text, blockRange(at.block))
	if at.wrapper != nil {
		gone = map[string]bool{id: true}
		from, to = wholeLines(at.doc.text, blockRange(at.wrapper))
		return s.splice(at.doc, from, to, ""), nil, nil // names inside now mean the resource itself
	}
	if at.block.Type == "node" {
		gone = map[string]bool{nodeMark + id: true}
	}
	set = s.splice(at.doc, from, to, "")
	return dropReferences(set, gone)
}

func countResources(b *hclsyntax.Block) int {
	n := 0
	for _, inner := range b.Body.Blocks {
		if inner.Type == "resource" || inner.Type == "group" {
			n++
		}
	}
	return n
}

// declaredBy are the names that go with a block; those of for_each end in "*".
func declaredBy(b *hclsyntax.Block) map[string]bool {
	gone := map[string]bool{}
	var add func(*hclsyntax.Block, bool)
	add = func(b *hclsyntax.Block, loop bool) {
		loop = loop || b.Body.Attributes["for_each"] != nil
		names := []string{b.Labels[len(b.Labels)-1]}
		if w := wrapperOf(b); w != nil {
			names = append(names, wrapperName(b, w))
		}
		for _, n := range names {
			if loop {
				n += "-*"
			}
			gone[n] = true
		}
		for _, inner := range b.Body.Blocks {
			if named(inner, true) {
				add(inner, loop)
			}
		}
	}
	add(b, false)
	return gone
}

// sugarOf finds the argument that makes a constraint such as web-with-nginx.
func (s *source) sugarOf(id string) (func() (Set, error), bool) {
	var found func() (Set, error)
	s.walk(func(p place) bool {
		if len(p.block.Labels) == 0 || !slices.Contains([]string{"resource", "group", "clone", "bundle"}, p.block.Type) {
			return true
		}
		name := p.block.Labels[len(p.block.Labels)-1]
		for _, word := range []string{"with", "after", "prefers", "avoids"} {
			target, ok := strings.CutPrefix(id, name+"-"+word+"-")
			a := p.block.Body.Attributes[word]
			if !ok || a == nil {
				continue
			}
			if hit := findItem(a.Expr, map[string]bool{target: true}); hit != nil {
				found = func() (Set, error) { return s.dropItem(p, a, hit), nil }
				return false
			}
		}
		return true
	})
	return found, found != nil
}
