package cib

import (
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// ids gives every element an id that is a valid XML id and used once. What
// something refers to keeps its id.
type ids struct {
	used     map[string]bool // ids that elements have, or that objects will have
	awaited  map[string]bool // ids that an id-ref names, until an element has it
	referred map[string]bool // all of those
}

func newIDs(cfg *policy.Config) *ids {
	i := &ids{used: map[string]bool{}, awaited: map[string]bool{}, referred: map[string]bool{}}
	objectIDs(cfg, func(id string) { i.used[id] = true })
	for _, ref := range cfg.References() {
		i.keep(ref)
	}
	return i
}

// keep sees that the element with an id keeps it.
func (i *ids) keep(id string) {
	if id != "" && !i.used[id] {
		i.awaited[id], i.referred[id] = true, true
	}
}

// of is the id for an element that wants one, or has none and could take the
// fallback.
func (i *ids) of(id, fallback string) string {
	if i.awaited[id] {
		delete(i.awaited, id)
		i.used[id] = true
		return id
	}
	if id == "" {
		id = fallback
	}
	id = xmlID(id)
	for n, base := 2, id; i.used[id] || i.referred[id]; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	i.used[id] = true
	return id
}

// xmlID makes a valid id of a text.
func xmlID(text string) string {
	id := strings.Map(func(r rune) rune {
		if isXMLName("_" + string(r)) {
			return r
		}
		return '_'
	}, text)
	if !isXMLName(id) {
		id = "_" + id
	}
	return id
}

// objectIDs visits the ids of what has a name of its own.
func objectIDs(cfg *policy.Config, visit func(string)) {
	var walk func([]policy.Resource)
	walk = func(list []policy.Resource) {
		for _, r := range list {
			visit(r.ID)
			walk(r.Children)
		}
	}
	walk(cfg.Resources)
	walk(cfg.Templates)
	for _, c := range cfg.Constraints {
		visit(c.ID())
	}
	for _, t := range cfg.Tags {
		visit(t.ID)
	}
}
