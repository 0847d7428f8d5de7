package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"
)

// TestExplanations tells the stories of testdata/explain: each part "web" or
// "web n2" asks about the cluster of the part "cluster" before it; the answer
// follows.
func TestExplanations(t *testing.T) {
	files, err := filepath.Glob("testdata/explain/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in testdata/explain: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			story, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cluster := ""
			for i, part := range story.Files {
				question, asks := strings.CutPrefix(part.Name, "explain ")
				if !asks {
					cluster = string(part.Data)
					continue
				}
				resource, node, _ := strings.Cut(question, " ")
				x, err := Explain(mustFixture(t, cluster), resource, node)
				got := ""
				if err != nil {
					got = "error: " + err.Error() + "\n"
				} else {
					got = x.String()
				}
				if diff := cmp.Diff(string(part.Data), got); diff != "" && !*rewrite {
					t.Errorf("%s: the explanation differs (-want +got):\n%s", part.Name, diff)
				}
				story.Files[i].Data = []byte(got)
			}
			if *rewrite {
				if err := os.WriteFile(file, txtar.Format(story), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestExplainDecidesTheSame: watching changes nothing, every node has one
// verdict, and the verdicts agree with the plan.
func TestExplainDecidesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, err := parseFixture(drawCluster(t))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := Decide(in)
		if err != nil {
			t.Skip("no decision")
		}
		for i := range in.Config.Resources {
			name := in.Config.Resources[i].ID
			x, err := Explain(in, name, "")
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(plan.String(), x.Plan.String()); diff != "" {
				t.Fatalf("explaining %s changes the plan:\n%s", name, diff)
			}
			for _, n := range x.Nodes {
				if n.Word == Impossible && len(n.Why) == 0 {
					t.Fatalf("%s cannot be on %s, and nobody says why:\n%s", name, n.Node, x)
				}
			}
		}
	})
}
