package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/holdfast-ha/holdfast/policy"
)

// Problems turns what the policy engine says of a configuration into
// diagnostics with the source lines of the documents that it was decoded from.
func Problems(set Set, problems []policy.Problem) Diagnostics {
	r := &report{files: map[string]*file{}}
	for _, doc := range set.Documents {
		f := &file{name: doc.Name, text: doc.Text}
		if _, why := checkLimits(doc.Text, doc.Name); why == "" {
			parsed, _ := hclsyntax.ParseConfig(doc.Text, doc.Name, hcl.InitialPos)
			f.body, _ = parsed.Body.(*hclsyntax.Body)
		}
		r.files[doc.Name] = f
	}
	for _, p := range problems {
		sev, title := Warning, "Questionable configuration"
		if p.Error {
			sev, title = Error, "Impossible configuration"
		}
		text := p.Text
		if p.Object != "" {
			text = p.Object + ": " + text
		}
		r.add(sev, r.lineRange(p.Pos), title, text)
	}
	return r.finish()
}
