package crmsh

import (
	"fmt"
	"strings"
)

// location is "l1 web 100: n1" or "l1 web rule -inf: not_defined ping".
func (l *line) location() error {
	id, err := l.id()
	if err != nil {
		return err
	}
	b := newBlock("location", id)
	target, ok := l.next()
	switch {
	case !ok:
		return l.usage()
	case strings.HasPrefix(target, "/") && strings.HasSuffix(target, "/") && len(target) > 2:
		b.set("rsc-pattern", target[1:len(target)-1])
	case target == "{":
		members, err := l.until("}")
		if err != nil {
			return err
		}
		set := newBlock("set")
		set.raw("resources", references(members))
		b.inner(set)
	default:
		b.raw("resource", reference(target))
	}
	for _, p := range l.pairs() {
		switch p.name {
		case "role", "$role":
			b.set("role", role(p.value))
		case "resource-discovery":
			b.set(p.name, p.value)
		default:
			return fmt.Errorf("a location has no %q", p.name)
		}
	}
	if len(l.words) > 0 && l.words[0] == "rule" {
		return l.locationRules(b)
	}
	points, ok := l.next()
	node, ok2 := l.next()
	if !ok || !ok2 {
		return l.usage()
	}
	b.raw("node", reference(node))
	b.raw("score", score(points))
	if err := l.done(); err != nil {
		return err
	}
	return l.add(b)
}

// until takes the words before an end mark.
func (l *line) until(end string) ([]string, error) {
	var out []string
	for {
		w, ok := l.next()
		if !ok {
			return nil, fmt.Errorf("a %q is missing", end)
		}
		if w == end {
			return out, nil
		}
		out = append(out, w)
	}
}

func (l *line) locationRules(b *block) error {
	for len(l.words) > 0 {
		if w, _ := l.next(); w != "rule" {
			return fmt.Errorf("%q is not understood; %w", w, l.usage())
		}
		r := newBlock("rule")
		for _, p := range l.pairs() {
			switch p.name {
			case "$id":
				r.set("id", p.value)
			case "$role", "role":
				r.set("role", role(p.value))
			default:
				return fmt.Errorf("a rule has no %q", p.name)
			}
		}
		points, ok := l.next()
		if !ok {
			return l.usage()
		}
		if attr := strings.TrimSuffix(points, ":"); isAttributeScore(attr) {
			r.raw("score", attributeText(attr))
		} else {
			r.raw("score", score(points))
		}
		when, err := l.expression()
		if err != nil {
			return err
		}
		r.raw("when", when)
		b.inner(r)
	}
	return l.add(b)
}

func isAttributeScore(word string) bool {
	lower := strings.ToLower(strings.TrimLeft(word, "+-"))
	return lower != "" && (lower[0] < '0' || lower[0] > '9') && lower != "inf" && lower != "infinity" && lower != "mandatory" && lower != "advisory"
}

// colocation is "c1 inf: web db:Promoted"; more than two names, or brackets,
// make sets.
func (l *line) colocation() error {
	id, err := l.id()
	if err != nil {
		return err
	}
	points, ok := l.next()
	if !ok {
		return l.usage()
	}
	b := newBlock("colocation", id)
	words, attributes := l.split()
	if len(words) == 2 && !hasBrackets(words) {
		b.raw("resource", reference(words[0]))
		b.raw("with", reference(words[1]))
	} else if err := l.resourceSets(b, words, "role"); err != nil {
		return err
	}
	b.raw("score", score(points))
	for _, p := range attributes {
		if p.name != "node-attribute" && p.name != "influence" {
			return fmt.Errorf("a colocation has no %q", p.name)
		}
		b.set(p.name, p.value)
	}
	return l.add(b)
}

// order is "o1 Mandatory: db:promote web:start".
func (l *line) order() error {
	id, err := l.id()
	if err != nil {
		return err
	}
	b := newBlock("order", id)
	if len(l.words) > 0 && strings.HasSuffix(l.words[0], ":") {
		word, _ := l.next()
		switch kind := strings.ToLower(strings.TrimSuffix(word, ":")); kind {
		case "mandatory", "inf", "infinity":
			b.set("kind", "Mandatory")
		case "optional", "advisory", "0":
			b.set("kind", "Optional")
		case "serialize":
			b.set("kind", "Serialize")
		default:
			b.raw("score", score(word))
		}
	}
	words, attributes := l.split()
	if len(words) == 2 && !hasBrackets(words) {
		b.raw("first", reference(words[0]))
		b.raw("then", reference(words[1]))
	} else if err := l.resourceSets(b, words, "action"); err != nil {
		return err
	}
	for _, p := range attributes {
		if p.name != "symmetrical" && p.name != "require-all" {
			return fmt.Errorf("an order has no %q", p.name)
		}
		b.set(p.name, p.value)
	}
	return l.add(b)
}

// split takes all words, names first and NAME=VALUE apart.
func (l *line) split() (words []string, attributes []pair) {
	for len(l.words) > 0 {
		if pairs := l.pairs(); len(pairs) > 0 {
			attributes = append(attributes, pairs...)
			continue
		}
		w, _ := l.next()
		words = append(words, w)
	}
	return words, attributes
}

func hasBrackets(words []string) bool {
	for _, w := range words {
		if strings.ContainsAny(w, "()[]") {
			return true
		}
	}
	return false
}

// resourceSets divides names into sets: "a ( b c ) [ d e ]". Round brackets
// have no order inside; square ones need one of their members only.
func (l *line) resourceSets(b *block, words []string, suffix string) error {
	words = spaced(words)
	var members []string
	flush := func(mark string) error {
		if len(members) == 0 {
			return nil
		}
		s, err := resourceSet(members, suffix)
		if err != nil {
			return err
		}
		switch mark {
		case ")":
			s.raw("sequential", "false")
		case "]":
			s.raw("sequential", "false")
			s.raw("require-all", "false")
		}
		b.inner(s)
		members = nil
		return nil
	}
	open := ""
	for _, w := range words {
		switch w {
		case "(", "[":
			if open != "" {
				return fmt.Errorf("brackets do not nest")
			}
			if err := flush(""); err != nil {
				return err
			}
			open = w
		case ")", "]":
			if open == "" || open == "(" != (w == ")") {
				return fmt.Errorf("the bracket %q was not opened", w)
			}
			if err := flush(w); err != nil {
				return err
			}
			open = ""
		default:
			members = append(members, w)
		}
	}
	if open != "" {
		return fmt.Errorf("the bracket %q is not closed", open)
	}
	if err := flush(""); err != nil {
		return err
	}
	if len(b.lines) == 0 {
		return l.usage()
	}
	return nil
}

// spaced parts brackets from the words that they touch.
func spaced(words []string) []string {
	var out []string
	for _, w := range words {
		for _, mark := range []string{"(", ")", "[", "]"} {
			w = strings.ReplaceAll(w, mark, " "+mark+" ")
		}
		out = append(out, strings.Fields(w)...)
	}
	return out
}

// resourceSet is one set; a role or action must be the same for all members.
func resourceSet(words []string, suffix string) (*block, error) {
	s := newBlock("set")
	common := ""
	var names []string
	for i, w := range words {
		name, what, _ := strings.Cut(w, ":")
		if i > 0 && what != common {
			return nil, fmt.Errorf("the members of a set have one %s: put %q into a set of its own", suffix, w)
		}
		common = what
		names = append(names, name)
	}
	s.raw("resources", references(names))
	if common != "" {
		s.set(suffix, role(common))
	}
	return s, nil
}

// ticket is "t1 paris: web:Promoted loss-policy=stop".
func (l *line) ticket() error {
	id, err := l.id()
	if err != nil {
		return err
	}
	name, ok := l.next()
	if !ok {
		return l.usage()
	}
	b := newBlock("ticket", id)
	b.set("ticket", strings.TrimSuffix(name, ":"))
	words, attributes := l.split()
	switch len(words) {
	case 0:
		return l.usage()
	case 1:
		b.raw("resource", reference(words[0]))
	default:
		if err := l.resourceSets(b, words, "role"); err != nil {
			return err
		}
	}
	for _, p := range attributes {
		if p.name != "loss-policy" {
			return fmt.Errorf("a ticket has no %q", p.name)
		}
		b.set(p.name, p.value)
	}
	return l.add(b)
}
