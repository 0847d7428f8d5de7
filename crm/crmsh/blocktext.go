package crmsh

import (
	"strings"

	"github.com/holdfast-ha/holdfast/crm/config"
)

// headOf and bodyOf divide the text of a block at its first brace.
func headOf(text string) string {
	head, _, _ := strings.Cut(strings.TrimSpace(text), "{")
	return strings.TrimSpace(head)
}

func bodyOf(text string) []string {
	_, body, _ := strings.Cut(strings.TrimSpace(text), "{")
	body = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(body), "}"))
	if body == "" {
		return nil
	}
	return []string{body}
}

// removeText takes the block of an object out of its document, and nothing that
// refers to it.
func removeText(set config.Set, id string) (config.Set, error) {
	name, text, err := config.Source(set, id)
	if err != nil {
		return set, err
	}
	doc, _ := set.Document(name)
	doc.Text = []byte(strings.Replace(string(doc.Text), text, "", 1))
	return set.With(doc), nil
}
