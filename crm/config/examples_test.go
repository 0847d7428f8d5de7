package config

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestExamples: all that the folder examples shows decodes without errors and
// is laid out as "crm fmt" does it. The services stand beside the nodes of web.
func TestExamples(t *testing.T) {
	for folder, beside := range map[string]string{"demo": "", "web": "", "nfs": "web/cluster.hcl", "postgres": "web/cluster.hcl"} {
		t.Run(folder, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("..", "..", "examples", folder, "*.hcl"))
			if err != nil || len(files) == 0 {
				t.Fatal("no files", err)
			}
			if beside != "" {
				files = append(files, filepath.Join("..", "..", "examples", beside))
			}
			var docs []Document
			for _, path := range files {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if formatted := Format(text); !bytes.Equal(formatted, text) {
					t.Errorf("%s is not formatted; it should be:\n%s", path, formatted)
				}
				docs = append(docs, Document{Name: filepath.Base(path), Text: text})
			}
			d, diags := Decode(NewSet(docs...), Options{})
			for _, x := range diags {
				if folder == "demo" && x.Title == "No fencing" {
					continue // it is a demonstration
				}
				t.Error(x)
			}
			if len(d.Policy.Resources) == 0 {
				t.Error("no resources")
			}
		})
	}
}
