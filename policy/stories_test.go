package policy

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var rewrite = flag.Bool("rewrite", false, "write the plans of testdata/*.txt anew")

// TestStories decides for each story in testdata and compares the plan.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { tellStory(t, file) })
	}
}

// tellStory runs every "cluster" of a file; the "plan" after it is expected.
func tellStory(t *testing.T, file string) {
	story, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []txtar.File
	for i, part := range story.Files {
		if part.Name == "plan" {
			continue
		}
		plan, err := Decide(mustFixture(t, string(part.Data)))
		if err != nil {
			t.Fatalf("%s: %v", part.Name, err)
		}
		got := plan.String()
		out = append(out, part, txtar.File{Name: "plan", Data: []byte(got)})
		if *rewrite {
			continue
		}
		want := ""
		if i+1 < len(story.Files) && story.Files[i+1].Name == "plan" {
			want = string(story.Files[i+1].Data)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the plan differs (-want +got):\n%s", part.Name, diff)
		}
	}
	if *rewrite {
		story.Files = out
		if err := os.WriteFile(file, txtar.Format(story), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
