package render

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-ha/holdfast/crm/cib"
	"github.com/holdfast-ha/holdfast/policy"
)

// TestExplanations reads stories: a CIB, and what people read when they ask
// about a resource in it: "explain web", "explain web n2".
func TestExplanations(t *testing.T) {
	files, err := filepath.Glob("testdata/explain/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			story, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var in policy.Input
			for i, part := range story.Files {
				question, asks := strings.CutPrefix(part.Name, "explain ")
				if !asks {
					doc, err := cib.Read(strings.NewReader(string(part.Data)), part.Name)
					if err != nil {
						t.Fatal(err)
					}
					in = policy.Input{Now: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), Config: doc.Config, Status: doc.Status}
					continue
				}
				resource, node, _ := strings.Cut(question, " ")
				x, err := policy.Explain(in, resource, node)
				if err != nil {
					t.Fatal(err)
				}
				var b strings.Builder
				if err := Explanation(&b, x, Fixes(in, x)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(part.Data), b.String()); diff != "" && !*rewrite {
					t.Errorf("%s (-want +got):\n%s", part.Name, diff)
				}
				story.Files[i].Data = []byte(b.String())
			}
			if *rewrite {
				if err := os.WriteFile(file, txtar.Format(story), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
