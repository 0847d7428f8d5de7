package crmsh

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-ha/holdfast/crm/config"
)

var rewrite = flag.Bool("rewrite", false, "write what comes out into the stories")

// TestStories carries out the lines of each story, one after the other, and
// compares what each one said and the documents in the end. The documents must
// be valid.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, string(archive.Files[0].Data))
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" && !*rewrite {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if *rewrite {
				archive.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func tell(t *testing.T, lines string) string {
	var out strings.Builder
	set := config.NewSet()
	for text := range strings.Lines(lines) {
		words, err := Split(text)
		if err != nil {
			t.Fatal(err)
		}
		next, notes, err := Apply(set, words)
		if err != nil {
			fmt.Fprintf(&out, "%s  error: %v\n", text, err)
			continue
		}
		for _, n := range notes {
			fmt.Fprintf(&out, "%s  %s\n", text, n)
		}
		set = next
	}
	if _, found := config.Decode(set, config.Options{KnownNodes: []string{"n1", "n2", "n3"}, NoLints: true}); found.HasErrors() {
		t.Errorf("the result is invalid:\n%s", found)
	}
	for _, d := range set.Documents {
		fmt.Fprintf(&out, "== %s\n%s", d.Name, d.Text)
	}
	return out.String()
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`primitive pg pgsql node_list="n1 n2" # a note`, `[primitive pg pgsql node_list=n1 n2]`},
		{`a 'b "c"' "d\"e" f\ g`, `[a b "c" d"e f g]`},
		{`rule -inf: #uname eq n1`, `[rule -inf: #uname eq n1]`},
		{`# only a comment`, `[]`},
		{`empty=""`, `[empty=]`},
		{`"" x`, `[ x]`},
	} {
		got, err := Split(c.text)
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%s: got %v, %v, want %s", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{`a "b`, `a \`, `'`} {
		if got, err := Split(text); err == nil {
			t.Errorf("%s: got %q and no error", text, got)
		}
	}
}

func TestExistingNamesAreRefused(t *testing.T) {
	set, _, err := Apply(config.NewSet(), []string{"primitive", "a", "vip", "ip=192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	var exists *ExistsError
	if _, _, err := Apply(set, []string{"tag", "a", "b"}); !errors.As(err, &exists) || exists.Name != "a" {
		t.Errorf("got %v", err)
	}
}

func FuzzApply(f *testing.F) {
	for _, c := range Commands() {
		f.Add(c.Example)
	}
	base := tellSet(f)
	f.Fuzz(func(t *testing.T, text string) {
		words, err := Split(text)
		if err != nil {
			return
		}
		set, _, err := Apply(base, words)
		if err == nil {
			config.Decode(set, config.Options{}) // whatever was typed, reading it must not panic
		}
	})
}

func tellSet(tb testing.TB) config.Set {
	set := config.NewSet()
	for _, text := range []string{"primitive web vip ip=192.0.2.1", "primitive db process command=x", "group g web"} {
		words, err := Split(text)
		if err != nil {
			tb.Fatal(err)
		}
		if set, _, err = Apply(set, words); err != nil {
			tb.Fatal(err)
		}
	}
	return set
}
