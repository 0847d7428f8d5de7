package cib

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// conformanceEntry is a case of the conformance set's index.
type conformanceEntry struct {
	Name string
	Tier int
}

// conformanceSet finds the recorded decisions that this engine is compared
// with: the folder that HOLDFAST_CONFORMANCE names, or conformance/scheduler
// in a folder beside the checkout. They are no part of this repository.
func conformanceSet(t testing.TB) (folder string, entries []conformanceEntry) {
	t.Helper()
	folder = os.Getenv("HOLDFAST_CONFORMANCE")
	if folder == "" {
		found, _ := filepath.Glob("../../../*/conformance/scheduler/index.json")
		if len(found) == 0 {
			t.Skip("left out: needs the recorded cases (name their folder in HOLDFAST_CONFORMANCE)")
		}
		folder = filepath.Dir(found[0])
	}
	text, err := os.ReadFile(filepath.Join(folder, "index.json"))
	if err != nil {
		t.Fatalf("HOLDFAST_CONFORMANCE: %v", err)
	}
	var index struct{ Cases []conformanceEntry }
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	return folder, index.Cases
}

func readCase(t testing.TB, folder, name string) *Document {
	t.Helper()
	file := filepath.Join(folder, "cases", name+".xml")
	input, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	doc, err := Read(input, file)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestConformanceCasesAreRead(t *testing.T) {
	folder, entries := conformanceSet(t)
	for _, entry := range entries {
		doc := readCase(t, folder, entry.Name)
		for _, p := range doc.Problems {
			if p.Error {
				t.Errorf("%s: %s: %s", p.Pos, p.Object, p.Text)
			}
		}
	}
}
