package cib

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-ha/holdfast/policy"
)

var rewrite = flag.Bool("rewrite", false, "write what was found into the golden files")

// TestImportEverything compares the reading of a document that has every
// element once with a golden file, positions included.
func TestImportEverything(t *testing.T) {
	input, err := os.Open("testdata/everything.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	doc, err := Read(input, "everything.xml")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(doc); err != nil {
		t.Fatal(err)
	}
	// One line for each position keeps the golden file readable.
	position := regexp.MustCompile(`"pos": \{\s+"file": "everything.xml",\s+"line": (\d+)\s+\}`)
	text := position.ReplaceAllString(got.String(), `"pos": "line $1"`)
	const golden = "testdata/everything.json"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("read otherwise than %s (-want +got):\n%s", golden, diff)
	}
}

func TestMalformedInputIsOneErrorWithItsLine(t *testing.T) {
	for name, c := range map[string]struct{ input, want string }{
		"empty":             {"", "x.xml: empty: expected a <cib> element"},
		"another root":      {"<html/>", "x.xml:1: the root element is <html>, not <cib>: is this a CIB?"},
		"unclosed":          {"<cib>\n<status>\n", "x.xml:3: malformed XML: unexpected EOF"},
		"crossed":           {"<cib>\n<a></b></cib>", "x.xml:2: malformed XML: element <a> closed by </b>"},
		"two roots":         {"<cib/>\n<cib/>", "x.xml:2: malformed XML: a second root element <cib>"},
		"text after":        {"<cib/>\nmore", "x.xml:2: malformed XML: text outside of the root element"},
		"same attribute":    {"<cib>\n<a b='1' b='2'/></cib>", `x.xml:2: malformed XML: attribute "b" twice in <a>`},
		"unknown entity":    {"<cib>&secret;</cib>", "x.xml:1: malformed XML: invalid character entity &secret;"},
		"declared entity":   {"<!DOCTYPE cib [<!ENTITY s SYSTEM 'file:///etc/passwd'>]>\n<cib>&s;</cib>", "x.xml:1: declarations in a document type are not accepted: remove the <!DOCTYPE>"},
		"too deep":          {"<cib>\n" + strings.Repeat("<rule>", 100), "x.xml:2: more than 100 elements inside each other"},
		"strange encoding":  {"<?xml version='1.0' encoding='ebcdic'?><cib/>", `x.xml:1: xml: opening charset "ebcdic": encoding "ebcdic" is not supported: convert the file to UTF-8`},
		"not text":          {"<cib>\x00</cib>", "x.xml:1: malformed XML: illegal character code U+0000"},
		"not valid as UTF8": {"<cib>\xff</cib>", "x.xml:1: malformed XML: invalid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := Import(strings.NewReader(c.input), "x.xml")
			if err == nil || err.Error() != c.want {
				t.Errorf("got error %v\nwant      %s", err, c.want)
			}
		})
	}
}

// blanks is white space without end.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestAnEndlessDocumentIsRefused(t *testing.T) {
	_, err := parse(io.MultiReader(strings.NewReader("<cib>"), blanks{}), "x.xml", 1<<20)
	if err == nil || err.Error() != "x.xml: larger than 1 MiB: this is not a cluster's CIB" {
		t.Errorf("got error %v", err)
	}
}

// importText reads a CIB whose configuration or status is given.
func importText(t *testing.T, schema, text string) (*policy.Config, *policy.Status, []policy.Problem) {
	t.Helper()
	config, status, problems, err := Import(strings.NewReader(`<cib validate-with="`+schema+`">`+text+`</cib>`), "x.xml")
	if err != nil {
		t.Fatal(err)
	}
	return config, status, problems
}

func TestSectionsCountOnlyIfUnique(t *testing.T) {
	config, _, problems := importText(t, "pacemaker-3.9",
		`<configuration><nodes><node id="1" uname="a"/></nodes><nodes/><tags><tag id="t"/></tags></configuration>`)
	if len(config.Nodes) != 0 || len(config.Tags) != 1 {
		t.Errorf("got nodes %v, tags %v", config.Nodes, config.Tags)
	}
	if len(problems) != 1 || problems[0].Text != "<nodes> occurs 2 times: all are ignored" {
		t.Errorf("got problems %v", problems)
	}
}

func TestLatin1(t *testing.T) {
	config, _, _, err := Import(strings.NewReader("<?xml version='1.0' encoding='ISO-8859-1'?><cib><nodes><node id='1' uname='gr\xfcn'/></nodes></cib>"), "x.xml")
	if err != nil || config.Nodes[0].Name != "grün" {
		t.Errorf("got %v, %v", config, err)
	}
}

func TestCompressedDocuments(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	io.WriteString(w, "<cib><nodes><node id='1' uname='a'/></nodes></cib>")
	w.Close()
	bzipped, err := base64.StdEncoding.DecodeString("QlpoOTFBWSZTWdzReNsAAAYZgECAoAc+I4oAIAAxTTIxMTEGhRmCD1Rbew48cLCC3NWy57wYliklQQe/RK0nBn8XckU4UJDc0Xjb")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"gzip": zipped.Bytes(), "bzip2": bzipped} {
		config, _, _, err := Import(bytes.NewReader(data), "x."+name)
		if err != nil || len(config.Nodes) != 1 || config.Nodes[0].Name != "a" {
			t.Errorf("%s: got %+v, %v", name, config, err)
		}
		if _, _, _, err := Import(bytes.NewReader(data[:len(data)-9]), "x."+name); err == nil {
			t.Errorf("%s: no error for half a file", name)
		}
	}
	if _, _, _, err := Import(strings.NewReader("\x1f\x8bnot gzip"), "x.gz"); err == nil {
		t.Error("no error for a broken header")
	}
}

func TestIntegersAreReadLeniently(t *testing.T) {
	for text, want := range map[string]int64{
		"12": 12, " \t12abc": 12, "-3": -3, "+4": 4, "99999999999999999999": 1<<63 - 1, "-99999999999999999999": -1 << 63,
	} {
		if got, ok := integer(text); !ok || got != want {
			t.Errorf("%q: got %d, %t, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "x1", "-", "+ 1", "INFINITY"} {
		if got, ok := integer(text); ok {
			t.Errorf("%q: got %d, want no number", text, got)
		}
	}
}

func FuzzImport(f *testing.F) {
	everything, err := os.ReadFile("testdata/everything.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(everything)
	f.Add([]byte("<cib><configuration><resources><master id='m'/></resources></configuration></cib>"))
	f.Add([]byte("<!DOCTYPE cib><cib xmlns:a='b' a:c='d'/>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, status, problems, err := Import(bytes.NewReader(data), "fuzz.xml")
		if err != nil {
			if config != nil || status != nil || problems != nil {
				t.Error("a result beside an error")
			}
			return
		}
		for _, p := range problems {
			if p.Pos.Line < 1 || p.Text == "" {
				t.Errorf("a problem without a line or a text: %+v", p)
			}
		}
		if _, err := json.Marshal(config); err != nil {
			t.Error(err)
		}
		if _, err := json.Marshal(status); err != nil {
			t.Error(err)
		}
	})
}
