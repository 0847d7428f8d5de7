package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-ha/holdfast/policy"
)

// TestEncodeReadsBackTheSame writes what every good story decodes to and reads
// it again: the configuration must be the same, ids included.
func TestEncodeReadsBackTheSame(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	good := 0
	for _, path := range files {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		opt := storyOptions(t, string(ar.Comment))
		first, diags := Decode(setOf(ar, ""), opt)
		if diags.HasErrors() {
			continue
		}
		good++
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			opt.Variables = nil
			doc := Encode(first, "all.hcl")
			second, diags := Decode(NewSet(doc), opt)
			if diags.HasErrors() {
				t.Fatalf("what was written cannot be read:\n%s\n%s", diags, doc.Text)
			}
			same := cmp.Options{cmpopts.IgnoreTypes(policy.Pos{}), cmpopts.IgnoreFields(Decoded{}, "Names", "Masked")}
			if diff := cmp.Diff(first, second, same); diff != "" {
				t.Errorf("(-read +read again):\n%s\n%s", diff, doc.Text)
			}
			if again := Encode(second, "all.hcl"); string(again.Text) != string(doc.Text) {
				t.Errorf("writing twice differs:\n%s", cmp.Diff(string(doc.Text), string(again.Text)))
			}
		})
	}
	if good < 5 {
		t.Errorf("only %d stories decode", good)
	}
}

func TestShowSingleObjects(t *testing.T) {
	d, diags := Decode(NewSet(Document{Name: "a.hcl", Text: []byte(`
resource "vip" "ip" {
  ip = "192.0.2.1"
  with = [web]
}
resource "systemd" "web" {
  unit = "nginx.service"
  clone {}
}
`)}), Options{NoLints: true})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	const want = `colocation "ip-with-web" {
  resource = ip
  with     = web-clone
  score    = INFINITY
}
`
	if diff := cmp.Diff(want, Show(d, "ip-with-web")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Show(d, "nothing"); got != "" {
		t.Errorf("an unknown object shows %q", got)
	}
}
