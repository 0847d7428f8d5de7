package cib

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-ha/holdfast/crm/config"
	"github.com/holdfast-ha/holdfast/policy"
)

const roundTripFile = "testdata/roundtrip-passing.txt"

const roundTripHeader = `# Recorded CIBs that survive the way through the configuration language, and how
# far: "config" the configuration is the same after CIB -> HCL -> configuration,
# "cib" it still is after an export and another import, "plan" the engine decides
# the same on what came back, "xml" the exported XML says what the recorded one
# says, element by element.
# Written by: go test ./crm/cib -run TestRecordedRoundTrips -rewrite
`

// TestRecordedRoundTrips takes every recorded CIB to the configuration language
// and back, and fails if one does worse than the list says.
func TestRecordedRoundTrips(t *testing.T) {
	folder, entries := conformanceSet(t)
	var lines []string
	totals := map[string]int{}
	passing := readRoundTrips(t)
	for _, entry := range entries {
		raw, err := os.ReadFile(filepath.Join(folder, "cases", entry.Name+".xml"))
		if err != nil {
			t.Fatal(err)
		}
		levels, why := roundTrip(t, raw)
		for _, level := range levels {
			totals[level]++
		}
		for _, level := range passing[entry.Name] {
			if !slices.Contains(levels, level) {
				t.Errorf("%s: no longer the same (%s):\n%s", entry.Name, level, why)
			}
		}
		if why != "" {
			t.Logf("%s: %s", entry.Name, why)
		}
		lines = append(lines, entry.Name+" "+strings.Join(levels, " ")+"\n")
	}
	t.Logf("%d recorded CIBs: config %d, cib %d, plan %d, xml %d", len(entries),
		totals["config"], totals["cib"], totals["plan"], totals["xml"])
	if *rewrite {
		slices.Sort(lines)
		if err := os.WriteFile(roundTripFile, []byte(roundTripHeader+strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func readRoundTrips(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(roundTripFile)
	if err != nil && !*rewrite {
		t.Fatal(err)
	}
	passing := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			passing[words[0]] = words[1:]
		}
	}
	return passing
}

// roundTrip says how far a document survives, and what the first difference is.
func roundTrip(t testing.TB, raw []byte) (levels []string, why string) {
	t.Helper()
	doc, err := Read(bytes.NewReader(raw), "recorded.xml")
	if err != nil {
		t.Fatal(err)
	}
	text := config.Encode(doc.Decoded(), "cluster.hcl")
	d, diags := config.Decode(config.NewSet(text), config.Options{NoLints: true, AlertsWork: true, ACLsWork: true})
	if diags.HasErrors() {
		return nil, "what was written cannot be read:\n" + diags.Errors().String()
	}
	if diff := difference(doc, FromDecoded(d)); diff != "" {
		return nil, "after the configuration language (-before +after):\n" + diff
	}
	if again := config.Encode(d, "cluster.hcl"); !bytes.Equal(again.Text, text.Text) {
		return nil, "written twice, two texts:\n" + cmp.Diff(string(text.Text), string(again.Text))
	}
	levels = append(levels, "config")
	var xml bytes.Buffer
	if err := FromDecoded(d).Export(&xml); err != nil {
		return levels, err.Error()
	}
	back, err := Read(bytes.NewReader(xml.Bytes()), "exported.xml")
	if err != nil {
		return levels, err.Error()
	}
	if diff := difference(doc, back); diff != "" {
		return levels, "after the export (-before +after):\n" + diff
	}
	levels = append(levels, "cib")
	if one, two := decide(t, doc.Config, doc.Status), decide(t, back.Config, doc.Status); !reflect.DeepEqual(one, two) {
		why = "another decision (-before +after):\n" + cmp.Diff(one, two)
	} else {
		levels = append(levels, "plan")
	}
	if want, got := plainTree(t, raw), plainTree(t, xml.Bytes()); want != got {
		return levels, "as XML (-recorded +exported):\n" + cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
	}
	return append(levels, "xml"), why
}

// decide gives the actions and the placement that the engine decides on.
func decide(t testing.TB, cfg *policy.Config, status *policy.Status) *policy.Plan {
	t.Helper()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	plan, err := policy.Decide(policy.Input{Now: now, Config: cfg, Status: status})
	if err != nil {
		return nil
	}
	for i := range plan.Actions {
		plan.Actions[i].Reasons = nil // they name lines of the document
	}
	return &policy.Plan{Actions: plan.Actions, Placement: plan.Placement}
}

// difference compares what two documents mean.
func difference(a, b *Document) string {
	one, two := config.Canonical(a.Config), config.Canonical(b.Config)
	if reflect.DeepEqual(one, two) { // comparing is faster than telling the difference
		one, two = nil, nil
	}
	return cmp.Diff(one, two) +
		cmp.Diff(a.Decoded(), b.Decoded(), cmpopts.IgnoreFields(config.Decoded{}, "Policy", "Cluster", "Names", "Masked", "Fences"), cmpopts.IgnoreTypes(policy.Pos{}))
}

// TestFixturesRoundTrip does the same for the documents of this folder, where
// nothing may be lost but what their reading reports.
func TestFixturesRoundTrip(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.xml")
	if len(files) < 2 {
		t.Fatalf("only %v", files)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			levels, why := roundTrip(t, raw)
			want := "config cib plan xml"
			if filepath.Base(file) == "everything.xml" { // it has things that are reported and left out
				want = "config cib plan"
			}
			if got := strings.Join(levels, " "); got != want {
				t.Errorf("survives %q, not %q: %s", got, want, why)
			}
		})
	}
}

// TestLegacyAsText shows what a configuration with much that Pacemaker only
// tolerates looks like in the configuration language, and what it draws.
func TestLegacyAsText(t *testing.T) {
	raw, err := os.ReadFile("testdata/legacy.xml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := Read(bytes.NewReader(raw), "legacy.xml")
	if err != nil {
		t.Fatal(err)
	}
	text := config.Encode(doc.Decoded(), "cluster.hcl")
	_, diags := config.Decode(config.NewSet(text), config.Options{NoLints: true, AlertsWork: true, ACLsWork: true})
	for name, got := range map[string]string{"testdata/legacy.hcl": string(text.Text), "testdata/legacy-findings.txt": diags.String()} {
		if *rewrite {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got; -rewrite accepts):\n%s", name, diff)
		}
	}
}

// TestExportIsValid asks a validator about the exports of all fixtures.
func TestExportIsValid(t *testing.T) {
	const schema = "/usr/share/pacemaker/" + ExportSchema + ".rng"
	lint, err := exec.LookPath("xmllint")
	if _, missing := os.Stat(schema); err != nil || missing != nil {
		t.Skip("left out: needs xmllint and " + schema)
	}
	files, _ := filepath.Glob("testdata/*.xml")
	for _, file := range files {
		if filepath.Base(file) == "everything.xml" {
			continue // it has elements that no schema knows
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := Read(bytes.NewReader(raw), file)
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "export.xml")
		var xml bytes.Buffer
		if err := doc.Export(&xml); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(out, xml.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if answer, err := exec.Command(lint, "--noout", "--relaxng", schema, out).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", file, err, answer, xml.String())
		}
	}
}

// TestExamplesRoundTrip exports what people write and reads it back.
func TestExamplesRoundTrip(t *testing.T) {
	for _, files := range [][]string{{"demo/*"}, {"web/*"}, {"web/cluster", "nfs/*"}, {"web/cluster", "postgres/*"}} {
		t.Run(files[len(files)-1][:3], func(t *testing.T) {
			var docs []config.Document
			for _, pattern := range files {
				found, _ := filepath.Glob("../../examples/" + pattern + ".hcl")
				for _, name := range found {
					text, err := os.ReadFile(name)
					if err != nil {
						t.Fatal(err)
					}
					docs = append(docs, config.Document{Name: filepath.Base(name), Text: text})
				}
			}
			d, diags := config.Decode(config.NewSet(docs...), config.Options{NoLints: true})
			if diags.HasErrors() || len(d.Policy.Resources) == 0 {
				t.Fatal("not readable:", diags)
			}
			var xml bytes.Buffer
			if err := FromDecoded(d).Export(&xml); err != nil {
				t.Fatal(err)
			}
			back, err := Read(&xml, "export.xml")
			if err != nil {
				t.Fatal(err)
			}
			if diff := difference(FromDecoded(d), back); diff != "" {
				t.Errorf("after the export (-before +after):\n%s", diff)
			}
		})
	}
}
