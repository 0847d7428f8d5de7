package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/policy"
)

func decodeText(text string, opt Options) (*Decoded, Diagnostics) {
	return Decode(NewSet(Document{Name: "a.hcl", Text: []byte(text)}), opt)
}

// TestLimits: texts made to exhaust the stack, the memory or the patience of
// the reader are refused quickly, with a sentence.
func TestLimits(t *testing.T) {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	for name, text := range map[string]string{
		"brackets":     "locals { a = " + many("[", 2e5) + many("]", 2e5) + " }",
		"parentheses":  "locals { a = " + many("(", 2e5) + "1" + many(")", 2e5) + " }",
		"blocks":       many("a {\n", 1e5) + many("}\n", 1e5),
		"not":          "locals { a = " + many("!", 2e5) + "true }",
		"minus":        "locals { a = " + many("-", 2e5) + "1 }",
		"sum":          "locals { a = 1" + many("+1", 2e5) + " }",
		"conditional":  "locals { a = (" + many("true ?\n 1 : ", 1e5) + "1) }",
		"index":        "locals { a = x" + many("[x]", 1e5) + " }",
		"calls":        "locals { a = " + many("upper(", 1e5) + many(")", 1e5) + " }",
		"templates":    "locals { a = \"" + many("${1}", 1e5) + "\" }",
		"directives":   "locals { a = \"" + many("%{if true}", 1e5) + "\" }",
		"deep strings": "locals { a = " + many("\"${", 1e5) + many("}\"", 1e5) + " }",
		"size":         many("# comment\n", 1<<19),
		"loops":        "locals { a = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]] }",
		"doubling":     doubling(40),
		"padding":      `locals { a = format("%999999999d", 1) }`,
		"long list":    "locals {\n a = range(300)\n b = flatten([for x in local.a : local.a])\n}",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, diags := decodeText(text, Options{})
			if !diags.HasErrors() {
				t.Error("was accepted")
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			if len(diags.String()) > 100<<10 {
				t.Errorf("%d bytes of diagnostics", len(diags.String()))
			}
		})
	}
}

// doubling is a text whose last value would have 2^n characters.
func doubling(n int) string {
	var b strings.Builder
	b.WriteString("locals {\n  v0 = \"xx\"\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "  v%d = \"${local.v%d}${local.v%d}\"\n", i, i-1, i-1)
	}
	return b.String() + "}\n"
}

// TestManyObjects: a large configuration is read in reasonable time.
func TestManyObjects(t *testing.T) {
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "resource \"vip\" \"ip%d\" {\n  ip = \"192.0.2.1\"\n  op \"monitor\" { interval = \"10s\" }\n", i)
		if i > 0 {
			fmt.Fprintf(&b, "  with = [ip%d]\n", i-1)
		}
		b.WriteString("}\n")
	}
	start := time.Now()
	d, diags := decodeText(b.String(), Options{NoLints: true, Agents: catalogue{}})
	if diags.HasErrors() || len(d.Policy.Resources) != 2000 || len(d.Policy.Constraints) != 1999 {
		t.Fatal(diags.Errors())
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestTooManyFindings: a flood of errors is cut, and the cut is told.
func TestTooManyFindings(t *testing.T) {
	_, diags := decodeText(strings.Repeat("nonsense {}\n", 5000), Options{})
	if len(diags) != maxFindings+1 || diags[maxFindings].Title != "Too many problems" {
		t.Errorf("%d diagnostics, the last: %s", len(diags), diags[len(diags)-1])
	}
}

// TestFormatKeepsStories: formatting is idempotent, and the documents of the
// stories mean the same afterwards.
func TestFormatKeepsStories(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, path := range files {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		opt := storyOptions(t, string(ar.Comment))
		before, diags := Decode(setOf(ar, ""), opt)
		if diags.HasErrors() {
			continue
		}
		set := setOf(ar, "")
		for i, d := range set.Documents {
			set.Documents[i].Text = Format(d.Text)
			if again := Format(set.Documents[i].Text); !bytes.Equal(again, set.Documents[i].Text) {
				t.Errorf("%s: not idempotent:\n%s", path, cmp.Diff(string(set.Documents[i].Text), string(again)))
			}
		}
		after, diags := Decode(set, opt)
		if diags.HasErrors() {
			t.Fatalf("%s: formatting broke it: %s", path, diags)
		}
		if changes := Diff(before, after); len(changes) > 0 {
			t.Errorf("%s: formatting changed the meaning:\n%s", path, DiffText(changes))
		}
	}
}

func TestFormatLayout(t *testing.T) {
	const ugly = "\n\nresource \"vip\"   \"ip\" {\n\n\nip=\"1\"   \n\n\n  prefix   = 24\n  text = <<EOT\n  kept   \n\n\n  EOT\n\n}\n\n\n# end\n\n"
	const want = "resource \"vip\" \"ip\" {\n  ip = \"1\"\n\n  prefix = 24\n  text   = <<EOT\n  kept   \n\n\n  EOT\n}\n\n# end\n"
	if diff := cmp.Diff(want, string(Format([]byte(ugly)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Format([]byte("\n\n")); len(got) != 0 {
		t.Errorf("an empty document became %q", got)
	}
}

// TestDecodedSurvivesJSON: the cluster stores the decoded form as JSON.
func TestDecodedSurvivesJSON(t *testing.T) {
	ar, err := txtar.ParseFile("testdata/shapes.txt")
	if err != nil {
		t.Fatal(err)
	}
	d, diags := Decode(setOf(ar, ""), storyOptions(t, string(ar.Comment)))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var again Decoded
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dump(d), dump(&again)); diff != "" {
		t.Error(diff)
	}
}

func TestDiagnosticForms(t *testing.T) {
	_, diags := decodeText("resource \"vip\" \"ip\" {\n  with = [ipp]\n}\n", Options{NoLints: true})
	if len(diags) != 1 {
		t.Fatal(diags)
	}
	const plain = `Error: Unknown resource
  on a.hcl line 2, in resource "vip" "ip":
   2:   with = [ipp]
there is no resource named "ipp". Did you mean "ip"?
`
	if diff := cmp.Diff(plain, diags.Render(false)); diff != "" {
		t.Error(diff)
	}
	if color := diags.Render(true); !strings.Contains(color, "with = [\x1b[4mipp\x1b[0m]") {
		t.Errorf("the name is not underlined: %q", color)
	}
	text, err := json.Marshal(diags)
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"severity":"error","title":"Unknown resource","text":"there is no resource named \"ipp\". Did you mean \"ip\"?",` +
		`"file":"a.hcl","start":{"line":2,"column":11,"byte":32},"end":{"line":2,"column":14,"byte":35},` +
		`"context":"resource \"vip\" \"ip\"","source":"  with = [ipp]"}]`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	if err := diags.Err(); err == nil || !strings.Contains(err.Error(), "a.hcl:2") {
		t.Errorf("Err is %v", err)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10": 10 * time.Second, "10s": 10 * time.Second, "500ms": 500 * time.Millisecond, "5min": 5 * time.Minute, "2 h": 2 * time.Hour,
		"PT5M": 5 * time.Minute, "P1D": 24 * time.Hour, "P1M": 30 * 24 * time.Hour, "P1Y2DT3H4S": (365+2)*24*time.Hour + 3*time.Hour + 4*time.Second,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "s", "-5s", "1.5s", "10 parsecs", "P", "PT", "P5", "PT5", "5M5S", "99999999999999h", "P99999999999Y", "PXD", "1e3"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

// TestDistanceAgainstTwin compares the edit distance with the definition,
// written down without any thought for speed.
func TestDistanceAgainstTwin(t *testing.T) {
	var twin func(a, b string) int
	twin = func(a, b string) int {
		if a == "" || b == "" {
			return len(a) + len(b)
		}
		change := twin(a[1:], b[1:])
		if a[0] != b[0] {
			change++
		}
		best := min(twin(a[1:], b)+1, twin(a, b[1:])+1, change)
		if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
			best = min(best, twin(a[2:], b[2:])+1)
		}
		return best
	}
	word := rapid.StringMatching(`[abc]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		if got, want := distance(a, b), twin(a, b); got != want {
			t.Fatalf("distance(%q, %q) = %d, want %d", a, b, got, want)
		}
	})
}

// TestValuesReadBack: any text written as a value is read as the same text.
func TestValuesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.String().Filter(func(s string) bool {
			return !strings.ContainsRune(s, 0) && strings.ToValidUTF8(s, "") == s
		}).Draw(t, "value")
		if rapid.Bool().Draw(t, "number") {
			value = rapid.StringMatching(`-?[0-9.]{1,6}|true|false|INFINITY|secret:[a-z]{1,3}|\$\{a\}|%\{if`).Draw(t, "odd")
		}
		set, err := SetArgument(NewSet(Document{Name: "a.hcl", Text: []byte("resource \"vip\" \"ip\" {}\n")}), "ip", "ip", value)
		if err != nil {
			t.Fatal(err)
		}
		d, diags := Decode(set, Options{NoLints: true})
		if diags.HasErrors() {
			t.Fatalf("%s\n%s", diags, set.Documents[0].Text)
		}
		// HCL normalises text to NFC; compare what decoding once more gives.
		got := d.Policy.Resources[0].Params[0].Pairs[0].Value
		again, err := SetArgument(set, "ip", "ip", got)
		if err != nil {
			t.Fatal(err)
		}
		d2, _ := Decode(again, Options{NoLints: true})
		if d2.Policy.Resources[0].Params[0].Pairs[0].Value != got {
			t.Fatalf("%q is read as %q and then as %q", value, got, d2.Policy.Resources[0].Params[0].Pairs[0].Value)
		}
		if ascii(value) && got != value {
			t.Fatalf("%q is read as %q", value, got)
		}
	})
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// TestRebaseOfDisjointEdits: whatever two people change in different objects,
// the order of merging does not matter to the meaning.
func TestRebaseOfDisjointEdits(t *testing.T) {
	var text strings.Builder
	for i := range 6 {
		fmt.Fprintf(&text, "resource \"vip\" \"ip%d\" {\n  ip = \"192.0.2.%d\"\n}\n", i, i)
	}
	base := NewSet(Document{Name: "a.hcl", Text: []byte(text.String())})
	rapid.Check(t, func(t *rapid.T) {
		change := func(label string, first int) Set {
			set := base
			for i := first; i < 6; i += 2 {
				id := fmt.Sprintf("ip%d", i)
				var err error
				switch rapid.IntRange(0, 3).Draw(t, label+id) {
				case 0:
					set, err = SetArgument(set, id, "ip", "198.51.100.1")
				case 1:
					set, _, err = DeleteObject(set, id)
				case 2:
					set, err = AddBlock(set, "a.hcl", fmt.Sprintf("resource \"vip\" \"new-%s\" { ip = \"203.0.113.1\" }\n", id))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			return set
		}
		mine, theirs := change("mine", 0), change("theirs", 1)
		one, c1 := Rebase(base, mine, theirs)
		two, c2 := Rebase(base, theirs, mine)
		if len(c1)+len(c2) > 0 {
			t.Fatalf("conflicts: %v %v", c1, c2)
		}
		d1, diags1 := Decode(one, Options{NoLints: true})
		d2, diags2 := Decode(two, Options{NoLints: true})
		if diags1.HasErrors() || diags2.HasErrors() {
			t.Fatal(diags1, diags2)
		}
		if diff := DiffText(Diff(d1, d2)); diff != "" {
			t.Fatalf("the order of merging matters:\n%s", diff)
		}
	})
}

// TestFixVariables: values given once are in the text afterwards.
func TestFixVariables(t *testing.T) {
	text := "variable \"ip\" {}\nvariable \"n\" {\n  type    = number\n  default = 1\n}\nvariable \"l\" { type = list(string) }\n" +
		"resource \"vip\" \"ip\" {\n  ip     = var.ip\n  prefix = var.n\n  label  = join(\" \", var.l)\n}\n"
	set := NewSet(Document{Name: "a.hcl", Text: []byte(text)})
	values := map[string]string{"ip": "192.0.2.1", "n": "24", "l": `["a", "b"]`}
	fixed, err := FixVariables(set, values)
	if err != nil {
		t.Fatal(err)
	}
	one, diags := Decode(set, Options{NoLints: true, Variables: values})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	two, diags := Decode(fixed, Options{NoLints: true})
	if diags.HasErrors() {
		t.Fatalf("%s\n%s", diags, fixed.Documents[0].Text)
	}
	if diff := DiffText(Diff(one, two)); diff != "" {
		t.Error(diff)
	}
	for name, value := range map[string]string{"nobody": "1", "l": "[oops"} {
		if _, err := FixVariables(set, map[string]string{name: value}); err == nil {
			t.Errorf("%s = %s was accepted", name, value)
		}
	}
}

// TestProblems: what the engine finds is shown like our own findings.
func TestProblems(t *testing.T) {
	set := NewSet(Document{Name: "a.hcl", Text: []byte("resource \"vip\" \"ip\" {\n  ip = \"x\"\n}\n")})
	got := Problems(set, []policy.Problem{
		{Error: true, Object: "ip", Text: "depends on itself in a circle", Pos: policy.Pos{File: "a.hcl", Line: 2}},
		{Text: "nothing in particular"},
	}).String()
	const want = `Warning: Questionable configuration
nothing in particular

Error: Impossible configuration
  on a.hcl line 2, in resource "vip" "ip":
   2:   ip = "x"
ip: depends on itself in a circle
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
