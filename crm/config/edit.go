package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Edits give a new set and leave the old one as it was. They look at the text
// alone: whether the result makes sense is for Decode to say.

// SetMeta sets a meta-attribute of a resource, group, clone or bundle.
func SetMeta(set Set, resource, name, value string) (Set, error) {
	return SetArgument(set, resource, "meta."+name, value)
}

// DeleteMeta removes a meta-attribute; it is no error when there is none.
func DeleteMeta(set Set, resource, name string) (Set, error) {
	return DeleteArgument(set, resource, "meta."+name)
}

// SetOption sets a cluster option.
func SetOption(set Set, name, value string) (Set, error) {
	return setLoose(set, "options", nil, name, value)
}

// DeleteOption removes a cluster option; it is no error when there is none.
func DeleteOption(set Set, name string) (Set, error) {
	return deleteLoose(set, "options", nil, name)
}

// SetDefault sets a default of resources (of "resource") or operations ("op").
func SetDefault(set Set, of, name, value string) (Set, error) {
	return setLoose(set, "defaults", []string{of}, name, value)
}

// DeleteDefault removes a default; it is no error when there is none.
func DeleteDefault(set Set, of, name string) (Set, error) {
	return deleteLoose(set, "defaults", []string{of}, name)
}

// SetArgument sets one argument of an object. The path is a plain name for a
// parameter or an argument ("ip", "score"), or leads into inner blocks:
// "meta.priority", "params.ip", "utilization.cpu", "attributes.rack",
// "op.monitor.timeout", and "op.monitor.10s.timeout" where several monitors
// exist. Missing inner blocks are made. The value is text; it is written as a
// number or boolean where that is the same, and "secret:NAME" as secret("NAME").
func SetArgument(set Set, id, path, value string) (Set, error) {
	s, at, arg, err := locate(set, id, path, true)
	if err != nil {
		return set, err
	}
	return s.setAttribute(at.doc, at.block, arg, valueText(value)), nil
}

// SetExpression is SetArgument for an HCL expression, such as the list of
// references "[nginx, db.Promoted]".
func SetExpression(set Set, id, path, expression string) (Set, error) {
	if _, err := parseText("expression", []byte("x = "+expression+"\n")); err != nil {
		return set, fmt.Errorf("the new value of %s: %w", path, err)
	}
	s, at, arg, err := locate(set, id, path, true)
	if err != nil {
		return set, err
	}
	return s.setAttribute(at.doc, at.block, arg, expression), nil
}

// DeleteArgument removes one argument of an object, by the same paths. An
// inner block that is empty then goes too. It is no error when there is none.
func DeleteArgument(set Set, id, path string) (Set, error) {
	s, at, arg, err := locate(set, id, path, false)
	if err != nil {
		return set, err
	}
	if at.block == nil || at.block.Body.Attributes[arg] == nil {
		return set, nil
	}
	return s.deleteAttribute(at, arg), nil
}

// setAttribute replaces the expression of an argument, or adds it.
func (s *source) setAttribute(doc *file, b *hclsyntax.Block, name, expr string) Set {
	if a := b.Body.Attributes[name]; a != nil {
		rng := a.Expr.Range()
		return s.splice(doc, rng.Start.Byte, rng.End.Byte, expr)
	}
	return s.putInside(doc, b, name+" = "+expr)
}

// deleteAttribute removes an argument, and the inner block that it empties.
func (s *source) deleteAttribute(at place, name string) Set {
	b := at.block
	if len(at.outer) > 0 && len(b.Body.Attributes) == 1 && len(b.Body.Blocks) == 0 && disposable[b.Type] {
		from, to := wholeLines(at.doc.text, blockRange(b))
		return s.splice(at.doc, from, to, "")
	}
	from, to := wholeLines(at.doc.text, b.Body.Attributes[name].SrcRange)
	return s.splice(at.doc, from, to, "")
}

// disposable blocks mean nothing when they are empty.
var disposable = map[string]bool{"meta": true, "params": true, "utilization": true, "attributes": true}

// locate finds the block that a path leads to, and the argument's name in it.
// With create, missing inner blocks are made; otherwise the block may be nil.
func locate(set Set, id, path string, create bool) (*source, place, string, error) {
	s, err := open(set)
	if err != nil {
		return nil, place{}, "", err
	}
	at, err := s.find(id)
	if err != nil {
		return nil, place{}, "", err
	}
	if at.wrapper != nil { // the clone's own arguments are its meta-attributes
		arg, ok := strings.CutPrefix(path, "meta.")
		if !ok || !hclsyntax.ValidIdentifier(arg) {
			return nil, place{}, "", fmt.Errorf("the clone %q has meta-attributes only: meta.NAME", id)
		}
		return s, place{doc: at.doc, block: at.wrapper}, arg, nil
	}
	kind, rest, deep := strings.Cut(path, ".")
	switch {
	case !deep:
		return s, at, path, checkArgument(path)
	case kind == "op":
		return s.locateOp(set, at, id, rest, create)
	case disposable[kind]:
		if err := checkArgument(rest); err != nil {
			return nil, place{}, "", err
		}
		inBody := kind == "params" && at.block.Type != "group" && !slices.Contains(reservedInResource, rest)
		if inBody && at.block.Body.Attributes[rest] != nil {
			return s, at, rest, nil
		}
		if inner := plainInner(at.block, kind, rest); inner != nil || !create {
			return s, at.into(inner), rest, nil
		}
		if inBody {
			return s, at, rest, nil
		}
		return makeInner(s, at, id, path, kind+" {\n}", create)
	}
	return nil, place{}, "", fmt.Errorf("%q leads nowhere: write NAME, meta.NAME, params.NAME, utilization.NAME, attributes.NAME or op.OPERATION.NAME", path)
}

func checkArgument(name string) error {
	if !hclsyntax.ValidIdentifier(name) {
		return fmt.Errorf("%q cannot be the name of an argument", name)
	}
	return nil
}

func (p place) into(inner *hclsyntax.Block) place {
	return place{doc: p.doc, block: inner, outer: append(p.outer[:len(p.outer):len(p.outer)], p.block)}
}

// plainInner is the inner set that an edit means: the one that has the name, or
// the first one without rule, id-ref and score.
func plainInner(b *hclsyntax.Block, kind, name string) *hclsyntax.Block {
	var first *hclsyntax.Block
	for _, inner := range b.Body.Blocks {
		if inner.Type != kind || hasRule(inner) {
			continue
		}
		if inner.Body.Attributes[name] != nil {
			return inner
		}
		if first == nil && inner.Body.Attributes["score"] == nil && inner.Body.Attributes["id-ref"] == nil {
			first = inner
		}
	}
	return first
}

func hasRule(b *hclsyntax.Block) bool {
	for _, inner := range b.Body.Blocks {
		if inner.Type == "rule" {
			return true
		}
	}
	return false
}

// makeInner adds an empty inner block and locates again.
func makeInner(s *source, at place, id, path, text string, create bool) (*source, place, string, error) {
	if !create {
		return s, at.into(nil), path, nil
	}
	return locate(s.putInside(at.doc, at.block, text), id, path, true)
}

// locateOp finds "monitor.timeout" or "monitor.10s.timeout" in a resource.
func (s *source) locateOp(set Set, at place, id, path string, create bool) (*source, place, string, error) {
	parts := strings.Split(path, ".")
	arg := parts[len(parts)-1]
	interval := ""
	if len(parts) == 3 {
		interval = parts[1]
	}
	if len(parts) < 2 || len(parts) > 3 || !hclsyntax.ValidIdentifier(arg) || !validName(parts[0]) {
		return nil, place{}, "", fmt.Errorf("write op.OPERATION.NAME or op.OPERATION.INTERVAL.NAME, not op.%s", path)
	}
	var fits []*hclsyntax.Block
	for _, inner := range at.block.Body.Blocks {
		if inner.Type != "op" || len(inner.Labels) != 1 || inner.Labels[0] != parts[0] {
			continue
		}
		if interval == "" || sameInterval(inner, interval) {
			fits = append(fits, inner)
		}
	}
	switch {
	case len(fits) == 1:
		return s, at.into(fits[0]), arg, nil
	case len(fits) > 1:
		return nil, place{}, "", fmt.Errorf("%q has %d %s operations: say which by its interval, op.%s.INTERVAL.%s", id, len(fits), parts[0], parts[0], arg)
	case interval != "" || !create:
		if create {
			return nil, place{}, "", fmt.Errorf("%q has no %s with interval %s", id, parts[0], interval)
		}
		return s, at.into(nil), arg, nil
	}
	return makeInner(s, at, id, "op."+path, fmt.Sprintf("op %s {\n}", quoted(parts[0])), create)
}

func sameInterval(op *hclsyntax.Block, want string) bool {
	a := op.Body.Attributes["interval"]
	if a == nil {
		return false
	}
	x, err1 := parseDuration(literal(a.Expr))
	y, err2 := parseDuration(want)
	return err1 == nil && err2 == nil && x == y
}

// setLoose sets a name in a block without a name of its own: options, defaults.
func setLoose(set Set, typ string, labels []string, name, value string) (Set, error) {
	if err := checkArgument(name); err != nil {
		return set, err
	}
	s, err := open(set)
	if err != nil {
		return set, err
	}
	if at := s.loose(typ, labels, name); at.block != nil {
		return s.setAttribute(at.doc, at.block, name, valueText(value)), nil
	}
	head := typ
	for _, l := range labels {
		head += " " + quoted(l)
	}
	return AddBlock(set, "", fmt.Sprintf("%s {\n  %s = %s\n}\n", head, name, valueText(value)))
}

func deleteLoose(set Set, typ string, labels []string, name string) (Set, error) {
	s, err := open(set)
	if err != nil {
		return set, err
	}
	at := s.loose(typ, labels, name)
	if at.block == nil || at.block.Body.Attributes[name] == nil {
		return set, nil
	}
	return s.deleteAttribute(at, name), nil
}

// loose finds the last block of a type that has the name, or else the last one
// that is plain: among equals the last one counts.
func (s *source) loose(typ string, labels []string, name string) place {
	var has, plain place
	s.walk(func(p place) bool {
		if len(p.outer) > 0 || p.block.Type != typ || strings.Join(p.block.Labels, " ") != strings.Join(labels, " ") || hasRule(p.block) {
			return true
		}
		if p.block.Body.Attributes[name] != nil {
			has = p
		}
		if p.block.Body.Attributes["score"] == nil && p.block.Body.Attributes["id-ref"] == nil {
			plain = p
		}
		return true
	})
	if has.block != nil {
		return has
	}
	return plain
}
