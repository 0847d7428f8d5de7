package membership

import (
	"os"
	"path/filepath"
	"testing"
)

// What counts as a new boot, and what only as a new start.
func TestLives(t *testing.T) {
	dir, runDir := t.TempDir(), filepath.Join(t.TempDir(), "run")
	next := func(what, bootID string, want Life) {
		t.Helper()
		if got, err := nextLife(dir, runDir, bootID); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", what, got, err, want)
		}
	}
	next("the first start", "x", Life{Boot: 1, Incarnation: 1})
	next("a restart", "x", Life{Boot: 1, Incarnation: 2})
	next("another kernel boot", "y", Life{Boot: 2, Incarnation: 3})
	next("a restart", "y", Life{Boot: 2, Incarnation: 4})
	os.RemoveAll(runDir)
	next("an empty run-time folder, as in a restarted container", "y", Life{Boot: 3, Incarnation: 5})
	next("a restart", "y", Life{Boot: 3, Incarnation: 6})
	if err := os.WriteFile(filepath.Join(dir, "lives.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := nextLife(dir, runDir, "y"); err == nil {
		t.Error("a damaged count is accepted, so numbers could repeat")
	}
}
