package config

import (
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/policy"
)

// sugar folds constraints back into the resource that has prefers, avoids, with
// or after. It takes them from the front of the list only, in the order in which
// the reader would make them, so that the order of all constraints stays.
func (w *writer) sugar(name string) {
	self := name
	if e, ok := w.names.entries[name]; ok {
		self = e.means
	}
	w.nodeSugar(name, self, "prefers")
	w.nodeSugar(name, self, "avoids")
	w.withSugar(name, self)
	w.afterSugar(name, self)
}

// scoredName is one element of prefers, avoids or with.
type scoredName struct{ text, score string }

// take takes constraints as long as each is exactly what the reader makes of
// the element that item finds in it.
func (w *writer) take(item func(policy.Constraint) (scoredName, policy.Constraint, bool)) []scoredName {
	var out []scoredName
	for len(w.rest) > 0 {
		got := canon{}.constraint(w.rest[0])
		name, made, ok := item(got)
		if !ok || !reflect.DeepEqual(made, got) {
			break
		}
		out = append(out, name)
		w.rest = w.rest[1:]
	}
	return out
}

// scored writes a list, or a map if not all have the score that a list means.
func (w *writer) scored(word, usual string, items []scoredName) {
	if len(items) == 0 {
		return
	}
	names, pairs, plain := make([]string, len(items)), make([]string, len(items)), true
	for i, item := range items {
		names[i] = item.text
		pairs[i] = item.text + " = " + plainText(item.score)
		plain = plain && item.score == usual
	}
	if plain {
		w.raw(word, listOf(names))
		return
	}
	w.raw(word, "{ "+strings.Join(pairs, ", ")+" }")
}

func (w *writer) nodeSugar(name, self, word string) {
	w.scored(word, infinity, w.take(func(c policy.Constraint) (scoredName, policy.Constraint, bool) {
		if c.Location == nil || !validScore(c.Location.Score) {
			return scoredName{}, c, false
		}
		node, score := c.Location.Node, c.Location.Score
		if word == "avoids" {
			score = negated(score)
			if negated(score) != c.Location.Score || strings.HasPrefix(score, "+") {
				return scoredName{}, c, false
			}
		}
		made := &policy.Location{ID: name + "-" + word + "-" + node, Resource: self, Node: node, Score: c.Location.Score}
		_, known := w.names.nodes[node]
		return scoredName{nameText(node), score}, policy.Constraint{Location: made}, known && hclsyntax.ValidIdentifier(node)
	}))
}

func (w *writer) withSugar(name, self string) {
	w.scored("with", infinity, w.take(func(c policy.Constraint) (scoredName, policy.Constraint, bool) {
		if c.Colocation == nil || !validScore(c.Colocation.Score) {
			return scoredName{}, c, false
		}
		text, ok := w.sugarName(c.Colocation.ID, name+"-with-", c.Colocation.With, c.Colocation.WithRole)
		role := c.Colocation.WithRole
		made := &policy.Colocation{
			ID: name + "-with-" + text, Resource: self, With: c.Colocation.With, WithRole: role, Score: c.Colocation.Score,
		}
		if _, known := roles[role]; role != "" && (!known || c.Colocation.Score != infinity) {
			ok = false
		}
		return scoredName{refText(text, role), c.Colocation.Score}, policy.Constraint{Colocation: made}, ok && c.Colocation.With != self
	}))
}

func (w *writer) afterSugar(name, self string) {
	items := w.take(func(c policy.Constraint) (scoredName, policy.Constraint, bool) {
		if c.Order == nil {
			return scoredName{}, c, false
		}
		text, ok := w.sugarName(c.Order.ID, name+"-after-", c.Order.First, c.Order.FirstAction)
		made := &policy.Order{ID: name + "-after-" + text, First: c.Order.First, Then: self, Kind: "Mandatory", FirstAction: c.Order.FirstAction}
		if made.FirstAction != "" {
			made.ThenAction = "start"
			ok = ok && kindOfAction(made.FirstAction)
		}
		return scoredName{refText(text, made.FirstAction), infinity}, policy.Constraint{Order: made}, ok && c.Order.First != self
	})
	w.scored("after", infinity, items)
}

func kindOfAction(word string) bool {
	for _, a := range actions {
		if a == word {
			return true
		}
	}
	return false
}

// sugarName is the name behind the prefix of a constraint's id, if that name is
// a plain word, means the object, and can stand before a role or an action.
func (w *writer) sugarName(id, prefix, object, word string) (string, bool) {
	text, ok := strings.CutPrefix(id, prefix)
	found, exists := w.names.entries[text]
	if word != "" {
		_, another := w.names.entries[text+"."+word]
		exists = exists && !another
	}
	return text, ok && exists && found.means == object && hclsyntax.ValidIdentifier(text) && nameText(text) == text
}
