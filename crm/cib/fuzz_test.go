package cib

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/crm/config"
)

// FuzzRoundTrip: whatever can be read as a CIB can be written as HCL without a
// panic, and what of that can be read is the same; so is the export.
func FuzzRoundTrip(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.xml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := Read(bytes.NewReader(raw), "a.xml")
		if err != nil || slices.ContainsFunc(raw, func(b byte) bool { return b >= 0x80 || b == '&' }) {
			return // HCL normalises letters
		}
		want := config.Canonical(doc.Config)
		text := config.Encode(doc.Decoded(), "a.hcl")
		d, diags := config.Decode(config.NewSet(text), config.Options{NoLints: true})
		if !diags.HasErrors() {
			if diff := cmp.Diff(want, config.Canonical(d.Policy)); diff != "" {
				t.Fatalf("another configuration after HCL (-want +got):\n%s\n%s", diff, text.Text)
			}
		}
		var xml bytes.Buffer
		if err := doc.Export(&xml); err != nil {
			return
		}
		if _, err := Read(&xml, "b.xml"); err != nil {
			t.Fatalf("what was exported cannot be read: %v", err)
		}
	})
}
