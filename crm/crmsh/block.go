package crmsh

import (
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/crm/config"
)

// block is an HCL block in the making.
type block struct {
	head  string // `resource "vip" "ip"`
	lines []string
}

func newBlock(kind string, labels ...string) *block {
	b := &block{head: kind}
	for _, l := range labels {
		b.head += " " + quote(l)
	}
	return b
}

// set adds an argument whose value is text.
func (b *block) set(name, value string) { b.raw(name, literal(value)) }

// raw adds an argument whose value is an expression.
func (b *block) raw(name, expression string) {
	b.lines = append(b.lines, name+" = "+expression)
}

// inner adds a block, if it has anything in it.
func (b *block) inner(c *block) {
	if len(c.lines) > 0 || strings.HasPrefix(c.head, "op ") {
		b.lines = append(b.lines, c.text())
	}
}

// sets adds name/value pairs as a block: meta, utilization, attributes.
func (b *block) sets(kind string, pairs []pair) {
	c := newBlock(kind)
	for _, p := range pairs {
		c.pair(p)
	}
	b.inner(c)
}

// pair adds an argument, in the literal form where its name is none of HCL's.
func (b *block) pair(p pair) {
	if isIdentifier(p.name) {
		b.set(p.name, p.value)
		return
	}
	b.lines = append(b.lines, "nvpair {\nname = "+quote(p.name)+"\nvalue = "+quote(p.value)+"\n}")
}

func (b *block) text() string {
	return string(config.Format([]byte(b.head + " {\n" + strings.Join(b.lines, "\n") + "\n}\n")))
}

// literal is a value as HCL: a number or truth value bare where that reads back
// as the same text.
func literal(value string) string {
	if value == "true" || value == "false" {
		return value
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && strconv.FormatInt(n, 10) == value {
		return value
	}
	if name, ok := strings.CutPrefix(value, "secret:"); ok {
		return "secret(" + quote(name) + ")"
	}
	return quote(value)
}

// quote writes an HCL string in which nothing is a template.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteRune('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case (c == '$' || c == '%') && strings.HasPrefix(text[i+1:], "{"):
			b.WriteRune(c)
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func isIdentifier(name string) bool {
	for i, c := range name {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}

// reference is a resource with its role or action, "db:Promoted", as HCL.
func reference(word string) string {
	name, what, _ := strings.Cut(word, ":")
	switch strings.ToLower(what) {
	case "master":
		what = "Promoted"
	case "slave":
		what = "Unpromoted"
	}
	if !isIdentifier(name) {
		if what != "" {
			return quote(name + "." + what)
		}
		return quote(name)
	}
	if what != "" {
		return name + "." + what
	}
	return name
}

func references(words []string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = reference(w)
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// score is a score as HCL: crmsh writes inf, -inf, mandatory, advisory.
func score(word string) string {
	switch strings.ToLower(strings.TrimSuffix(word, ":")) {
	case "inf", "+inf", "infinity", "+infinity", "mandatory":
		return "INFINITY"
	case "-inf", "-infinity":
		return "-INFINITY"
	case "advisory":
		return "0"
	}
	return literal(strings.TrimSuffix(word, ":"))
}
