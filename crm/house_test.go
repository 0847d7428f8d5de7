package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/holdfast-ha/holdfast/"

// mayNotImport says who may not enter which room, and why.
var mayNotImport = []struct{ who, what, why string }{
	{"membership", "crm", "membership knows nothing of resources: it can be understood, tested and trusted alone"},
	{"membership", "fencing", "who is lost is decided without asking how it will be shot"},
	{"membership", "agents", "the four libraries never import each other"},
	{"membership", "policy", "the four libraries never import each other"},
	{"fencing", "crm", "a fence operation needs devices and a target, not a cluster manager"},
	{"fencing", "membership", "the four libraries never import each other"},
	{"fencing", "agents", "the four libraries never import each other"},
	{"fencing", "policy", "the four libraries never import each other"},
	{"agents", "crm", "an agent knows one resource on this node and nothing else"},
	{"agents", "membership", "the four libraries never import each other"},
	{"agents", "fencing", "the four libraries never import each other"},
	{"agents", "policy", "the four libraries never import each other"},
	{"policy", "crm", "policy decides on what it is given"},
	{"policy", "membership", "the four libraries never import each other"},
	{"policy", "fencing", "the four libraries never import each other"},
	{"policy", "agents", "the four libraries never import each other"},
	{"crm/state", "crm/control", "the state does not know who decides on it"},
	{"crm/state", "crm/config", "Apply decodes nothing: another version's decoder must not give another state"},
	{"crm/state", "membership", "the state machine is fed, it does not know by whom"},
	{"crm/control", "membership", "the controller is told who is here"},
	{"crm/control", "agents", "the controller orders, executors run"},
	{"crm/executor", "crm/control", "an executor carries out and never decides"},
	{"crm/executor", "membership", "an executor is given its orders and a way to report"},
	{"crm/api", "crm/daemon", "the API asks a Backend, so that it can be tested without one"},
	{"crm/config", "crm/state", "a language, not a cluster"},
}

// pure are the packages whose code takes events and time and returns effects.
var pure = []string{"policy", "crm/state", "crm/control", "membership/core", "fencing"}

// impure are imports by which time, chance, the machine or other goroutines
// would enter.
var impure = map[string]string{
	"os": "I/O", "os/exec": "I/O", "net": "I/O", "net/http": "I/O", "io/fs": "I/O", "syscall": "I/O", "golang.org/x/sys/unix": "I/O",
	"sync": "goroutines", "sync/atomic": "goroutines", "context": "goroutines",
	"math/rand": "chance", "math/rand/v2": "chance", "crypto/rand": "chance",
	"log": "logging", "log/slog": "logging", "github.com/hashicorp/go-hclog": "logging",
}

// clock are the functions of package time that look at the clock.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

type file struct {
	path string // relative to the repository
	dir  string
	ast  *ast.File
}

// sources parses every Go file that is not a test.
func sources(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(path, "../"))
		files = append(files, file{path: rel, dir: filepath.ToSlash(filepath.Dir(rel)), ast: parsed})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d files found: the walk is wrong", len(files))
	}
	return files
}

func within(dir, room string) bool { return dir == room || strings.HasPrefix(dir, room+"/") }

func TestImportsPointOneWay(t *testing.T) {
	for _, f := range sources(t) {
		for _, imp := range f.ast.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			room, own := strings.CutPrefix(path, module)
			if !own {
				continue
			}
			for _, rule := range mayNotImport {
				if within(f.dir, rule.who) && within(room, rule.what) {
					t.Errorf("%s imports %s: %s", f.path, room, rule.why)
				}
			}
		}
	}
}

func TestPureCoresStayPure(t *testing.T) {
	for _, f := range sources(t) {
		if !slices.Contains(pure, f.dir) {
			continue
		}
		for _, imp := range f.ast.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			if why, bad := impure[path]; bad {
				t.Errorf("%s imports %s: a pure core has no %s", f.path, path, why)
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s starts a goroutine", f.path)
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, n.Sel.Name) {
					t.Errorf("%s calls time.%s: time is an argument", f.path, n.Sel.Name)
				}
			}
			return true
		})
	}
}

// TestEveryPackageTellsItsStory: each package has a package comment, in doc.go
// unless it is a command or has one file.
func TestEveryPackageTellsItsStory(t *testing.T) {
	told, count := map[string]bool{}, map[string]int{}
	for _, f := range sources(t) {
		count[f.dir]++
		if f.ast.Doc != nil {
			told[f.dir] = true
		}
	}
	for dir := range count {
		if !told[dir] {
			t.Errorf("package %s has no package comment", dir)
		}
		if _, err := os.Stat(filepath.Join("..", dir, "doc.go")); err != nil && count[dir] > 3 {
			t.Errorf("package %s has %d files and no doc.go", dir, count[dir])
		}
	}
}

func TestNothingIsCalledUtil(t *testing.T) {
	for _, f := range sources(t) {
		if slices.Contains([]string{"util", "utils", "common", "helpers", "types", "misc"}, f.ast.Name.Name) {
			t.Errorf("%s: a package called %s says nothing about what is in it", f.path, f.ast.Name.Name)
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function: nothing happens by import", f.path)
			}
		}
	}
}
