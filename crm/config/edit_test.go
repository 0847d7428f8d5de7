package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// stories runs every txtar file of a folder of testdata and compares its file
// "want" with what run makes of the others.
func stories(t *testing.T, folder string, run func(t *testing.T, ar *txtar.Archive) string) {
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no stories in", folder, err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, ar)
			if *rewrite {
				rewriteStory(t, path, ar, got)
				return
			}
			want := file0(ar, "want")
			if diff := cmp.Diff(strings.TrimRight(want, "\n"), strings.TrimRight(got, "\n")); diff != "" {
				t.Errorf("%s (-want +got; -rewrite accepts):\n%s", path, diff)
			}
		})
	}
}

func file0(ar *txtar.Archive, name string) string {
	for _, f := range ar.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// setOf takes the documents under a prefix.
func setOf(ar *txtar.Archive, prefix string) Set {
	var docs []Document
	for _, f := range ar.Files {
		if name, ok := strings.CutPrefix(f.Name, prefix); ok && strings.HasSuffix(name, ".hcl") {
			docs = append(docs, Document{Name: name, Text: f.Data})
		}
	}
	return NewSet(docs...)
}

func printSet(s Set) string {
	var b strings.Builder
	for _, d := range s.Documents {
		fmt.Fprintf(&b, "== %s\n%s", d.Name, d.Text)
	}
	return b.String()
}

// TestEditStories: the file "do" has one edit per line; "want" shows its
// answers and then the documents.
func TestEditStories(t *testing.T) {
	stories(t, "edit", func(t *testing.T, ar *txtar.Archive) string {
		set := setOf(ar, "")
		var out strings.Builder
		for line := range strings.Lines(file0(ar, "do")) {
			line = strings.TrimSpace(line)
			next, told, err := edit(set, strings.Fields(line), ar)
			if err != nil {
				fmt.Fprintf(&out, "%s\n  error: %v\n", line, err)
				continue
			}
			for _, w := range told {
				fmt.Fprintf(&out, "%s\n  %s\n", line, w)
			}
			set = next
		}
		for _, doc := range set.Documents {
			if _, err := parseText(doc.Name, doc.Text); err != nil {
				t.Errorf("the result cannot be read: %v\n%s", err, doc.Text)
			}
		}
		return out.String() + printSet(set)
	})
}

func edit(set Set, w []string, ar *txtar.Archive) (Set, []string, error) {
	var told []string
	var err error
	rest := func(i int) string { return strings.Join(w[i:], " ") }
	switch w[0] {
	case "meta":
		set, err = SetMeta(set, w[1], w[2], rest(3))
	case "unmeta":
		set, err = DeleteMeta(set, w[1], w[2])
	case "option":
		set, err = SetOption(set, w[1], rest(2))
	case "unoption":
		set, err = DeleteOption(set, w[1])
	case "default":
		set, err = SetDefault(set, w[1], w[2], rest(3))
	case "undefault":
		set, err = DeleteDefault(set, w[1], w[2])
	case "set":
		set, err = SetArgument(set, w[1], w[2], rest(3))
	case "expression":
		set, err = SetExpression(set, w[1], w[2], rest(3))
	case "unset":
		set, err = DeleteArgument(set, w[1], w[2])
	case "add":
		set, err = AddBlock(set, "", file0(ar, w[1]))
	case "replace":
		set, err = ReplaceBlock(set, w[1], file0(ar, w[2]))
	case "group":
		set, err = Group(set, w[1], w[2:])
	case "delete":
		set, told, err = DeleteObject(set, w[1])
	case "show":
		var doc, text string
		doc, text, err = Source(set, w[1])
		told = []string{doc + ":\n" + text}
	default:
		return set, nil, fmt.Errorf("the story has an unknown edit %q", w[0])
	}
	return set, told, err
}

func TestRebaseStories(t *testing.T) {
	stories(t, "rebase", func(t *testing.T, ar *txtar.Archive) string {
		merged, conflicts := Rebase(setOf(ar, "base/"), setOf(ar, "mine/"), setOf(ar, "theirs/"))
		var out strings.Builder
		for _, c := range conflicts {
			out.WriteString(c.String())
		}
		return out.String() + printSet(merged)
	})
}

func TestDiffStories(t *testing.T) {
	stories(t, "diff", func(t *testing.T, ar *txtar.Archive) string {
		opt := Options{NoLints: true, AlertsWork: true, ACLsWork: true, Agents: catalogue{}}
		old, d1 := Decode(setOf(ar, "old/"), opt)
		new, d2 := Decode(setOf(ar, "new/"), opt)
		if d1.HasErrors() || d2.HasErrors() {
			t.Fatal(d1, d2)
		}
		if again := Diff(new, new); len(again) != 0 {
			t.Errorf("a configuration differs from itself:\n%s", DiffText(again))
		}
		return DiffText(Diff(old, new))
	})
}

// TestEditLeavesTheOldSetAlone: the set given to an edit is not changed.
func TestEditLeavesTheOldSetAlone(t *testing.T) {
	text := "resource \"vip\" \"ip\" {\n  ip = \"192.0.2.1\"\n}\n"
	set := NewSet(Document{Name: "a.hcl", Text: []byte(text)})
	if _, err := SetMeta(set, "ip", "priority", "5"); err != nil {
		t.Fatal(err)
	}
	if got := string(set.Documents[0].Text); got != text {
		t.Errorf("the old text became:\n%s", got)
	}
}
