package render

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-ha/holdfast/crm/cib"
	"github.com/holdfast-ha/holdfast/policy"
)

var rewrite = flag.Bool("rewrite", false, "write what is rendered into the golden files")

// TestStatus reads stories: a CIB, the nodes and the placement that a decision
// made of it, and for each set of options the display that is wanted. A section
// "want brief inactive" is rendered with the options Brief and Inactive.
func TestStatus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			view := viewOf(t, archive)
			for i, f := range archive.Files {
				words := strings.Fields(f.Name)
				if words[0] != "want" {
					continue
				}
				var b strings.Builder
				if err := Status(&b, view, optionsOf(words[1:])); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(f.Data), b.String()); diff != "" && !*rewrite {
					t.Errorf("%s (-want +got):\n%s", f.Name, diff)
				}
				archive.Files[i].Data = []byte(b.String())
			}
			if *rewrite {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func optionsOf(words []string) Options {
	var o Options
	for _, word := range words {
		switch word {
		case "inactive":
			o.Inactive = true
		case "brief":
			o.Brief = true
		case "bynode":
			o.ByNode = true
		case "noheaders":
			o.NoHeaders = true
		case "indented":
			o.Indent = 1
		case "color":
			o.Color = true
		}
	}
	return o
}

// viewOf reads the sections cib.xml, nodes ("n1 online standby"), placement
// ("web n1 Started failed"), summary.json and fencing.json.
func viewOf(t *testing.T, archive *txtar.Archive) View {
	t.Helper()
	var v View
	for _, f := range archive.Files {
		switch f.Name {
		case "cib.xml":
			config, status, _, err := cib.Import(strings.NewReader(string(f.Data)), f.Name)
			if err != nil {
				t.Fatal(err)
			}
			v.Config, v.Failures, v.Agents = config, Failures(status), HistoryAgents(status)
		case "nodes":
			for line := range strings.Lines(string(f.Data)) {
				v.Nodes = append(v.Nodes, nodeOf(strings.Fields(line)))
			}
		case "placement":
			for line := range strings.Lines(string(f.Data)) {
				v.Placement = append(v.Placement, placementOf(strings.Fields(line)))
			}
		case "summary.json":
			unmarshal(t, f.Data, &v.Summary)
		case "fencing.json":
			unmarshal(t, f.Data, &v.Fencing)
		}
	}
	return v
}

func unmarshal(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func nodeOf(words []string) policy.NodeView {
	n := policy.NodeView{Name: words[0]}
	for _, word := range words[1:] {
		switch word {
		case "online":
			n.Online = true
		case "unclean":
			n.Unclean = true
		case "pending":
			n.Pending = true
		case "standby":
			n.Standby = true
		case "maintenance":
			n.Maintenance = true
		case "remote":
			n.Remote = true
		}
	}
	return n
}

func placementOf(words []string) policy.Placement {
	p := policy.Placement{Resource: words[0], Node: words[1], Role: policy.Role(words[2])}
	for _, word := range words[3:] {
		switch word {
		case "failed":
			p.Failed = true
		case "blocked":
			p.Blocked = true
		case "unmanaged":
			p.Unmanaged = true
		case "orphaned":
			p.Orphaned = true
		case "disabled":
			p.Disabled = true
		}
	}
	return p
}
