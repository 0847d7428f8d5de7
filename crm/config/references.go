package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// refers says whether a reference, perhaps with a role or action, names one of
// those that are gone.
func refers(text string, gone map[string]bool) bool {
	if text == "" {
		return false
	}
	names := []string{text}
	if dot := strings.LastIndexByte(text, '.'); dot > 0 {
		if word := text[dot+1:]; roles[word] != "" || slices.Contains(actions, word) {
			names = append(names, text[:dot])
		}
	}
	for _, n := range names {
		if gone[n] {
			return true
		}
		for g := range gone {
			if prefix, ok := strings.CutSuffix(g, "*"); ok && strings.HasPrefix(n, prefix) {
				return true
			}
		}
	}
	return false
}

// nodeMark tells the names of nodes that are gone from those of objects: they
// are two namespaces.
const nodeMark = "node "

// goneFor are the gone names that an argument can mean.
func goneFor(argument string, gone map[string]bool) map[string]bool {
	ofNodes := slices.Contains([]string{"node", "target", "targets", "prefers", "avoids"}, argument)
	out := map[string]bool{}
	for g := range gone {
		if name, isNode := strings.CutPrefix(g, nodeMark); isNode == ofNodes {
			out[name] = true
		}
	}
	return out
}

// item is one element of a list or one entry of a map.
type item struct {
	name  string
	rng   hcl.Range // the element, or key = value
	index int
	of    int
}

// findItem finds the first element that names one of those that are gone.
func findItem(e hcl.Expression, gone map[string]bool) *item {
	switch x := e.(type) {
	case *hclsyntax.TupleConsExpr:
		for i, el := range x.Exprs {
			if refers(literal(el), gone) {
				return &item{name: literal(el), rng: el.Range(), index: i, of: len(x.Exprs)}
			}
		}
	case *hclsyntax.ObjectConsExpr:
		for i, el := range x.Items {
			if refers(literal(el.KeyExpr), gone) {
				return &item{name: literal(el.KeyExpr), rng: hcl.RangeBetween(el.KeyExpr.Range(), el.ValueExpr.Range()), index: i, of: len(x.Items)}
			}
		}
	default:
		if refers(literal(e), gone) {
			return &item{name: literal(e), rng: e.Range(), of: 1}
		}
	}
	return nil
}

// dropItem takes one element out of a list, and the argument with the last.
func (s *source) dropItem(at place, a *hclsyntax.Attribute, it *item) Set {
	if it.of == 1 {
		return s.deleteAttribute(at, a.Name)
	}
	text := at.doc.text
	from, to := it.rng.Start.Byte, it.rng.End.Byte
	rng := a.Expr.Range()
	if it.index < it.of-1 { // with the comma and the blanks behind
		for to < rng.End.Byte && strings.ContainsRune(", \t\r\n", rune(text[to])) {
			to++
		}
	} else { // with the comma and the blanks before
		for from > rng.Start.Byte && strings.ContainsRune(", \t\r\n", rune(text[from-1])) {
			from--
		}
	}
	return s.splice(at.doc, from, to, "")
}

// What becomes of a block when a name in it goes: arguments that a block
// cannot be without, and lists that shrink.
var (
	vital  = []string{"resource", "with", "first", "then", "target", "node"}
	shrink = []string{"with", "after", "prefers", "avoids", "members", "resources", "devices", "targets", "roles"}
	// least is how many elements a list must keep for its block to make sense.
	least = map[string]int{"members": 1, "resources": 1, "devices": 1, "targets": 1}
	rules = []string{"location", "colocation", "order", "ticket", "fence_topology"}
)

// dropReferences removes what refers to names that are gone, until nothing
// does.
func dropReferences(set Set, gone map[string]bool) (Set, []string, error) {
	var told []string
	for range maxObjects {
		s, err := open(set)
		if err != nil {
			return set, told, err
		}
		next, what, ok := s.dropOne(gone)
		if !ok {
			return set, told, nil
		}
		set, told = next, append(told, what)
	}
	return set, told, nil
}

// dropOne finds and removes one reference.
func (s *source) dropOne(gone map[string]bool) (out Set, what string, ok bool) {
	s.walk(func(p place) bool {
		out, what, ok = s.dropIn(p, gone)
		return !ok
	})
	return out, what, ok
}

func (s *source) dropIn(p place, gone map[string]bool) (Set, string, bool) {
	title := blockTitle(p.block)
	if len(p.outer) > 0 && !named(p.block, true) {
		title = blockTitle(p.outer[len(p.outer)-1]) + " / " + title
	}
	if len(p.outer) == 0 && slices.Contains(rules, p.block.Type) {
		for _, name := range vital {
			if a := p.block.Body.Attributes[name]; a != nil && refers(literal(a.Expr), goneFor(name, gone)) {
				return s.dropBlock(p, gone), title + " is deleted: it is about " + literal(a.Expr), true
			}
		}
	}
	for _, name := range shrink {
		a := p.block.Body.Attributes[name]
		if a == nil || !holdsReferences(p) {
			continue
		}
		hit := findItem(a.Expr, goneFor(name, gone))
		if hit == nil {
			continue
		}
		keep := least[name]
		if p.block.Type == "spread" {
			keep = 2
		}
		if hit.of-1 < keep {
			return s.dropBlock(p, gone), title + " is deleted: nothing is left in " + name, true
		}
		return s.dropItem(p, a, hit), fmt.Sprintf("%s: %s is taken out of %s", title, hit.name, name), true
	}
	if len(p.outer) == 0 && emptied(p.block) {
		return s.dropBlock(p, gone), title + " is deleted: nothing is left of it", true
	}
	return Set{}, "", false
}

// holdsReferences tells our lists from parameters of the same name.
func holdsReferences(p place) bool {
	switch p.block.Type {
	case "resource", "group", "clone", "bundle", "fence", "tag", "spread", "set", "level", "acl_user", "acl_group":
		return true
	}
	return false
}

// emptied says whether a constraint or topology lost its last set or level.
func emptied(b *hclsyntax.Block) bool {
	if !slices.Contains(rules, b.Type) {
		return false
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type == "set" || inner.Type == "level" {
			return false
		}
	}
	switch b.Type {
	case "fence_topology":
		return true
	case "location":
		return b.Body.Attributes["resource"] == nil && b.Body.Attributes["rsc-pattern"] == nil
	case "order":
		return b.Body.Attributes["first"] == nil
	}
	return b.Body.Attributes["resource"] == nil
}

// dropBlock removes a block; the names that it defined are gone too.
func (s *source) dropBlock(p place, gone map[string]bool) Set {
	if named(p.block, len(p.outer) > 0) {
		for n := range declaredBy(p.block) {
			gone[n] = true
		}
	}
	from, to := wholeLines(p.doc.text, blockRange(p.block))
	return s.splice(p.doc, from, to, "")
}
