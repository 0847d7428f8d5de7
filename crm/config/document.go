package config

import (
	"cmp"
	"slices"
)

// Document is one configuration file: a name such as "nginx.hcl" and the text
// as its author wrote it. The cluster stores documents as they are, comments
// included.
type Document struct {
	Name string `json:"name"`
	Text []byte `json:"text"`
}

// Set is the whole configuration of a cluster: its documents. The order of the
// names is the order of reading, which decides ties between constraints.
type Set struct {
	Documents []Document `json:"documents"`
}

// NewSet makes a set of the documents, sorted by name. The texts are shared,
// not copied.
func NewSet(docs ...Document) Set {
	s := Set{Documents: slices.Clone(docs)}
	slices.SortStableFunc(s.Documents, func(a, b Document) int { return cmp.Compare(a.Name, b.Name) })
	return s
}

// Document finds a document by name.
func (s Set) Document(name string) (Document, bool) {
	for _, d := range s.Documents {
		if d.Name == name {
			return d, true
		}
	}
	return Document{}, false
}

// With is the set with one document added or replaced. The receiver stays as
// it was.
func (s Set) With(doc Document) Set {
	docs := make([]Document, 0, len(s.Documents)+1)
	for _, d := range s.Documents {
		if d.Name != doc.Name {
			docs = append(docs, d)
		}
	}
	return NewSet(append(docs, doc)...)
}

// Without is the set less the named document.
func (s Set) Without(name string) Set {
	var docs []Document
	for _, d := range s.Documents {
		if d.Name != name {
			docs = append(docs, d)
		}
	}
	return NewSet(docs...)
}
