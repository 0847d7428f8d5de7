package process

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":                           nil,
		"  ":                         nil,
		"a b":                        {"a", "b"},
		" a\t'b c'\n":                {"a", "b c"},
		`nginx -g 'daemon off;'`:     {"nginx", "-g", "daemon off;"},
		`a"b c"d`:                    {"ab cd"},
		`'' ""`:                      {"", ""},
		`"say \"hi\" \\ \n"`:         {`say "hi" \ \n`},
		`'\n' a\ b \\`:               {`\n`, "a b", `\`},
		`echo $HOME * # not special`: {"echo", "$HOME", "*", "#", "not", "special"},
		"é 'ü ö'":                    {"é", "ü ö"},
	} {
		got, err := words(line)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("words(%q) = %q, %v; want %q", line, got, err, want)
		}
	}
	for _, bad := range []string{"'a", `"a`, `a\`, `"a\`, "a\x00b"} {
		if got, err := words(bad); err == nil {
			t.Errorf("words(%q) = %q without an error", bad, got)
		}
	}
}

// What both take alike must come out alike: a shell is the twin.
func TestWordsAgainstShell(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: forks a shell for each case")
	}
	piece := rapid.SampledFrom([]string{"a", "b", " ", "  ", "'", `"`, `\`, "é", "."})
	rapid.Check(t, func(t *rapid.T) {
		line := strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "line"), "")
		got, err := words(line)
		if err != nil {
			return // a shell would wait for more
		}
		out, err := exec.Command("sh", "-c", `printf '%s\0' `+line).Output()
		if err != nil {
			t.Fatalf("sh: %v", err)
		}
		want := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		if len(got) == 0 {
			got = []string{""} // printf prints its format once
		}
		if !cmp.Equal(got, want) {
			t.Fatalf("words(%q) = %q, the shell says %q", line, got, want)
		}
	})
}

func FuzzWords(f *testing.F) {
	f.Add(`nginx -g 'daemon off;' "a\"b" c\ d`)
	f.Fuzz(func(t *testing.T, line string) { _, _ = words(line) })
}

func FuzzParseRecord(f *testing.F) {
	f.Add("812\nborn 12\nboot x\n")
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := parseRecord(text); err == nil && (id.pid <= 1 || id.boot == "") {
			t.Errorf("%q gave %+v", text, id)
		}
	})
}
