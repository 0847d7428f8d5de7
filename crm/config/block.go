package config

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// block is one block while it is read. It remembers which arguments and inner
// blocks it was asked for, so that done can report all others and suggest the
// word that was meant: the readers themselves are the schema.
type block struct {
	*hclsyntax.Block
	d      *decoder
	ctx    *hcl.EvalContext // values in reach: var, local, and each inside for_each
	asked  []string         // arguments read so far
	wanted []string         // inner blocks read so far
}

func (d *decoder) block(b *hclsyntax.Block, ctx *hcl.EvalContext) *block {
	return &block{Block: b, d: d, ctx: ctx}
}

// inner wraps an inner block; it sees the same values.
func (b *block) inner(child *hclsyntax.Block) *block { return b.d.block(child, b.ctx) }

// head is the place of the block's first line: type and labels.
func (b *block) head() hcl.Range { return b.DefRange() }

// label is the i-th label, or "" when it is missing (which was reported).
func (b *block) label(i int) string {
	if i < len(b.Labels) {
		return b.Labels[i]
	}
	return ""
}

// attr asks for an argument: nil when it is not there.
func (b *block) attr(name string) *hclsyntax.Attribute {
	b.asked = append(b.asked, name)
	return b.Body.Attributes[name]
}

// blocks asks for the inner blocks of the types, in document order.
func (b *block) blocks(types ...string) []*block {
	b.wanted = append(b.wanted, types...)
	var out []*block
	for _, inner := range b.Body.Blocks {
		if slices.Contains(types, inner.Type) {
			out = append(out, b.inner(inner))
		}
	}
	return out
}

// rest are the arguments that nobody asked for, in document order.
func (b *block) rest() []*hclsyntax.Attribute {
	var out []*hclsyntax.Attribute
	for name, a := range b.Body.Attributes {
		if !slices.Contains(b.asked, name) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(x, y *hclsyntax.Attribute) int { return x.SrcRange.Start.Byte - y.SrcRange.Start.Byte })
	return out
}

// takeRest marks the remaining arguments as read.
func (b *block) takeRest() []*hclsyntax.Attribute {
	rest := b.rest()
	for _, a := range rest {
		b.asked = append(b.asked, a.Name)
	}
	return rest
}

// done reports the arguments and blocks that nobody asked for.
func (b *block) done() {
	for _, a := range b.rest() {
		b.d.errorf(a.NameRange, "Unknown argument", "%s has no argument %q.%s",
			article(b.Type), a.Name, orKnown(a.Name, b.asked))
	}
	for _, inner := range b.Body.Blocks {
		if !slices.Contains(b.wanted, inner.Type) {
			b.d.errorf(inner.TypeRange, "Unknown block", "%s has no block %q.%s",
				article(b.Type), inner.Type, orKnown(inner.Type, b.wanted))
		}
	}
}

// one asks for an inner block that may appear once.
func (b *block) one(typ string) *block {
	all := b.blocks(typ)
	if len(all) == 0 {
		return nil
	}
	for _, extra := range all[1:] {
		b.d.errorf(extra.head(), "Duplicate block", "%s takes one %q block; the first is in line %d", article(b.Type), typ, all[0].TypeRange.Start.Line)
	}
	return all[0]
}

// labels checks the number of labels, named for the error.
func (b *block) labels(names ...string) bool {
	if len(b.Labels) == len(names) {
		return true
	}
	form := b.Type
	for _, n := range names {
		form += ` "` + n + `"`
	}
	b.d.errorf(b.head(), "Wrong labels", "write it as: %s { … }", form)
	return false
}

// orKnown suggests one word, or lists all when they are few.
func orKnown(given string, known []string) string {
	if s := didYouMean(given, known); s != "" {
		return s
	}
	known = slices.Compact(slices.Sorted(slices.Values(known)))
	if len(known) == 0 {
		return ""
	}
	return " Known: " + listed(known)
}

// article is a block type in a sentence: "a resource", "an order".
func article(typ string) string {
	switch typ[:1] {
	case "a", "e", "i", "o":
		return "an " + typ
	}
	if typ == "options" || typ == "defaults" || typ == "params" || typ == "locals" {
		return typ
	}
	return "a " + typ
}
