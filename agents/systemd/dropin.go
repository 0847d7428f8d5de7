package systemd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// dropInName is the file in each managed unit's folder of drop-ins.
const dropInName = "50-holdfast.conf"

// pendingName marks changes on disk that systemd has not read yet. systemd
// ignores a file of this name.
const pendingName = "holdfast-reload.pending"

// Drops writes the drop-ins for the managed units below dir, and removes those
// of units that are managed no longer. ownUnit, our daemon's unit, is ordered
// after all of them, which means that at shutdown systemd stops it first. It
// says whether anything changed; then systemd has to read its files again.
//
// The names must be complete (see [UnitName]); duplicates are harmless.
func Drops(dir, ownUnit string, units []string) (changed bool, err error) {
	want := contents(ownUnit, units)
	present, err := filepath.Glob(filepath.Join(dir, "*.d", dropInName))
	if err != nil {
		return false, err
	}
	for _, file := range present {
		if _, keep := want[relative(dir, file)]; keep {
			continue
		}
		if err := mark(dir, &changed); err != nil {
			return changed, err
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return changed, fmt.Errorf("drop-in of a unit that is managed no longer: %w", err)
		}
		_ = os.Remove(filepath.Dir(file)) // only when nothing else is in it
	}
	files := make([]string, 0, len(want))
	for file := range want {
		files = append(files, file)
	}
	slices.Sort(files)
	for _, file := range files {
		path := filepath.Join(dir, file)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, want[file]) {
			continue
		}
		if err := mark(dir, &changed); err != nil {
			return changed, err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return changed, fmt.Errorf("drop-in: %w", err)
		}
		if err := replace(path, want[file]); err != nil {
			return changed, fmt.Errorf("drop-in: %w", err)
		}
	}
	return changed, nil
}

// replace writes a file in one step. It does not wait for the disk: the folder
// is in memory and gone with the next boot.
func replace(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// mark notes on disk, before the first change, that a reload is due.
func mark(dir string, changed *bool) error {
	if *changed {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("drop-ins: %w", err)
	}
	*changed = true
	if err := os.WriteFile(filepath.Join(dir, pendingName), nil, 0o644); err != nil {
		return fmt.Errorf("drop-ins: %w", err)
	}
	return nil
}

func relative(dir, file string) string {
	rel, err := filepath.Rel(dir, file)
	if err != nil {
		return file
	}
	return rel
}

// contents are the drop-ins by their path below the directory.
func contents(ownUnit string, units []string) map[string][]byte {
	units = slices.Clone(units)
	slices.Sort(units)
	units = slices.Compact(units)
	want := map[string][]byte{}
	for _, unit := range units {
		var b strings.Builder
		b.WriteString("# Written by Holdfast while the cluster manages this unit; do not edit.\n" +
			"[Unit]\nStartLimitIntervalSec=0\n")
		if suffixOf(unit) == ".service" {
			b.WriteString("\n[Service]\nRestart=no\n")
		}
		want[filepath.Join(unit+".d", dropInName)] = []byte(b.String())
	}
	if len(units) > 0 {
		var b strings.Builder
		b.WriteString("# Written by Holdfast: it stops before the units that the cluster manages.\n[Unit]\n")
		for _, unit := range units {
			b.WriteString("After=" + unit + "\n")
		}
		want[filepath.Join(ownUnit+".d", dropInName)] = []byte(b.String())
	}
	return want
}

// Sync makes the drop-ins match the units that the configuration names, and
// lets systemd read its files again, once, only if something changed. Call it
// when the configuration changes, and once when the daemon starts. A reload
// that failed is made up for by the next call.
func (a *Agent) Sync(ctx context.Context, units []string) error {
	names := make([]string, len(units))
	for i, u := range units {
		name, err := UnitName(u)
		if err != nil {
			return err
		}
		names[i] = name
	}
	if _, err := Drops(a.cfg.DropInDir, a.cfg.OwnUnit, names); err != nil {
		return err
	}
	pending := filepath.Join(a.cfg.DropInDir, pendingName)
	if _, err := os.Stat(pending); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := a.do(ctx, func(l *link) error {
		_, err := l.call(ctx, managerPath, managerIface+".Reload")
		return err
	})
	if err != nil {
		return fmt.Errorf("daemon-reload: %w", err)
	}
	return os.Remove(pending)
}
