package cli

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-ha/holdfast/crm/api"
)

var rewrite = flag.Bool("rewrite", false, "write what is shown into the golden files")

// TestStatusText shows statuses, given as JSON, with the words that a section's
// name lists: "want bynode failcounts".
func TestStatusText(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	defer func() { time.Local = local }()
	files, err := filepath.Glob("testdata/status/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			st := &api.Status{}
			if err := json.Unmarshal(archive.Files[0].Data, st); err != nil {
				t.Fatal(err)
			}
			for i, f := range archive.Files[1:] {
				got := shown(t, st, strings.Fields(f.Name)[1:])
				if diff := cmp.Diff(string(f.Data), got); diff != "" && !*rewrite {
					t.Errorf("%s (-want +got):\n%s", f.Name, diff)
				}
				archive.Files[i+1].Data = []byte(got)
			}
			if *rewrite {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func shown(t *testing.T, st *api.Status, words []string) string {
	t.Helper()
	v, err := newStatusView(words)
	if err != nil {
		t.Fatal(err)
	}
	if v.words["simple"] {
		return st.Simple() + "\n"
	}
	text, err := statusText(st, v, false)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
