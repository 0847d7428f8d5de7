package config

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// seeds adds the documents of all stories.
func seeds(f *testing.F) {
	for _, pattern := range []string{"testdata/*.txt", "testdata/*/*.txt"} {
		files, _ := filepath.Glob(pattern)
		for _, path := range files {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				f.Fatal(err)
			}
			for _, file := range ar.Files {
				if filepath.Ext(file.Name) == ".hcl" {
					f.Add(file.Data)
				}
			}
		}
	}
}

// FuzzDecode: no text makes Decode panic; what it accepts is written and read
// back without errors; and the result does not depend on the run.
func FuzzDecode(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		set := NewSet(Document{Name: "a.hcl", Text: text})
		d, diags := Decode(set, Options{Agents: catalogue{}})
		for _, x := range diags {
			if x.Title == "" || x.Text == "" || x.File != "" && (x.Start.Line < 1 || x.Start.Column < 1) {
				t.Errorf("a diagnostic without place or words: %+v", x)
			}
		}
		_ = diags.Render(true)
		_, again := Decode(set, Options{Agents: catalogue{}})
		if diags.String() != again.String() {
			t.Errorf("two readings differ:\n%s\n%s", diags, again)
		}
		_ = DiffText(Diff(nil, d))
		if diags.HasErrors() {
			return
		}
		written := Encode(d, "a.hcl")
		back, diags := Decode(NewSet(written), Options{NoLints: true})
		if diags.HasErrors() {
			t.Fatalf("what was written of\n%s\ncannot be read:\n%s\n%s", text, diags, written.Text)
		}
		if diff := cmp.Diff(Canonical(d.Policy), Canonical(back.Policy)); diff != "" {
			t.Fatalf("written and read, it is another (-read +read again):\n%s\n%s", diff, written.Text)
		}
	})
}

// FuzzFormat: formatting twice changes nothing, and the meaning stays.
func FuzzFormat(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		once := Format(text)
		if twice := Format(once); !bytes.Equal(once, twice) {
			t.Errorf("not idempotent:\n%q\n%q\n%q", text, once, twice)
		}
		if _, err := parseText("a", text); err != nil {
			return
		}
		if _, err := parseText("a", once); err != nil {
			t.Errorf("formatting broke %q: %q: %v", text, once, err)
		}
	})
}

// FuzzEdit: edits never panic, and what they make of a readable text is
// readable.
func FuzzEdit(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		set := NewSet(Document{Name: "a.hcl", Text: text})
		for _, id := range []string{"ip", "web", "pg", "n1", "nginx-clone", "g"} {
			for _, edit := range []func() (Set, error){
				func() (Set, error) { return SetMeta(set, id, "priority", "5") },
				func() (Set, error) { return SetArgument(set, id, "op.monitor.timeout", "x") },
				func() (Set, error) { return DeleteArgument(set, id, "ip") },
				func() (Set, error) { s, _, err := DeleteObject(set, id); return s, err },
				func() (Set, error) { return SetOption(set, "a", "b") },
			} {
				out, err := edit()
				if err != nil {
					continue
				}
				for _, d := range out.Documents {
					if _, err := parseText("a", d.Text); err != nil {
						t.Errorf("an edit of %q broke\n%s\nto\n%s\n%v", id, text, d.Text, err)
					}
				}
				Rebase(set, out, set)
			}
		}
	})
}
